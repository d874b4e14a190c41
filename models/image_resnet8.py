"""ResNet8: three residual stages on small colour images."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.textured_shapes import LABELS, SIDE, shape_images

WEIGHTS = CommittedWeights(
    "image_resnet8.npz", sha256="6b405aae348de9eb2283672fb45380a73b5158c9fe603cca3b6e0c0d66d6aba3"
)


def network() -> Any:
    """The untrained network: a convolution, then stages of 16, 32 and 64 filters, each around a shortcut."""
    import keras
    from keras import layers

    def convolve(hidden: Any, filters: int, stride: int) -> Any:
        hidden = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(hidden)
        return layers.BatchNormalization(momentum=0.9)(hidden)

    image = keras.Input(shape=(SIDE, SIDE, 3), name="image")
    hidden = layers.ReLU()(convolve(image, 16, 1))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        shortcut = hidden if stride == 1 else layers.Conv2D(filters, 1, strides=stride, padding="same")(hidden)
        hidden = convolve(layers.ReLU()(convolve(hidden, filters, stride)), filters, 1)
        hidden = layers.ReLU()(layers.Add()([shortcut, hidden]))
    # The pooling covers the whole plane: AVERAGE_POOL_2D runs everywhere, a MEAN over two axes does not.
    hidden = layers.Flatten()(layers.AveragePooling2D(8)(hidden))
    shape = layers.Dense(len(LABELS), activation="softmax")(hidden)
    return keras.Model(image, shape, name="image_resnet8")


def build() -> Any:
    return WEIGHTS.fill(network())


def as_images(count: int, seed: int) -> Dataset:
    """Fresh images, one to a batch."""
    drawn = shape_images(count, seed)
    return Dataset({"image": drawn.images[:, None]}, drawn.labels)


MODEL = Model(
    name="image_resnet8",
    summary="Image classification, 32×32×3 → 10: a ResNet8 trained on synthetic textured shapes",
    inputs=(TensorSpec("image", (1, SIDE, SIDE, 3)),),
    build=build,
    evaluation=lambda: as_images(200, seed=41),
    calibration=lambda: as_images(100, seed=42),
    task="classification",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={
        "data": "synthetic, not photographs: seeded shapes in noise; the accuracy says nothing of real images",
        "after": "the image classification network of MLPerf Tiny",
    },
)
