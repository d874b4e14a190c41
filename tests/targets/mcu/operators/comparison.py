"""Operators of truth values. Few of them are model inputs in practice, so they are made by a comparison first."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape, draw_values

COMPARISONS = {
    "EQUAL": "EqualOptions",
    "NOT_EQUAL": "NotEqualOptions",
    "GREATER": "GreaterOptions",
    "GREATER_EQUAL": "GreaterEqualOptions",
    "LESS": "LessOptions",
    "LESS_EQUAL": "LessEqualOptions",
}


def _one_for_some(random: Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if random.random() < 0.3 else d for d in shape)


def comparison(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = draw_shape(random, int(random.integers(1, 5)))
        other = shape if random.random() < 0.5 else _one_for_some(random, shape)
        first, second = (shape, other) if random.random() < 0.5 else (other, shape)
        quantised = draw_quantised(random, dtype)
        similar = quantised if random.random() < 0.5 else draw_quantised(random, dtype)
        inputs = [model.input(first, dtype, **quantised), model.input(second, dtype, **similar)]
        model.operator(name, inputs, [model.output(shape, "bool")], COMPARISONS[name])
        return model

    return make


def _truth(model: ModelWriter, random: Random, shape: tuple[int, ...], dtype: str) -> int:
    """About as many true as false."""
    quantised = draw_quantised(random, dtype)
    source = model.input(shape, dtype, **quantised)
    found = model.tensor(shape, "bool")
    middle = model.constant(draw_values(random, (1,), dtype, 0.3), **quantised)
    model.operator("GREATER", [source, middle], [found], "GreaterOptions")
    return found


def logical(name: str, options_type: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape = draw_shape(random, int(random.integers(1, 5)))
        sides = [_truth(model, random, shape, dtype)]
        if name != "LOGICAL_NOT":
            sides.append(_truth(model, random, _one_for_some(random, shape), dtype))
        model.operator(name, sides, [model.output(shape, "bool")], options_type)
        return model

    return make


def equal_truth(random: Random, dtype: str) -> ModelWriter:
    """EQUAL or NOT_EQUAL of two truth values."""
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    sides = [_truth(model, random, shape, dtype), _truth(model, random, _one_for_some(random, shape), dtype)]
    name = str(random.choice(["EQUAL", "NOT_EQUAL"]))
    model.operator(name, sides, [model.output(shape, "bool")], COMPARISONS[name])
    return model


def reduce_all(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 4)), 4)
    axis = int(random.integers(0, len(shape)))
    source = _truth(model, random, shape, dtype)
    target = model.output((*shape[:axis], *shape[axis + 1 :]), "bool")
    axes = model.constant(np.array([axis], np.int32))
    model.operator("REDUCE_ALL", [source, axes], [target], "ReducerOptions", {0: ("?", False)})
    return model


def select(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = draw_shape(random, int(random.integers(1, 5)))
    quantised = draw_quantised(random, dtype)
    condition = _truth(model, random, _one_for_some(random, shape), dtype)
    sides = [model.input(side, dtype, **quantised) for side in (shape, _one_for_some(random, shape))]
    if random.random() < 0.5:
        sides.reverse()
    target = model.output(shape, dtype, **quantised)
    model.operator("SELECT_V2", [condition, *sides], [target], "SelectV2Options")
    return model


MAKERS: dict[str, Maker] = {
    **{name: comparison(name) for name in COMPARISONS},
    "EQUAL of truth values": equal_truth,
    "LOGICAL_AND": logical("LOGICAL_AND", "LogicalAndOptions"),
    "LOGICAL_OR": logical("LOGICAL_OR", "LogicalOrOptions"),
    "LOGICAL_NOT": logical("LOGICAL_NOT", "LogicalNotOptions"),
    "REDUCE_ALL": reduce_all,
    "SELECT_V2": select,
}
