"""One encoder block of a transformer: attention, a feed-forward part, two normalisations. Seeded, not trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.model import Dataset, Model, TensorSpec, normal_samples

from .data.random_stream import random_stream

TOKENS, WIDTH, HEADS = 16, 32, 4
SHAPE = (1, TOKENS, WIDTH)


def network() -> Any:
    """The block, its weights still Keras's own."""
    import keras
    from keras import layers

    tokens = keras.Input(shape=(TOKENS, WIDTH), name="tokens")
    attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(tokens, tokens)
    hidden = layers.LayerNormalization()(layers.Add()([tokens, attended]))
    forward = layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="relu")(hidden))
    return keras.Model(tokens, layers.LayerNormalization()(layers.Add()([hidden, forward])), name="attention_block")


def build() -> Any:
    """The block with seeded weights; NumPy's Philox, as Keras's initialisers may change from version to version."""
    block = network()
    random = random_stream(81)
    block.set_weights([_draw(weight.path, tuple(weight.shape), random) for weight in block.weights])
    return block


def _draw(path: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Kernels spread so that every layer keeps the size of what it is given; gains around one, offsets around zero."""
    if path.endswith("gamma"):
        return 1 + 0.1 * random.standard_normal(shape)
    if path.endswith(("beta", "bias")):
        return 0.1 * random.standard_normal(shape)
    # The attention's output kernel is (heads, size of a head, width): it sums over all but the last axis.
    summed = int(np.prod(shape[:-1])) if path.endswith("attention_output/kernel") else shape[0]
    return random.standard_normal(shape) / np.sqrt(summed)


MODEL = Model(
    name="attention_block",
    summary="A transformer encoder block, 16 tokens × 32, four heads: seeded weights, not trained",
    inputs=(TensorSpec("tokens", SHAPE),),
    build=build,
    evaluation=lambda: Dataset({"tokens": normal_samples(SHAPE, 128, seed=82)}),
    calibration=lambda: Dataset({"tokens": normal_samples(SHAPE, 100, seed=83)}),
    task="regression",
    notes={"data": "synthetic: standard normal tokens", "weights": "seeded (NumPy's Philox), never trained"},
)
