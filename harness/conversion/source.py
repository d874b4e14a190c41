"""Where a model comes from, as the engine sees it: recognised by its files, identified by their hashes."""

from __future__ import annotations

import ast
import json
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from harness.address import content_of, field_names, files_below, hashes
from harness.cache import sha256_json
from harness.conversion import other_frameworks
from harness.conversion.worker_request import InputFiles
from harness.errors import PARSING, Failed, HarnessError
from harness.loaded import check_files
from harness.model import TensorSpec

Kind = Literal["zoo", "saved_model", "hub", "keras", "h5", "entry_point", "tflite", "tfjs"]
PARSING_ATTEMPTS = 10
READY_FORMATS = {"tflite": "tflite", "tfjs": "tfjs"}
KNOWN = "a SavedModel or TF Hub folder, a .keras, .h5 or .tflite file, or a TensorFlow.js model.json"


@dataclass(frozen=True)
class Source:
    """One source. `package` is the zoo's package; `weights`, `data` and `files` are further files of its identity."""

    kind: Kind
    path: Path
    """The file or folder; for an entry point, the folder that its package is in."""
    package: str = ""
    weights: Path | None = None
    data: Path | None = None
    signature: str = ""
    function: str = ""
    inputs: tuple[TensorSpec, ...] = ()
    files: tuple[Path, ...] = ()
    sequence: bool = False
    """Whether the samples are a stream, so that state is kept from each to the next."""

    @property
    def ready_format(self) -> str | None:
        """The format of a source that needs no conversion."""
        return READY_FORMATS.get(self.kind)

    def identity(self) -> str:
        """Hash of all that decides what the model computes and what it is tried on: every field, files by their bytes.
        Raises `HarnessError`.

        A path counts by its name and what is there, not by where that is, so that a moved checkout keeps its cache.
        """
        try:
            rest = [[name, content_of(getattr(self, name))] for name in field_names(self) if name != "path"]
            # The folder that an entry point's package is in may be called anything.
            name = "" if self.kind == "entry_point" else self.path.name
            return sha256_json(["source", name, hashes(self.needed_files()), rest])
        except OSError as error:
            raise HarnessError(f"{error.filename} cannot be read ({error.strerror}).") from error

    def check_opened(self, opened: Mapping[str, str]) -> None:
        """Hold what loading it opened (name → SHA-256) against what it is. Code may have imported more than is seen
        without running it; all else is exactly what was named. Raises `Failed`."""
        asked = hashes(self.needed_files())
        code = self.kind in ("entry_point", "zoo")
        entry = self.path.name
        if self.kind == "entry_point":
            entry = next(iter(named_from(self.path, [module_file(self.path, self.function)])))
        elif self.path.is_dir():
            entry = next(name for name in ("saved_model.pb", "saved_model.pbtxt") if name in asked)
        compared = {name: digest for name, digest in opened.items() if not code or name in asked}
        check_files("The converter's process", asked, compared, entry)
        if not code and set(asked) - set(opened):
            raise Failed(f"The converter's process never opened {', '.join(sorted(set(asked) - set(opened)))}.")

    def needed_files(self) -> dict[str, Path]:
        """The files of the model itself, by their names as seen from it: what its kind says that loading it opens, and
        nothing that merely lies beside it. Raises `HarnessError`, `OSError`."""
        if self.kind == "zoo":
            return named_from(self.path.parent, closure(self.path))
        if self.kind == "entry_point":
            return named_from(self.path, closure(module_file(self.path, self.function), self.path))
        if self.kind == "tfjs":
            return {self.path.name: self.path, **shards(self.path)}
        return files_below(self.path)

    def request(self) -> dict[str, Any]:
        """The request to the conversion worker."""
        return {
            "kind": self.kind,
            "path": str(self.path),
            "package": self.package,
            "data": str(self.data) if self.data else None,
            "signature": self.signature,
            "function": self.function,
            "inputs": {spec.name: {"shape": list(spec.shape), "dtype": spec.dtype} for spec in self.inputs},
            "sequence": self.sequence,
        }


def files_of_source(source: Source) -> InputFiles:
    """The files of a source, for an operation that reads it. Raises `HarnessError`, `OSError`."""
    if source.kind == "entry_point":  # code, which stays here
        return InputFiles(source.path.parent, source.path.name, {})
    if source.kind == "tfjs":
        return InputFiles(source.path.parent, source.path.name, source.needed_files())
    return InputFiles.of(source.path)


