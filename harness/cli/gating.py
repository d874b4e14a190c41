"""`gate`: a run judged, and the verdict in every format that was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from numpy.typing import NDArray

from harness import registry
from harness.baseline.files import Baseline, read_baseline
from harness.baseline.rebuild import Rebuilder
from harness.cache import Cache
from harness.cli.baselines import folder_of
from harness.cli.explaining import explain_case
from harness.cli.progress import ConsoleProgress
from harness.cli.showing import find_run
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.environment import environment
from harness.errors import ANY_ERROR, CaseError
from harness.exchange.junit import junit
from harness.exchange.markdown import markdown
from harness.exchange.pytest_benchmark import pytest_benchmark_json
from harness.exchange.sarif import sarif
from harness.gate.judge_run import GateResult, judge_run, judged_record
from harness.gate.policy import Policy
from harness.gate.policy_file import POLICY_FILE, project_policy, read_policy
from harness.gate.regression import RegressionTimer
from harness.paths import PROJECT_FILE, cache_directory, place_in_repository, project_root, results_directory
from harness.project import model_entries
from harness.report.page import write
from harness.report.reproduce import locate_command, reproduce
from harness.run.exclusive import exclusive_machine
from harness.store.error_log import sentence_with_log
from harness.store.record import CaseResult, RunRecord
from harness.store.runs import write_atomically


@dataclass(frozen=True)
class ReportPaths:
    """Paths to write to; None for what is not wanted."""

    junit: str | None = None
    sarif: str | None = None
    markdown: str | None = None
    pytest_benchmark: str | None = None


def gate_run(
    name: str,
    policy: str | None,
    folder: str | None,
    wanted: ReportPaths,
    *,
    explain: str | None,
    timing: bool,
    complete: bool,
    as_json: bool,
) -> int:
    """Judge a run; 0 if every rule holds, 1 otherwise."""
    root = project_root()
    rules = read_policy(Path(policy)) if policy else project_policy(root)
    record, baseline = find_run(name), read_baseline(folder_of(folder))
    if explain is not None:
        case = _case_named(record, explain)
        record = record.model_copy(update={"cases": (case,)})
        kept = {name: accepted for name, accepted in baseline.cases.items() if name == case.name}
        baseline = Baseline(kept, baseline.runs, baseline.sources)
    with ConsoleProgress() as progress:
        result = judge_with_timing(record, rules, baseline, root, progress, timing=timing, complete=complete)
    problems = [*_write(result, root, wanted), *(_show(result) if explain is None else ())]
    if as_json:
        print(json.dumps(as_document(result), indent=1))
    elif explain is not None:
        explain_case(result)
    else:
        print_verdict(result)
    for problem in problems:
        print(f"harness: {problem}", file=sys.stderr)
    return 2 if problems else 0 if result.passed else 1


def judge_with_timing(
    record: RunRecord,
    policy: Policy,
    baseline: Baseline,
    root: Path,
    progress: ConsoleProgress,
    *,
    timing: bool,
    complete: bool = False,
) -> GateResult:
    """The gate with this project's cache and targets; the machine is held only where something has to be timed."""
    targets = registry.targets()
    cache = Cache(cache_directory() / "artifacts", progress.note)
    converter = Converter(cache, environment("converter"), 1)
    entries = model_entries(root)

    def inputs(case: CaseResult) -> dict[str, NDArray[Any]]:
        try:
            return read_golden(converter.prepare(entries[case.model]).golden_path).inputs
        except (CaseError, KeyError):
            return {}

    def format_of(target: str) -> str:
        return targets[target].format if target in targets else ""

    again = Rebuilder(root, entries, registry.formats(), converter, baseline, progress.note)
    stopwatch = None
    if timing:
        stopwatch = RegressionTimer(cache, targets, inputs, rebuild=again.artifact, note=progress.note, models=entries)
    differs = timing and any(_differs(case, baseline) for case in record.cases)
    try:
        with exclusive_machine(progress.note) if differs else nullcontext():
            return judge_run(record, policy, baseline, format_of, stopwatch=stopwatch, complete=complete)
    finally:
        converter.close()


def _differs(case: CaseResult, baseline: Baseline) -> bool:
    accepted = baseline.cases.get(case.name)
    if accepted is None or accepted.artifact is None or case.artifact is None or case.latency is None:
        return False
    return (accepted.artifact.digest, accepted.fingerprint) != (case.artifact.digest, case.fingerprint)


def _case_named(record: RunRecord, name: str) -> CaseResult:
    from harness.errors import HarnessError

    for case in record.cases:
        if case.id == name:
            return case
    parts = name.split("/", 1)
    known = [case.id for case in record.cases if case.model == parts[0]] or [case.id for case in record.cases]
    raise HarnessError(f"The run {record.id} has no case '{name}'; it has {', '.join(known[:6])}.")


def _write(result: GateResult, root: Path, wanted: ReportPaths) -> list[str]:
    """Writes what is wanted; a sentence for each that could not be, which costs no other."""
    file = next((file for file in (PROJECT_FILE, POLICY_FILE) if (root / file).is_file()), PROJECT_FILE)
    # Code scanning reads paths from the top of the repository.
    location = PurePosixPath(place_in_repository(root)) / file
    forms: list[tuple[str | None, Callable[[], str]]] = [
        (wanted.junit, lambda: junit(result)),
        (wanted.sarif, lambda: sarif(result, str(location))),
        (wanted.markdown, lambda: markdown(result)),
        (wanted.pytest_benchmark, lambda: pytest_benchmark_json(result.record)),
    ]
    return [
        problem
        for path, form in forms
        if path and (problem := _problem(path, lambda: write_atomically(Path(path), form())))  # noqa: B023
    ]


def _show(result: GateResult) -> list[str]:
    page = results_directory() / "dashboard.html"
    problem = _problem(str(page), lambda: write(judged_record(result), page))
    return [problem] if problem else []


def _problem(path: str, make: Callable[[], None]) -> str:
    """Why a file could not be written; empty where it was."""
    try:
        make()
    except ANY_ERROR as error:
        return f"{path} could not be written: {sentence_with_log(error)}"
    return ""


def as_document(result: GateResult) -> dict[str, Any]:
    """The verdict for a program."""
    return {
        "run": result.record.id,
        "passed": result.passed,
        "notices": list(result.notices),
        "cases": [
            {
                "case": verdict.case.id,
                "outcome": verdict.case.outcome.value,
                "passed": verdict.passed,
                "checks": [check.model_dump(mode="json") for check in verdict.checks],
            }
            for verdict in result.verdicts
        ],
    }


def print_verdict(result: GateResult) -> None:
    """The verdict for a person, worst first; nothing else than text."""
    for verdict in result.failed:
        print(f"✗ {verdict.case.id}")
        for check in verdict.broken:
            print(f"    {check.rule}: {check.message or check.metric}")
        print(f"    again: {reproduce(verdict.case)}")
        if inside := locate_command(verdict.case, verdict.broken):
            print(f"    which operator: {inside}")
    for notice in result.notices:
        print(f"! {notice}")
    total, failed = len(result.verdicts), len(result.failed)
    held = sum(len(verdict.checks) for verdict in result.verdicts)
    if failed:
        print(f"✗ {failed} of {total} cases break a rule (run {result.record.id}, {held} checks).")
    else:
        print(f"✓ No rule is broken: {total} cases, {held} checks (run {result.record.id}).")
