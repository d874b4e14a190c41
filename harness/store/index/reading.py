"""Reads record files into the form that the index holds: one by one, or several at once in other processes."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.store.index.processes import in_processes
from harness.store.index.rows import RunResults, results_of
from harness.store.runs import collector_paused, no_record, parse_document, read_text

WORTH_A_PROCESS = 50_000_000
"""Bytes of records from which on other processes help: starting one costs as much as reading this many."""


def sha256_text(text: str) -> str:
    """The SHA-256 of a record's text, by which the record is known."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class RecordText:
    """A record's text on its way into a store. It is hashed and parsed once, however often it is asked for.

    `name` says in errors where the text is from. Whatever has to parse it raises `HarnessError` where it is damaged or
    no record."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name

    @cached_property
    def sha256(self) -> str:
        return sha256_text(self.text)

    @property
    def id(self) -> str:
        found: str = self._document["id"]
        return found

    @cached_property
    def results(self) -> RunResults:
        """What the index holds of it."""
        with collector_paused():
            try:
                return results_of(self._document, self.sha256)
            except (KeyError, TypeError, ValueError) as error:
                raise no_record(self.name, error) from error

    @cached_property
    def _document(self) -> dict[str, Any]:
        return parse_document(self.text, self.name)


def index_results(text: str, name: str) -> RunResults:
    """What the index holds of the record in `text`, as `RecordText` has it."""
    return RecordText(text, name).results


def decompress_record(packed: bytes, name: str) -> str:
    """The text of a stored record. Raises `HarnessError` where it is damaged."""
    try:
        return zlib.decompress(packed).decode("utf-8")
    except (zlib.error, UnicodeDecodeError) as error:
        raise HarnessError(f"{name} is damaged ({error}).") from error


def read(path: Path) -> RunResults | HarnessError:
    """What the index holds of a file, or what is wrong with it."""
    try:
        return index_results(read_text(path), path.name)
    except HarnessError as error:
        return error


def read_all(paths: Sequence[Path], total_bytes: int) -> Iterator[RunResults | HarnessError]:
    """Reads several files, in their order. `total_bytes`: the bytes of all of them. If they are many, several processes
    read them."""
    processes = min(os.cpu_count() or 1, len(paths), total_bytes // WORTH_A_PROCESS)
    if processes < 2:
        yield from map(read, paths)
        return
    yield from in_processes(processes, "read records", read, ((path,) for path in paths))
