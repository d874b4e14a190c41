"""Windows with weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model_writer import ModelWriter
from .draws import (
    Maker,
    Random,
    draw_activation,
    draw_bias,
    draw_output_scale,
    draw_output_zero_point,
    draw_quantised,
    draw_spatial,
    draw_weights,
)


def convolution(random: Random, dtype: str, four_bits: bool = False) -> ModelWriter:
    model = ModelWriter()
    height, width, padding, (out_height, out_width) = draw_spatial(random)
    groups = int(random.choice([1, 1, 1, 2, 3]))
    group_channels, channels = int(random.integers(1, 10)), groups * int(random.integers(1, 9))
    batches = int(random.choice([1, 1, 2]))
    quantised = draw_quantised(random, dtype)
    source = model.input((batches, height[0], width[0], groups * group_channels), dtype, **quantised)
    shape = (channels, height[1], width[1], group_channels)
    weights, scales = draw_weights(model, random, shape, 0, dtype, random.random() < 0.8, four_bits)
    bias = draw_bias(model, random, channels, dtype, quantised.get("scale", 1), scales)
    more = {}
    if dtype != "float32":
        kernel = height[1] * width[1] * group_channels
        more = {
            "scale": draw_output_scale(random, quantised["scale"], scales, kernel, four_bits),
            "zero_point": draw_output_zero_point(random, dtype),
        }
    target = model.output((batches, out_height, out_width, channels), dtype, **more)
    options = {
        0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("b", draw_activation(random)),
        4: ("i", width[3]), 5: ("i", height[3]),
    }  # fmt: skip
    model.operator("CONV_2D", [source, weights, bias], [target], "Conv2DOptions", options)
    return model


def depthwise(random: Random, dtype: str, four_bits: bool = False) -> ModelWriter:
    model = ModelWriter()
    height, width, padding, (out_height, out_width) = draw_spatial(random)
    multiplier = int(random.choice([1, 1, 1, 2, 3]))
    input_channels = int(random.choice([1, int(random.integers(1, 19))]))
    channels = input_channels * multiplier
    batches = int(random.choice([1, 1, 2]))
    quantised = draw_quantised(random, dtype)
    source = model.input((batches, height[0], width[0], input_channels), dtype, **quantised)
    shape = (1, height[1], width[1], channels)
    weights, scales = draw_weights(model, random, shape, 3, dtype, random.random() < 0.8, four_bits)
    bias = draw_bias(model, random, channels, dtype, quantised.get("scale", 1), scales, wide_alone=True)
    more = {}
    if dtype != "float32":
        scale = draw_output_scale(random, quantised["scale"], scales, height[1] * width[1], four_bits)
        more = {"scale": scale, "zero_point": draw_output_zero_point(random, dtype)}
    target = model.output((batches, out_height, out_width, channels), dtype, **more)
    options = {
        0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("i", multiplier),
        4: ("b", draw_activation(random)), 5: ("i", width[3]), 6: ("i", height[3]),
    }  # fmt: skip
    # Micro stops the process on a depthwise convolution whose bias is -1; left out altogether, it runs.
    inputs = [source, weights] if bias < 0 else [source, weights, bias]
    model.operator("DEPTHWISE_CONV_2D", inputs, [target], "DepthwiseConv2DOptions", options)
    return model


def fully_connected(random: Random, dtype: str, four_bits: bool = False) -> ModelWriter:
    model = ModelWriter()
    batches, depth, channels = (
        int(random.choice([1, 1, 3, 5])),
        int(random.integers(1, 80)),
        int(random.integers(1, 20)),
    )
    quantised = draw_quantised(random, dtype)
    source = model.input((batches, depth), dtype, **quantised)
    per_channel = bool(random.random() < 0.3) and not four_bits
    weights, scales = draw_weights(model, random, (channels, depth), 0, dtype, per_channel, four_bits)
    bias = draw_bias(model, random, channels, dtype, quantised.get("scale", 1), scales)
    more = {}
    if dtype != "float32":
        more = {
            "scale": draw_output_scale(random, quantised["scale"], scales, depth, four_bits),
            "zero_point": draw_output_zero_point(random, dtype),
        }
    target = model.output((batches, channels), dtype, **more)
    options = {0: ("b", draw_activation(random))}
    model.operator("FULLY_CONNECTED", [source, weights, bias], [target], "FullyConnectedOptions", options)
    return model


def transposed(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    batches = int(random.choice([1, 1, 2]))
    inputs, channels = int(random.integers(1, 9)), int(random.integers(1, 9))
    kernel, stride, size = ([int(v) for v in random.integers(1, high, 2)] for high in (6, 4, 7))
    valid = bool(random.random() < 0.5)
    output = [
        (s - 1) * step + k if valid else s * step - int(random.integers(0, step))
        for s, step, k in zip(size, stride, kernel, strict=True)
    ]
    quantised = draw_quantised(random, dtype)
    shape = model.constant(np.array([batches, *output, channels], np.int32))
    weights, scales = draw_weights(model, random, (channels, *kernel, inputs), 0, dtype, random.random() < 0.8)
    source = model.input((batches, *size, inputs), dtype, **quantised)
    bias = draw_bias(model, random, channels, dtype, quantised.get("scale", 1), scales, wide_alone=True)
    more = {}
    if dtype != "float32":
        taps = max(1, kernel[0] * kernel[1] // (stride[0] * stride[1]))
        scale = draw_output_scale(random, quantised["scale"], scales, taps * inputs)
        more = {"scale": scale, "zero_point": draw_output_zero_point(random, dtype)}
    target = model.output((batches, *output, channels), dtype, **more)
    options = {
        0: ("b", int(valid)), 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("b", draw_activation(random)),
    }  # fmt: skip
    operands = [shape, weights, source] if bias < 0 else [shape, weights, source, bias]
    model.operator("TRANSPOSE_CONV", operands, [target], "TransposeConvOptions", options)
    return model


def in_four_bits(make: Callable[..., ModelWriter]) -> Maker:
    """int8 with weights of int4, whichever the test asks for."""
    return lambda random, dtype: make(random, "int8", four_bits=True)


MAKERS: dict[str, Maker] = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "TRANSPOSE_CONV": transposed,
}
