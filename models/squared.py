"""A TensorFlow function with a concrete signature and no Keras in it: every element, squared."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .data.random_stream import random_stream

SHAPE = (1, 16)


def build() -> Any:
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(SHAPE, tf.float32, name="values")])
    def squared(values: tf.Tensor) -> tf.Tensor:
        return values * values

    return squared


def values(count: int, seed: int) -> Dataset:
    """Numbers in -3…3: bounded, so that the calibration sees the range the evaluation uses."""
    return Dataset({"values": random_stream(seed).uniform(-3, 3, (count, *SHAPE)).astype("float32")})


MODEL = Model(
    name="squared",
    summary="Squares of sixteen numbers: a plain tf.function, no Keras, no weights",
    inputs=(TensorSpec("values", SHAPE),),
    build=build,
    evaluation=lambda: values(128, seed=91),
    calibration=lambda: values(100, seed=92),
    task="regression",
    notes={"data": "synthetic: numbers drawn evenly from -3…3"},
)
