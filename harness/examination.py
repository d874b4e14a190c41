"""The findings of a format's `examine` on one artifact, from its bytes and by trying it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class ExaminedOperator:
    """One operator of an artifact, in execution order. `outputs` are the names of the tensors it writes."""

    operator: str
    outputs: tuple[str, ...] = ()
    macs: int = 0


@dataclass(frozen=True)
class Answer:
    """What is known of one target that is not started: what it `lacks`, each with its reason in words (nothing where it
    is expected to run), and `how` that is known."""

    lacks: tuple[str, ...]
    how: str
    outputs: Mapping[str, NDArray[Any]] | None = None
    """What its kernels gave for the sample that the artifact was examined with, by canonical name, (1, *shape) each;
    None where they were not run."""


@dataclass(frozen=True)
class Examination:
    """Facts of one artifact. Sizes in bytes."""

    steps: tuple[ExaminedOperator, ...] = ()
    parameters: int | None = None
    activation_bytes: int | None = None
    experimental: tuple[str, ...] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    """Element type → number of tensors."""
    open_shapes: int = 0
    """Tensors whose shape is known at run time only."""
    loops: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    kernels: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Operator → backend → whether its kernel is there; operators of which nothing is known are left out."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Answers by a target's name. Targets of which nothing is known are left out."""

    @property
    def macs(self) -> int:
        return sum(step.macs for step in self.steps)
