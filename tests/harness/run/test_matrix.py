"""The matrix: the default one, globs, and one sentence for what matches nothing."""

import pytest

from harness.errors import HarnessError
from harness.run.matrix import Selection, cases
from harness.variant import Format, Variant
from tests.harness.fakes.converter import entry
from tests.harness.fakes.target import FakeTarget

FLOAT32 = Variant("float32", "")
FORMAT = Format("fake", (FLOAT32, Variant("int8", ""), Variant("small", "", made_from=FLOAT32)), converter=None)
MODELS = {"double": entry("double"), "triple": entry("triple")}


class Rare(FakeTarget):
    default_variants = ()


TARGETS = {"fake/plain": FakeTarget("fake/plain"), "fake/rare": Rare("fake/rare")}


def ids(**globs):
    return [case.id for case in cases(Selection(**globs), MODELS, TARGETS, {"fake": FORMAT})]


def test_the_default_takes_each_target_with_its_usual_variants():
    assert ids() == ["double/float32/fake/plain", "triple/float32/fake/plain"]


def test_everything_takes_every_variant_on_every_target():
    assert len(ids(everything=True)) == 2 * 3 * 2


def test_a_variant_that_is_named_runs_wherever_it_can():
    assert ids(models=("double",), variants=("int8",)) == ["double/int8/fake/plain", "double/int8/fake/rare"]


def test_a_target_that_is_named_and_has_no_usual_variants_takes_all():
    assert ids(models=("d*",), targets=("*rare",)) == ["double/float32/fake/rare", "double/int8/fake/rare"]


def test_what_is_made_from_another_artifact_runs_when_it_is_named():
    assert ids(models=("double",), variants=("small",)) == ["double/small/fake/plain", "double/small/fake/rare"]


@pytest.mark.parametrize("what", ["model", "variant", "target"])
def test_a_glob_that_matches_nothing_lists_what_there_is(what):
    with pytest.raises(HarnessError, match=f"No {what} matches 'nonsense'; there are "):
        ids(**{f"{what}s": ("nonsense",)})


def test_a_target_at_a_place_is_not_looked_for_on_this_machine():
    with pytest.raises(HarnessError, match=r"'fake/plain@pi' is at a place, .* write fake/plain for this"):
        ids(targets=("fake/plain@pi",))


def test_a_selection_without_a_case_is_an_error():
    with pytest.raises(HarnessError, match="No case matches"):
        ids(targets=("fake/plain",), variants=("ready",))


def test_a_software_renderer_is_timed_only_when_it_is_asked_for_by_name():
    class Software(FakeTarget):
        simulated = True

    targets = {"fake/software": Software("fake/software")}

    def timed(selection):
        return {case.timed for case in cases(selection, MODELS, targets, {"fake": FORMAT})}

    assert timed(Selection()) == {False}
    assert timed(Selection(targets=("fake/*",))) == {True}
    assert timed(Selection(everything=True)) == {True}
