"""What random models are made of: scales, shapes, windows and values.

Scales are drawn so that outputs use their range: a test in which everything saturates would show nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model_writer import ModelWriter

Random = np.random.Generator
Maker = Callable[[Random, str], ModelWriter]
INDEX_LIMIT = 4
"""Inputs of int32 are drawn below this (see `random_inputs`): axes that are indexed are at least as long."""
NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6 = range(4)


def draw_scale(random: Random, low: float = 1e-3, high: float = 0.5) -> float:
    return float(np.float32(np.exp(random.uniform(np.log(low), np.log(high)))))


def draw_zero_point(random: Random) -> int:
    return int(random.integers(-128, 128))


def draw_output_zero_point(random: Random, dtype: str) -> int:
    return draw_zero_point(random) if dtype == "int8" else 0


def draw_activation(random: Random) -> int:
    return int(random.choice([NO_ACTIVATION, NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6]))


def draw_quantised(random: Random, dtype: str) -> dict[str, object]:
    """Quantised to int16, tensors have the zero point 0."""
    if dtype == "int16":
        return {"scale": draw_scale(random, 4e-6, 2e-3), "zero_point": 0}
    return {"scale": draw_scale(random), "zero_point": draw_zero_point(random)} if dtype == "int8" else {}


def draw_values(random: Random, shape, dtype: str, span: float = 1.0) -> np.ndarray:
    if dtype == "int8":
        return random.integers(-127, 128, shape).astype(np.int8)
    if dtype == "int16":
        return random.integers(-32767, 32768, shape).astype(np.int16)
    if dtype == "int32":
        return random.integers(-INDEX_LIMIT, INDEX_LIMIT + 1, shape).astype(np.int32)
    return (random.normal(size=shape) * span).astype(np.float32)


def draw_weights(
    model: ModelWriter, random: Random, shape, axis: int, dtype: str, per_channel: bool, four_bits: bool = False
) -> tuple[int, np.ndarray]:
    """(tensor, scale of each output channel); weights of int16 layers have eight bits, and `four_bits` are for int8."""
    channels = shape[axis]
    if dtype == "float32":
        return model.constant(draw_values(random, shape, dtype, 0.3)), np.ones(channels)
    scales = np.array([draw_scale(random, 1e-3, 2e-2) for _ in range(channels if per_channel else 1)], np.float32)
    values = draw_values(random, shape, "int8")
    if four_bits:
        values = random.integers(-8, 8, shape).astype(np.int8)
        return model.constant(values, scale=scales, axis=axis, dtype="int4"), np.broadcast_to(scales, channels)
    return model.constant(values, scale=scales, axis=axis), np.broadcast_to(scales, channels)


def draw_bias(
    model: ModelWriter, random: Random, channels: int, dtype: str, input_scale, weight_scales, wide_alone: bool = False
) -> int:
    """Of an int16 layer it has 64 bits, or 32 unless it is `wide_alone`."""
    if random.random() < 0.2:
        return -1
    if dtype == "float32":
        return model.constant(draw_values(random, channels, dtype))
    scales = np.float32(input_scale) * weight_scales.astype(np.float32)
    values = random.integers(-3000, 3000, channels).astype(np.int32)
    if dtype == "int16":
        wide = wide_alone or random.random() < 0.7
        values = (values.astype(np.int64) * 256).astype(np.int64 if wide else np.int32)
    return model.constant(values, scale=scales if len(set(scales)) > 1 else scales[:1])


def draw_output_scale(
    random: Random, input_scale: float, weight_scales: np.ndarray, kernel: int, four_bits: bool = False
) -> float:
    """A scale with which a typical sum of `kernel` products spans a part of int8, or of int16 where inputs have it."""
    weight = 4.6 if four_bits else 73
    typical = float(input_scale) * float(np.mean(weight_scales)) * 73 * weight * np.sqrt(kernel)
    return float(np.float32(typical / random.uniform(20, 120)))


def draw_window(random: Random) -> tuple[int, int, int, int, int]:
    """(size, kernel, stride, dilation, extent)"""
    kernel, stride, dilation = (
        int(random.integers(1, 6)),
        int(random.integers(1, 4)),
        int(random.choice([1, 1, 1, 2, 3])),
    )
    extent = (kernel - 1) * dilation + 1
    return int(random.integers(1, 14)), kernel, stride, dilation, extent


def draw_spatial(random: Random, dilated: bool = True):
    height, width = draw_window(random), draw_window(random)
    if not dilated:
        height, width = ((*side[:3], 1, side[1]) for side in (height, width))
    valid = height[4] <= height[0] and width[4] <= width[0] and random.random() < 0.5
    output = [(side[0] - side[4]) // side[2] + 1 if valid else -(-side[0] // side[2]) for side in (height, width)]
    return height, width, int(valid), output


def draw_shape(random: Random, rank: int, limit: int = 7) -> tuple[int, ...]:
    return tuple(int(v) for v in random.integers(1, limit, rank))
