"""Affine quantisation of whole tensors: real = scale · (stored − zero_point). NumPy only: children import it too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantise(values: NDArray[Any], scale: float, zero_point: int, dtype: str) -> NDArray[Any]:
    """Real values to stored ones of `dtype`, rounded half away from zero as TFLite's QUANTIZE does. Any shape."""
    scaled = values.astype(np.float32) / np.float32(scale)
    rounded: NDArray[np.float32] = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5)) + zero_point
    limits = np.iinfo(dtype)
    stored: NDArray[Any] = np.clip(rounded, limits.min, limits.max).astype(dtype)
    return stored


def dequantise(stored: NDArray[Any], scale: float, zero_point: int) -> NDArray[Any]:
    """Stored values to float32 ones. Any shape."""
    return (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
