"""What the planner says of a model: its interface, its arena, and its refusals."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.plan import OperatorUnsupported, PlanRefused, plan_model, unsupported_phrases

from .model_writer import ModelWriter
from .random_operators import FORMS, Draws, random_model


def two_layers() -> ModelWriter:
    model = ModelWriter()
    source = model.input((1, 8), scale=0.1, zero_point=3)
    weights = model.constant(np.full((8, 8), 5, np.int8), scale=0.01)
    hidden = model.tensor((1, 8), scale=0.05)
    target = model.output((1, 8), scale=1 / 256, zero_point=-128)
    model.operator("FULLY_CONNECTED", [source, weights, -1], [hidden], "FullyConnectedOptions")
    model.operator("SOFTMAX", [hidden], [target], "SoftmaxOptions", {0: ("f", 1.0)})
    return model


def test_a_plan_describes_the_models_ends_and_operators():
    plan = plan_model(two_layers().write())
    (source,), (target,) = plan.inputs, plan.outputs
    assert (source.shape, source.dtype, source.zero_point) == ((1, 8), "int8", 3)
    assert source.scale == pytest.approx(0.1)
    assert (target.scale, target.zero_point) == (1 / 256, -128)
    assert [operator.name for operator in plan.operators] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert [operator.kernels for operator in plan.operators] == [("convolution_int8",), ("softmax_int8",)]


def test_the_same_model_gives_the_same_bytes():
    assert plan_model(two_layers().write()).blob == plan_model(two_layers().write()).blob


def test_buffers_that_are_never_alive_together_share_the_arena():
    model = ModelWriter()
    previous = model.input((1, 1000), "float32")
    for _ in range(9):
        following = model.tensor((1, 1000), "float32")
        model.operator("TANH", [previous], [following])
        previous = following
    model.operator("TANH", [previous], [model.output((1, 1000), "float32")])
    assert plan_model(model.write()).arena_bytes == 2 * 4000


def test_a_reshape_costs_nothing():
    plan = plan_model(random_model("RESHAPE", "int8", 1).write())
    assert plan.operators[0].kernels == ()


def test_parts_that_are_contiguous_in_the_whole_cost_nothing():
    model = ModelWriter()
    source = model.input((4, 6), scale=0.1)
    rows = [model.tensor((6,), scale=0.1) for _ in range(4)]
    halves = [model.output((3,), scale=0.1) for _ in range(2)]
    model.operator("UNPACK", [source], rows, "UnpackOptions", {0: ("i", 4), 1: ("i", 0)})
    model.operator("SPLIT", [model.constant(np.array(0, np.int32)), rows[2]], halves, "SplitOptions", {0: ("i", 2)})
    plan = plan_model(model.write())
    assert [operator.kernels for operator in plan.operators] == [(), ()]
    assert plan.arena_bytes == 32  # the input's, and nothing else


def test_parts_that_are_scattered_in_the_whole_are_copied():
    model = ModelWriter()
    source = model.input((4, 6), scale=0.1)
    halves = [model.output((4, 3), scale=0.1) for _ in range(2)]
    model.operator("SPLIT", [model.constant(np.array(1, np.int32)), source], halves, "SplitOptions", {0: ("i", 2)})
    assert plan_model(model.write()).operators[0].kernels == ("copy", "copy")


@pytest.mark.parametrize(("name", "reason"), [("RSQRT", "can be negative"), ("NEG", "in float32 alone")])
def test_what_micro_cannot_compute_in_int8_is_refused(name: str, reason: str):
    model = ModelWriter()
    source = model.input((1, 8), scale=0.1, zero_point=-100)
    model.operator(name, [source], [model.output((1, 8), scale=0.1)])
    with pytest.raises(OperatorUnsupported, match=reason):
        plan_model(model.write())


def test_an_unknown_operator_is_named():
    model = two_layers()
    source = model.input((1, 8), "float32")
    model.operator("ATAN2", [source], [model.output((1, 8), "float32")])
    with pytest.raises(
        OperatorUnsupported, match=r"^The plan runtime has no kernel for ATAN2 \(operator 2\)\.$"
    ) as caught:
        plan_model(model.write())
    assert caught.value.operator == "ATAN2"


def test_hybrid_models_are_refused_by_naming_the_operator(shared_models: Path):
    model = (shared_models / "keyword_spotting/kws_ref_model_float32.tflite").read_bytes()
    with pytest.raises(OperatorUnsupported, match=r"operator \d+ \(CONV_2D\): float32 input with int8 weights"):
        plan_model(model)


def test_sums_that_could_overflow_are_refused():
    model = ModelWriter()
    source = model.input((1, 8), scale=1.0)
    weights = model.constant(np.ones((1, 8), np.int8), scale=1.0)
    bias = model.constant(np.array([2**31 - 1], np.int32), scale=1.0)
    target = model.output((1, 1), scale=1.0)
    model.operator("FULLY_CONNECTED", [source, weights, bias], [target], "FullyConnectedOptions")
    with pytest.raises(PlanRefused, match="too near the end of int32"):
        plan_model(model.write())


@pytest.mark.parametrize(("ratio", "fits"), [(1.0, True), (4.01, True), (512.01, False), (16384.1, False)])
def test_a_mean_whose_rounding_would_leave_int32_is_refused(ratio: float, fits: bool, host_kernels: HostKernels):
    """Half of what is shifted out is added before: a mean of 128 came as -128."""
    model = ModelWriter()
    source = model.input((1, 32768), "int16", scale=0.001, zero_point=-32768)
    target = model.output((1,), "int16", scale=0.001 * ratio)
    axis = model.constant(np.array([1], np.int32))
    model.operator("MEAN", [source, axis], [target], "ReducerOptions", {0: ("?", False)})
    if fits:
        (output,) = host_kernels.run(plan_model(model.write()), [np.full(32768, 32767, np.int16).tobytes()])
        assert np.frombuffer(output, np.int16) == min(round(65535 / ratio), 32767)
    else:
        with pytest.raises(PlanRefused, match="adding 32768 elements with these scales can overflow int32"):
            plan_model(model.write())


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"\x18\0\0\0TFL3", b"GIF89a" * 20])
def test_what_is_no_model_is_refused(content: bytes):
    with pytest.raises(PlanRefused):
        plan_model(content)
    with pytest.raises(PlanRefused):
        unsupported_phrases(content)


def corruptions(model: bytes, seed: int, count: int) -> list[bytes]:
    """Truncations, flipped bits and wild 32-bit values."""
    random = np.random.default_rng(seed)
    damaged = []
    for index in range(count):
        copy = bytearray(model)
        place = int(random.integers(0, len(copy) - 4))
        if index % 3 == 0:
            copy = copy[:place]
        elif index % 3 == 1:
            copy[place] ^= 1 << int(random.integers(0, 8))
        else:
            struct.pack_into("<I", copy, place, int(random.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])))
        damaged.append(bytes(copy))
    return damaged


def refusal_of(model: bytes) -> str:
    """Empty where the model can be planned; anything but a refusal is an error of the test."""
    try:
        plan_model(model)
    except PlanRefused as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize(("name", "dtype"), [form for form in FORMS if form[1] != "float32"])
def test_a_damaged_model_is_planned_or_refused_in_a_sentence(name: str, dtype: str, draws: Draws):
    model = random_model(name, dtype, 3).write()
    for damaged in corruptions(model, seed=5, count=len(draws(150, 400))):
        refusal = refusal_of(damaged)
        assert refusal == "" or (refusal.endswith(".") and "\n" not in refusal)
