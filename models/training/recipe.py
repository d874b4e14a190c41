"""What a training needs, and the one loop that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..committed_weights import CommittedWeights

Examples = tuple[NDArray[Any], NDArray[Any]]
"""Inputs and what the network shall answer to them."""


@dataclass(frozen=True)
class Recipe:
    """How one model was trained: Adam, its learning rate falling to zero along a cosine."""

    weights: CommittedWeights
    network: Callable[[], Any]
    examples: Callable[[], Examples]
    loss: str
    epochs: int
    batch_size: int = 32
    learning_rate: float = 0.002
    seed: int = 1


def train(recipe: Recipe) -> list[NDArray[np.float32]]:
    """The trained weights in layer order."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    inputs, answers = recipe.examples()
    network = recipe.network()
    steps = recipe.epochs * -(-len(inputs) // recipe.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    network.compile(optimizer=keras.optimizers.Adam(rate), loss=recipe.loss)
    network.fit(inputs, answers, batch_size=recipe.batch_size, epochs=recipe.epochs, verbose=2)
    return [np.asarray(array, dtype=np.float32) for array in network.get_weights()]
