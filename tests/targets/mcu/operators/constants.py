"""Results that are known before the model runs."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape, draw_values


def fill(random: Random, dtype: str) -> ModelWriter:
    """Beside a model input that is passed on: a model has to have one."""
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    source = model.input(shape, dtype, **quantised)
    value = model.constant(draw_values(random, (), dtype), **quantised)
    filled, target = model.tensor(shape, dtype, **quantised), model.output(shape, dtype, **quantised)
    model.operator("FILL", [model.constant(np.array(shape, np.int32)), value], [filled], "FillOptions")
    model.operator("MAXIMUM", [source, filled], [target], "MaximumMinimumOptions")
    return model


def zeros_like(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    source, target = model.input(shape, dtype, **quantised), model.output(shape, dtype, **quantised)
    model.operator("ZEROS_LIKE", [source], [target], "ZerosLikeOptions")
    return model


def shape_of(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    source, target = model.input(shape, dtype, **draw_quantised(random, dtype)), model.output((len(shape),), "int32")
    model.operator("SHAPE", [source], [target], "ShapeOptions")
    return model


def broadcast_args(random: Random, dtype: str) -> ModelWriter:
    """Of a model input's shape and a constant one."""
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    source = model.input(shape, dtype, **draw_quantised(random, dtype))
    known = model.tensor((len(shape),), "int32")
    other = tuple(1 if random.random() < 0.5 else d for d in shape)[int(random.integers(0, len(shape))) :]
    target = model.output((len(shape),), "int32")
    model.operator("SHAPE", [source], [known], "ShapeOptions")
    model.operator("BROADCAST_ARGS", [known, model.constant(np.array(other, np.int32))], [target])
    return model


MAKERS: dict[str, Maker] = {"BROADCAST_ARGS": broadcast_args, "FILL": fill, "ZEROS_LIKE": zeros_like, "SHAPE": shape_of}
