"""Writes a recipe into `harness.toml` as a variant of the project's own, behind what is there, which stays as it is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import HarnessError
from harness.paths import PROJECT_FILE
from harness.project import NAME, ProjectFile, read_project, sentence
from harness.store.runs import write_atomically
from harness.suggestion import did_you_mean
from harness.variant import Format, Variant

MODEL_WIDE = ("metadata",)
"""Options that a variant gets from the model's own table whatever it is called."""


def check_name(root: Path, name: str, artifact_format: Format) -> None:
    """Raise `HarnessError` where no variant can be written under that name."""
    if not NAME.fullmatch(name):
        raise HarnessError(f"'{name}' is no name for a variant: it has letters, digits, '_', '-' and '.' alone.")
    if any(variant.name == name for variant in artifact_format.variants):
        raise HarnessError(
            f"{artifact_format.name} has a variant '{name}' of its own; choose another name for --write."
        )
    if name in read_project(root).variants:
        raise HarnessError(
            f"{root / PROJECT_FILE} has a [variants.{name}] already; take it out, or choose another name."
        )


def table_of(variant: Variant, artifact_format: Format, model: str, why: str) -> dict[str, Any]:
    """The keys of the table: what differs from the format's own variant, and which model it is for."""
    base = artifact_format.variant(variant.base or variant.name)
    changed = {key: value for key, value in variant.options.items() if base.options.get(key) != value}
    return {
        "format": artifact_format.name,
        "base": base.name,
        "models": [model],
        "summary": why,
        **{key: value for key, value in changed.items() if key not in MODEL_WIDE},
        **({"converter": list(variant.converter)} if variant.converter else {}),
    }


def write_variant(root: Path, name: str, table: Mapping[str, Any]) -> Path:
    """Put `[variants.NAME]` at the end of the project's file, in one step; the file. Raises `HarnessError` where it
    could not be read back."""
    path = root / PROJECT_FILE
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = [f"[variants.{key(name)}]", *(f"{key(one)} = {toml(value)}" for one, value in table.items())]
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    after = f"{before}{gap}{chr(10).join(lines)}\n"
    try:
        ProjectFile.model_validate(tomllib.loads(after))
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(
            f"{path} takes no [variants.{name}] at its end ({error}); write this into it yourself: {'; '.join(lines)}."
        ) from error
    except ValidationError as error:
        said = "; ".join(sentence(problem) for problem in error.errors())
        raise HarnessError(f"{path} cannot have this variant: {said}.") from error
    try:
        write_atomically(path, after)
    except OSError as error:
        raise HarnessError(f"{path} cannot be written ({error.strerror}).") from error
    return path


def key(name: str) -> str:
    """A key of TOML, quoted where it has a dot in it."""
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else toml(name)


def toml(value: Any) -> str:
    """A value of TOML: its strings, numbers and lists are written as JSON's are."""
    if isinstance(value, list | tuple) and len(value) > 1:
        return "[\n" + "".join(f"  {toml(one)},\n" for one in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def model_named(name: str, known: Mapping[str, Any]) -> None:
    """Raise `HarnessError` for a model that has no name in the project."""
    if name not in known:
        raise HarnessError(
            f"There is no model '{name}'; `harness models` lists what there is.{did_you_mean(name, list(known))}"
        )
