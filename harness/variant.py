"""A variant is one conversion recipe; a format is a family of artifacts with its variants."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Variant:
    """One recipe: `name` is what people say, `options` what the format's converter is told (JSON values only)."""

    name: str
    summary: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """How artifacts of one kind are made.

    `converter` is a Python file that runs in the converter's environment, never in the engine. It defines
    `convert(saved_model, options, calibration, output) -> str` (entry file name), `inspect(path) -> dict` (inputs,
    outputs, operators) and `reference(path, inspected, samples) -> (name, dict of arrays)`
    (a reference interpreter).
    """

    name: str
    variants: tuple[Variant, ...]
    converter: Path

    def variant(self, name: str) -> Variant:
        """The variant of that name; raises KeyError."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)
