"""Synthetic stand-in for machine sounds: five frames of a 128-band log-mel spectrum, 640 numbers in a row.

A healthy machine hums: a base tone and its harmonics, under a slow swell, above a floor of noise. A faulty one has a
tone where none belongs, or has lost a harmonic, or rattles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .random_stream import random_stream

FRAMES, BANDS = 5, 128
WIDTH = FRAMES * BANDS
LABELS = ("healthy", "faulty")
HARMONICS = 8
NOISE = 0.35


@dataclass(frozen=True)
class MachineSounds:
    """Features shaped (samples, 640) and whether the machine was faulty."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


def machine_sounds(count: int, seed: int, *, faulty_share: float) -> MachineSounds:
    random = random_stream(seed)
    labels = (random.random(count) < faulty_share).astype(np.int64)
    features = np.stack([_listen(bool(label), random) for label in labels])
    # A grid of 1/64, as a fixed-point front end gives; it also hides the last bits in which CPUs' exp() differ.
    return MachineSounds((np.round(features.reshape(count, WIDTH) * 64) / 64).astype(np.float32), labels)


def _listen(faulty: bool, random: np.random.Generator) -> NDArray[np.float64]:
    base = random.uniform(9, 15)
    loudness = 2.2 * 0.85 ** np.arange(HARMONICS) * random.uniform(0.85, 1.15)
    swell = 1 + 0.25 * np.sin(np.arange(FRAMES) * 0.9 + random.uniform(0, 2 * np.pi))
    fault = random.integers(0, 3) if faulty else -1
    if fault == 0:
        loudness[random.integers(1, 5)] *= random.uniform(0, 0.5)
    bands = np.arange(BANDS)
    spectrum = -1 - bands / BANDS + np.zeros((FRAMES, BANDS))
    for harmonic, level in enumerate(loudness, start=1):
        spectrum += level * swell[:, None] * _tone(bands, base * harmonic)
    if fault == 1:
        spectrum += random.uniform(0.5, 1.6) * _tone(bands, base * (random.integers(1, 7) + random.uniform(0.35, 0.65)))
    spectrum += random.normal(0, NOISE, spectrum.shape)
    if fault == 2:
        spectrum[random.integers(0, FRAMES)] += random.uniform(0.1, 0.9) * random.normal(0.5, 1, BANDS)
    return spectrum


def _tone(bands: NDArray[np.int64], centre: float) -> NDArray[np.float64]:
    return np.exp(-(((bands - centre) / 1.6) ** 2))
