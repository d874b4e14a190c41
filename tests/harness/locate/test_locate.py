"""Looking into a case: what is asked of converter and target, with a chain of three operators in place of both."""

from dataclasses import replace

import pytest

from harness import registry
from harness.cli.locating import verdict
from harness.errors import Crashed, Failed, Unavailable, Unsupported
from harness.gate.policy import ParityRule, Policy
from harness.locate.locator import Locator
from harness.operator_outputs import with_outputs
from harness.run.matrix import Case
from tests.harness.fakes.chain import FORMAT, ChainConverter, ChainTarget, inside, locator, operations
from tests.harness.fakes.converter import FAKE_FORMAT, entry
from tests.harness.fakes.target import FakeTarget


def test_the_operator_that_a_target_computes_otherwise_is_at_fault(tmp_path):
    made, _ = locator(tmp_path, ChainTarget({"SHIFT": 0.25}))
    found = made.runtime()
    assert found.first_broken.operation.operator == "SHIFT"
    assert [seen.differs for seen in found.seen] == [False, True, True]
    assert found.against == "the reference"
    assert found.notes == ()


def test_a_target_that_agrees_is_exact_to_the_last_operator(tmp_path):
    found = locator(tmp_path)[0].runtime()
    assert found.exact
    assert len(found.seen) == 3
    assert found.unseen == 0
    assert found.seen[0].shape == (1, 4)


def test_two_targets_stand_beside_each_other_without_a_reference(tmp_path):
    """What one core's kernels compute otherwise than another's."""
    made, _ = locator(tmp_path, ChainTarget({"SCALE": 1.0, "SHIFT": 0.25}))
    other = ChainTarget({"SCALE": 1.0})
    other.name = "fake/other"
    found = made.beside(other)
    assert found.against == "fake/other"
    assert found.first_differing.operation.operator == "SHIFT", "both are wrong in SCALE, and alike"
    assert [seen.differs for seen in found.seen] == [False, True, True]


def test_a_target_that_cannot_stand_beside_it_says_why(tmp_path):
    with pytest.raises(Unavailable, match="the fake runtime"):
        locator(tmp_path)[0].beside(ChainTarget(ready=False))


def test_a_target_without_room_for_all_results_shows_them_in_parts(tmp_path):
    found = locator(tmp_path, ChainTarget({"SHIFT": 0.25}, room=2))[0].runtime()
    assert len(found.seen) == 3
    assert found.first_broken.operation.operator == "SHIFT"


def test_a_result_that_a_target_never_shows_is_counted_and_left_out(tmp_path):
    found = locator(tmp_path, ChainTarget({"SCALE": 0.25}, hidden=("@0.0",)))[0].runtime()
    assert [seen.operation.operator for seen in found.seen] == ["SHIFT", "HALVE"]
    assert found.unseen == 1
    assert found.first_broken.operation.operator == "SHIFT", "the first that can be seen"


class WithoutInt8(ChainTarget):
    """As LiteRT.js, which has no tensors of that type."""

    def unsupported_operators(self, artifact):
        return ("tensors of type int8",) if any(info.dtype == "int8" for info in artifact.outputs) else ()


def test_results_of_a_type_that_a_target_gives_no_outputs_of_are_left_out_and_counted(tmp_path):
    def in_integers(artifact):
        return tuple(
            replace(one, results=tuple(info.model_copy(update={"dtype": "int8"}) for info in one.results))
            if one.operator != "HALVE"
            else one
            for one in operations(artifact)
        )

    form = replace(FORMAT, operator_outputs=replace(FORMAT.operator_outputs, operations=in_integers))
    found = locator(tmp_path, WithoutInt8({"HALVE": 0.25}), form=form)[0].runtime()
    assert [seen.operation.operator for seen in found.seen] == ["HALVE"]
    assert found.unseen == 2
    assert found.notes == ("2 results are of type int8, which fake/chain has no outputs of.",)


def test_a_target_that_computes_otherwise_when_it_is_watched_is_told_of(tmp_path):
    (note,) = locator(tmp_path, ChainTarget(fused=0.125))[0].runtime().notes
    assert "cannot fuse what is looked at" in note


def test_a_target_that_refuses_for_another_reason_than_room_is_not_asked_again_and_again(tmp_path):
    target = ChainTarget(refuses="FROBNICATE is not an operator of this runtime")
    with pytest.raises(Unsupported, match="FROBNICATE"):
        locator(tmp_path, target)[0].runtime()
    assert target.opened == 4, "as it is, with all results, with the first and with the last"


def test_a_crash_is_not_taken_for_a_lack_of_room(tmp_path):
    made, _ = locator(tmp_path, ChainTarget(crash=True))
    with pytest.raises(Crashed):
        made.runtime()


def test_only_the_first_samples_are_looked_at(tmp_path):
    made, converter = locator(tmp_path, samples=7)
    assert made.runtime().exact
    assert converter.samples == 7
    assert made.prepared.golden_digest != "golden", "or the reference's outputs of all samples would be taken"