def recognise(path: Path) -> Kind:
    """The kind of a user's file or folder, by its content. Raises `HarnessError` naming everything known."""
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise HarnessError(f"{path} does not exist; correct the path of the model in harness.toml.") from None
    except OSError as error:
        raise HarnessError(f"{path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise HarnessError(f"{str(path)!r} is no path ({error}); correct it in harness.toml.") from error
    if stat.S_ISDIR(kind):
        if (path / "saved_model.pb").is_file():
            return "hub" if (path / "tfhub_module.pb").is_file() else "saved_model"
        if (path / "model.json").is_file():
            return "tfjs"
        other = other_frameworks.unsupported_folder_message(path)
        raise HarnessError(other or f"{path} is a folder without a saved_model.pb or model.json; name {KNOWN}.")
    if not stat.S_ISREG(kind):
        raise HarnessError(f"{path} is neither a file nor a folder; name {KNOWN}.")
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise HarnessError(f"{path} cannot be read ({error.strerror}).") from error
    if not head:
        raise HarnessError(f"{path} is empty (0 bytes); write the model again.")
    if head[4:8] == b"TFL3" or path.suffix == ".tflite":
        return "tflite"
    if head.startswith(b"\x89HDF"):
        return "h5"
    if head.startswith(b"PK\x03\x04") and path.suffix == ".keras":
        return "keras"
    if path.suffix == ".json" and head.lstrip().startswith(b"{"):
        return "tfjs"
    other = other_frameworks.unsupported_file_message(path, head)
    raise HarnessError(other or f"{path} is not {KNOWN}; its content is none of these.")


def shards(model_json: Path) -> dict[str, Path]:
    """The weight files that a `model.json` names, by their names from its folder; none of a file that names no such
    thing, which its loader says. Raises `OSError` where the `model.json` itself cannot be read."""
    try:
        groups = json.loads(model_json.read_bytes())["weightsManifest"]
        names = {posixpath.normpath(str(name)) for group in groups for name in group["paths"]}
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}
    inside = [name for name in names if not name.startswith(("/", "..")) and "\0" not in name]
    return {name: model_json.parent / name for name in inside if (model_json.parent / name).is_file()}


def named_from(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Files by their names as seen from a folder, with `/`."""
    return {Path(os.path.relpath(file, folder)).as_posix(): file for file in files}


def module_file(folder: Path, function: str) -> Path:
    """The file of an entry point's module, below `folder`. Raises `HarnessError`."""
    module, separator, attribute = function.partition(":")
    parts = module.split(".")
    if not separator or not all(part.isidentifier() for part in [*parts, *attribute.split(".")]):
        raise HarnessError(f"The entry point '{function}' is not of the form package.module:function; correct it.")
    place = folder.joinpath(*parts)
    for candidate in (place.with_suffix(".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    raise HarnessError(f"The entry point '{function}' has no {place.with_suffix('.py')}; correct its name or its path.")


def closure(module: Path, root: Path | None = None) -> Iterator[Path]:
    """A Python file and all that it imports from its own package, by its relative imports; with `root`, also what it
    imports by full name from below that folder."""
    seen: set[Path] = set()
    waiting = [module]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        yield file
        try:
            found = imports_of(file.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            raise HarnessError(f"{file} is not valid Python ({error}).") from error
        for one in found:
            if one.level == 0 and root is None:
                continue
            base = root if one.level == 0 and root is not None else file.parents[one.level - 1]
            folder = base.joinpath(*one.module.split(".")) if one.module else base
            candidates = [folder.with_suffix(".py"), folder / "__init__.py"] if folder.name else []
            candidates += [folder / f"{name}.py" for name in one.names]
            waiting += [candidate for candidate in candidates if candidate.is_file()]


@dataclass(frozen=True)
class Import:
    """One import: the dots before the module's name, that name, and the names that are taken from it."""

    level: int
    module: str
    names: tuple[str, ...] = ()


@cache
def imports_of(text: str) -> tuple[Import, ...]:
    """What a Python file imports, by its text. Raises `SyntaxError`, `ValueError`."""
    found: list[Import] = []
    for node in statements(parsed(text)):
        if isinstance(node, ast.ImportFrom):
            found.append(Import(node.level, node.module or "", tuple(alias.name for alias in node.names)))
        elif isinstance(node, ast.Import):
            found += [Import(0, alias.name) for alias in node.names]
    return tuple(found)


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Every statement, however deep, and what holds statements (a handler, a case of a match). No expression holds
    one, and those are nine in ten nodes."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            held = getattr(node, field, None)
            if isinstance(held, list):  # of a lambda or a conditional expression it is an expression
                waiting += held


def parsed(text: str) -> ast.Module:
    """The syntax tree. CPython 3.11 fails with `SystemError` where another thread makes a tree in the same instant, as
    the standard library does for a traceback or a signature: ours wait for each other, and for those a second attempt
    is made. Raises `SyntaxError`, `ValueError`."""
    for _ in range(PARSING_ATTEMPTS):
        with PARSING, suppress(SystemError):
            return ast.parse(text)
    with PARSING:
        return ast.parse(text)
