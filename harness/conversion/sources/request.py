"""What a way in is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model import Dataset, TensorSpec


class BadSource(Exception):
    """The source cannot be loaded; the text is one sentence."""

    harness_kind = "bad_input"


def first_line(error: Exception) -> str:
    """What an error of somebody else's code says, in one line: its first, but the last of AutoGraph's and of a graph's,
    which tell where it was before what it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith("[[")]
    lines = lines or ["no message"]
    return (lines[-1] if lines[0] in ("in user code:", "Graph execution error:") else lines[0])[:300]


@dataclass(frozen=True)
class Request:
    """One source to export."""

    kind: str
    path: Path
    output: Path
    """Folder of the preparation: `saved_model/` goes into it, and `keras.h5` where a Keras model is known."""
    package: str = ""
    signature: str = ""
    """Name of the signature that the user chose; empty to choose by itself."""
    function: str = ""
    """`package.module:function` of an entry point; `path` is then the folder that the package is in."""
    inputs: Mapping[str, TensorSpec] = field(default_factory=dict)
    """Inputs that the user declared, in their order; needed where the source does not state them."""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of one sample of the user's data, by the plain name (`export.plain_name`) of its array."""

    @property
    def saved_model(self) -> Path:
        return self.output / "saved_model"


@dataclass(frozen=True)
class Exported:
    """What was recognised and why, in words; data where the source brings its own."""

    recognised: str
    evaluation: Dataset | None = None
    calibration: Dataset | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """More for the preparation's facts, as JSON: `open_dimensions`, `keras`."""
