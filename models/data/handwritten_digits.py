"""Real data: the 1797 handwritten digits (8×8, 17 grey levels) bundled with scikit-learn, split once and for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .random_stream import random_stream

LABELS = tuple(str(digit) for digit in range(10))
HELD_OUT = 360
"""Digits no training and no calibration ever sees."""

EVALUATED = 256
"""How many of the held-out digits the evaluation uses: enough for an accuracy, and slow targets stay quick."""


@dataclass(frozen=True)
class Digits:
    """Images shaped (samples, 8, 8) in 0…1, and which digit each shows."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def first(self, count: int) -> Digits:
        return Digits(self.images[:count], self.labels[:count])


def training_digits() -> Digits:
    return _split()[0]


def held_out_digits() -> Digits:
    return _split()[1]


def _split() -> tuple[Digits, Digits]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = random_stream(20).permutation(len(bunch.target))
    images = (bunch.images[order] / 16).astype(np.float32)
    labels = bunch.target[order].astype(np.int64)
    training = Digits(images[HELD_OUT:], labels[HELD_OUT:])
    return training, Digits(images[:HELD_OUT], labels[:HELD_OUT])
