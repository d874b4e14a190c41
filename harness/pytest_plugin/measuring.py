"""Measuring the collected cases: one run of the engine and one pass of the gate for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.gate.gate import CaseVerdict
    from harness.pytest_plugin.collection import HarnessItem

VERDICTS = pytest.StashKey[dict[str, "CaseVerdict | HarnessError"]]()


class TerminalProgress:
    """A stage a line, in pytest's own terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._terminal: Any = config.pluginmanager.get_plugin("terminalreporter")

    def stage(self, name: str, total: int) -> None:
        if total:
            self.note(f"{name} ({total}) …")

    def step(self, what: str) -> None:
        """Lines enough."""

    def note(self, text: str) -> None:
        if self._terminal is not None:
            self._terminal.ensure_newline()
            self._terminal.write_line(f"harness: {text}")


def measure(config: pytest.Config, items: Sequence[HarnessItem]) -> None:
    """Run and judge the cases of `items`, and keep a verdict, or the mistake that kept it away, for each."""
    found = config.stash.setdefault(VERDICTS, {})
    roots: dict[Path, list[HarnessItem]] = {}
    for item in items:
        roots.setdefault(item.path.parent, []).append(item)
    for root, members in roots.items():
        try:
            found |= _verdicts(config, root, members)
        except HarnessError as error:
            found |= dict.fromkeys((str(item.nodeid) for item in members), error)


def verdict_of(item: HarnessItem) -> CaseVerdict:
    """The verdict on one case; measured now where nobody did before (a worker of pytest-xdist measures its own).
    Raises the `HarnessError` that kept it from being measured."""
    found = item.config.stash.setdefault(VERDICTS, {})
    if item.nodeid not in found:
        measure(item.config, [item])
    verdict = found[item.nodeid]
    if isinstance(verdict, HarnessError):
        raise verdict
    return verdict


def _verdicts(config: pytest.Config, root: Path, items: Sequence[HarnessItem]) -> dict[str, Any]:
    from harness.baseline.files import FOLDER, Baseline, read_baseline
    from harness.exchange.pytest_benchmark import pytest_benchmark_json
    from harness.gate.gate import gate
    from harness.gate.policy_file import project_policy
    from harness.paths import cache_directory
    from harness.run.engine import Run, Settings
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
    cases = [item.case for item in items]
    record = Run(cases, settings, progress).execute()
    if record.status == "interrupted":
        raise KeyboardInterrupt
    if benchmark_file:
        write_atomically(Path(benchmark_file), pytest_benchmark_json(record))
    ids = {case.id for case in cases}
    accepted = read_baseline(settings.results / FOLDER)
    # What was not collected is not missing: `-k` may have chosen.
    baseline = Baseline({name: case for name, case in accepted.cases.items() if name in ids}, accepted.runs)
    formats = {case.target.name: case.format.name for case in cases}
    verdicts = {verdict.case.id: verdict for verdict in gate(record, policy, baseline, formats.__getitem__).verdicts}
    return {item.nodeid: verdicts[item.case.id] for item in items}
