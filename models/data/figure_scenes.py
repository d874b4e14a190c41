"""Synthetic stand-in for visual wake words: 96×96 colour scenes with or without a standing figure.

Every scene is cluttered with bars and blobs. Some scenes without a figure hold something close to one: a body with
no head, or a whole figure upside down; a network that only finds roundness or uprightness fails on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .random_stream import random_stream

SIDE = 96
LABELS = ("no figure", "figure")
NOISE = 0.05

Canvas = NDArray[np.float32]
ROW, COLUMN = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)


@dataclass(frozen=True)
class Scenes:
    """Images shaped (samples, 96, 96, 3) in 0…1 and whether a figure stands in each."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def scenes(count: int, seed: int) -> Scenes:
    random = random_stream(seed)
    labels = random.integers(0, 2, count)
    images = np.stack([_scene(bool(label), random) for label in labels])
    # 256 levels, as a camera gives; it also hides the last bits in which CPUs' arithmetic differs.
    return Scenes((np.round(np.clip(images, 0, 1) * 255) / 255).astype(np.float32), labels)


def _scene(present: bool, random: np.random.Generator) -> Canvas:
    canvas = np.empty((SIDE, SIDE, 3), dtype=np.float32)
    canvas[:] = random.uniform(0.05, 0.5, 3)
    canvas += (ROW[..., None] / SIDE - 0.5) * random.normal(0, 0.2, 3).astype(np.float32)
    for _ in range(random.integers(2, 6)):
        _clutter(canvas, random)
    if present:
        _figure(canvas, random, head=True, upright=True)
    else:
        near_miss = random.random()
        if near_miss < 0.15:
            _figure(canvas, random, head=False, upright=True)
        elif near_miss < 0.3:
            _figure(canvas, random, head=True, upright=False)
    for _ in range(random.integers(0, 2)):
        _clutter(canvas, random)
    return canvas + random.normal(0, NOISE, canvas.shape).astype(np.float32)


def _figure(canvas: Canvas, random: np.random.Generator, *, head: bool, upright: bool) -> None:
    """A head, a body, two arms and two legs, `size` pixels tall, all brighter than the ground."""
    size = random.uniform(52, 80)
    x, y = random.uniform(24, SIDE - 24), random.uniform(size / 2 + 4, SIDE - size / 2 - 4)
    down = size if upright else -size
    coat, skin, trousers = random.uniform(0.5, 1, (3, 3))
    width = 0.07 * size

    def limb(from_x: float, from_y: float, to_x: float, to_y: float, colour: NDArray[np.float64], thick: float) -> None:
        ends = (x + from_x * size, y + from_y * down, x + to_x * size, y + to_y * down)
        _stroke(canvas, ends, thick, colour)

    for side in (-1, 1):
        limb(0, 0.1, side * random.uniform(0.03, 0.2), 0.5, trousers, width)
        limb(0, -0.2, side * random.uniform(0.12, 0.3), random.uniform(-0.3, 0.15), coat, 0.7 * width)
    limb(0, -0.2, 0, 0.1, coat, 1.7 * width)
    if head:
        limb(0, -0.38, 0, -0.4, skin, 0.11 * size)


def _clutter(canvas: Canvas, random: np.random.Generator) -> None:
    """A bar or a blob anywhere."""
    x, y = random.uniform(0, SIDE, 2)
    length = random.uniform(0, 1) ** 2 * 50
    angle = random.uniform(0, np.pi)
    ends = (x, y, x + length * np.cos(angle), y + length * np.sin(angle))
    _stroke(canvas, ends, random.uniform(1.5, 6), random.uniform(0, 0.8, 3))


def _stroke(
    canvas: Canvas, ends: tuple[float, float, float, float], radius: float, colour: NDArray[np.float64]
) -> None:
    """Paint every pixel closer than `radius` to the line between the ends."""
    x0, y0, x1, y1 = ends
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((COLUMN - x0) * dx + (ROW - y0) * dy) / max(dx * dx + dy * dy, 1e-6), 0, 1)
    canvas[np.hypot(COLUMN - x0 - along * dx, ROW - y0 - along * dy) < radius] = colour
