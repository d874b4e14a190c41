"""Random models of one operator, each with a name; the same seed gives the same model.

Scales are drawn so that outputs use their range: a test in which everything saturates would show nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .model_writer import ModelWriter

Random = np.random.Generator
NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6 = range(4)
ACTIVATIONS = ("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH")


def _scale(random: Random, low: float = 1e-3, high: float = 0.5) -> float:
    return float(np.float32(np.exp(random.uniform(np.log(low), np.log(high)))))


def _zero_point(random: Random) -> int:
    return int(random.integers(-128, 128))


def _activation(random: Random) -> int:
    return int(random.choice([NO_ACTIVATION, NO_ACTIVATION, RELU, RELU_N1_TO_1, RELU6]))


def _quantised(random: Random, dtype: str) -> dict[str, object]:
    return {"scale": _scale(random), "zero_point": _zero_point(random)} if dtype == "int8" else {}


def _values(random: Random, shape, dtype: str, span: float = 1.0) -> np.ndarray:
    if dtype == "int8":
        return random.integers(-127, 128, shape).astype(np.int8)
    return (random.normal(size=shape) * span).astype(np.float32)


def _weights(
    model: ModelWriter, random: Random, shape, axis: int, dtype: str, per_channel: bool
) -> tuple[int, np.ndarray]:
    """(tensor, scale of each output channel)."""
    channels = shape[axis]
    if dtype == "float32":
        return model.constant(_values(random, shape, dtype, 0.3)), np.ones(channels)
    scales = np.array([_scale(random, 1e-3, 2e-2) for _ in range(channels if per_channel else 1)], np.float32)
    values = _values(random, shape, dtype)
    return model.constant(values, scale=scales, axis=axis), np.broadcast_to(scales, channels)


def _bias(model: ModelWriter, random: Random, channels: int, dtype: str, input_scale, weight_scales) -> int:
    if random.random() < 0.2:
        return -1
    if dtype == "float32":
        return model.constant(_values(random, channels, dtype))
    scales = np.float32(input_scale) * weight_scales.astype(np.float32)
    return model.constant(
        random.integers(-3000, 3000, channels).astype(np.int32), scale=scales if len(set(scales)) > 1 else scales[:1]
    )


def _output_scale(random: Random, input_scale: float, weight_scales: np.ndarray, kernel: int) -> float:
    """A scale with which a typical sum of `kernel` products spans a part of int8."""
    typical = float(input_scale) * float(np.mean(weight_scales)) * 73 * 73 * np.sqrt(kernel)
    return float(np.float32(typical / random.uniform(20, 120)))


def _window(random: Random) -> tuple[int, int, int, int, int]:
    """(size, kernel, stride, dilation, extent)"""
    kernel, stride, dilation = (
        int(random.integers(1, 6)),
        int(random.integers(1, 4)),
        int(random.choice([1, 1, 1, 2, 3])),
    )
    extent = (kernel - 1) * dilation + 1
    return int(random.integers(1, 14)), kernel, stride, dilation, extent


def _spatial(random: Random, dilated: bool = True):
    height, width = _window(random), _window(random)
    if not dilated:
        height, width = ((*side[:3], 1, side[1]) for side in (height, width))
    valid = height[4] <= height[0] and width[4] <= width[0] and random.random() < 0.5
    output = [(side[0] - side[4]) // side[2] + 1 if valid else -(-side[0] // side[2]) for side in (height, width)]
    return height, width, int(valid), output


def convolution(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    height, width, padding, (out_height, out_width) = _spatial(random)
    groups = int(random.choice([1, 1, 1, 2, 3]))
    group_channels, channels = int(random.integers(1, 10)), groups * int(random.integers(1, 9))
    batches = int(random.choice([1, 1, 2]))
    quantised = _quantised(random, dtype)
    source = model.input((batches, height[0], width[0], groups * group_channels), dtype, **quantised)
    shape = (channels, height[1], width[1], group_channels)
    weights, scales = _weights(model, random, shape, 0, dtype, random.random() < 0.8)
    bias = _bias(model, random, channels, dtype, quantised.get("scale", 1), scales)
    more = {}
    if dtype == "int8":
        kernel = height[1] * width[1] * group_channels
        more = {"scale": _output_scale(random, quantised["scale"], scales, kernel), "zero_point": _zero_point(random)}
    target = model.output((batches, out_height, out_width, channels), dtype, **more)
    options = {
        0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("b", _activation(random)),
        4: ("i", width[3]), 5: ("i", height[3]),
    }  # fmt: skip
    model.operator("CONV_2D", [source, weights, bias], [target], "Conv2DOptions", options)
    return model


def depthwise(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    height, width, padding, (out_height, out_width) = _spatial(random)
    multiplier = int(random.choice([1, 1, 1, 2, 3]))
    input_channels = int(random.choice([1, int(random.integers(1, 19))]))
    channels = input_channels * multiplier
    batches = int(random.choice([1, 1, 2]))
    quantised = _quantised(random, dtype)
    source = model.input((batches, height[0], width[0], input_channels), dtype, **quantised)
    shape = (1, height[1], width[1], channels)
    weights, scales = _weights(model, random, shape, 3, dtype, random.random() < 0.8)
    bias = _bias(model, random, channels, dtype, quantised.get("scale", 1), scales)
    more = {}
    if dtype == "int8":
        scale = _output_scale(random, quantised["scale"], scales, height[1] * width[1])
        more = {"scale": scale, "zero_point": _zero_point(random)}
    target = model.output((batches, out_height, out_width, channels), dtype, **more)
    options = {
        0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("i", multiplier), 4: ("b", _activation(random)),
        5: ("i", width[3]), 6: ("i", height[3]),
    }  # fmt: skip
    # Micro stops the process on a depthwise convolution whose bias is -1; left out altogether, it runs.
    inputs = [source, weights] if bias < 0 else [source, weights, bias]
    model.operator("DEPTHWISE_CONV_2D", inputs, [target], "DepthwiseConv2DOptions", options)
    return model


def fully_connected(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    batches, depth, channels = (
        int(random.choice([1, 1, 3, 5])),
        int(random.integers(1, 80)),
        int(random.integers(1, 20)),
    )
    quantised = _quantised(random, dtype)
    source = model.input((batches, depth), dtype, **quantised)
    weights, scales = _weights(model, random, (channels, depth), 0, dtype, random.random() < 0.3)
    bias = _bias(model, random, channels, dtype, quantised.get("scale", 1), scales)
    more = {}
    if dtype == "int8":
        more = {"scale": _output_scale(random, quantised["scale"], scales, depth), "zero_point": _zero_point(random)}
    target = model.output((batches, channels), dtype, **more)
    options = {0: ("b", _activation(random))}
    model.operator("FULLY_CONNECTED", [source, weights, bias], [target], "FullyConnectedOptions", options)
    return model


def pooling(name: str) -> Callable[[Random, str], ModelWriter]:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        height, width, padding, (out_height, out_width) = _spatial(random, dilated=False)
        channels, batches = int(random.integers(1, 12)), int(random.choice([1, 2]))
        quantised = _quantised(random, dtype)
        source = model.input((batches, height[0], width[0], channels), dtype, **quantised)
        target = model.output((batches, out_height, out_width, channels), dtype, **quantised)
        options = {
            0: ("b", padding), 1: ("i", width[2]), 2: ("i", height[2]), 3: ("i", width[1]), 4: ("i", height[1]),
            5: ("b", _activation(random)),
        }  # fmt: skip
        model.operator(name, [source], [target], "Pool2DOptions", options)
        return model

    return make


def _shape(random: Random, rank: int, limit: int = 7) -> tuple[int, ...]:
    return tuple(int(v) for v in random.integers(1, limit, rank))


def elementwise(name: str) -> Callable[[Random, str], ModelWriter]:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = _shape(random, int(random.integers(1, 5)))
        other = tuple(1 if random.random() < 0.3 else d for d in shape)
        if random.random() < 0.3:
            other = other[int(random.integers(0, len(other))) :]
        if random.random() < 0.5:
            other = shape
        first, second = (shape, other) if random.random() < 0.5 else (other, shape)
        quantised = [_quantised(random, dtype) for _ in range(3)]
        if dtype == "int8":
            spans = [q["scale"] for q in quantised[:2]]
            span = {"MUL": spans[0] * spans[1] * 100, "SQUARED_DIFFERENCE": 100 * sum(spans) ** 2}.get(name, sum(spans))
            quantised[2]["scale"] = float(np.float32(span * random.uniform(0.3, 1.5)))
        inputs = [model.input(first, dtype, **quantised[0])]
        if random.random() < 0.3:
            inputs.append(model.constant(_values(random, second, dtype), **quantised[1]))
        else:
            inputs.append(model.input(second, dtype, **quantised[1]))
        target = model.output(np.broadcast_shapes(first, second), dtype, **quantised[2])
        if name == "SQUARED_DIFFERENCE":
            model.operator(name, inputs, [target], "SquaredDifferenceOptions")
        else:
            model.operator(name, inputs, [target], f"{name.capitalize()}Options", {0: ("b", _activation(random))})
        return model

    return make


def unary(name: str) -> Callable[[Random, str], ModelWriter]:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = _shape(random, int(random.integers(1, 4)))
        source_q, target_q = _quantised(random, dtype), _quantised(random, dtype)
        options_type, options = None, {}
        if dtype == "int8":
            target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.5, 2)))
            if name == "LOGISTIC":
                target_q = {"scale": 1 / 256, "zero_point": -128}
            elif name == "TANH":
                target_q = {"scale": 1 / 128, "zero_point": 0}
            elif name == "RELU6" or (name == "ABS" and random.random() < 0.3):
                target_q = source_q
            elif name == "RSQRT":
                source_q["zero_point"] = -128
                target_q["scale"] = float(np.float32(random.uniform(0.2, 1.5) / np.sqrt(source_q["scale"]) / 255))
        if name == "LEAKY_RELU":
            options_type, options = "LeakyReluOptions", {0: ("f", float(random.uniform(0.01, 0.9)))}
        elif name == "HARD_SWISH":
            options_type = "HardSwishOptions"
        source = model.input((*shape, 64) if dtype == "int8" else shape, dtype, **source_q)
        target = model.output((*shape, 64) if dtype == "int8" else shape, dtype, **target_q)
        model.operator(name, [source], [target], options_type, options)
        return model

    return make


def softmax(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = (*_shape(random, int(random.integers(0, 3))), int(random.integers(1, 60)))
    source = model.input(shape, dtype, **_quantised(random, dtype))
    target = model.output(shape, dtype, **({"scale": 1 / 256, "zero_point": -128} if dtype == "int8" else {}))
    model.operator(
        "SOFTMAX", [source], [target], "SoftmaxOptions", {0: ("f", float(random.choice([1.0, 1.0, 0.5, 2.0])))}
    )
    return model


def mean(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape = _shape(random, rank, 9)
    axes = sorted(int(a) for a in random.choice(rank, int(random.integers(1, rank + 1)), replace=False))
    keep = bool(random.random() < 0.5)
    kept = (
        [1 if i in axes else d for i, d in enumerate(shape)]
        if keep
        else [d for i, d in enumerate(shape) if i not in axes]
    )
    source_q, target_q = _quantised(random, dtype), _quantised(random, dtype)
    if dtype == "int8":
        target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.3, 1.2)))
    source = model.input(shape, dtype, **source_q)
    target = model.output(kept, dtype, **target_q)
    axis = model.constant(np.array([a - rank if random.random() < 0.3 else a for a in axes], np.int32))
    model.operator("MEAN", [source, axis], [target], "ReducerOptions", {0: ("?", keep)})
    return model


def pad(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape, quantised = _shape(random, rank), _quantised(random, dtype)
    amounts = random.integers(0, 4, (rank, 2)).astype(np.int32)
    source = model.input(shape, dtype, **quantised)
    inputs = [source, model.constant(amounts)]
    name = "PAD"
    if random.random() < 0.5:
        name = "PADV2"
        inputs.append(model.constant(_values(random, (1,), dtype), **quantised))
    target = model.output(tuple(int(d) for d in np.array(shape) + amounts.sum(axis=1)), dtype, **quantised)
    model.operator(name, inputs, [target], "PadOptions" if name == "PAD" else "PadV2Options")
    return model


def concatenation(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = list(_shape(random, int(random.integers(1, 5)))), _quantised(random, dtype)
    axis = int(random.integers(0, len(shape)))
    sizes = [int(s) for s in random.integers(1, 6, int(random.integers(1, 5)))]
    inputs = [model.input((*shape[:axis], size, *shape[axis + 1 :]), dtype, **quantised) for size in sizes]
    target = model.output((*shape[:axis], sum(sizes), *shape[axis + 1 :]), dtype, **quantised)
    signed = axis - len(shape) if random.random() < 0.3 else axis
    model.operator("CONCATENATION", inputs, [target], "ConcatenationOptions", {0: ("i", signed)})
    return model


def pack(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = _shape(random, int(random.integers(0, 4))), _quantised(random, dtype)
    axis, count = int(random.integers(0, len(shape) + 1)), int(random.integers(1, 5))
    inputs = [model.input(shape, dtype, **quantised) for _ in range(count)]
    target = model.output((*shape[:axis], count, *shape[axis:]), dtype, **quantised)
    signed = axis - len(shape) - 1 if random.random() < 0.3 else axis
    model.operator("PACK", inputs, [target], "PackOptions", {0: ("i", count), 1: ("i", signed)})
    return model


def unpack(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = _shape(random, int(random.integers(1, 5)), 6), _quantised(random, dtype)
    axis = int(random.integers(0, len(shape)))
    source = model.input(shape, dtype, **quantised)
    targets = [model.output(shape[:axis] + shape[axis + 1 :], dtype, **quantised) for _ in range(shape[axis])]
    signed = axis - len(shape) if random.random() < 0.3 else axis
    model.operator("UNPACK", [source], targets, "UnpackOptions", {0: ("i", shape[axis]), 1: ("i", signed)})
    return model


def split(name: str) -> Callable[[Random, str], ModelWriter]:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape, quantised = _shape(random, int(random.integers(1, 5))), _quantised(random, dtype)
        axis, count = int(random.integers(0, len(shape))), int(random.integers(1, 6))
        sizes = [int(s) for s in random.integers(1, 5, count)] if name == "SPLIT_V" else [shape[axis]] * count
        source = model.input((*shape[:axis], sum(sizes), *shape[axis + 1 :]), dtype, **quantised)
        targets = [model.output((*shape[:axis], size, *shape[axis + 1 :]), dtype, **quantised) for size in sizes]
        signed = model.constant(np.array(axis - len(shape) if random.random() < 0.3 else axis, np.int32))
        options = {0: ("i", count)}
        if name == "SPLIT_V":
            lengths = model.constant(np.array(sizes, np.int32))
            model.operator(name, [source, lengths, signed], targets, "SplitVOptions", options)
        else:
            model.operator(name, [signed, source], targets, "SplitOptions", options)
        return model

    return make


def strided_slice(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape, quantised = _shape(random, rank, 9), _quantised(random, dtype)
    begins, ends, strides, counts = [], [], [], []
    begin_mask = end_mask = shrink_mask = 0
    for axis, size in enumerate(shape):
        step = int(random.choice([1, 1, 2, 3, -1, -2]))
        start, stop = sorted(int(v) for v in random.integers(0, size + 1, 2))
        start, stop = (start, stop) if step > 0 else (stop - 1, start - 1)
        picked = list(range(size))[start : stop if stop >= 0 else None : step] if start >= 0 else []
        shrink = random.random() < 0.15
        if shrink:
            start, step, picked = int(random.integers(0, size)), 1, [0]
            stop, shrink_mask = start + 1, shrink_mask | 1 << axis
        elif not picked or stop < 0 or random.random() < 0.3:
            begin_mask, end_mask = begin_mask | 1 << axis, end_mask | 1 << axis
            picked = list(range(size))[::step]
        begins.append(start)
        ends.append(stop)
        strides.append(step)
        if not shrink:
            counts.append(len(picked))
    source = model.input(shape, dtype, **quantised)
    bounds = [model.constant(np.array(v, np.int32)) for v in (begins, ends, strides)]
    target = model.output(counts, dtype, **quantised)
    options = {0: ("i", begin_mask), 1: ("i", end_mask), 4: ("i", shrink_mask)}
    model.operator("STRIDED_SLICE", [source, *bounds], [target], "StridedSliceOptions", options)
    return model


def transpose(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 6))
    shape, quantised = _shape(random, rank), _quantised(random, dtype)
    order = [int(i) for i in random.permutation(rank)]
    source = model.input(shape, dtype, **quantised)
    target = model.output([shape[i] for i in order], dtype, **quantised)
    permutation = model.constant(np.array(order, np.int32))
    model.operator("TRANSPOSE", [source, permutation], [target], "TransposeOptions")
    return model


def reshape(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = _shape(random, 3), _quantised(random, dtype)
    target_shape = (shape[0] * shape[1], shape[2])
    source = model.input(shape, dtype, **quantised)
    target = model.output(target_shape, dtype, **quantised)
    model.operator("RESHAPE", [source, model.constant(np.array(target_shape, np.int32))], [target], "ReshapeOptions")
    return model


def batch_matmul(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    batches = _shape(random, int(random.integers(0, 4)), 4)
    rows, depth, columns = (int(v) for v in random.integers(1, 9, 3))
    adjoint = [bool(random.random() < 0.5) for _ in range(2)]
    left = (depth, rows) if adjoint[0] else (rows, depth)
    right = (columns, depth) if adjoint[1] else (depth, columns)
    quantised = [_quantised(random, dtype) for _ in range(3)]
    if dtype == "int8":
        quantised[2]["scale"] = _output_scale(random, quantised[0]["scale"], np.array([quantised[1]["scale"]]), depth)
    inputs = [
        model.input((*batches, *left), dtype, **quantised[0]),
        model.input((*batches, *right), dtype, **quantised[1]),
    ]
    target = model.output((*batches, rows, columns), dtype, **quantised[2])
    options = {0: ("?", adjoint[0]), 1: ("?", adjoint[1])}
    model.operator("BATCH_MATMUL", inputs, [target], "BatchMatMulOptions", options)
    return model


def quantize(random: Random, dtype: str) -> ModelWriter:
    """float32 or int8 to int8."""
    model = ModelWriter()
    shape = (*_shape(random, 2), 64)
    source_q, target_q = _quantised(random, dtype), _quantised(random, "int8")
    if dtype == "int8":
        target_q["scale"] = float(np.float32(source_q["scale"] * random.choice([1.0, random.uniform(0.3, 3)])))
    source = model.input(shape, dtype, **source_q)
    target = model.output(shape, "int8", **target_q)
    model.operator("QUANTIZE", [source], [target], "QuantizeOptions")
    return model


def dequantize(random: Random, dtype: str) -> ModelWriter:
    """int8 to float32, whichever the test asks for."""
    del dtype
    model = ModelWriter()
    shape = (*_shape(random, 2), 64)
    source = model.input(shape, "int8", **_quantised(random, "int8"))
    target = model.output(shape, "float32")
    model.operator("DEQUANTIZE", [source], [target], "DequantizeOptions")
    return model


def negate(random: Random, dtype: str) -> ModelWriter:
    """float32, whichever the test asks for: Micro negates nothing else."""
    del dtype
    return unary("NEG")(random, "float32")


def lstm(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    batches, time_steps, features, units = (int(v) for v in random.integers(1, 9, 4))
    time_major = bool(random.random() < 0.3)
    lead = (time_steps, batches) if time_major else (batches, time_steps)
    integers = dtype == "int8"
    source = model.input((*lead, features), dtype, **_quantised(random, dtype))
    hidden_q = {"scale": 1 / 128, "zero_point": int(random.integers(-20, 20))} if integers else {}

    def weights(columns: int) -> int:
        if not integers:
            return model.constant(_values(random, (units, columns), dtype, 0.4))
        return model.constant(_values(random, (units, columns), dtype), scale=_scale(random, 1e-3, 2e-2))

    def bias() -> int:
        if not integers:
            return model.constant(_values(random, units, dtype, 0.2))
        return model.constant(random.integers(-2000, 2000, units).astype(np.int32), scale=1e-4)

    inputs = [source, *(weights(features) for _ in range(4)), *(weights(units) for _ in range(4)), -1, -1, -1]
    inputs += [*(bias() for _ in range(4)), -1, -1]
    inputs.append(model.tensor((batches, units), dtype, is_variable=True, **hidden_q))
    cell_q = {"scale": float(2.0 ** -int(random.integers(9, 14)))} if integers else {}
    inputs.append(model.tensor((batches, units), "int16" if integers else dtype, is_variable=True, **cell_q))
    inputs += [-1] * 4
    target = model.output((*lead, units), dtype, **hidden_q)
    options = {0: ("b", 4), 1: ("f", float(random.choice([0.0, 10.0, 0.5]))), 3: ("?", time_major)}
    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    model.operator(name, inputs, [target], "UnidirectionalSequenceLSTMOptions", options)
    return model


MAKERS: dict[str, Callable[[Random, str], ModelWriter]] = {
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "AVERAGE_POOL_2D": pooling("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": pooling("MAX_POOL_2D"),
    **{name: elementwise(name) for name in ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")},
    **{name: unary(name) for name in (*ACTIVATIONS, "ABS", "RSQRT")},
    "NEG": negate,
    "SOFTMAX": softmax,
    "MEAN": mean,
    "PAD": pad,
    "CONCATENATION": concatenation,
    "PACK": pack,
    "UNPACK": unpack,
    **{name: split(name) for name in ("SPLIT", "SPLIT_V")},
    "STRIDED_SLICE": strided_slice,
    "TRANSPOSE": transpose,
    "RESHAPE": reshape,
    "BATCH_MATMUL": batch_matmul,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
}


def random_model(name: str, dtype: str, seed: int) -> ModelWriter:
    return MAKERS[name](np.random.default_rng([seed, *name.encode()]), dtype)


def random_inputs(plan_inputs, seed: int, count: int) -> list[bytes]:
    """Bytes for each inference: all of int8, normal floats."""
    random = np.random.default_rng(seed)

    def values(tensor) -> bytes:
        if tensor.dtype == "float32":
            return (random.normal(size=tensor.shape) * 3).astype(np.float32).tobytes()
        return random.integers(0, 256, tensor.nbytes).astype(np.uint8).tobytes()

    return [b"".join(values(tensor) for tensor in plan_inputs) for _ in range(count)]
