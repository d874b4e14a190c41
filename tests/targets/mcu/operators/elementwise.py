"""Operators of two inputs, with broadcasting."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_activation, draw_quantised, draw_shape, draw_values

_WITHOUT_ACTIVATION = {
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "FLOOR_DIV": "FloorDivOptions",
    "FLOOR_MOD": "FloorModOptions",
}


def elementwise(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = draw_shape(random, int(random.integers(1, 5)))
        other = tuple(1 if random.random() < 0.3 else d for d in shape)
        if random.random() < 0.3:
            other = other[int(random.integers(0, len(other))) :]
        if random.random() < 0.5:
            other = shape
        first, second = (shape, other) if random.random() < 0.5 else (other, shape)
        quantised = [draw_quantised(random, dtype) for _ in range(3)]
        if dtype in ("int8", "int16"):
            spans, half = [q["scale"] for q in quantised[:2]], 100 if dtype == "int8" else 20000
            span = {
                "MUL": spans[0] * spans[1] * half,
                "SQUARED_DIFFERENCE": half * sum(spans) ** 2,
            }.get(name, sum(spans))
            quantised[2]["scale"] = float(np.float32(span * random.uniform(0.3, 1.5)))
        inputs = [model.input(first, dtype, **quantised[0])]
        if random.random() < 0.3:
            inputs.append(model.constant(draw_values(random, second, dtype), **quantised[1]))
        else:
            inputs.append(model.input(second, dtype, **quantised[1]))
        target = model.output(np.broadcast_shapes(first, second), dtype, **quantised[2])
        if name in _WITHOUT_ACTIVATION:
            model.operator(name, inputs, [target], _WITHOUT_ACTIVATION[name])
        else:
            model.operator(name, inputs, [target], f"{name.capitalize()}Options", {0: ("b", draw_activation(random))})
        return model

    return make


FLOAT_ALONE = ("DIV", "FLOOR_DIV", "FLOOR_MOD")


def float_alone(name: str) -> Maker:
    """float32, whichever the test asks for."""
    return lambda random, dtype: elementwise(name)(random, "float32")


def prelu(random: Random, dtype: str) -> ModelWriter:
    """Slopes of one axis or more, constant as converters write them; of eight bits for int16 too."""
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    slopes = tuple(1 if random.random() < 0.5 else d for d in shape[:-1]) + shape[-1:]
    quantised = [draw_quantised(random, dtype) for _ in range(3)]
    slope_dtype = "float32" if dtype == "float32" else "int8"
    if dtype != "float32":
        quantised[2]["scale"] = float(np.float32(quantised[0]["scale"] * random.uniform(0.5, 2)))
        quantised[1]["scale"] = float(np.float32(random.uniform(0.001, 0.01)))
    source = model.input(shape, dtype, **quantised[0])
    alpha = model.constant(draw_values(random, slopes, slope_dtype), **quantised[1])
    model.operator("PRELU", [source, alpha], [model.output(shape, dtype, **quantised[2])])
    return model


MAKERS: dict[str, Maker] = {
    **{name: elementwise(name) for name in ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE", "MINIMUM", "MAXIMUM")},
    **{name: float_alone(name) for name in FLOAT_ALONE},
    "PRELU": prelu,
}
