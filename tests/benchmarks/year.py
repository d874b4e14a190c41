"""Index a made-up year and ask it what a dashboard asks; figures as JSON.

    python -m tests.benchmarks.year 50x12x20x365 sqlite:////tmp/year.sqlite [figures.json]

Records go from memory into the index, one a day, by the same `RunIndex.add` that `harness index` calls for each file;
making them is not part of the times. Seconds are of the clock, and `cpu` of this process.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text

from harness.history.document import page_document
from harness.history.history import histories
from harness.history.metrics import metric
from harness.history.runs import find_run, result_documents, run_documents
from harness.history.series import load_series
from harness.store.index.database import Database
from harness.store.index.index import RunIndex
from harness.store.index.tables import RESULTS
from harness.store.labels import LabelTable
from harness.store.seal import seal
from tests.benchmarks.synthetic_year import Shape, SyntheticYear


def shape_of(words: str) -> Shape:
    """`models x variants x targets x days`, as `50x12x20x365`."""
    return Shape(*(int(word) for word in words.split("x")))


def measure(database: Database, shape: Shape, tell: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Index the year and time the queries."""
    year = SyntheticYear(shape)
    index = RunIndex(database)
    days, processor, megabytes = [], [], 0.0
    for day in range(shape.days):
        gc.disable()  # as `harness.store.runs.parse` does: a record is no garbage
        content = seal(year.record(day).model_dump_json() + "\n")
        gc.enable()
        megabytes += len(content) / 1e6
        wall, cpu = time.perf_counter(), time.process_time()
        index.add(content, "a made-up day")
        days.append(time.perf_counter() - wall)
        processor.append(time.process_time() - cpu)
        if day % 10 == 9 or day == shape.days - 1:
            tell(f"{day + 1} days: {sum(days):.0f} s, cpu {sum(processor):.0f} s, {size(database) / 1e6:.0f} MB")
    return {
        "database": database.engine.dialect.name,
        "shape": vars(shape),
        "records_megabytes": round(megabytes),
        "index_seconds": round(sum(days), 1),
        "index_cpu_seconds": round(sum(processor), 1),
        "day_seconds_first_median_last": [round(float(v), 2) for v in (days[0], np.median(days), days[-1])],
        "size_megabytes": round(size(database) / 1e6),
        "rows": count(database),
        "queries_seconds": queries(database, shape),
    }


def queries(database: Database, shape: Shape) -> dict[str, list[float]]:
    """What a dashboard asks: seconds of the first and of the fastest of three."""
    labels = LabelTable(database)
    model, target = "model_00", "tflite/runtime-00"

    def reading(work: Callable[[Any], Any]) -> Callable[[], Any]:
        def run() -> Any:
            with database.reading() as connection:
                return work(connection)

        return run

    def latest(connection: Any) -> Any:
        return result_documents(connection, find_run(connection, "latest")["number"], model)

    median = metric("latency.median_ms")
    asked: dict[str, Callable[[], Any]] = {
        "list of runs": reading(run_documents),
        "newest run, one model": reading(latest),
        "one series": reading(lambda c: load_series(c, median, model, "variant_00", target)),
        "one series, with changes": lambda: histories(database, labels, model, "variant_00", target),
        "all latencies of a model": reading(lambda c: load_series(c, median, model)),
        "all latencies of a model, with changes": lambda: histories(database, labels, model),
        "page of one model, 100,000 points": lambda: page_document(database, labels, model),
    }
    found = {}
    for name, ask in asked.items():
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begun)
        found[name] = [round(times[0], 3), round(min(times), 3)]
    return found


def size(database: Database) -> int:
    """Bytes on disk, with what is not yet in its place (SQLite's log)."""
    if database.is_postgresql:
        with database.reading() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    path = Path(str(database.engine.url.database))
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def count(database: Database) -> int:
    """Rows of `results`."""
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(RESULTS)).scalar_one())


def main() -> None:
    """The command."""
    figures = measure(Database(sys.argv[2]), shape_of(sys.argv[1]), lambda line: print(line, flush=True))
    print(json.dumps(figures, indent=1))
    if len(sys.argv) > 3:
        Path(sys.argv[3]).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
