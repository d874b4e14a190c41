"""`run`: the main job."""

from __future__ import annotations

import shlex
import signal
import sys
from typing import Any

from harness import registry
from harness.cli.inventory import console
from harness.cli.progress import ConsoleProgress
from harness.errors import BadInput
from harness.gate.policy_file import project_policy
from harness.paths import cache_directory, project_root, results_directory
from harness.project import model_entries
from harness.report import tables
from harness.report.history_source import history_of
from harness.report.page import write
from harness.run.engine import Interrupted, Run, Settings
from harness.run.matrix import Selection, cases
from harness.store.record import Outcome, RunRecord

BROKEN = {Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT}


def run_matrix(selection: Selection, *, parity_only: bool, fresh: bool, as_json: bool) -> int:
    """Run the selection; 0 if nothing is broken, 1 otherwise, 2 if a model is no model, 130 if interrupted."""
    root = project_root()
    chosen = cases(selection, model_entries(root), registry.targets(), registry.formats())
    settings = Settings(
        root=root,
        cache=cache_directory(),
        results=results_directory(),
        command=shlex.join(["harness", *sys.argv[1:]]),
        parity_only=parity_only,
        fresh=fresh,
        policy=project_policy(root),
    )
    signal.signal(signal.SIGTERM, interrupt)
    with ConsoleProgress() as progress:
        execution = Run(chosen, settings, progress)
        record = execution.execute()
    page = settings.results / "dashboard.html"
    write(record, page, history=history_of(record, settings.results))
    if as_json:
        print(record.model_dump_json(indent=1))
    else:
        screen = console()
        screen.print(tables.show(record))
        screen.print(f"Dashboard: {page}", markup=False, highlight=False, soft_wrap=True)
    bad = [str(result) for result in execution.prepared.values() if isinstance(result, BadInput)]
    for sentence in bad:
        print(f"harness: {sentence}", file=sys.stderr)
    return exit_code(record) if not bad or record.status == "interrupted" else 2


def exit_code(record: RunRecord) -> int:
    """What a run's record means to a shell."""
    if record.status == "interrupted":
        print(
            f"harness: interrupted with {len(record.cases)} of {record.planned_cases} cases finished; the same command"
            " resumes.",
            file=sys.stderr,
        )
        return 130
    return 1 if any(case.outcome in BROKEN for case in record.cases) else 0


def interrupt(_signal: int, _frame: Any) -> None:
    """A polite request to end is treated as Ctrl-C."""
    raise Interrupted
