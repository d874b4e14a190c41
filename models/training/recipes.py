"""The recipe of every trained model."""

from __future__ import annotations

import numpy as np

from .. import digits_cnn, hello_world
from ..data.handwritten_digits import training_digits
from .recipe import Examples, Recipe


def sine() -> Examples:
    inputs = hello_world.angles(4000, seed=13).inputs["angle"][:, 0]
    return inputs, np.sin(inputs)


def digit_images() -> Examples:
    digits = training_digits()
    return digits.images[..., None], digits.labels


RECIPES = {
    "hello_world": Recipe(
        hello_world.WEIGHTS, hello_world.network, sine, loss="mse", epochs=100, batch_size=64, learning_rate=0.01
    ),
    "digits_cnn": Recipe(
        digits_cnn.WEIGHTS, digits_cnn.network, digit_images, loss="sparse_categorical_crossentropy", epochs=30
    ),
}
