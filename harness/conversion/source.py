"""Where a model comes from, as the engine sees it: recognised by its files, identified by their hashes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.cache import sha256_json, sha256_tree
from harness.errors import HarnessError

Kind = Literal["zoo", "saved_model", "keras", "h5", "tflite"]


@dataclass(frozen=True)
class Source:
    """One source. `package` is the zoo's package; `weights` and `data` are further files of its identity."""

    kind: Kind
    path: Path
    package: str = ""
    weights: Path | None = None
    data: Path | None = None

    def identity(self) -> str:
        """Hash of every file that decides what the model computes and what it is tried on. Raises `HarnessError`."""
        files = [*closure(self.path)] if self.kind == "zoo" else [self.path]
        files += [file for file in (self.weights, self.data) if file is not None]
        try:
            return sha256_json([self.kind, [sha256_tree([file]) for file in files]])
        except OSError as error:
            raise HarnessError(f"{error.filename} cannot be read ({error.strerror}).") from error

    def request(self) -> dict[str, Any]:
        """What the conversion worker is told."""
        return {
            "kind": self.kind,
            "path": str(self.path),
            "package": self.package,
            "data": str(self.data) if self.data else None,
        }


def recognise(path: Path) -> Kind:
    """The kind of a user's model, by what its files are. Raises `HarnessError` where they are nothing known."""
    if not path.exists():
        raise HarnessError(f"{path} does not exist; correct the path of the model in harness.toml.")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        raise HarnessError(f"{path} is a folder without a saved_model.pb; name a SavedModel, .keras, .h5 or .tflite.")
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise HarnessError(f"{path} is empty (0 bytes); write the model again.")
    if head[4:8] == b"TFL3" or path.suffix == ".tflite":
        return "tflite"
    if head.startswith(b"\x89HDF"):
        return "h5"
    if head.startswith(b"PK\x03\x04") and path.suffix == ".keras":
        return "keras"
    raise HarnessError(f"{path} is not a SavedModel, .keras, .h5 or .tflite file; its content is none of these.")


def closure(module: Path) -> Iterator[Path]:
    """A Python file and all that it imports from its own package, by its relative imports."""
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        yield file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level == 0:
                continue
            folder = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            candidates = [folder.with_suffix(".py"), folder / "__init__.py"] if node.module else []
            candidates += [folder / f"{alias.name}.py" for alias in node.names]
            waiting += [candidate for candidate in candidates if candidate.is_file()]
