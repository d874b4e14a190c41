"""Operators of two inputs, with broadcasting."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_activation, draw_quantised, draw_shape, draw_values


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
        if dtype == "int8":
            spans = [q["scale"] for q in quantised[:2]]
            span = {"MUL": spans[0] * spans[1] * 100, "SQUARED_DIFFERENCE": 100 * sum(spans) ** 2}.get(name, sum(spans))
            quantised[2]["scale"] = float(np.float32(span * random.uniform(0.3, 1.5)))
        inputs = [model.input(first, dtype, **quantised[0])]
        if random.random() < 0.3:
            inputs.append(model.constant(draw_values(random, second, dtype), **quantised[1]))
        else:
            inputs.append(model.input(second, dtype, **quantised[1]))
        target = model.output(np.broadcast_shapes(first, second), dtype, **quantised[2])
        if name == "SQUARED_DIFFERENCE":
            model.operator(name, inputs, [target], "SquaredDifferenceOptions")
        else:
            model.operator(name, inputs, [target], f"{name.capitalize()}Options", {0: ("b", draw_activation(random))})
        return model

    return make


MAKERS: dict[str, Maker] = {name: elementwise(name) for name in ("ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")}
