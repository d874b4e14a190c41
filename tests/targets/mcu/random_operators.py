"""Random models of one operator, each with a name; the same seed gives the same model.

What is drawn for an operator is in `operators`, one module a family.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .model_writer import ModelWriter
from .operators import INT16, INT32, MAKERS
from .operators.draws import INDEX_LIMIT

FORMS = [
    *((name, dtype) for name in MAKERS for dtype in ("int8", "float32")),
    *((name, "int16") for name in INT16),
    *((name, "int32") for name in INT32),
]
"""Every operator with the types of its activations."""
Draws = Callable[[int, int], range]
"""The fixture `draws`: seeds, few of them or all."""


def random_model(name: str, dtype: str, seed: int) -> ModelWriter:
    return MAKERS[name](np.random.default_rng([seed, *name.encode()]), dtype)


def random_inputs(plan_inputs, seed: int, count: int) -> list[bytes]:
    """Bytes for each inference: all of int8, normal floats, small indices."""
    random = np.random.default_rng(seed)

    def values(tensor) -> bytes:
        if tensor.dtype == "float32":
            return (random.normal(size=tensor.shape) * 3).astype(np.float32).tobytes()
        if tensor.dtype == "int32":
            return random.integers(0, INDEX_LIMIT, tensor.shape).astype(np.int32).tobytes()
        return random.integers(0, 256, tensor.nbytes).astype(np.uint8).tobytes()

    return [b"".join(values(tensor) for tensor in plan_inputs) for _ in range(count)]
