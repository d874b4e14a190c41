"""Operators of one input, and SOFTMAX."""

from __future__ import annotations

import numpy as np

from ..model_writer import TYPES, ModelWriter
from .draws import INDEX_LIMIT, Maker, Random, draw_quantised, draw_scale, draw_shape

ACTIVATIONS = ("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "ELU")
FLOAT_ALONE = ("NEG", "SIN", "COS", "EXP", "SQRT", "SQUARE", "FLOOR", "CEIL", "ROUND", "LOG")


def unary(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = draw_shape(random, int(random.integers(1, 4)))
        source_q, target_q = draw_quantised(random, dtype), draw_quantised(random, dtype)
        options_type, options = None, {}
        if dtype != "float32":
            target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.5, 2)))
            if name in ("LOGISTIC", "TANH") and dtype == "int16":
                target_q = {"scale": 1 / 32768, "zero_point": 0}
                source_q["scale"] = float(random.choice([2.0**-12, 2.0**-11, source_q["scale"]]))
            elif name == "LOGISTIC":
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
        shape = shape if dtype == "float32" else (*shape, 64)
        source, target = model.input(shape, dtype, **source_q), model.output(shape, dtype, **target_q)
        model.operator(name, [source], [target], options_type, options)
        return model

    return make


def float_alone(name: str) -> Maker:
    """float32, whichever the test asks for: Micro has nothing else."""
    return lambda random, dtype: unary(name)(random, "float32")


def softmax(random: Random, dtype: str) -> ModelWriter:
    """For int16 from it, or from int8."""
    model = ModelWriter()
    shape = (*draw_shape(random, int(random.integers(0, 3))), int(random.integers(1, 60)))
    source_dtype, target_q = dtype, {}
    if dtype == "int8":
        target_q = {"scale": 1 / 256, "zero_point": -128}
    elif dtype == "int16":
        source_dtype = str(random.choice(["int8", "int16"]))
        target_q = {"scale": 1 / 32768, "zero_point": 0}
        if source_dtype == "int8":
            target_q = {"scale": 1 / 65536, "zero_point": -32768}
    source = model.input(shape, source_dtype, **draw_quantised(random, source_dtype))
    target = model.output(shape, dtype, **target_q)
    model.operator(
        "SOFTMAX", [source], [target], "SoftmaxOptions", {0: ("f", float(random.choice([1.0, 1.0, 0.5, 2.0])))}
    )
    return model


def log_softmax(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = (*draw_shape(random, int(random.integers(0, 3))), int(random.integers(1, 60)))
    source = model.input(shape, dtype, **draw_quantised(random, dtype))
    target = model.output(shape, dtype, **({"scale": 1 / 16, "zero_point": 127} if dtype == "int8" else {}))
    model.operator("LOG_SOFTMAX", [source], [target], "LogSoftmaxOptions")
    return model


def quantize(random: Random, dtype: str) -> ModelWriter:
    """float32 or int8 to int8; for int16 from or to it."""
    if dtype == "int16":
        return _quantize_int16(random)
    model = ModelWriter()
    shape = (*draw_shape(random, 2), 64)
    source_q, target_q = draw_quantised(random, dtype), draw_quantised(random, "int8")
    if dtype == "int8":
        target_q["scale"] = float(np.float32(source_q["scale"] * random.choice([1.0, random.uniform(0.3, 3)])))
    source = model.input(shape, dtype, **source_q)
    target = model.output(shape, "int8", **target_q)
    model.operator("QUANTIZE", [source], [target], "QuantizeOptions")
    return model


def _quantize_int16(random: Random) -> ModelWriter:
    model = ModelWriter()
    source_dtype, target_dtype = [
        ("float32", "int16"),
        ("int8", "int16"),
        ("int16", "int8"),
        ("int16", "int16"),
        ("int16", "int32"),
        ("int32", "int16"),
        ("int32", "int8"),
        ("int8", "int32"),
    ][int(random.integers(0, 8))]
    shape = (*draw_shape(random, 2), 64)
    steps = {"int8": 127, "int16": 32767, "int32": INDEX_LIMIT, "float32": 1}
    source_q: dict[str, object] = {}
    if source_dtype != "float32":
        source_q = {"scale": draw_scale(random), "zero_point": int(random.integers(-5, 6))}
    if source_dtype == "int16":
        source_q["zero_point"] = 0
    span = source_q.get("scale", 3.0) * steps[source_dtype]
    target_q = {
        "scale": float(np.float32(span * random.uniform(0.3, 3) / max(steps[target_dtype], 127))),
        "zero_point": int(random.integers(-5, 6)),
    }
    source, target = model.input(shape, source_dtype, **source_q), model.output(shape, target_dtype, **target_q)
    model.operator("QUANTIZE", [source], [target], "QuantizeOptions")
    return model


def dequantize(random: Random, dtype: str) -> ModelWriter:
    """int16, or int8 whatever else the test asks for, to float32."""
    dtype = "int16" if dtype == "int16" else "int8"
    model = ModelWriter()
    shape = (*draw_shape(random, 2), 64)
    source = model.input(shape, dtype, **draw_quantised(random, dtype))
    target = model.output(shape, "float32")
    model.operator("DEQUANTIZE", [source], [target], "DequantizeOptions")
    return model


def l2_normalization(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = (*draw_shape(random, int(random.integers(0, 3))), int(random.integers(1, 60)))
    source = model.input(shape, dtype, **draw_quantised(random, dtype))
    target = model.output(shape, dtype, **({"scale": 1 / 128, "zero_point": 0} if dtype == "int8" else {}))
    model.operator("L2_NORMALIZATION", [source], [target], "L2NormOptions")
    return model


def cast(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 4)))
    others = [other for other in ("int8", "int16", "int32", "float32") if other != dtype]
    ends = [dtype, str(random.choice(others))]
    if random.random() < 0.5:
        ends.reverse()
    source, target = model.input(shape, ends[0]), model.output(shape, ends[1])
    codes = [TYPES[end] for end in ends]
    model.operator("CAST", [source], [target], "CastOptions", {0: ("b", codes[0]), 1: ("b", codes[1])})
    return model


MAKERS: dict[str, Maker] = {
    **{
        name: unary(name)
        for name in ("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "ABS", "RSQRT", "ELU")
    },
    **{name: float_alone(name) for name in FLOAT_ALONE},
    "L2_NORMALIZATION": l2_normalization,
    "CAST": cast,
    "SOFTMAX": softmax,
    "LOG_SOFTMAX": log_softmax,
    "QUANTIZE": quantize,
    "DEQUANTIZE": dequantize,
}
