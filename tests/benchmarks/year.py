"""Index a made-up year and ask it what a dashboard asks; figures as JSON.

    python -m tests.benchmarks.year 50x12x20x365 results [postgresql://… [figures.json]]

The year's records are made first, as files in `results/runs` (11 GB), where they are not there yet; making them is not
part of the times. On SQLite the command is measured, `harness index`, from the start to its end: a first time for all
days but the last, a second time for the last alone; both times it finds change points too. On PostgreSQL it is `harness
push`, which stores the records and finds none, so that whoever opens the first page there waits for them
(`summaries_seconds`). `cpu` is that of the command and all its processes, without the server's.
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

from harness.history.case_history import histories
from harness.history.document import page_document
from harness.history.metrics import SUMMARISED, metric
from harness.history.run_list import find_run, result_documents, run_documents
from harness.history.series import load_series
from harness.history.summaries import recent, refresh
from harness.serve.interface import Interface
from harness.serve.record_source import RecordSource
from harness.store.index.database import INDEX_FILE, VARIABLE, Database
from harness.store.index.tables import RESULTS
from harness.store.labels import LabelTable
from harness.store.runs import RunStore
from tests.benchmarks.synthetic_year import Shape, write

PROCESSES = os.cpu_count() or 1


def measure(results: Path, shape: Shape, url: str | None = None) -> dict[str, Any]:
    """Index the year and time the queries, on SQLite beside the records or in the database at `url`."""
    project = results.parent
    project.mkdir(parents=True, exist_ok=True)
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
    begun = time.perf_counter()
    refresh(database, LabelTable(database), SUMMARISED)
    summaries = round(time.perf_counter() - begun, 1)
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
        "summaries_seconds": summaries,
        "queries_seconds": queries(database),
        "page_seconds": page(results, url),
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
    """What a dashboard asks: seconds of the clock, the first time and the fastest of three, and the least of the
    processor."""
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
        "newest changes of all models": lambda: recent(database, labels, SUMMARISED),
        "page of all models, 100,000 points": lambda: page_document(database, labels, metrics=SUMMARISED),
    }
    found = {}
    for name, ask in asked.items():
        times, processor = [], []
        for _ in range(3):
            begun, worked = time.perf_counter(), time.process_time()
            ask()
            times.append(time.perf_counter() - begun)
            processor.append(time.process_time() - worked)
        found[name] = [round(times[0], 3), round(min(times), 3), round(min(processor), 3)]
    return found


def page(results: Path, url: str | None) -> dict[str, list[float]]:
    """What `harness serve` takes for the parts of a page that nobody asked for before: seconds of the clock and of the
    processor, and megabytes."""
    interface = Interface(RecordSource(results, url))
    found, parts = {}, ""
    case = "history/model_03/tflite/runtime-00/variant_00"
    for name in ("/", "news", "history", "changes", "cases", "model/model_03", "case/model_03", case, "/"):
        begun, worked = time.perf_counter(), time.process_time()
        answer = interface.answer(name if name == "/" else parts + name, {})
        if answer.status != 200:
            raise RuntimeError(f"{name}: {answer.body[:200]!r}")
        if name == "/":
            parts = re.findall(r'data-parts="([^"]+)"', answer.body.decode())[0]
        label = f"{name}, again" if name in found else name
        seconds = (time.perf_counter() - begun, time.process_time() - worked, len(answer.body) / 1e6)
        found[label] = [round(value, 2) for value in seconds]
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
