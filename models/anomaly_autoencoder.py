"""A dense autoencoder that learns what a healthy machine sounds like."""

from __future__ import annotations

from typing import Any

from harness.model import Dataset, Model, TensorSpec

from .committed_weights import CommittedWeights
from .data.machine_sounds import LABELS, WIDTH, machine_sounds

WEIGHTS = CommittedWeights(
    "anomaly_autoencoder.npz", sha256="4a7d380202197936c1a265662a5a9a62f4a2decd04940952aa8908f9cc6bf704"
)
UNITS = (128, 128, 128, 128, 8, 128, 128, 128, 128)
"""The hidden layers; the eight in the middle are all that is known of a sound when it is drawn again."""


def network() -> Any:
    """The untrained network: 640 → 8 → 640."""
    import keras
    from keras import layers

    spectrum = keras.Input(shape=(WIDTH,), name="spectrum")
    hidden = spectrum
    for units in UNITS:
        hidden = layers.Dense(units, use_bias=False)(hidden)
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(hidden))
    return keras.Model(spectrum, layers.Dense(WIDTH)(hidden), name="anomaly_autoencoder")


def build() -> Any:
    return WEIGHTS.fill(network())


def as_spectra(count: int, seed: int, *, faulty_share: float) -> Dataset:
    """Fresh sounds, one to a batch."""
    sounds = machine_sounds(count, seed, faulty_share=faulty_share)
    return Dataset({"spectrum": sounds.features[:, None]}, sounds.labels)


MODEL = Model(
    name="anomaly_autoencoder",
    summary="Anomaly detection, 640 → 640: an autoencoder trained on synthetic sounds of healthy machines",
    inputs=(TensorSpec("spectrum", (1, WIDTH)),),
    build=build,
    evaluation=lambda: as_spectra(200, seed=61, faulty_share=0.5),
    calibration=lambda: as_spectra(100, seed=62, faulty_share=0.2),
    task="reconstruction",
    labels=LABELS,
    weights=WEIGHTS.file,
    notes={
        "data": "synthetic, not recordings: seeded harmonics in noise; the score says nothing of real machines",
        "score": "the mean squared error between input and output; labels say 0 for healthy, 1 for faulty",
        "after": "the anomaly detection network of MLPerf Tiny",
    },
)
