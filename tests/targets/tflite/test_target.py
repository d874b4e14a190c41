"""The TFLite interpreters, for real: right numbers, plausible times, and one sentence for a file that is no model."""

from pathlib import Path

import numpy as np
import pytest

from harness.artifact import Artifact, TensorInfo
from harness.errors import CaseError
from harness.target import TimingPlan
from harness_targets.tflite.target import TFLiteTarget, targets
from tests.harness.fakes.artifact import made_artifact
from tests.parts import shared_models_folder

HERE = [target for target in targets() if isinstance(target, TFLiteTarget)]
NAMES = [target.name for target in HERE]
PLAN = TimingPlan(min_iterations=50, min_seconds=0.0, max_iterations=50)


@pytest.fixture(params=NAMES)
def target(request, converter_python, litert_python, tflite_runtime_python):
    return next(target for target in HERE if target.name == request.param)


@pytest.fixture(params=["zoo", pytest.param("MLPerf Tiny", marks=pytest.mark.needs("shared-models"))])
def keyword_model(request, zoo_artifact):
    if request.param == "zoo":
        return zoo_artifact("keyword_dscnn", "int8")
    return artifact(shared_models_folder() / "keyword_spotting" / "kws_ref_model.tflite")


def quantised(model, seed, count):
    (name,) = [info.name for info in model.inputs]
    return {name: np.random.default_rng(seed).integers(-128, 128, (count, 1, 49, 10, 1)).astype(np.int8)}


def artifact(path: Path) -> Artifact:
    """MLPerf Tiny's keyword spotting model, int8 in and out."""
    return made_artifact(
        model="kws",
        format="tflite",
        variant="ready",
        entry=path.name,
        inputs=(TensorInfo(name="in", tensor="input_1", index=0, shape=(1, 49, 10, 1), dtype="int8"),),
        outputs=(TensorInfo(name="out", tensor="Identity", index=0, shape=(1, 12), dtype="int8"),),
        directory=path.parent,
    )


def test_a_real_model_gives_probabilities_and_times(target, keyword_model):
    samples = quantised(keyword_model, 0, 5)
    with target.open(keyword_model) as session:
        (outputs,) = session.infer(samples).values()
        timing = session.time(samples, PLAN)
        times = session.time_operators(samples, 0.05)
        footprint = session.footprint()
    assert outputs.shape == (5, 1, 12)
    assert outputs.dtype == np.int8
    # softmax with scale 1/256 and zero point -128: each row sums to about one
    np.testing.assert_allclose((outputs.astype(float) + 128).sum(axis=-1) / 256, 1, atol=0.03)
    assert len(timing.samples_ns) == 50
    assert (timing.samples_ns > 0).all()
    assert timing.first_ns > 0
    assert times.operators[:2] == ("CONV_2D", "DEPTHWISE_CONV_2D")
    assert times.operators[-1] == "SOFTMAX"
    assert times.times_ns.shape[1] == len(times.operators)
    assert (times.times_ns > 0).all()  # which operator takes longer, a busy machine does not tell
    assert footprint.figures["peak_memory_bytes"] > 0


def test_the_kernel_families_agree_within_what_a_softmax_magnifies(litert_python, tflite_runtime_python, keyword_model):
    samples = quantised(keyword_model, 1, 8)
    outputs = {}
    for target in HERE:
        if target.runtime != "tensorflow":
            with target.open(keyword_model) as session:
                (given,) = session.infer(samples).values()
                outputs[target.name] = given.astype(int)
    reference = outputs.pop("tflite/litert-reference")
    for name, values in outputs.items():
        assert np.abs(values - reference).max() <= 40, name  # up to 3 LSB at the logits, magnified by the softmax


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:5000],
        lambda data: b"not a model" * 100,
        lambda data: data[: len(data) // 2],
    ],
    ids=["empty", "cut at 5000", "rubbish", "cut in half"],
)
def test_a_file_that_is_no_model_ends_the_case_in_one_sentence(target, zoo_artifact, tmp_path, damage):
    path = tmp_path / "model.tflite"
    path.write_bytes(damage(zoo_artifact("keyword_dscnn", "int8").path.read_bytes()))
    with pytest.raises(CaseError) as caught, target.open(artifact(path)) as session:
        session.infer({"in": np.zeros((1, 1, 49, 10, 1), np.int8)})
    assert "\n" not in str(caught.value)
    assert str(caught.value)


def test_select_tf_operators_are_foretold():
    known = artifact(Path("model.tflite")).model_copy(update={"operators": {"FlexErf": 1, "ADD": 2}})
    predicted = {target.name: target.unsupported_operators(known) for target in targets()}
    assert predicted.pop("tflite/tensorflow") == ()
    assert all("FlexErf" in missing[0] for missing in predicted.values())
