"""The index as one Parquet file for notebooks: one row a case of a run, with names instead of numbers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import select

from harness.errors import HarnessError
from harness.store.index.database import Database
from harness.store.index.rows import OUTCOMES, STATES
from harness.store.index.tables import ARTIFACTS, CELLS, FIGURES, PROVENANCE, RESULTS, RUNS

_BATCH = 50_000


def export(database: Database, path: Path, model: str | None = None) -> int:
    """Write every row (of one model) to `path`, whole or not at all; how many there were.

    Columns: run, started (UTC), commit, machine, model, variant, target, outcome, steady_state, simulated, environment,
    artifact (its digest), provenance and more (JSON), and every figure under its name, null where it was not measured.
    Raises `HarnessError` where pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise HarnessError("Parquet needs pyarrow: uv pip install 'ml-runtime-harness[notebook]'.") from error

    names = arrow.dictionary(arrow.int32(), arrow.string())
    text = ("run", "commit", "machine", "model", "variant", "target", "outcome", "steady_state", "environment")
    schema = arrow.schema(
        [
            ("started", arrow.timestamp("ms", tz="UTC")),
            *((name, names) for name in (*text, "artifact", "provenance")),
            ("more", arrow.string()),
            ("simulated", arrow.bool_()),
            *((name, arrow.float64()) for name in FIGURES),
        ]
    )
    query = (
        select(
            RUNS.c.started,
            RUNS.c.id.label("run"),
            RUNS.c.commit,
            RUNS.c.machine,
            CELLS.c.model,
            CELLS.c.variant,
            CELLS.c.target,
            RESULTS.c.outcome,
            RESULTS.c.state.label("steady_state"),
            PROVENANCE.c.environment,
            ARTIFACTS.c.digest.label("artifact"),
            PROVENANCE.c.facts.label("provenance"),
            RESULTS.c.more,
            RESULTS.c.simulated,
            *(RESULTS.c[name] for name in FIGURES),
        )
        .select_from(RESULTS)
        .join(RUNS, RUNS.c.number == RESULTS.c.run)
        .join(CELLS, CELLS.c.number == RESULTS.c.cell)
        .join(PROVENANCE, PROVENANCE.c.number == RESULTS.c.provenance)
        .outerjoin(ARTIFACTS, ARTIFACTS.c.number == RESULTS.c.artifact)
        .order_by(RESULTS.c.run, RESULTS.c.cell)
    )
    if model is not None:
        query = query.where(CELLS.c.model == model)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    rows = 0
    try:
        with database.reading() as connection, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for part in connection.execution_options(yield_per=_BATCH).execute(query).mappings().partitions():
                writer.write_table(arrow.Table.from_pylist([_row(dict(row)) for row in part], schema=schema))
                rows += len(part)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return rows


def _row(row: dict[str, Any]) -> dict[str, Any]:
    row["started"] = round(row["started"] * 1000)
    row["outcome"] = OUTCOMES[row["outcome"]].value
    row["steady_state"] = None if row["steady_state"] is None else STATES[row["steady_state"]].value
    return row
