"""Operators that reduce axes."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_quantised, draw_shape


def mean(random: Random, dtype: str) -> ModelWriter:
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
    if dtype == "int8":
        target_q["scale"] = float(np.float32(source_q["scale"] * random.uniform(0.3, 1.2)))
    source = model.input(shape, dtype, **source_q)
    target = model.output(kept, dtype, **target_q)
    axis = model.constant(np.array([a - rank if random.random() < 0.3 else a for a in axes], np.int32))
    model.operator("MEAN", [source, axis], [target], "ReducerOptions", {0: ("?", keep)})
    return model


MAKERS: dict[str, Maker] = {"MEAN": mean}
