"""TensorFlow Lite Micro on the host, for real: the oracle's numbers, its arena, and the operator that it refuses."""

import numpy as np
import pytest

from harness.artifact import TensorInfo
from harness.errors import CaseError, Unsupported
from harness.target import TimingPlan
from harness_targets.tflm.target import MicroTarget
from harness_targets.tflm.worker import Refused, Worker
from tests.harness.fakes.artifact import made_artifact
from tests.targets.mcu.model_writer import ModelWriter

SAMPLES = {"in": np.random.default_rng(0).integers(-128, 128, (4, 1, 49, 10, 1)).astype(np.int8)}


def artifact(path, dtype="int8", operators=()):
    """MLPerf Tiny's keyword spotting model."""
    return made_artifact(
        model="kws",
        format="tflite",
        variant="ready",
        entry=path.name,
        inputs=(TensorInfo(name="in", tensor="", index=0, shape=(1, 49, 10, 1), dtype=dtype),),
        outputs=(TensorInfo(name="out", tensor="", index=0, shape=(1, 12), dtype=dtype),),
        operators=dict.fromkeys(operators, 1),
        directory=path.parent,
    )


@pytest.fixture
def keyword_folder(shared_models, tflite_micro_python):
    return shared_models / "keyword_spotting"


def test_a_real_int8_model_runs_and_tells_its_arena(keyword_folder):
    assert_runs_and_tells_its_arena(artifact(keyword_folder / "kws_ref_model.tflite"))


def test_a_model_of_the_zoo_runs_and_tells_its_arena(zoo_artifact, tflite_micro_python):
    assert_runs_and_tells_its_arena(zoo_artifact("keyword_dscnn", "int8"))


def assert_runs_and_tells_its_arena(model):
    (name,) = [info.name for info in model.inputs]
    with MicroTarget().open(model) as session:
        (outputs,) = session.infer({name: SAMPLES["in"]}).values()
        footprint = session.footprint()
    np.testing.assert_allclose((outputs.astype(float) + 128).sum(axis=-1) / 256, 1, atol=0.03)
    figures = footprint.figures
    assert figures["arena_bytes"] == figures["arena_head_bytes"] + figures["arena_tail_bytes"]
    assert 10_000 < figures["arena_bytes"] < 100_000
    assert "arena_bytes" in footprint.exact


def test_a_hybrid_model_is_unsupported_and_the_operator_is_named(keyword_folder):
    path = keyword_folder / "kws_ref_model_float32.tflite"
    with (
        pytest.raises(Unsupported, match=r"CONV_2D.*Hybrid models are not supported"),
        MicroTarget().open(artifact(path)),
    ):
        pass


def test_a_hybrid_model_of_the_zoo_is_unsupported_too(zoo_artifact, tflite_micro_python):
    model = zoo_artifact("keyword_dscnn", "dynamic")
    with pytest.raises(Unsupported, match="Hybrid models are not supported"), MicroTarget().open(model):
        pass


@pytest.mark.parametrize("name", ["MYOP", "MY_OP_2", "MyOp"])
def test_a_custom_operator_is_named_however_it_is_written(tflite_micro_python, tmp_path, name):
    model = ModelWriter()
    between = model.tensor((1, 4), "float32")
    model.operator("CONV_2D", [model.input((1, 4), "float32")], [between])
    model.operator(name, [between], [model.output((1, 4), "float32")])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.write())
    with (
        pytest.raises(Unsupported, match=rf"CUSTOM \({name}\)"),
        MicroTarget().open(artifact(path, operators=("CONV_2D", "BUILTIN_300", name))),
    ):
        pass


class Trial(Worker):
    """Which arenas suffice is given."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.header = {"arena_bytes": 1 << 16}
        self.least = least

    def suffices(self, arena_bytes: int) -> bool:
        return arena_bytes >= self.least


@pytest.mark.parametrize(("least", "found"), [(1, 16), (16, 16), (17, 32), (1000, 1008), (1 << 16, 1 << 16)])
def test_the_least_arena_is_found_to_sixteen_bytes(least, found):
    assert Trial(least).least_arena({}, {})[0] == {"arena_bytes": found}


def test_a_model_that_runs_in_no_arena_has_no_least_one():
    with pytest.raises(Refused, match="does not run on the inputs that the arena begins with"):
        Trial(1 << 40).least_arena({}, {})


def test_nothing_is_timed(keyword_folder):
    with (
        pytest.raises(Unsupported, match="not timed"),
        MicroTarget().open(artifact(keyword_folder / "kws_ref_model.tflite")) as session,
    ):
        session.time(SAMPLES, TimingPlan())


@pytest.mark.parametrize("size", [0, 8, 1000, 20000])
def test_a_truncated_model_ends_the_case_and_nothing_else(keyword_folder, tmp_path, size):
    path = tmp_path / "model.tflite"
    path.write_bytes((keyword_folder / "kws_ref_model.tflite").read_bytes()[:size])
    with pytest.raises(CaseError) as caught, MicroTarget().open(artifact(path)) as session:
        session.infer(SAMPLES)
    assert "\n" not in str(caught.value)
