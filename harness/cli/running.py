"""`run`: the main job."""

from __future__ import annotations

import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cli.inventory import console
from harness.cli.placing import SchedulerOptions, chosen_cases
from harness.cli.progress import ConsoleProgress
from harness.errors import ANY_ERROR, BadInput
from harness.gate.policy_file import project_policy
from harness.paths import cache_directory, project_root, results_directory
from harness.project import model_entries
from harness.report import tables
from harness.report.history_data import history_of
from harness.report.page import write
from harness.run.engine import Interrupted, Run
from harness.run.matrix import Selection
from harness.run.settings import Settings
from harness.run.timing import NOT_TIMED_YET
from harness.store.error_log import sentence_with_log
from harness.store.record import Outcome, RunRecord

OPERATOR_SECONDS = 1.0
"""Seconds for timing the operators of a case, where that is asked for."""
BROKEN = {Outcome.FAILED, Outcome.CRASHED, Outcome.TIMED_OUT}


def run_matrix(
    selection: Selection,
    *,
    parity_only: bool,
    fresh: bool,
    budget: float | None = None,
    operators: bool = False,
    as_json: bool,
    places: SchedulerOptions | None = None,
) -> int:
    """Run the selection, on this machine or at `places`; 0 if nothing is broken, 1 otherwise, 2 if a model is no model,
    130 if interrupted."""
    root = project_root()
    settings = Settings(
        root=root,
        cache=cache_directory(),
        results=results_directory(),
        command=shlex.join(["harness", *sys.argv[1:]]),
        parity_only=parity_only,
        fresh=fresh,
        policy=project_policy(root),
    )
    if operators:
        settings = replace(settings, plan=replace(settings.plan, operator_seconds=OPERATOR_SECONDS))
    signal.signal(signal.SIGTERM, interrupt)
    options = (places or SchedulerOptions()).completed(root)
    with chosen_cases(selection, model_entries(root, budget), options) as chosen, ConsoleProgress() as progress:
        execution = Run(chosen, settings, progress)
        record = execution.execute()
    # A model that is none ends all its cases with one sentence.
    problems = (finished.problem for finished in execution.states.values())
    told = [
        *dict.fromkeys(str(problem) for problem in problems if isinstance(problem, BadInput)),
        *show(record, settings.results, as_json=as_json),
    ]
    for sentence in told:
        print(f"harness: {sentence}", file=sys.stderr)
    return exit_code(record) if not told or record.status == "interrupted" else 2


def show(record: RunRecord, results: Path, *, as_json: bool) -> list[str]:
    """Print the run and write its dashboard. The record is written by then: where one of the two cannot be made, that
    is a sentence in the answer, and the other is made all the same."""
    problems = []
    page = results / "dashboard.html"
    try:
        write(record, page, history=history_of(record, results))
    except ANY_ERROR as error:
        problems.append(unshown("The dashboard", error))
    try:
        if as_json:
            print(record.model_dump_json(indent=1))
        else:
            screen = console()
            screen.print(tables.show(record, results))
            if not problems:
                screen.print(f"Dashboard: {page}", markup=False, highlight=False, soft_wrap=True)
    except BrokenPipeError:
        raise
    except ANY_ERROR as error:
        problems.append(unshown("The table", error))
    return problems


def unshown(what: str, error: BaseException) -> str:
    """A sentence that something could not be made, why, and where the traceback is."""
    return f"{what} could not be made, the run's record is sound: {sentence_with_log(error)}"


def exit_code(record: RunRecord) -> int:
    """What a run's record means to a shell."""
    if record.status == "interrupted":
        untimed = sum(case.latency_note == NOT_TIMED_YET for case in record.cases)
        open_yet = f" ({untimed} of these not timed yet)" if untimed else ""
        print(
            f"harness: interrupted; {len(record.cases)} of {record.planned_cases} cases have a result{open_yet}. The "
            "same command resumes.",
            file=sys.stderr,
        )
        return 130
    return 1 if any(case.outcome in BROKEN for case in record.cases) else 0


def interrupt(_signal: int, _frame: Any) -> None:
    """A polite request to end is treated as Ctrl-C."""
    raise Interrupted
