"""A small convolutional network that reads real handwritten digits."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.handwritten_digits import EVALUATED, LABELS, Digits, held_out_digits, training_digits

WEIGHTS = CommittedWeights("digits_cnn.npz", sha256="4255e25b232a2eaf84e2443d3bc99acdf619faf0efa0d72ff41dde6ec139c992")


def network() -> Any:
    """The untrained network: two convolutions, a pooling, two dense layers."""
    import keras

    image = keras.Input(shape=(8, 8, 1), name="image")
    hidden = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    hidden = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(hidden)
    hidden = keras.layers.MaxPooling2D(2)(hidden)
    hidden = keras.layers.Flatten()(hidden)
    hidden = keras.layers.Dense(32, activation="relu")(hidden)
    digit = keras.layers.Dense(len(LABELS), activation="softmax")(hidden)
    return keras.Model(image, digit, name="digits_cnn")


def build() -> Any:
    return WEIGHTS.fill(network())


def as_images(digits: Digits) -> Dataset:
    """Digits as images with one channel, one to a batch."""
    return Dataset({"image": digits.images[:, None, :, :, None]}, digits.labels)


MODEL = Model(
    name="digits_cnn",
    summary="Handwritten digits, 8×8: a CNN trained on scikit-learn's bundled real data",
    inputs=(TensorSpec("image", (1, 8, 8, 1)),),
    build=build,
    evaluation=lambda: as_images(held_out_digits().first(EVALUATED)),
    calibration=lambda: as_images(training_digits().first(100)),
    task="classification",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={"data": "real: scikit-learn's handwritten digits; the evaluation is held out from training"},
)
