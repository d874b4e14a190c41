"""Index a made-up year and ask it what a dashboard asks; figures as JSON.

    python -m tests.benchmarks.year 50x12x20x365 results [postgresql://… [figures.json]]

The year's records are made first, as files in `results/runs` (11 GB), where they are not there yet; making them is not
part of the times. On SQLite the command is measured, `harness index`, from the start to its end: a first time for all
days but the last, a second time for the last alone. On PostgreSQL it is `harness push`, which stores the records too.
`cpu` is that of the command and all its processes, without the server's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from harness.history.document import page_document
from harness.history.history import histories
from harness.history.metrics import metric
from harness.history.runs import find_run, result_documents, run_documents
from harness.history.series import load_series
from harness.serve.interface import Interface
from harness.serve.source import Source
from harness.store.index.database import INDEX_FILE, VARIABLE, Database
from harness.store.index.tables import RESULTS
from harness.store.labels import LabelTable
from harness.store.runs import RunStore
from tests.benchmarks.synthetic_year import Shape, write

PROCESSES = os.cpu_count() or 1


def measure(results: Path, shape: Shape, url: str | None = None) -> dict[str, Any]:
    """Index the year and time the queries, on SQLite beside the records or in the database at `url`."""
    project = results.parent
    (project / "harness.toml").touch()
    store = RunStore(results)
    if len(store.paths()) < shape.days:
        write(shape, results, range(shape.days), PROCESSES)
    paths = store.paths()
    last = paths[-1].rename(project / paths[-1].name)
    try:
        arguments = ("index", "--json") if url is None else ("push", "--json")
        first = command(project, url, *arguments)
    finally:
        last = last.rename(paths[-1])
    day = command(project, url, *arguments)
    nothing = command(project, url, *arguments)
    database = Database(url or f"sqlite:///{results / INDEX_FILE}")
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    return {
        "database": database.engine.dialect.name,
        "shape": vars(shape),
        "load": round(os.getloadavg()[0], 1),
        "records_megabytes": round(megabytes),
        "all_days_but_one": first,
        "one_more_day": day,
        "nothing_new": nothing,
        "size_megabytes": sizes(database),
        "cases": count(database),
        "queries_seconds": queries(database),
        **({} if url else {"first_page_seconds": first_page(results)}),
    }


def command(project: Path, url: str | None, *arguments: str) -> dict[str, float]:
    """Run a `harness` command: seconds of the clock and of the processor, and the largest process's memory in MB."""
    script = (
        "import json, resource, sys, time; begun = time.perf_counter(); from harness.cli.main import app\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code, end\n"
        "own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
        "print(json.dumps({'seconds': round(time.perf_counter() - begun, 2),\n"
        "    'cpu': round(own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime, 2),\n"
        "    'megabytes': max(own.ru_maxrss, others.ru_maxrss) // 1024}), file=sys.stderr)\n"
    )
    environment = {**os.environ, **({VARIABLE: url} if url else {})}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=project, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return found


def queries(database: Database) -> dict[str, list[float]]:
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
        "page of all models, 100,000 points": lambda: page_document(database, labels),
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


def first_page(results: Path) -> dict[str, float]:
    """What `harness serve` takes to answer the first `/`, and the second."""
    interface = Interface(Source(results))
    found = {}
    for name in ("first", "second"):
        begun = time.perf_counter()
        answer = interface.answer("/", {})
        found[name] = round(time.perf_counter() - begun, 3)
        found[f"{name}_megabytes"] = round(len(answer.body) / 1e6, 1)
    return found


def sizes(database: Database) -> dict[str, int]:
    """Megabytes on disk, with what is not yet in its place (SQLite's log); on PostgreSQL the records apart."""
    if database.is_postgresql:
        query = "SELECT pg_database_size(current_database()), pg_total_relation_size('contents')"
        with database.reading() as connection:
            everything, records = connection.execute(text(query)).one()
        return {"index": round((everything - records) / 1e6), "records": round(records / 1e6)}
    path = Path(str(database.engine.url.database))
    return {"index": round(sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / 1e6)}


def count(database: Database) -> int:
    """Results in the index, one a case and run."""
    with database.reading() as connection:
        return int(connection.execute(select(func.sum(RESULTS.c.cases))).scalar_one())


def main() -> None:
    """The command."""
    url = next((word for word in sys.argv[3:] if re.match(r"postgres\w*://", word)), None)
    figures = measure(Path(sys.argv[2]).resolve(), Shape.of(sys.argv[1]), url)
    print(json.dumps(figures, indent=1))
    if sys.argv[-1].endswith(".json"):
        Path(sys.argv[-1]).write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
