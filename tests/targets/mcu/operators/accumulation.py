"""Sums of many values."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def add_n(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    count = int(random.integers(2, 6))
    target_q = draw_quantised(random, dtype)
    if dtype == "int8":
        target_q["scale"] = float(np.float32(quantised["scale"] * random.uniform(0.3, 1.5) * count))
    inputs = [model.input(shape, dtype, **quantised) for _ in range(count)]
    model.operator("ADD_N", inputs, [model.output(shape, dtype, **target_q)], "AddNOptions")
    return model


def cumulative_sum(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    axis = int(random.integers(0, len(shape)))
    source_q, target_q = draw_quantised(random, dtype), draw_quantised(random, dtype)
    if dtype == "int8":
        target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.5, 2) * shape[axis]))
    source, target = model.input(shape, dtype, **source_q), model.output(shape, dtype, **target_q)
    signed = model.constant(np.array([axis - len(shape) if random.random() < 0.3 else axis], np.int32))
    options = {0: ("?", bool(random.random() < 0.5)), 1: ("?", bool(random.random() < 0.5))}
    model.operator("CUMSUM", [source, signed], [target], "CumsumOptions", options)
    return model


MAKERS: dict[str, Maker] = {"ADD_N": add_n, "CUMSUM": cumulative_sum}
