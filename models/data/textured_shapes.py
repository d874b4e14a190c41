"""Synthetic stand-in for small photographs: 32×32 colour images of five shapes in two textures, on a busy ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .random_stream import random_stream

SIDE = 32
SHAPES = ("disc", "square", "triangle", "ring", "cross")
TEXTURES = ("striped", "chequered")
LABELS = tuple(f"{texture} {shape}" for shape in SHAPES for texture in TEXTURES)
NOISE = 0.06


@dataclass(frozen=True)
class ShapeImages:
    """Images shaped (samples, 32, 32, 3) in 0…1 and their classes."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def shape_images(count: int, seed: int) -> ShapeImages:
    random = random_stream(seed)
    labels = random.integers(0, len(LABELS), count)
    images = np.stack([_draw(SHAPES[label // 2], TEXTURES[label % 2], random) for label in labels])
    # 256 levels, as a camera gives; it also hides the last bits in which CPUs' sin() differ.
    return ShapeImages((np.round(np.clip(images, 0, 1) * 255) / 255).astype(np.float32), labels)


def _draw(shape: str, texture: str, random: np.random.Generator) -> NDArray[np.float64]:
    row, column = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    centre = SIDE / 2 + random.uniform(-3, 3, 2)
    turn, size = random.uniform(0, 2 * np.pi), random.uniform(9, 13)
    x = ((column - centre[0]) * np.cos(turn) + (row - centre[1]) * np.sin(turn)) / size
    y = ((row - centre[1]) * np.cos(turn) - (column - centre[0]) * np.sin(turn)) / size
    inside = _covers(shape, x, y)[..., None]
    pattern = _paint(texture, x, y, random)[..., None]
    ground, ink, paper = random.uniform(0.1, 0.9, (3, 3))
    slope = random.normal(0, 0.012, (2, 3))
    ground = ground + (row[..., None] - SIDE / 2) * slope[0] + (column[..., None] - SIDE / 2) * slope[1]
    image = np.where(inside, np.where(pattern, ink, paper), ground)
    return image + random.normal(0, NOISE, image.shape)


def _covers(shape: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pixels the shape covers, in its own turned coordinates where its radius is one."""
    radius = np.hypot(x, y)
    if shape == "disc":
        return radius < 0.95
    if shape == "square":
        return np.maximum(abs(x), abs(y)) < 0.85
    if shape == "triangle":
        return (y > -0.6) & (y < 1.1 - 1.7 * abs(x))
    if shape == "ring":
        return (radius < 1.05) & (radius > 0.5)
    return np.minimum(abs(x), abs(y)) < np.where(np.maximum(abs(x), abs(y)) < 1.05, 0.35, 0)


def _paint(
    texture: str, x: NDArray[np.float64], y: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.bool_]:
    """Which pixels the texture inks."""
    period, phase = random.uniform(0.55, 0.75), random.uniform(0, np.pi, 2)
    across = np.sin(2 * np.pi * x / period + phase[0])
    if texture == "striped":
        return across > 0
    return across * np.sin(2 * np.pi * y / period + phase[1]) > 0
