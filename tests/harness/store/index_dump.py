"""All that an index says of its runs, without the numbers that depend on the order of writing: to compare two."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import select

from harness.store.index.blocks import read_blocks
from harness.store.index.database import Database
from harness.store.index.tables import ARTIFACTS, CELLS, PROVENANCE, RUNS


def everything(database: Database) -> dict[tuple[str, ...], Any]:
    """Run to its row, and run, model, variant and target to each column and figure. Raises AssertionError where a
    result is there twice."""
    found: dict[tuple[str, ...], Any] = {}
    with database.reading() as connection:
        runs = {row["number"]: row for row in map(dict, connection.execute(select(RUNS)).mappings())}
        cells = {row.number: (row.model, row.variant, row.target) for row in connection.execute(select(CELLS))}
        facts = {row.number: (row.environment, row.facts) for row in connection.execute(select(PROVENANCE))}
        artifacts = {row.number: row.digest for row in connection.execute(select(ARTIFACTS))}
        for row in runs.values():
            found[(row["id"],)] = {key: value for key, value in row.items() if key != "number"}
        for block in read_blocks(connection):
            columns = {name: values.tolist() for name, values in (block.columns | block.figures).items()}
            for index, number in enumerate(columns.pop("cell")):
                one = {name: values[index] for name, values in columns.items()}
                one["provenance"], one["artifact"] = facts[one["provenance"]], artifacts.get(one["artifact"])
                key = (runs[block.run]["id"], *cells[number])
                assert key not in found, f"{key} is there twice"
                found[key] = {name: None if _nan(value) else value for name, value in one.items()}
    return found


def _nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
