"""Slices of an axis, chosen by number."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import INDEX_LIMIT, Maker, Random, draw_quantised, draw_shape, draw_values


def _indices(model: ModelWriter, random: Random, shape: tuple[int, ...]) -> int:
    if random.random() < 0.4:
        return model.constant(random.integers(0, INDEX_LIMIT, shape).astype(np.int32))
    return model.input(shape, "int32")


def gather(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    axis = int(random.integers(0, rank))
    batch_axes = int(random.integers(0, axis + 1)) if random.random() < 0.3 else 0
    shape = list(draw_shape(random, rank, 6))
    shape[axis] = int(random.integers(INDEX_LIMIT, 9))
    source = model.input(shape, dtype, **(quantised := draw_quantised(random, dtype)))
    chosen = (*shape[:batch_axes], *draw_shape(random, int(random.integers(0, 3)), 4))
    indices = _indices(model, random, chosen)
    target = model.output((*shape[:axis], *chosen[batch_axes:], *shape[axis + 1 :]), dtype, **quantised)
    signed = axis - rank if random.random() < 0.3 else axis
    options = {0: ("i", signed), 1: ("i", batch_axes)}
    model.operator("GATHER", [source, indices], [target], "GatherOptions", options)
    return model


def embedding_lookup(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape = (int(random.integers(INDEX_LIMIT, 20)), *draw_shape(random, int(random.integers(1, 3))))
    quantised = draw_quantised(random, dtype)
    count = int(random.integers(1, 6))
    indices = model.input((count,), "int32")
    rows = model.constant(draw_values(random, shape, dtype), **quantised)
    target = model.output((count, *shape[1:]), dtype, **quantised)
    model.operator("EMBEDDING_LOOKUP", [indices, rows], [target])
    return model


def gather_nd(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    depth = int(random.integers(1, rank + 1))
    leading = [int(size) for size in random.integers(INDEX_LIMIT, 7, depth)]
    shape = (*leading, *draw_shape(random, rank - depth, 4))
    quantised = draw_quantised(random, dtype)
    source = model.input(shape, dtype, **quantised)
    chosen = draw_shape(random, int(random.integers(0, 3)), 4)
    indices = _indices(model, random, (*chosen, depth))
    target = model.output((*chosen, *shape[depth:]), dtype, **quantised)
    model.operator("GATHER_ND", [source, indices], [target], "GatherNdOptions")
    return model


def dynamic_update_slice(random: Random, dtype: str) -> ModelWriter:
    """The indices that do not let all of the update be inside are held to those that do."""
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
    part = tuple(int(random.integers(1, size + 1)) for size in shape)
    source, update = model.input(shape, dtype, **quantised), model.input(part, dtype, **quantised)
    if random.random() < 0.3:
        indices = model.constant(random.integers(-2, 6, len(shape)).astype(np.int64))
    else:
        indices = model.input((len(shape),), "int32")
    target = model.output(shape, dtype, **quantised)
    model.operator("DYNAMIC_UPDATE_SLICE", [source, update, indices], [target], "DynamicUpdateSliceOptions")
    return model


MAKERS: dict[str, Maker] = {
    "GATHER": gather,
    "EMBEDDING_LOOKUP": embedding_lookup,
    "GATHER_ND": gather_nd,
    "DYNAMIC_UPDATE_SLICE": dynamic_update_slice,
}
