"""A conversion's operation as it travels, and what a place does with it: JSON, and files by their hash.

No code travels: a format and a zoo's model are named, and a place that has others by these names refuses.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness import registry
from harness.conversion.children import Children
from harness.conversion.code_digest import code_digest
from harness.conversion.steps import StepTimeouts, code_of_steps
from harness.conversion.worker_request import WorkerRequest, identity_of, put
from harness.conversion.zoo_source import zoo_source
from harness.environment import environment
from harness.errors import Failed, Unavailable
from harness.places.content_store import ContentStore
from harness.places.messages import hash_of
from harness.run.exclusive import shared_machine

OPERATIONS = ("prepare", "convert", "reference", "conditioning")
WRITTEN = "written"


@dataclass(frozen=True)
class AskedOperation:
    """An operation as a place is asked for it."""

    name: str
    seconds: float
    options: dict[str, Any]
    reads: dict[str, str]
    """Argument → what it names below the folder of that argument."""
    writes: dict[str, bool]
    """Argument → whether it is a folder."""
    forms: dict[str, tuple[str, str]]
    """Argument → name of the format, hash of its code."""
    zoo: tuple[str, str]
    required_identity: str
    """What the place must have in common with the engine (`identity_of`)."""


ASKED = TypeAdapter(AskedOperation)


@dataclass(frozen=True)
class OperationPayload:
    """An operation as it travels; `paths` says by hash where its files are here."""

    asked: dict[str, Any]
    files: dict[str, str]
    paths: dict[str, Path]


def pack_operation(operation: WorkerRequest, identity: str) -> OperationPayload:
    """An operation with the hashes of the files that it reads. Raises `OSError` where one cannot be read."""
    files, paths = {}, {}
    for argument, read in operation.reads.items():
        for name, path in read.files.items():
            digest = hash_of(path)
            files[f"{argument}/{name}"], paths[digest] = digest, path
    options = dict(operation.options)
    for argument in (*operation.reads, *operation.formats):  # where they are on this machine is nobody's business
        if "." in argument:
            put(options, argument, "")
    asked = AskedOperation(
        operation.name,
        operation.timeout_seconds,
        options,
        {argument: read.entry for argument, read in operation.reads.items()},
        {argument: path.is_dir() for argument, path in operation.writes.items()},
        {
            argument: (artifact_format.name, code_digest(artifact_format))
            for argument, artifact_format in operation.formats.items()
        },
        operation.zoo,
        identity,
    )
    return OperationPayload(ASKED.dump_python(asked, mode="json"), files, paths)


def own_identity_of_conversion(*, installed: bool = True) -> str:
    """What this machine's conversions hang on. With `installed`, empty where the converter's environment is not."""
    converter = environment("converter")
    return "" if installed and not converter.ready() else identity_of(code_of_steps(converter))


def perform_operation(message: Mapping[str, Any], files: ContentStore, children: Children) -> dict[str, Any]:
    """Do an operation: its answer, and by argument and name the hashes of what it wrote, which `files` keeps. Raises a
    `CaseError`; `Dropped` where a file is not kept any more."""
    asked = ASKED.validate_python(message["operation"])
    if asked.name not in OPERATIONS:
        raise Failed(f"A place does not do '{asked.name}'.")
    if asked.required_identity != own_identity_of_conversion():
        raise Unavailable("The place's converter, its processor or its system is another than the engine's.")
    with files.checked_out(message["files"]) as folder, shared_machine():
        given = dict(asked.options)
        for argument, entry in asked.reads.items():
            put(given, argument, str(folder / argument / entry))
        for argument, (name, code) in asked.forms.items():
            artifact_format = registry.formats().get(name)
            if artifact_format is None or code_digest(artifact_format) != code:
                raise Unavailable(f"The place has another '{name}' than the engine.")
            put(given, argument, str(artifact_format.converter))
        if asked.name == "prepare":
            check_source(given["source"], asked)
        written = folder / WRITTEN
        for argument, is_folder in asked.writes.items():
            path = written / argument
            (path if is_folder else path.parent).mkdir(parents=True, exist_ok=True)
            put(given, argument, str(path))
        with children.lend(environment("converter")) as child:
            reply, _ = child.call(asked.name, seconds=asked.seconds, **given)
        made = {argument: store_files(written / argument, files) for argument in asked.writes}
    return {"reply": reply, "written": made}


def check_source(source: dict[str, Any], asked: AskedOperation) -> None:
    """A zoo's model is this machine's own, if it is the same; any other source is files that came with the request.
    Raises `Unavailable`."""
    if source["kind"] == "zoo":
        name, identity = asked.zoo
        known = registry.zoo().get(name)
        own = zoo_source(*known) if known is not None else None
        if own is None or own.identity() != identity:
            raise Unavailable(f"The place has another model '{name}' than the engine.")
        source.update(own.request())
    elif source["kind"] == "entry_point" or "source.path" not in asked.reads:
        raise Unavailable("A place takes no code from an engine.")


def store_files(path: Path, files: ContentStore) -> dict[str, str]:
    """Hashes of a file (by no name) or of all files below a folder; `files` keeps them."""
    if not path.is_dir():
        return {"": files.keep(path)}
    return {
        Path(folder, name).relative_to(path).as_posix(): files.keep(Path(folder, name))
        for folder, _, names in os.walk(path)
        for name in names
    }


class PlaceConverters:
    """The converter's processes of a place: there from the first request until a run has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: Children | None = None

    def there(self) -> Children:
        with self._lock:
            if self._children is None:
                self._children = Children(os.cpu_count() or 1, StepTimeouts().start)
            return self._children

    def release_idle(self) -> None:
        """End those that do nothing."""
        with self._lock:
            if self._children is not None:
                self._children.end_idle()


CONVERTERS = PlaceConverters()
