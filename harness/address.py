"""Content addresses: every field of a value counts, unless its class names it in `NOT_IN_ADDRESS` with a reason.

So a field that is added to a request is part of its address without anybody's doing.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel

from harness.cache import sha256_file, sha256_json

NOT_IN_ADDRESS = "NOT_IN_ADDRESS"
"""Name of the class attribute that maps the fields that are no part of an address to the reason."""


def address_of(*parts: Any) -> str:
    """Hexadecimal SHA-256 over everything that `parts` hold. Raises `TypeError` for what has no content, `OSError`
    where a file cannot be read."""
    return sha256_json(content_of(parts))


def content_of(value: Any) -> Any:
    """`value` as JSON that two values share only if they are equal: a dataclass or pydantic model as its class and all
    its fields but those that it leaves out, a path as its name and the bytes that are there."""
    if value is None or isinstance(value, bool | int | str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, PurePath):
        return {"name": value.name, "files": hashes(files_below(Path(value)))}
    if isinstance(value, Mapping):
        return {"mapping": sorted(([content_of(key), content_of(held)] for key, held in value.items()), key=repr)}
    if isinstance(value, set | frozenset):
        return {"set": sorted((content_of(held) for held in value), key=repr)}
    if isinstance(value, list | tuple):
        return [content_of(held) for held in value]
    names = field_names(value)
    left_out = getattr(type(value), NOT_IN_ADDRESS, {})
    return {
        "class": type(value).__qualname__,
        "fields": [[name, content_of(getattr(value, name))] for name in names if name not in left_out],
    }


def field_names(value: Any) -> list[str]:
    """The fields of a dataclass or pydantic model, or of an instance of one. Raises `TypeError` for anything else."""
    kind = value if isinstance(value, type) else type(value)
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    if issubclass(kind, BaseModel):
        return list(kind.model_fields)
    raise TypeError(f"a {kind.__name__} has no content that an address could be made of")


def files_below(path: Path) -> dict[str, Path]:
    """The file itself by its own name, or every file below a folder by its path from there; links are followed, as
    whoever loads the folder follows them."""
    if not path.is_dir():
        return {path.name: path}
    return {file.relative_to(path).as_posix(): file for file in _walked(path)}


def _walked(folder: Path) -> Iterator[Path]:
    above = {str(folder): frozenset({os.path.realpath(folder)})}
    for place, folders, files in os.walk(folder, followlinks=True):
        yield from (Path(place, file) for file in files)
        for name in [*folders]:
            real = os.path.realpath(Path(place, name))
            if real in above[place]:  # a link in a circle
                folders.remove(name)
            above[os.path.join(place, name)] = above[place] | {real}  # noqa: PTH118 - as `os.walk` writes it


def hashes(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 of each file by its name. Raises `OSError`."""
    return {name: sha256_file(path) for name, path in sorted(files.items())}
