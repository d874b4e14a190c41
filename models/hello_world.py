"""A sine from three dense layers: the "hello world" of TensorFlow Lite Micro, and the smallest model worth timing."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.random_stream import random_stream

WEIGHTS = CommittedWeights("hello_world.npz", sha256="37ceedffcedf9622f1f76562b56c78113eec79226c58cb501864958cd920082c")


def network() -> Any:
    """The untrained network: 1 → 16 → 16 → 1."""
    import keras

    angle = keras.Input(shape=(1,), name="angle")
    hidden = keras.layers.Dense(16, activation="relu")(angle)
    hidden = keras.layers.Dense(16, activation="relu")(hidden)
    return keras.Model(angle, keras.layers.Dense(1)(hidden), name="hello_world")


def build() -> Any:
    return WEIGHTS.fill(network())


def angles(count: int, seed: int) -> Dataset:
    """Angles drawn evenly from one turn."""
    drawn = random_stream(seed).uniform(0, 2 * np.pi, (count, 1, 1)).astype(np.float32)
    return Dataset({"angle": drawn})


MODEL = Model(
    name="hello_world",
    summary="Sine of an angle: a multi-layer perceptron, 1 → 16 → 16 → 1, ReLU",
    inputs=(TensorSpec("angle", (1, 1)),),
    build=build,
    evaluation=lambda: angles(128, seed=11),
    calibration=lambda: angles(100, seed=12),
    task="regression",
    weights=WEIGHTS.file,
    notes={"data": "synthetic: angles drawn evenly from one turn", "after": "TensorFlow Lite Micro's hello_world"},
)
