"""What a way in is asked for, and what it answers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.model import Dataset, TensorSpec


class BadSource(Exception):
    """The source cannot be loaded; the text is one sentence."""

    harness_kind = "bad_input"


COLOUR = re.compile(r"\x1b\[[\d;]*m")
BEFORE_THE_LAST = ("in user code:", "Graph execution error:")
"""How errors of AutoGraph and of graphs begin, which tell where it was before what it was."""
BESIDES = ("[[", "[Op:", "Hint:")
"""How lines begin that errors of graphs add: the node, the function, an option of TensorFlow's sessions."""
BEFORE_THE_SECOND = "Exception encountered when calling"
"""How errors of Keras's layers begin."""


def first_line(error: BaseException) -> str:
    """What an error of somebody else's code says, in one line: its first, or the one that says what is wrong."""
    plain = (COLOUR.sub("", line).strip() for line in str(error).splitlines())
    lines = [line for line in plain if line and not line.startswith(BESIDES)] or ["no message"]
    if lines[0] in BEFORE_THE_LAST:
        told = lines[-1]
    else:
        told = lines[1] if lines[0].startswith(BEFORE_THE_SECOND) and len(lines) > 1 else lines[0]
    return textwrap.shorten(told.removeprefix(f"{type(error).__name__}: ").rstrip("."), 300, placeholder="…")


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

    guessed: list[str] = field(default_factory=list)
    """Inputs with an open size besides the batch's that was made one, for want of anything better; found on the way."""

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
    """Further facts of the preparation, as JSON: `open_dimensions`, `keras`."""
