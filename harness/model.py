"""What an entry of the zoo declares.

Imported in the engine and again in the converter's environment, so: standard library and NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
"""Named tensors. *Samples* are tensors with one leading axis more than the signature: sample × static shape."""


@dataclass(frozen=True)
class TensorSpec:
    """One input of a model: its name, its static shape (batch of one included) and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Dataset:
    """Inputs by name, each shaped (samples, *static shape); `labels` shaped (samples,) where the task has them."""

    inputs: Tensors
    labels: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


@dataclass(frozen=True)
class DetectionOutputs:
    """Which outputs of a detector hold what, by canonical name. Boxes are two corners each, either axis first."""

    boxes: str
    scores: str
    classes: str = ""
    """Empty for a detector of one class, which is class 0."""
    count: str = ""
    """How many rows are detections; empty where no output says so, and padding has a score of zero."""
    min_score: float = 0.5
    """Detections that score less are no answer, and are not asked to be matched."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.boxes, self.scores, self.classes, self.count) if name)


@dataclass(frozen=True)
class Model:
    """An entry of the zoo.

    `build`, `evaluation` and `calibration` run in the converter's environment only: they may import TensorFlow,
    Keras and scikit-learn inside their bodies. `build` returns a Keras model, a `tf.Module` with a `serve`
    function, or a `tf.function` with a concrete signature.
    """

    name: str
    summary: str
    inputs: tuple[TensorSpec, ...]
    build: Callable[[], Any]
    evaluation: Callable[[], Dataset]
    calibration: Callable[[], Dataset]
    task: Literal["classification", "regression", "reconstruction", "detection"] = "regression"
    labels: tuple[str, ...] = ()
    weights: str | None = None
    """File name of the committed weights under `models/weights/`, part of the model's identity."""
    sequence: bool = False
    """Whether the samples are a stream, in order, so that a model with state keeps it from each to the next; else every
    sample starts from fresh state."""
    notes: Mapping[str, str] = field(default_factory=dict)


def normal_samples(shape: tuple[int, ...], count: int, seed: int) -> NDArray[np.float32]:
    """Standard normal samples shaped (count, *shape); Philox, so the same on every machine and NumPy version."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal((count, *shape)).astype(np.float32)
