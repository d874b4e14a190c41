"""What a run is given: where it reads and writes, how it measures, and who converts for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.artifact import Artifact
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.conversion.worker_request import RemoteConverter
from harness.gate.policy import Policy
from harness.store.record import Conditioning
from harness.target import TimingPlan
from harness.variant import Format, Variant


def cores() -> int:
    """Number of this machine's cores: at most this many processes hold a TensorFlow at once."""
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """Where a run reads and writes, and how it measures."""

    root: Path
    cache: Path
    results: Path
    command: str = ""
    parity_only: bool = False
    fresh: bool = False
    plan: TimingPlan = field(default_factory=lambda: TimingPlan(per_operator=True, kernels=True))
    workers: int = field(default_factory=lambda: cores() + 1)
    """Steps side by side: one more than there are cores, because the processes that steps wait for wait as well, for
    each other, a disk, the start of a page. A third of two cores was idle with two."""
    policy: Policy = field(default_factory=Policy)


class Conversion(Protocol):
    """What a run needs of `harness.conversion.converter.Converter`. Each raises a `CaseError`."""

    def prepare(self, entry: ModelEntry) -> PreparedModel:
        """The prepared form of a model, with its golden."""

    def convert(self, prepared: PreparedModel, artifact_format: Format, variant: Variant) -> Artifact:
        """One variant of it."""

    def reference(self, prepared: PreparedModel, artifact: Artifact, artifact_format: Format) -> Reference:
        """What the reference interpreter makes of the artifact."""

    def conditioning(
        self, prepared: PreparedModel, artifact: Artifact, artifact_format: Format, reference: Reference
    ) -> Conditioning | None:
        """How far its outputs move when its operators round otherwise."""

    def opinion(self, prepared: PreparedModel, artifact: Artifact, name: str) -> Reference:
        """What another target makes of it."""

    def at(self, elsewhere: RemoteConverter) -> Conversion:
        """The same conversion, done at another place as far as it can be, under the same addresses."""

    def close(self) -> None:
        """End every child process."""
