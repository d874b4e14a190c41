"""A slowdown that was put into one operator is found in that operator, by the interpreter's times before and after.

Its clock goes by the work alone, where times are compared; by a real one: tests/benchmarks/test_slower_operator.py.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.ab.block_plan import BlockPlan
from harness.ab.by_operator import changed_operators, operator_in_words
from harness.ab.side import Side
from harness.artifact import FileHash, TensorInfo
from harness.target import TimingPlan
from harness_targets.tflite import target as tflite_target
from tests.harness.fakes.artifact import made_artifact
from tests.targets.mcu.model_writer import ModelWriter

pytestmark = pytest.mark.needs("litert")
TESTS = Path(__file__).parents[2]
SHAPE = (1, 32, 32, 8)
TARGET = registry.targets()["tflite/litert-builtin"]


@pytest.fixture
def by_work(monkeypatch):
    """The interpreter's clock goes by the work that is done."""
    monkeypatch.setattr(tflite_target, "WORKER", TESTS / "harness" / "fakes" / "work_clock_worker.py")


def model(folder, name, window):
    """Two convolutions, a three by three one and one of `window`, with a LOGISTIC between them."""
    generator = np.random.default_rng(0)
    made = ModelWriter()
    x = made.input(SHAPE, "float32")
    first, second, third = (made.tensor(SHAPE, "float32") for _ in range(3))

    def convolution(given, result, size):
        weights = made.constant(generator.normal(size=(8, size, size, 8)).astype("f4"))
        constants = [weights, made.constant(np.zeros(8, "f4"))]
        made.operator("CONV_2D", [given, *constants], [result], "Conv2DOptions", {1: ("i", 1), 2: ("i", 1)})

    convolution(x, first, 3)
    made.operator("LOGISTIC", [first], [second])
    convolution(second, third, window)
    made.operator("MEAN", [third, made.constant(np.array([1, 2], np.int32))], [made.output((1, 8), "float32")])
    path = folder / f"{name}.tflite"
    path.write_bytes(made.write())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return made_artifact(
        model=name,
        format="tflite",
        variant="ready",
        digest=digest,
        entry=path.name,
        files=(FileHash(path=path.name, bytes=path.stat().st_size, sha256=digest),),
        inputs=(TensorInfo(name="x", tensor="tensor_0", index=0, shape=SHAPE, dtype="float32"),),
        outputs=(TensorInfo(name="y", tensor="tensor_9", index=0, shape=(1, 8), dtype="float32"),),
        operators={"CONV_2D": 2, "LOGISTIC": 1, "MEAN": 1},
        directory=folder,
    )


@pytest.mark.usefixtures("by_work")
def test_the_operator_that_was_made_slower_is_named_with_its_shape(tmp_path):
    sides = [Side(name, TARGET, model(tmp_path, name, window)) for name, window in (("old", 3), ("new", 7))]
    found = changed_operators(*sides, {}, BlockPlan(seed=1))
    assert [(one.operator, one.shape) for one in found] == [("CONV_2D", "1×32×32×8")]
    assert found[0].ratio > 1.5, "of two convolutions one has five times the multiplications"
    assert operator_in_words(found[0]).startswith("CONV_2D of 1×32×32×8: +")


def test_a_timing_tells_operators_where_that_is_asked_for(tmp_path):
    artifact = model(tmp_path, "one", 3)
    samples = {"x": np.zeros((1, *SHAPE), np.float32)}
    asked = TimingPlan(5, 0.0, 5, per_operator=True, operator_seconds=0.05)
    with TARGET.open(artifact) as session:
        told = session.time(samples, asked).per_operator
        silent = session.time(samples, TimingPlan(5, 0.0, 5, per_operator=True))
    assert [(one.operator, one.shape, one.count) for one in told] == [
        ("CONV_2D", "1×32×32×8", 2),
        ("LOGISTIC", "1×32×32×8", 1),
        ("MEAN", "1×8", 1),
    ]
    assert silent.per_operator == ()
    assert silent.details == {}


def test_what_would_take_too_long_is_said(tmp_path):
    artifact = model(tmp_path, "one", 3).model_copy(update={"operators": {"CONV_2D": 10**9}})
    with TARGET.open(artifact) as session:
        timing = session.time({"x": np.zeros((1, *SHAPE), np.float32)}, TimingPlan(5, 0.0, 5, 9.0, True, False, 0.05))
    assert timing.per_operator == ()
    assert timing.details["per_operator"].startswith("not timed: all operators together take ")
