"""MobileNetV1 at a quarter of its width: is somebody in the picture?"""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.figure_scenes import LABELS, SIDE, scenes

WEIGHTS = CommittedWeights(
    "wakeword_mobilenet.npz", sha256="50bbcd3ba8be0366da4f3931fc52551194925d19285e174646aee925f99530e6"
)
BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))
"""Filters and stride of each separable block: MobileNetV1's, times 0.25."""


def network() -> Any:
    """The untrained network: a convolution, thirteen separable blocks, the mean, a softmax."""
    import keras
    from keras import layers

    def activate(hidden: Any) -> Any:
        return layers.ReLU(max_value=6)(layers.BatchNormalization(momentum=0.9)(hidden))

    image = keras.Input(shape=(SIDE, SIDE, 3), name="image")
    hidden = activate(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image))
    for filters, stride in BLOCKS:
        hidden = activate(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(hidden))
        hidden = activate(layers.Conv2D(filters, 1, use_bias=False)(hidden))
    # The pooling covers the whole plane: AVERAGE_POOL_2D runs everywhere, a MEAN over two axes does not.
    hidden = layers.Flatten()(layers.AveragePooling2D(3)(hidden))
    figure = layers.Dense(len(LABELS), activation="softmax")(hidden)
    return keras.Model(image, figure, name="wakeword_mobilenet")


def build() -> Any:
    return WEIGHTS.fill(network())


def as_images(count: int, seed: int) -> Dataset:
    """Fresh scenes, one to a batch."""
    drawn = scenes(count, seed)
    return Dataset({"image": drawn.images[:, None]}, drawn.labels)


MODEL = Model(
    name="wakeword_mobilenet",
    summary="Visual wake word, 96×96×3 → 2: a MobileNetV1 0.25 trained on synthetic scenes with and without a figure",
    inputs=(TensorSpec("image", (1, SIDE, SIDE, 3)),),
    build=build,
    evaluation=lambda: as_images(200, seed=51),
    calibration=lambda: as_images(100, seed=52),
    task="classification",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={
        "data": "synthetic, not photographs: seeded stick figures in clutter; the accuracy says nothing of real people",
        "after": "the visual wake words network of MLPerf Tiny",
    },
)
