"""What the index says of runs: a list of them, and one run's results as rows."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from harness.errors import HarnessError
from harness.store.index.rows import OUTCOMES, STATES
from harness.store.index.tables import ARTIFACTS, CELLS, FIGURES, PROVENANCE, RESULTS, RUNS

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
    return [dict(row) for row in connection.execute(query).mappings()]


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
    query = (
        select(RESULTS, CELLS.c.model, CELLS.c.variant, CELLS.c.target, PROVENANCE.c.environment, ARTIFACTS.c.digest)
        .join(CELLS, CELLS.c.number == RESULTS.c.cell)
        .join(PROVENANCE, PROVENANCE.c.number == RESULTS.c.provenance)
        .outerjoin(ARTIFACTS, ARTIFACTS.c.number == RESULTS.c.artifact)
        .where(RESULTS.c.run == run)
        .order_by(CELLS.c.model, CELLS.c.variant, CELLS.c.target)
    )
    if model is not None:
        query = query.where(CELLS.c.model == model)
    facts = {
        row.number: json.loads(row.facts)
        for row in connection.execute(
            select(PROVENANCE.c.number, PROVENANCE.c.facts).where(
                PROVENANCE.c.number.in_(select(RESULTS.c.provenance).where(RESULTS.c.run == run).distinct())
            )
        )
    }
    return [
        {
            "model": row.model,
            "variant": row.variant,
            "target": row.target,
            "outcome": OUTCOMES[row.outcome].value,
            "steady_state": None if row.state is None else STATES[row.state].value,
            "simulated": row.simulated,
            "environment": row.environment,
            "provenance": facts[row.provenance],
            "artifact": row.digest,
            "figures": {name: value for name in FIGURES if (value := getattr(row, name)) is not None}
            | (json.loads(row.more) if row.more else {}),
        }
        for row in connection.execute(query)
    ]


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
