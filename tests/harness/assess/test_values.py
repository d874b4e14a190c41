"""Where a target's own kernels ran a sample anyway, their values decide, and not that they ran."""

from dataclasses import replace

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.assess.assessment import Assessment, Prediction
from harness.assess.predictions import deduce_predictions, store_trial, stored_outcome, trial_prediction, trial_runs
from harness.assess.recommendation import refused_everywhere, tfjs_advice, tflite_advice
from harness.assess.reference_recheck import ReferenceRechecker
from harness.assess.trials import Trials
from harness.cache import Cache
from harness.conversion.golden import read_golden
from harness.errors import Crashed, Unsupported
from harness.examination import Answer, Examination
from harness.store.record import Conditioning, OutputConditioning
from harness.target import Footprint, Tried
from tests.harness.fakes.artifact import made_artifact
from tests.harness.fakes.converter import FAKE_FORMAT, FakeConverter, entry
from tests.harness.fakes.raising import RaisingTarget

TARGET = RaisingTarget("tfjs/chromium-wasm")
KEY = ("fake", "float32")
SHAPE = (1, 2, 3)
EXPECTED = np.arange(6, dtype=np.float32).reshape(SHAPE)


def trials(outputs, reference):
    info = TensorInfo(name="y", tensor="y", index=0, shape=SHAPE[1:], dtype="float32")
    artifact = made_artifact(
        model="m",
        format="fake",
        variant="float32",
        key="k",
        digest="d",
        entry="e",
        outputs=(info,),
        directory=".",
    )
    answers = {TARGET.name: Answer((), "Node.js", outputs)}
    return Trials(
        {KEY: artifact}, {KEY: Examination(answers=answers)}, references={KEY: reference} if reference else {}
    )


@pytest.mark.parametrize(
    ("outputs", "reference", "verdict"),
    [
        ({"y": EXPECTED}, {"y": EXPECTED}, "expected to run"),
        ({"y": EXPECTED + np.float32(1e-6)}, {"y": EXPECTED}, "expected to run"),
        ({"y": EXPECTED[:, ::-1]}, {"y": EXPECTED}, "wrong"),
        ({"y": np.full(SHAPE, np.nan, np.float32)}, {"y": EXPECTED}, "wrong"),
        ({"y": EXPECTED[:, :1]}, {"y": EXPECTED}, "wrong"),
        (None, {"y": EXPECTED}, "expected to run"),
        ({"y": EXPECTED[:, ::-1]}, None, "expected to run"),
    ],
)
def test_a_backend_that_runs_a_model_wrongly_is_predicted_to_be_wrong(outputs, reference, verdict):
    (prediction,) = deduce_predictions(TARGET, trials(outputs, reference), {})
    assert prediction.verdict == verdict
    assert bool(prediction.reason) == (verdict == "wrong")


def tried(outputs, closer=None):
    known = trials(None, {"y": EXPECTED})
    return trial_prediction(TARGET, "float32", Tried(Footprint({"arena_bytes": 5}), outputs), known, closer)


def test_a_trial_run_is_judged_by_what_it_gave_and_not_by_having_run():
    assert tried({"y": EXPECTED}).verdict == "runs"
    prediction = tried({"y": EXPECTED[:, ::-1]})
    assert (prediction.verdict, prediction.arena_bytes) == ("wrong", 5)
    assert prediction.reason.startswith("Runtime: output 'y'")


def test_a_reference_that_is_outvoted_makes_no_trial_wrong():
    sound = EXPECTED[:, ::-1]
    assert tried({"y": sound}, lambda *_: ({"y": sound}, None)).verdict == "runs"
    assert tried({"y": sound}, lambda *_: ({"y": EXPECTED}, None)).verdict == "wrong"


def test_a_model_that_moves_as_far_by_itself_makes_no_trial_wrong():
    figures = OutputConditioning(output="y", sqnr_db=50.0, peak=1e-2, steps=None, step=None)
    moves = Conditioning(samples=1, draws=4, outputs=(figures,))
    near = {"y": EXPECTED * np.float32(1.001)}
    assert tried(near).verdict == "wrong"
    assert tried(near, lambda *_: ({"y": EXPECTED}, moves)).verdict == "runs"


def test_nothing_is_looked_at_more_closely_where_nothing_is_wrong():
    def closer(*_):
        raise AssertionError("it costs seconds")

    assert tried({"y": EXPECTED}, closer).verdict == "runs"


def test_what_is_no_number_in_the_reference_itself_makes_no_trial_wrong():
    none = {"y": np.full(SHAPE, np.nan, np.float32)}
    known = trials(None, none)
    for outputs in (none, {"y": EXPECTED}):
        assert trial_prediction(TARGET, "float32", Tried(Footprint(), outputs), known).verdict == "runs"


