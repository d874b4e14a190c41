"""What the index says of runs: a list of them, and one run's results as rows."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, Table, select

from harness.errors import HarnessError
from harness.store.index.blocks import MANY, Block, read_blocks
from harness.store.index.rows import OUTCOMES, STATES
from harness.store.index.tables import ARTIFACTS, CELLS, FIGURES, PROVENANCE, RUNS

Json = dict[str, Any]


def run_documents(connection: Connection, limit: int = 1000) -> list[Json]:
    """The newest runs, newest first: id, started, status, commit, machine and how many cases ended how."""
    query = select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query)]


def case_documents(connection: Connection) -> list[Json]:
    """Every case that any run has: model, variant and target."""
    query = select(CELLS.c.model, CELLS.c.variant, CELLS.c.target).order_by(
        CELLS.c.model, CELLS.c.variant, CELLS.c.target
    )
    rows = connection.execute(query)
    return [{"model": model, "variant": variant, "target": target} for model, variant, target in rows]


def find_run(connection: Connection, name: str) -> Json:
    """One run by its id, its beginning, or `latest`. Raises `HarnessError` where there is none or more than one."""
    query = select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.id.desc()).limit(2)
    if name != "latest":
        query = query.where(RUNS.c.id.startswith(name, autoescape=True))
    rows = connection.execute(query).all()
    if not rows or (name != "latest" and len(rows) > 1 and rows[0].id != name):
        raise HarnessError(f"There is {'more than one' if rows else 'no'} run '{name}' in the index.")
    return _run(rows[0])


def result_documents(connection: Connection, run: int, model: str | None = None) -> list[Json]:
    """The results of the run with that number: names, outcome, provenance, and each figure that was measured."""
    cells = {row.number: row for row in connection.execute(_of(CELLS, "model", model))}
    provenance = {row.number: row for row in connection.execute(select(PROVENANCE))}
    facts = {number: json.loads(row.facts) for number, row in provenance.items()}
    found = []
    for block in read_blocks(connection, run=run, models=None if model is None else (model,)):
        digests = artifact_digests(connection, block)
        rows = zip(*(block.columns[name].tolist() for name in _SHOWN), strict=True)
        figures = {name: block.figures[name].tolist() for name in sorted(block.figures, key=_order)}
        for index, (cell, source, artifact, outcome, state, simulated) in enumerate(rows):
            found.append(
                {
                    "model": cells[cell].model,
                    "variant": cells[cell].variant,
                    "target": cells[cell].target,
                    "outcome": OUTCOMES[outcome].value,
                    "steady_state": None if state < 0 else STATES[state].value,
                    "simulated": bool(simulated),
                    "environment": provenance[source].environment,
                    "provenance": facts[source],
                    "artifact": digests.get(artifact),
                    "figures": {
                        name: value for name, values in figures.items() if not math.isnan(value := values[index])
                    },
                }
            )
    return found


def artifact_digests(connection: Connection, block: Block) -> dict[int, str]:
    """Number to digest of the artifacts in a block."""
    numbers = [number for number in np.unique(block.columns["artifact"]).tolist() if number >= 0]
    found: dict[int, str] = {}
    for start in range(0, len(numbers), MANY):
        query = select(ARTIFACTS.c.number, ARTIFACTS.c.digest)
        part = query.where(ARTIFACTS.c.number.in_(numbers[start : start + MANY]))
        found.update((number, digest) for number, digest in connection.execute(part))
    return found


_SHOWN = ("cell", "provenance", "artifact", "outcome", "state", "simulated")


def _of(table: Table, column: str, value: str | None) -> Select[Any]:
    return select(table) if value is None else select(table).where(table.c[column] == value)


def _order(name: str) -> tuple[int, str]:
    """Known figures in their order, then a target's own."""
    return (FIGURES.index(name), "") if name in FIGURES else (len(FIGURES), name)


def _run(row: Any) -> Json:
    return {
        "number": row.number,
        "id": row.id,
        "started": row.started,
        "status": row.status,
        "commit": row.commit,
        "harness_version": row.harness_version,
        **json.loads(row.facts),
    }
