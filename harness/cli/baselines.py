"""`baseline`: accept, show, drop."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

from harness.baseline.accept import accept_run
from harness.baseline.files import FOLDER, read_baseline, read_file, write_file
from harness.cli.inventory import console, plain_table
from harness.cli.showing import find_run
from harness.errors import HarnessError
from harness.paths import results_directory


def folder_of(named: str | None) -> Path:
    """The baseline's folder. Raises `HarnessError` where one was named that is not there."""
    if named is None:
        return results_directory() / FOLDER
    folder = Path(named)
    if not folder.is_dir():
        raise HarnessError(f"There is no baseline in {named}; name a folder that `harness baseline accept` wrote.")
    return folder


def accept_baseline(name: str, globs: tuple[str, ...], named: str | None, *, failing: bool, as_json: bool) -> None:
    """Accept a run, and say what that changed."""
    folder = Path(named) if named else results_directory() / FOLDER
    record = find_run(name)
    done = accept_run(record, folder, globs, failing=failing)
    if as_json:
        files = [str(path) for path in done.files]
        print(json.dumps({**vars(done), "files": files}, indent=1))
        return
    print(
        f"Accepted from run {record.id}: {len(done.added)} added, {len(done.changed)} changed, "
        f"{len(done.unchanged)} as they were."
    )
    for case in (*done.added, *done.changed)[:30]:
        print(f"  {'+' if case in done.added else '~'} {case}")
    for case, reason in done.left_out.items():
        print(f"  left out: {case} ({reason})")
    for path in done.files:
        print(f"wrote {path}")


def show_baseline(named: str | None, *, as_json: bool) -> None:
    """Print the accepted cases."""
    baseline = read_baseline(folder_of(named))
    if as_json:
        print(json.dumps({str(name): case.model_dump(mode="json") for name, case in baseline.cases.items()}, indent=1))
        return
    if not baseline.cases:
        print("There is no baseline; `harness baseline accept` makes one of a run.")
        return
    table = plain_table("case", "outcome", "bytes", "artifact", "commit", "from")
    for name, case in baseline.cases.items():
        run, artifact = baseline.run_of(case), case.artifact
        table.add_row(
            str(name),
            case.outcome.value,
            str(artifact.bytes) if artifact else "",
            artifact.digest[:12] if artifact else "",
            (run.commit or "")[:12],
            f"{run.started:%Y-%m-%d} {run.cpu}",
        )
    console().print(table)


def drop_from_baseline(globs: tuple[str, ...], named: str | None) -> None:
    """Take cases out. Raises `HarnessError` for a glob that matches nothing."""
    folder = folder_of(named)
    cases = read_baseline(folder).cases
    for glob in globs:
        if not any(fnmatchcase(str(name), glob) for name in cases):
            raise HarnessError(f"No case of the baseline matches '{glob}'; `harness baseline show` lists them.")
    for path in sorted(folder.glob("*.json")):
        file = read_file(path)
        kept = {
            name: case
            for name, case in file.cases.items()
            if not any(fnmatchcase(f"{file.model}/{name}", glob) for glob in globs)
        }
        gone = len(file.cases) - len(kept)
        if kept and gone:
            write_file(folder, file.model_copy(update={"cases": kept}))
        elif gone:
            path.unlink()
        if gone:
            print(f"{path}: {gone} dropped, {len(kept)} left")
