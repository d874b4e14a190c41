"""A model as preparation left it on disk."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.budget import SampleBudget
from harness.cache import sha256_file
from harness.conversion.choices import CustomOperators
from harness.named_arrays import first_samples, read_arrays, write_arrays


@dataclass(frozen=True)
class PreparedModel:
    """A source in the one form that converters take, with its golden; all on disk."""

    model: str
    key: str
    folder: Path
    facts: dict[str, Any]
    golden_digest: str
    custom_operators: CustomOperators | None = None
    budget: SampleBudget = field(default_factory=SampleBudget)
    """How many of the golden's samples the reference interpreter is given."""

    @property
    def golden_path(self) -> Path:
        return self.folder / "golden.npz"


def with_first_samples(prepared: PreparedModel, samples: int, folder: Path) -> PreparedModel:
    """The same model with the first `samples` of its golden alone, which are written into `folder`."""
    path = folder / "golden.npz"
    write_arrays(path, first_samples(read_arrays(prepared.golden_path), samples))
    return dataclasses.replace(prepared, folder=folder, golden_digest=sha256_file(path))
