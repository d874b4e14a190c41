"""The recipe of every trained model. No seed here is a seed of an evaluation or a calibration."""

from __future__ import annotations

import numpy as np

from .. import (
    anomaly_autoencoder,
    digits_cnn,
    digits_lstm,
    hello_world,
    image_resnet8,
    keyword_dscnn,
    wakeword_mobilenet,
)
from ..data.figure_scenes import scenes
from ..data.handwritten_digits import training_digits
from ..data.keyword_patterns import keyword_samples
from ..data.machine_sounds import machine_sounds
from ..data.textured_shapes import shape_images
from .recipe import Examples, Recipe

CLASSES = "sparse_categorical_crossentropy"


def sine() -> Examples:
    inputs = hello_world.angles(4000, seed=13).inputs["angle"][:, 0]
    return inputs, np.sin(inputs)


def digit_images() -> Examples:
    digits = training_digits()
    return digits.images[..., None], digits.labels


def digit_rows() -> Examples:
    digits = training_digits()
    return digits.images, digits.labels


def keywords() -> Examples:
    samples = keyword_samples(8000, seed=33)
    return samples.features[..., None], samples.labels


def shapes() -> Examples:
    drawn = shape_images(8000, seed=43)
    return drawn.images, drawn.labels


def figures() -> Examples:
    drawn = scenes(8000, seed=53)
    return drawn.images, drawn.labels


def healthy_sounds() -> Examples:
    spectra = machine_sounds(6000, seed=63, faulty_share=0).features
    return spectra, spectra


RECIPES = {
    "hello_world": Recipe(
        hello_world.WEIGHTS, hello_world.network, sine, loss="mse", epochs=100, batch_size=64, learning_rate=0.01
    ),
    "digits_cnn": Recipe(digits_cnn.WEIGHTS, digits_cnn.network, digit_images, loss=CLASSES, epochs=30),
    "digits_lstm": Recipe(
        digits_lstm.WEIGHTS, digits_lstm.network, digit_rows, loss=CLASSES, epochs=40, learning_rate=0.005
    ),
    "keyword_dscnn": Recipe(
        keyword_dscnn.WEIGHTS, keyword_dscnn.network, keywords, loss=CLASSES, epochs=8, batch_size=64
    ),
    "image_resnet8": Recipe(
        image_resnet8.WEIGHTS, image_resnet8.network, shapes, loss=CLASSES, epochs=10, batch_size=32
    ),
    "wakeword_mobilenet": Recipe(
        wakeword_mobilenet.WEIGHTS, wakeword_mobilenet.network, figures, loss=CLASSES, epochs=6, learning_rate=0.004
    ),
    "anomaly_autoencoder": Recipe(
        anomaly_autoencoder.WEIGHTS, anomaly_autoencoder.network, healthy_sounds, loss="mse", epochs=20, batch_size=64
    ),
}
