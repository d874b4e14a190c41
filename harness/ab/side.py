"""One side of a comparison: an artifact on a target, with a label."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact, TensorInfo
from harness.target import Session, Target


@dataclass(frozen=True)
class Side:
    """`label` says in what it differs from the other side."""

    label: str
    target: Target
    artifact: Artifact

    def same_as(self, other: Side) -> bool:
        """Whether there is nothing to time: the same bytes on the same runtime."""
        return (
            self.artifact.digest == other.artifact.digest
            and self.target.name == other.target.name
            and self.target.fingerprint() == other.target.fingerprint()
        )

    def changes_to(self, new: Side) -> tuple[str, ...]:
        """What differs, as `threads 1 → 2`; of two targets their names alone, since all of the runtime does."""
        found = []
        if self.target.name != new.target.name:
            found.append(f"target {self.target.name} → {new.target.name}")
        else:
            before, after = self.target.fingerprint(), new.target.fingerprint()
            # `environment` is a hash of the versions, which are named beside it.
            keys = [key for key in before if before[key] != after.get(key) and key != "environment"]
            found += [f"{key} {before[key]} → {after.get(key, 'none')}" for key in keys]
        if self.artifact.digest != new.artifact.digest:
            found.append(f"artifact {_artifact_text(self.artifact)} → {_artifact_text(new.artifact)}")
        return tuple(found)

    def stored(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The first of real `inputs` as this artifact takes it; an input that is not among them gets fixed noise."""
        return {
            info.name: info.to_stored(inputs[info.name][:1] if _fits(info, inputs) else noise(info))
            for info in self.artifact.inputs
        }


@contextmanager
def both_opened(old: Side, new: Side, order: random.Random) -> Iterator[dict[str, Session]]:
    """A fresh process for each, as `old` and `new`. Which is started first is left to chance: where its memory lies is
    part of its bias. Raises a `CaseError`."""
    pair = [("old", old), ("new", new)]
    order.shuffle(pair)
    with ExitStack() as stack:
        yield {which: stack.enter_context(side.target.open(side.artifact)) for which, side in pair}


def _artifact_text(artifact: Artifact) -> str:
    return f"{artifact.digest[:12]}… ({artifact.bytes:,} bytes)"


def _fits(info: TensorInfo, inputs: Mapping[str, NDArray[Any]]) -> bool:
    """A file of another model may have an input of the same name and another shape."""
    return info.name in inputs and inputs[info.name].shape[1:] == info.shape


def noise(info: TensorInfo) -> NDArray[Any]:
    """One sample for an input of which nothing is known: the same at every call."""
    generator = np.random.default_rng(20171024)
    return generator.uniform(0.0, 1.0, (1, *info.shape)).astype(np.float32)
