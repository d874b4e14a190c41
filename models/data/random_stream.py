"""The one source of randomness of the zoo's data."""

from __future__ import annotations

import numpy as np


def random_stream(seed: int) -> np.random.Generator:
    """A Philox generator: the same numbers on every machine."""
    return np.random.Generator(np.random.Philox(seed))
