"""The store: run records and finished cases, written in one step each, read back whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.cache import sha256_json
from harness.errors import HarnessError
from harness.store.record import RunRecord


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


class RunStore:
    """Run records below `results/runs`, one file each."""

    def __init__(self, results: Path) -> None:
        self.folder = results / "runs"

    def write(self, record: RunRecord) -> Path:
        """Write a record; an existing one is never changed."""
        path = self.folder / f"{record.id}.json"
        if not path.exists():
            write_atomically(path, record.model_dump_json(indent=None) + "\n")
        return path

    def read(self, path: Path) -> RunRecord:
        """One record. Raises `HarnessError` with one sentence where the file is not a record of a known version."""
        try:
            return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise HarnessError(f"The run record {path} cannot be read ({error.strerror}).") from error
        except (ValidationError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise HarnessError(
                f"{path} is not a run record of a version known here ({first}); move it away."
            ) from error

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
        try:
            envelope = json.loads((self.folder / kind / f"{key}.json").read_text(encoding="utf-8"))
            value: dict[str, Any] = envelope["value"]
            return value if envelope["hash"] == sha256_json(value) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, kind: str, key: str, value: dict[str, Any]) -> None:
        envelope = {"hash": sha256_json(value), "value": value}
        write_atomically(self.folder / kind / f"{key}.json", json.dumps(envelope))
