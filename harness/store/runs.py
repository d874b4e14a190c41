"""The store: run records and finished cases, written in one step each, read back whole or not at all."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from harness.cache import sha256_json
from harness.errors import HarnessError
from harness.store.record import SCHEMA_VERSION, RunRecord
from harness.store.record_migration import migrate_record
from harness.store.seal import BrokenSeal, seal, unseal

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def write_atomically(path: Path, content: str) -> None:
    """Write to a temporary file beside `path`, flush it to disk, rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def parse(text: str, name: str) -> RunRecord:
    """The record that `text` holds, of whatever known version; `name` says in errors where it is from.

    Raises `HarnessError` with one sentence where it is damaged or no record.
    """
    with _told(name):
        return _record(unseal(text))


def parse_document(text: str, name: str) -> dict[str, Any]:
    """The record in `text` as JSON. Raises `HarnessError` with one sentence where it is damaged or no record.

    A text that is sealed and of today's version is not checked field by field: `RunStore` wrote it from a record. That
    takes a quarter of the time. Any other text is checked as `parse` checks it."""
    with _told(name):
        inner = unseal(text)
        if inner is not text and _is_todays(inner):
            return _document(inner)
        return _record(inner).model_dump(mode="json")


def no_record(name: str, error: Exception) -> HarnessError:
    """The error for a text that is none of the records known here; its sentence names the text by `name`."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return HarnessError(f"{name} is not a run record of a version known here ({first}); move it away.")


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector while a large record is read.

    A large record is a million objects and no garbage. Searching them again and again takes four times as long as
    reading them (1.3 s and 0.3 s for 12,000 cases)."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        with collector_paused():
            yield
    except BrokenSeal as error:
        raise HarnessError(f"{name} is damaged: {error}; restore it from a copy, or move it away.") from error
    except HarnessError as error:
        raise HarnessError(f"{name} is not a run record of a version known here. {error}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise no_record(name, error) from error


def _is_todays(inner: str) -> bool:
    return f'"schema_version":{SCHEMA_VERSION},' in inner[:40]


def _record(inner: str) -> RunRecord:
    # The common case goes straight from text to record: twice as fast as by way of a document.
    text = inner if _is_todays(inner) else json.dumps(migrate_record(_document(inner)))
    return RunRecord.model_validate_json(text)


def _document(text: str) -> dict[str, Any]:
    document = from_json(text)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    return document


def read_text(path: Path) -> str:
    """The text of a file. Raises `HarnessError` where it cannot be read or is no text."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise HarnessError(f"The run record {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path} is damaged: it is no text; restore it from a copy, or move it away.") from error


class RunStore:
    """Run records below `results/runs`, one sealed file each."""

    def __init__(self, results: Path) -> None:
        self.folder = results / "runs"

    def write(self, record: RunRecord) -> Path:
        """Write a record; an existing one is never changed."""
        return self.write_text(record.id, seal(record.model_dump_json(indent=None) + "\n"))

    def write_text(self, id: str, text: str) -> Path:
        """Write a record's text as another store had it; an existing one is never changed. Raises `HarnessError` where
        `id` could not be a file's name."""
        if not SAFE_NAME.fullmatch(id):
            raise HarnessError(f"The run record {id!r} has an id that is no file name; it is left where it is.")
        path = self.folder / f"{id}.json"
        if not path.exists():
            write_atomically(path, text)
        return path

    def read(self, path: Path) -> RunRecord:
        """One record. Raises `HarnessError` with one sentence where the file is not a record of a known version."""
        return parse(read_text(path), str(path))

    def paths(self) -> list[Path]:
        """All records, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def latest(self) -> RunRecord:
        """The newest readable record. Raises `HarnessError` where there is none."""
        problem: HarnessError | None = None
        for path in reversed(self.paths()):
            try:
                return self.read(path)
            except HarnessError as error:
                problem = problem or error
        raise problem or HarnessError(f"There is no run yet in {self.folder}; `harness run` makes one.")

    def find(self, name: str) -> RunRecord:
        """A record by its id or the beginning of it; `latest` for the newest."""
        if name == "latest":
            return self.latest()
        matches = [path for path in self.paths() if path.stem.startswith(name)]
        if len(matches) != 1:
            many = "several runs" if matches else "no run"
            raise HarnessError(f"There is {many} whose id begins with '{name}' in {self.folder}.")
        return self.read(matches[0])


class CaseStore:
    """Finished measurements by content address, so that a run that was killed goes on where it stopped.

    `kind` is `parity` or `latency`; a value is JSON. A damaged file counts as absent.
    """

    def __init__(self, cache: Path) -> None:
        self.folder = cache / "measurements"

    def find(self, kind: str, key: str) -> dict[str, Any] | None:
        """The value that was kept under a content address; None where there is none, or its file is damaged."""
        try:
            envelope = json.loads((self.folder / kind / f"{key}.json").read_text(encoding="utf-8"))
            value: dict[str, Any] = envelope["value"]
            return value if envelope["hash"] == sha256_json(value) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Keep a value under its content address, in one step."""
        envelope = {"hash": sha256_json(value), "value": value}
        write_atomically(self.folder / kind / f"{key}.json", json.dumps(envelope))
