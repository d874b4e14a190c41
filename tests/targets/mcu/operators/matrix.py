"""Products of two tensors."""

from __future__ import annotations

import numpy as np

from ..model_writer import ModelWriter
from .draws import Maker, Random, draw_output_scale, draw_quantised, draw_shape


def batch_matmul(random: Random, dtype: str) -> ModelWriter:
    model = ModelWriter()
    batches = draw_shape(random, int(random.integers(0, 4)), 4)
    rows, depth, columns = (int(v) for v in random.integers(1, 9, 3))
    adjoint = [bool(random.random() < 0.5) for _ in range(2)]
    left = (depth, rows) if adjoint[0] else (rows, depth)
    right = (columns, depth) if adjoint[1] else (depth, columns)
    quantised = [draw_quantised(random, dtype) for _ in range(3)]
    if dtype != "float32":
        quantised[2]["scale"] = draw_output_scale(
            random, quantised[0]["scale"], np.array([quantised[1]["scale"]]), depth
        )
    inputs = [
        model.input((*batches, *left), dtype, **quantised[0]),
        model.input((*batches, *right), dtype, **quantised[1]),
    ]
    target = model.output((*batches, rows, columns), dtype, **quantised[2])
    options = {0: ("?", adjoint[0]), 1: ("?", adjoint[1])}
    model.operator("BATCH_MATMUL", inputs, [target], "BatchMatMulOptions", options)
    return model


MAKERS: dict[str, Maker] = {"BATCH_MATMUL": batch_matmul}
