"""The golden of a ready artifact is its reference's own answer: it is confirmed with a few samples, not made twice."""

import dataclasses

import numpy as np
import pytest

from harness.artifact import TensorInfo
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.conversion.golden import Golden, write_golden
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import CONFIRMED, MADE_GOLDEN
from harness.environment import environment
from harness.variant import Format
from tests.harness.fakes.artifact import made_artifact

SAMPLES = np.arange(24.0, dtype=np.float32).reshape(12, 2)


class Asked(Converter):
    """A converter whose reference interpreter doubles its input, and does otherwise from the second time where told."""

    def __init__(self, cache: Cache, factor: float = 2.0) -> None:
        super().__init__(cache, environment("converter"), 1)
        self.factor = factor
        self.asked: list[int] = []

    def _ask_interpreter(self, artifact, form, inputs, folder, budget):
        self.asked.append(len(inputs["x"]))
        np.savez(folder / "outputs.npz", y=inputs["x"] * np.float32(self.factor))
        return {"interpreter": "kernels"}


@pytest.fixture
def ready(tmp_path):
    """A ready artifact's preparation, and the artifact."""
    infos = [TensorInfo(name=name, tensor=name, index=0, shape=(2,), dtype="float32") for name in "xy"]
    artifact = made_artifact(
        model="it",
        format="tflite",
        variant="ready",
        key="k",
        digest="d",
        entry="model.tflite",
        inputs=(infos[0],),
        outputs=(infos[1],),
        directory=tmp_path,
    )
    write_golden(tmp_path / "golden.npz", Golden({"x": SAMPLES}, {"y": 2 * SAMPLES}, None))
    np.savez(tmp_path / MADE_GOLDEN, y=2 * SAMPLES)
    facts = {"sequence": False, "golden_of": "d", "golden_from": "kernels"}
    return PreparedModel("it", "k", tmp_path, facts, "golden"), artifact


def outputs_of(converter, prepared, artifact, form):
    found = converter.reference(prepared, artifact, form)
    assert found.interpreter == "kernels"
    return found.read()["y"]


@pytest.fixture
def form(tmp_path):
    (tmp_path / "code").mkdir()
    code = tmp_path / "code" / "converter.py"
    code.write_text("")
    return Format("tflite", (), code)


def test_what_made_the_golden_is_the_reference_once_its_first_samples_come_again(ready, form, tmp_path):
    converter = Asked(Cache(tmp_path / "cache"))
    np.testing.assert_array_equal(outputs_of(converter, *ready, form), 2 * SAMPLES)
    assert converter.asked == [CONFIRMED]


def test_a_reference_that_does_not_repeat_itself_is_asked_for_everything(ready, form, tmp_path):
    converter = Asked(Cache(tmp_path / "cache"), factor=3.0)
    np.testing.assert_array_equal(outputs_of(converter, *ready, form), 3 * SAMPLES)
    assert converter.asked == [CONFIRMED, len(SAMPLES)]


@pytest.mark.parametrize("change", [{"digest": "another"}, {"variant": "float32"}, {"sequence": True}])
def test_the_reference_of_anything_else_is_computed(ready, form, tmp_path, change):
    prepared, artifact = ready
    converter = Asked(Cache(tmp_path / "cache"))
    outputs_of(converter, prepared, artifact.model_copy(update=change), form)
    assert converter.asked == [len(SAMPLES)]


def test_a_shortened_golden_has_a_reference_of_its_own(ready, form, tmp_path):
    prepared, artifact = ready
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_golden(elsewhere / "golden.npz", Golden({"x": SAMPLES[:1]}, {"y": 2 * SAMPLES[:1]}, None))
    converter = Asked(Cache(tmp_path / "cache"))
    outputs_of(converter, dataclasses.replace(prepared, folder=elsewhere), artifact, form)
    assert converter.asked == [1]
