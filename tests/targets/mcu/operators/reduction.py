"""Operators that reduce axes."""

from __future__ import annotations

import numpy as np

from ..model_writer import TYPES, ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def reducer(name: str) -> Maker:
    return lambda random, dtype: _reduce(name, random, dtype)


def _reduce(name: str, random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    rank = int(random.integers(1, 5))
    shape = draw_shape(random, rank, 9)
    axes = sorted(int(a) for a in random.choice(rank, int(random.integers(1, rank + 1)), replace=False))
    keep = bool(random.random() < 0.5)
    kept = (
        [1 if i in axes else d for i, d in enumerate(shape)]
        if keep
        else [d for i, d in enumerate(shape) if i not in axes]
    )
    source_q, target_q = draw_quantised(random, dtype), draw_quantised(random, dtype)
    if dtype != "float32":
        count = int(np.prod([shape[a] for a in axes])) if name == "SUM" else 1
        target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.3, 1.2) * np.sqrt(count)))
        if name in ("REDUCE_MAX", "REDUCE_MIN"):
            target_q = source_q
    source = model.input(shape, dtype, **source_q)
    target = model.output(kept, dtype, **target_q)
    axis = model.constant(np.array([a - rank if random.random() < 0.3 else a for a in axes], np.int32))
    model.operator(name, [source, axis], [target], "ReducerOptions", {0: ("?", keep)})
    return model


def place_of_extreme(name: str) -> Maker:
    def make(random: Random, dtype: str) -> ModelWriter:
        model = ModelWriter()
        rank = int(random.integers(1, 5))
        shape = draw_shape(random, rank, 9)
        axis = int(random.integers(0, rank))
        source = model.input(shape, dtype, **draw_quantised(random, dtype))
        target = model.output((*shape[:axis], *shape[axis + 1 :]), "int32")
        signed = model.constant(np.array(axis - rank if random.random() < 0.3 else axis, np.int32))
        options_type = "ArgMaxOptions" if name == "ARG_MAX" else "ArgMinOptions"
        model.operator(name, [source, signed], [target], options_type, {0: ("b", TYPES["int32"])})
        return model

    return make


MAKERS: dict[str, Maker] = {
    **{name: reducer(name) for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")},
    **{name: place_of_extreme(name) for name in ("ARG_MAX", "ARG_MIN")},
}
