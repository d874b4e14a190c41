"""`index`, `push`, `pull`, `export`: the records as a whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.paths import results_directory
from harness.store.index.database import Database, team_url
from harness.store.index.folder import FolderIndex
from harness.store.index.run_index import RunIndex, count_runs
from harness.store.labels import LabelFiles, Labels, LabelTable
from harness.store.transfer import DatabaseRecords, FolderRecords, Records, TransferResult, other_side, transfer


def open_index(*, quiet: bool) -> tuple[Database, Labels]:
    """The index to ask, and where labels are: the team's where `HARNESS_DATABASE_URL` is set, or else the one beside
    the records, brought up to date. Damaged records are named on standard error."""
    url = team_url()
    if url is not None:
        database = Database(url)
        return database, LabelTable(database)
    results = results_directory()
    index = FolderIndex(results)
    _tell_problems(index.synchronise(moved_printer(quiet=quiet)).problems)
    return index.database, LabelFiles(results)


def update_index(*, rebuild: bool, as_json: bool) -> None:
    """Bring the index up to date, or make it again, and say what it holds.

    With a team's database that is: send what it lacks; make its index again from the records that it holds.
    """
    from harness.history.metrics import SUMMARISED
    from harness.history.summaries import refresh

    progress = moved_printer(quiet=as_json)
    url = team_url()
    if url is None:
        folder = FolderIndex(results_directory())
        done = folder.rebuild(progress) if rebuild else folder.synchronise(progress)
        database, added, problems = folder.database, done.added, done.problems
        removed = done.removed
    else:
        database, removed = Database(url), []
        moved = transfer(FolderRecords(results_directory()), DatabaseRecords(database), progress)
        added, problems = moved.sent, dict(moved.problems)
        if rebuild:
            problems |= RunIndex(database, keep_contents=True).rebuild_from_contents(progress).problems
    # A year of a large matrix takes a minute or two, which nobody should spend in front of an empty page.
    refresh(database, LabelTable(database) if url else LabelFiles(results_directory()), SUMMARISED, progress=progress)
    runs = count_runs(database)
    if as_json:
        document = {"index": database.name, "runs": runs, "added": added, "removed": removed, "problems": problems}
        print(json.dumps(document, indent=1))
        return
    print(f"{database.name}: {runs} runs, {len(added)} new, {len(removed)} gone, {len(problems)} left out")
    _tell_problems(problems)


def push_records(where: str | None, *, as_json: bool) -> None:
    """Send records and labels."""
    _move(FolderRecords(results_directory()), other_side(where), as_json)


def pull_records(where: str | None, *, as_json: bool) -> None:
    """Fetch records and labels."""
    _move(other_side(where), FolderRecords(results_directory()), as_json)


def export_parquet(path: str, model: str | None) -> None:
    """Write the Parquet file and say where."""
    from harness.store.parquet import export as write

    database, _ = open_index(quiet=True)
    rows = write(database, Path(path), model)
    print(f"{path}: {rows} rows")


def _move(source: Records, destination: Records, as_json: bool) -> None:
    moved: TransferResult = transfer(source, destination, moved_printer(quiet=as_json))
    if as_json:
        print(json.dumps({"from": source.name, "to": destination.name, **vars(moved)}, indent=1))
        return
    counts = f"{len(moved.sent)} records sent, {moved.known} were there, {len(moved.problems)} left out"
    print(f"{source.name} → {destination.name}: {counts}; {moved.labels} labels sent")
    _tell_problems(moved.problems)


def _tell_problems(problems: Mapping[str, str]) -> None:
    for problem in problems.values():
        print(f"left out: {problem}", file=sys.stderr)


def moved_printer(*, quiet: bool) -> Callable[[str], None]:
    """Prints each record as it comes on a terminal; prints nothing in a pipe."""
    if quiet or not sys.stderr.isatty():
        return lambda _: None
    return lambda text: print(text, file=sys.stderr)
