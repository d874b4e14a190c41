"""The trial conversions of an assessment: artifacts or refusals, and what their formats found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import CaseError
from harness.examination import Examination
from harness.variant import READY

FALLBACKS = ("select-tf", "custom")
"""Operator sets that are tried where the builtin ones of `float32` are not enough."""
FLOATING = (READY.name, "float32", *FALLBACKS)
"""Variants whose operators are those of the model itself, in the order of preference."""


@dataclass
class Trials:
    """Everything that was tried, by format and variant."""

    artifacts: dict[tuple[str, str], Artifact | CaseError] = field(default_factory=dict)
    examinations: dict[tuple[str, str], Examination] = field(default_factory=dict)
    unexamined: dict[tuple[str, str], CaseError] = field(default_factory=dict)
    """Artifacts of which their format cannot tell anything, and why."""

    left_out: tuple[str, ...] = ()
    """Variants that were not converted because the model is large, in words."""

    references: dict[tuple[str, str], Mapping[str, NDArray[Any]]] = field(default_factory=dict)
    """What the reference interpreter gives for the sample that artifacts are examined with: canonical output name →
    stored values, (1, *shape); of the artifacts alone of which some target's kernels were run."""

    def artifact(self, artifact_format: str, *variants: str) -> Artifact | None:
        """The first of the variants that converted."""
        for variant in variants:
            found = self.artifacts.get((artifact_format, variant))
            if isinstance(found, Artifact):
                return found
        return None

    def examination(self, artifact_format: str, *variants: str) -> Examination | None:
        """The examination of the first of the variants that converted."""
        found = self.artifact(artifact_format, *variants)
        return self.examinations.get((artifact_format, found.variant)) if found else None

    def variants(self, artifact_format: str) -> list[str]:
        """The variants of a format that were tried, converted or not, in the order in which they were asked for."""
        return [variant for name, variant in self.artifacts if name == artifact_format]
