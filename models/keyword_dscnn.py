"""DS-CNN: the depthwise-separable network that spots keywords on microcontrollers."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.keyword_patterns import COEFFICIENTS, FRAMES, LABELS, keyword_samples

WEIGHTS = CommittedWeights(
    "keyword_dscnn.npz", sha256="a1b50d743ca73f4edb4b74bb83252bf0e22256a364c90970f918acde0ed09293"
)
FILTERS = 64


def network() -> Any:
    """The untrained network: one convolution over time and frequency, four separable blocks, the mean, a softmax."""
    import keras
    from keras import layers

    features = keras.Input(shape=(FRAMES, COEFFICIENTS, 1), name="features")
    hidden = layers.Conv2D(FILTERS, (10, 4), strides=2, padding="same", use_bias=False)(features)
    hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(hidden))
    for _ in range(4):
        hidden = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(hidden)
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(hidden))
        hidden = layers.Conv2D(FILTERS, 1, use_bias=False)(hidden)
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(hidden))
    # The pooling covers the whole plane: AVERAGE_POOL_2D runs everywhere, a MEAN over two axes does not.
    hidden = layers.Flatten()(layers.AveragePooling2D((25, 5))(hidden))
    keyword = layers.Dense(len(LABELS), activation="softmax")(hidden)
    return keras.Model(features, keyword, name="keyword_dscnn")


def build() -> Any:
    return WEIGHTS.fill(network())


def as_features(count: int, seed: int) -> Dataset:
    """Fresh samples with one channel, one to a batch."""
    samples = keyword_samples(count, seed)
    return Dataset({"features": samples.features[:, None, :, :, None]}, samples.labels)


MODEL = Model(
    name="keyword_dscnn",
    summary="Keyword spotting, 49×10 → 12: a DS-CNN with 64 filters, trained on synthetic time–frequency ridges",
    inputs=(TensorSpec("features", (1, FRAMES, COEFFICIENTS, 1)),),
    build=build,
    evaluation=lambda: as_features(200, seed=31),
    calibration=lambda: as_features(100, seed=32),
    task="classification",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={
        "data": "synthetic, not speech: seeded ridges in noise; the accuracy says nothing of real keywords",
        "after": "the keyword spotting network of MLPerf Tiny",
    },
)
