"""One side of a comparison: an artifact on a target, and what people call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact, TensorInfo
from harness.target import Target


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

    def stored(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The first of real `inputs` as this artifact takes it; an input that is not among them gets fixed noise."""
        return {
            info.name: info.to_stored(inputs[info.name][:1] if info.name in inputs else noise(info))
            for info in self.artifact.inputs
        }


def noise(info: TensorInfo) -> NDArray[Any]:
    """One sample for an input of which nothing is known: the same at every call."""
    generator = np.random.default_rng(20171024)
    return generator.uniform(0.0, 1.0, (1, *info.shape)).astype(np.float32)
