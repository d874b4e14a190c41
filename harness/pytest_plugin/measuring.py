"""Measuring cases for pytest: one run of the engine and one pass of the gate for all of a project's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import ANY_ERROR, HarnessError
from harness.pytest_plugin.sharing import once_for_all_workers
from harness.store.error_log import sentence_with_log

if TYPE_CHECKING:
    from harness.gate.judge_run import CaseVerdict
    from harness.run.matrix import Case
    from harness.run.schedule import ScheduleStatus
    from harness.store.record import Outcome

VERDICTS = pytest.StashKey[dict[tuple[Path, str], "CaseVerdict | HarnessError"]]()
"""Verdicts by the project's folder and the case's id."""


class TerminalProgress:
    """A stage a line, in pytest's own terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")

    def stage(self, name: str, total: int) -> None:
        if total:
            self.note(f"{name} ({total}) …")

    def step(self, what: str) -> None:
        """Lines enough."""

    def ended(self, case: str, outcome: Outcome, reason: str, *, final: bool) -> None:
        """Does nothing."""

    def update(self, status: ScheduleStatus) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"harness: {text}")
            self._terminal.flush()  # in a pipe it would come with the end of it all


def measure(config: pytest.Config, root: Path, cases: Sequence[Case]) -> None:
    """Run and judge `cases` of the project in `root`; keep a verdict, or the mistake that kept it away, for each."""
    found = config.stash.setdefault(VERDICTS, {})
    try:
        verdicts = _verdicts(config, root, cases)
    except ANY_ERROR as error:
        mistake = error if isinstance(error, HarnessError) else HarnessError(sentence_with_log(error))
        found |= {(root, case.id): mistake for case in cases}
    else:
        found |= {(root, name): verdict for name, verdict in verdicts.items()}


def verdict_of(config: pytest.Config, root: Path, case: Case, chosen: Sequence[Case]) -> CaseVerdict:
    """The verdict on one case. Where nobody measured before (in a worker of pytest-xdist), all `chosen` ones are
    measured now. Raises the `HarnessError` that kept it from being measured."""
    found = config.stash.setdefault(VERDICTS, {})
    if (root, case.id) not in found:
        measure(config, root, chosen)
    verdict = found[root, case.id]
    if isinstance(verdict, HarnessError):
        raise verdict
    return verdict


def _verdicts(config: pytest.Config, root: Path, cases: Sequence[Case]) -> dict[str, CaseVerdict]:
    from harness.baseline.files import FOLDER, Baseline, read_baseline
    from harness.exchange.pytest_benchmark import pytest_benchmark_json
    from harness.gate.judge_run import judge_run
    from harness.gate.policy_file import project_policy
    from harness.paths import cache_directory
    from harness.run.engine import Run
    from harness.run.settings import Settings
    from harness.store.runs import write_atomically

    benchmark_file: str | None = config.getoption("harness_benchmark_json")
    policy, progress = project_policy(root), TerminalProgress(config)
    settings = Settings(
        root=root,
        cache=cache_directory(),
        results=root / "results",
        command="pytest --harness",
        parity_only=not (config.getoption("harness_latency") or benchmark_file),
        policy=policy,
    )
    accepted = read_baseline(settings.results / FOLDER)
    record = once_for_all_workers(
        config, root, settings.results, lambda: Run(list(cases), settings, progress).execute()
    )
    if record.status == "interrupted":
        raise KeyboardInterrupt
    if benchmark_file:
        write_atomically(Path(benchmark_file), pytest_benchmark_json(record))
    names = {case.name for case in cases}
    # What was not collected is not missing: `-k` may have chosen.
    baseline = Baseline({name: case for name, case in accepted.cases.items() if name in names}, accepted.runs)
    formats = {case.target.name: case.format.name for case in cases}
    return {verdict.case.id: verdict for verdict in judge_run(record, policy, baseline, formats.__getitem__).verdicts}