def test_the_conversion_edge_holds_a_variant_against_the_float32_one(tmp_path):
    found = locator(tmp_path, variant="int8")[0].conversion()
    assert found.first_broken.operation.operator == "SHIFT"
    assert found.against == "the float32 artifact in the reference"


def test_a_ready_artifact_is_judged_by_its_numeric_scheme(tmp_path):
    """As the gate judges it: `int8-ready`, not float32."""
    made, _ = locator(tmp_path, ChainTarget({"SHIFT": 0.02}), variant="ready")
    assert made.runtime().first_broken is not None
    made.artifact = made.artifact.model_copy(update={"scheme": "int8"})
    assert made.runtime().first_broken is None


def test_a_ready_artifact_has_no_finer_form(tmp_path):
    with pytest.raises(Unsupported, match="no finer form"):
        locator(tmp_path, variant="ready")[0].conversion()


def test_what_a_target_lacks_is_said_in_its_words(tmp_path):
    with pytest.raises(Unavailable, match="the fake runtime"):
        locator(tmp_path, ChainTarget(ready=False))[0].runtime()


def test_operators_that_a_target_lacks_are_named(tmp_path):
    with pytest.raises(Unsupported, match="does not run SHIFT"):
        locator(tmp_path, ChainTarget(missing=("SHIFT",)))[0].runtime()


def test_a_format_that_shows_nothing_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="inside of fake artifacts"):
        locator(tmp_path, form=FAKE_FORMAT)


def test_an_artifact_that_shows_more_has_a_digest_of_its_own(tmp_path):
    made, _ = locator(tmp_path)
    shown = with_outputs(made.artifact, [inside(0)])
    assert shown.digest not in (made.artifact.digest, with_outputs(made.artifact, [inside(1)]).digest)
    assert [(info.name, info.index) for info in shown.outputs] == [("y", 0), ("@0.0", 1)]


def test_a_float32_artifact_that_keeps_to_tensorflow_shows_its_outputs_alone(tmp_path):
    found = locator(tmp_path)[0].conversion()
    assert (found.before, found.outputs_alone, found.against) == ("", True, "TensorFlow")
    assert [seen.result.name for seen in found.seen] == ["y"]
    assert "keep to the rules" in verdict(found)


def test_a_float32_artifact_that_differs_from_tensorflow_is_at_fault_before_any_target(tmp_path):
    made, converter = locator(tmp_path)
    converter.faults = {"HALVE": 0.5}
    found = made.conversion()
    assert "differs from TensorFlow before any target runs it" in found.before
    assert "The fault is in the conversion" in verdict(found)
    assert "no operator can be named" in verdict(found)


def test_what_stands_for_tensorflow_is_said_to_be_at_fault_where_another_variant_is_looked_into(tmp_path):
    made, converter = locator(tmp_path, variant="int8")
    converter.faults = {"HALVE": 0.5}
    assert any("differs from TensorFlow" in note for note in made.conversion().notes)


def test_a_fault_of_the_golden_is_said_and_nothing_is_looked_into(tmp_path):
    class Faulty(ChainConverter):
        def prepare(self, entry):
            found = super().prepare(entry)
            return replace(found, facts={**found.facts, "golden_fault": "TensorFlow's own output 'y' is NaN."})

    with pytest.raises(Failed, match="output 'y' is NaN"):
        Locator(
            Case(entry(), FORMAT, FORMAT.variant("float32"), ChainTarget()), Faulty(tmp_path), Policy(), 4, tmp_path
        )


def test_a_reference_that_others_agree_against_is_named_and_the_target_is_held_against_them(tmp_path, monkeypatch):
    form = replace(FORMAT, alternative_references=(("fake/one",), ("fake/two",)))
    monkeypatch.setattr(registry, "targets", lambda: {name: FakeTarget(name) for name in ("fake/one", "fake/two")})
    made, converter = locator(tmp_path, form=form)
    converter.faults = {"SHIFT": 0.5}
    found = made.runtime()
    assert found.exact
    assert found.against == "fake/one"
    assert any("the reference) is wrong here: fake/one, fake/two" in note for note in found.notes)


@pytest.mark.parametrize(("bytes_of", "against"), [("fake/two", "fake/two"), ("", "the reference")])
def test_a_target_that_has_to_give_anothers_bytes_is_held_against_that_one_inside_too(
    tmp_path, monkeypatch, bytes_of, against
):
    form = replace(FORMAT, alternative_references=(("fake/one",), ("fake/two",)))
    monkeypatch.setattr(registry, "targets", lambda: {name: FakeTarget(name) for name in ("fake/one", "fake/two")})
    rule = ParityRule(edge="runtime", metric="max_lsb", limit=0, source="its own kernels", bytes_of=bytes_of)
    made, converter = locator(tmp_path, form=form, rules=[rule])
    converter.faults = {"SCALE": 0.5, "SHIFT": -0.5}  # another way to the same outputs
    found = made.runtime()
    assert (found.against, found.exact) == (against, bool(bytes_of))
