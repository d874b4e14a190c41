"""Synthetic stand-in for spoken commands: ridges in a time–frequency plane, 49 frames × 10 coefficients.

A "word" is a fixed set of gliding ridges; a sample of it is moved in time and pitch, spoken faster or slower, louder or
softer, and drowned in noise. As with real commands there are two classes without a word of their own: silence, and
"unknown", whose ridges are drawn anew for every sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .random_stream import random_stream

FRAMES, COEFFICIENTS = 49, 10
WORDS = 10
LABELS = ("silence", "unknown", *(f"word_{index}" for index in range(1, WORDS + 1)))
RIDGES = 3
NOISE = 0.8


@dataclass(frozen=True)
class KeywordSamples:
    """Features shaped (samples, 49, 10) and their classes."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


def keyword_samples(count: int, seed: int) -> KeywordSamples:
    random = random_stream(seed)
    vocabulary = [_draw_ridges(random_stream(3000 + word)) for word in range(WORDS)]
    labels = random.integers(0, len(LABELS), count)
    features = np.empty((count, FRAMES, COEFFICIENTS))
    for index, label in enumerate(labels):
        features[index] = random.normal(0, NOISE, (FRAMES, COEFFICIENTS))
        if label > 0:
            ridges = _draw_ridges(random) if label == 1 else vocabulary[label - 2]
            features[index] += random.uniform(0.9, 1.8) * _speak(ridges, random)
    # A grid of 1/64, as a fixed-point front end gives; it also hides the last bits in which CPUs' exp() differ.
    return KeywordSamples((np.round(features * 64) / 64).astype(np.float32), labels)


def _draw_ridges(random: np.random.Generator) -> NDArray[np.float64]:
    """Each row a ridge: when it begins, how long it lasts, the coefficient it begins and ends at, how it bends."""
    return np.stack(
        [
            random.uniform(0.0, 0.65, RIDGES),
            random.uniform(0.2, 0.45, RIDGES),
            random.uniform(0, COEFFICIENTS - 1, RIDGES),
            random.uniform(0, COEFFICIENTS - 1, RIDGES),
            random.normal(0, 2, RIDGES),
        ],
        axis=1,
    )


def _speak(ridges: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    delay, tempo, pitch = random.normal(0, 0.06), random.uniform(0.8, 1.2), random.normal(0, 0.6)
    time = ((np.arange(FRAMES) / FRAMES) - delay)[:, None]
    coefficient = np.arange(COEFFICIENTS)[None, :]
    spoken = np.zeros((FRAMES, COEFFICIENTS))
    for begin, length, first, last, bend in ridges:
        along = (time * tempo - begin) / length
        centre = first + (last - first) * along + bend * along * (1 - along) + pitch
        loudness = np.exp(-(((along - 0.5) / 0.4) ** 4))
        spoken += loudness * np.exp(-(((coefficient - centre) / 0.9) ** 2))
    return spoken
