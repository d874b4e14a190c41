"""One tensor cut into several."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def unpack(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    shape, quantised = draw_shape(random, int(random.integers(1, 5)), 6), draw_quantised(random, dtype)
    axis = int(random.integers(0, len(shape)))
    source = model.input(shape, dtype, **quantised)
    targets = [model.output(shape[:axis] + shape[axis + 1 :], dtype, **quantised) for _ in range(shape[axis])]
    signed = axis - len(shape) if random.random() < 0.3 else axis
    model.operator("UNPACK", [source], targets, "UnpackOptions", {0: ("i", shape[axis]), 1: ("i", signed)})
    return model


def split(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        shape, quantised = draw_shape(random, int(random.integers(1, 5))), draw_quantised(random, dtype)
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


MAKERS: dict[str, Maker] = {"UNPACK": unpack, **{name: split(name) for name in ("SPLIT", "SPLIT_V")}}
