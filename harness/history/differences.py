"""What differs between two runs of one case: where to look for the cause of a change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from harness.store.index.blocks import MANY
from harness.store.index.tables import ARTIFACTS, PROVENANCE, RUNS


@dataclass(frozen=True)
class FactChange:
    """One fact that is not the same. `kind`: commit, harness, machine, runtime, browser, converter or artifact."""

    kind: str
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name} {_shown(self.before)} → {_shown(self.after)}"


class FactReader:
    """Reads the facts of runs, provenances and artifacts, each once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, int], Mapping[str, Any]] = {}

    def between(
        self, runs: tuple[int, int], provenance: tuple[int, int], artifacts: tuple[int, int]
    ) -> list[FactChange]:
        """What differs between two points, given by their numbers in the index (−1 for no artifact); what was before
        comes first."""
        found: list[FactChange] = []
        if runs[0] != runs[1]:
            before, after = (self._run(number) for number in runs)
            found += _differing(before, after, lambda name: _RUN_KINDS[name])
        if provenance[0] != provenance[1]:
            first, second = (self._provenance(number) for number in provenance)
            found += _differing(first["fingerprint"], second["fingerprint"], _runtime_kind)
            found += _differing(first["converter"], second["converter"], lambda _: "converter")
        if artifacts[0] != artifacts[1]:
            old, new = (self._artifact(number) for number in artifacts)
            found += _differing(old, new, lambda _: "artifact")
        return found

    def read(self, runs: Iterable[int], provenance: Iterable[int], artifacts: Iterable[int]) -> None:
        """Read what `between` will be asked, all at once: a server answers a question at a time."""
        for row in self._rows(RUNS, runs, "run"):
            machine = json.loads(row.facts)["machine"]
            self._known["run", row.number] = {
                "commit": row.commit,
                "harness": row.harness_version,
                "machine": machine["id"],
                "processor": machine["cpu"],
                "system": machine["system"],
                "python": machine["python"],
            }
        for row in self._rows(PROVENANCE, provenance, "provenance"):
            self._known["provenance", row.number] = json.loads(row.facts)
        for row in self._rows(ARTIFACTS, artifacts, "artifact"):
            self._known["artifact", row.number] = {"artifact": row.digest[:12]}

    def _rows(self, table: Table, numbers: Iterable[int], kind: str) -> Iterator[Any]:
        missing = sorted({number for number in numbers if number >= 0 and (kind, number) not in self._known})
        for start in range(0, len(missing), MANY):
            yield from self._connection.execute(select(table).where(table.c.number.in_(missing[start : start + MANY])))

    def _run(self, number: int) -> Mapping[str, Any]:
        self.read((number,), (), ())
        return self._known["run", number]

    def _provenance(self, number: int) -> Mapping[str, Any]:
        self.read((), (number,), ())
        return self._known["provenance", number]

    def _artifact(self, number: int) -> Mapping[str, Any]:
        if number < 0:
            return {}
        self.read((), (), (number,))
        return self._known["artifact", number]


_HASH = re.compile(r"\b[0-9a-f]{16,64}\b")
_RUN_KINDS = {
    "commit": "commit",
    "harness": "harness",
    "machine": "machine",
    "processor": "machine",
    "system": "machine",
    "python": "machine",
}


def _runtime_kind(name: str) -> str:
    return name if name == "browser" else "runtime"


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], kind: Any) -> list[FactChange]:
    names = list(dict.fromkeys([*before, *after]))
    return [
        FactChange(kind(name), name, _text(before.get(name)), _text(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _shown(value: str) -> str:
    """Hashes are cut to what tells them apart; a commit keeps its mark for changed files."""
    return _HASH.sub(lambda found: found[0][:12], value) or "none"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