def test_a_trial_is_kept_with_its_values(tmp_path):
    cache = Cache(tmp_path)
    store_trial(cache, "run", Tried(Footprint({"arena_bytes": 5}), {"scores/out:0": EXPECTED}))
    store_trial(cache, "refused", Unsupported("no kernel"))
    kept = stored_outcome(cache.find("tried", "run"))
    assert kept.footprint.figures == {"arena_bytes": 5}
    assert np.array_equal(kept.outputs["scores/out:0"], EXPECTED)
    assert str(stored_outcome(cache.find("tried", "refused"))) == "no kernel"


@pytest.mark.parametrize(("has_its_values", "verdict"), [(True, "wrong"), (False, "not known")])
def test_wrong_values_of_a_relative_say_nothing_of_kernels_for_another_processor(has_its_values, verdict):
    target = RaisingTarget("fake/emulated")
    target.predicted_by, target.predicted_values = "fake/quick", has_its_values
    wrong = Prediction(
        target="fake/quick", format="fake", variant="float32", verdict="wrong", how="tried", reason="off by 5"
    )
    (prediction,) = deduce_predictions(target, trials(None, None), {("fake/quick", "float32"): wrong})
    assert prediction.verdict == verdict
    assert prediction.reason


def assessment(*verdicts, form="tflite"):
    answers = tuple(
        Prediction(target=target, format=form, variant=variant, verdict=verdict, how="tried", reason="because")
        for target, variant, verdict in verdicts
    )
    empty = dict.fromkeys(("inputs", "operators", "tflite_operators", "experimental", "notes", "recommendation"), ())
    return Assessment(
        model="m",
        recognised="it",
        open_dimensions={},
        parameters=None,
        macs=None,
        peak_activation_bytes={},
        types={},
        sizes=({"format": form, "variant": "float32", "bytes": 1},),
        predictions=answers,
        default_targets=("one", "two"),
        microcontroller=None,
        metadata={},
        **empty,
    )


def test_a_model_that_a_default_target_takes_in_no_variant_is_not_convertible_directly():
    fine = assessment(("one", "float32", "runs"), ("one", "int8", "does not run"), ("rare", "int8", "does not run"))
    assert refused_everywhere(fine, "tflite") == {}
    assert tflite_advice(fine) == ["TFLite: convertible directly, with builtin operators alone."]
    refused = assessment(("one", "float32", "runs"), ("two", "float32", "does not run"), ("two", "int8", "wrong"))
    advice = tflite_advice(refused)
    assert advice == [
        "TFLite: it converts with builtin operators alone, but no variant is of use on two.",
        "Not on two: because",
    ]


def test_a_backend_with_wrong_values_is_not_one_that_is_expected_to_run_it():
    found = assessment(("one", "float32", "expected to run"), ("two", "float32", "wrong"), form="tfjs")
    assert tfjs_advice(found) == [
        "TensorFlow.js: convertible; expected to run on one.",
        "Not on two: because",
    ]


def test_a_variant_of_the_projects_own_is_looked_at_more_closely_as_any_other(tmp_path):
    converter = FakeConverter(tmp_path)
    converter.cache = Cache(tmp_path / "cache")
    own = replace(FAKE_FORMAT.variant("int8"), name="smallest")
    model = replace(entry(), own_variants=(("fake", own),))
    prepared = converter.prepare(model)
    artifact = converter.convert(prepared, FAKE_FORMAT, own)
    references = {("fake", "smallest"): converter.reference(prepared, artifact, FAKE_FORMAT)}
    closer = ReferenceRechecker(model, converter, {"fake": FAKE_FORMAT}, prepared, references)
    values, conditioning = closer(TARGET, artifact)
    assert np.array_equal(values["y"], references["fake", "smallest"].read()["y"])
    assert conditioning is None


def test_one_variant_costs_no_other_its_prediction(tmp_path, monkeypatch):
    """Of three, one has no value for an input, and the values of another cannot be looked at more closely."""
    converter = FakeConverter(tmp_path)
    prepared = converter.prepare(entry())
    golden = read_golden(prepared.golden_path)
    golden.inputs["x"][0, 0, 0] = np.nan
    sound = converter.convert(prepared, FAKE_FORMAT, FAKE_FORMAT.variant("float32"))
    (info,) = sound.inputs
    quantised = info.model_copy(update={"dtype": "int8", "quantisation": Quantisation(scale=0.1, zero_point=0)})
    made = {
        "float32": sound,
        "int8": sound.model_copy(update={"variant": "int8", "digest": "b", "inputs": (quantised,)}),
        "other": sound.model_copy(update={"variant": "other", "digest": "c"}),
    }
    references = {("fake", "other"): {"y": np.zeros((1, 1, 4), np.float32)}}
    known = Trials({("fake", name): artifact for name, artifact in made.items()}, references=references)

    def closer(*_):
        raise Crashed("The converter died.")

    found = trial_runs(RaisingTarget(), golden, prepared, known, Cache(tmp_path / "cache"), closer)
    said = {one.variant: (one.verdict, one.reason) for one in found}
    assert said["float32"][0] == "runs"
    assert said["int8"][0] == "does not run"
    assert "has NaN" in said["int8"][1]
    assert said["other"] == ("not known", "The converter died.")
