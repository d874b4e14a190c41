"""Collects harness.toml as a file of tests: one for each case of the matrix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError

if TYPE_CHECKING:
    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from harness.gate.judge_run import CaseVerdict
    from harness.run.matrix import Case


COLLECTED = pytest.StashKey[bool]()
"""Whether pytest has collected a harness.toml, sound or not: a problem with it is reported once."""


class GateFailed(AssertionError):
    """A case broke a rule; the text is all that a reader needs."""


class HarnessFile(pytest.File):
    """The cases of the project that the file's folder is; the zoo's where there is no such file."""

    def collect(self) -> Iterable[HarnessItem]:
        self.config.stash[COLLECTED] = True
        try:
            yield from self._items()
        except HarnessError as error:
            raise self.CollectError(str(error)) from None

    def checked(self) -> list[HarnessItem]:
        """Same as `collect`, for callers whose errors nobody else reports. Raises `pytest.UsageError`."""
        try:
            return list(self._items())
        except HarnessError as error:
            raise pytest.UsageError(f"harness: {error}") from None

    def _items(self) -> Iterator[HarnessItem]:
        from harness import registry
        from harness.project import model_entries
        from harness.run.matrix import Selection, cases

        option = self.config.getoption
        selection = Selection(
            tuple(option("harness_model")), tuple(option("harness_variant")), tuple(option("harness_target"))
        )
        entries = model_entries(self.path.parent)
        for case in cases(selection, entries, registry.targets(), registry.formats()):
            item: HarnessItem = HarnessItem.from_parent(self, name=case.id, case=case)
            yield item


class HarnessItem(pytest.Item):
    """One case. Its name is `model/variant/target`, so that `-k` finds it by any part."""

    def __init__(self, *, case: Case, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.case = case
        self.add_marker(pytest.mark.harness(model=case.model.name, variant=case.variant.name, target=case.target.name))
        if self.config.pluginmanager.hasplugin("timeout"):
            self.add_marker(pytest.mark.timeout(0))  # the engine has limits of its own, for each step

    @property
    def root(self) -> Path:
        """The folder of the project."""
        return self.path.parent

    def runtest(self) -> None:
        from harness.pytest_plugin.measuring import verdict_of
        from harness.store.record import Outcome

        verdict = verdict_of(self.config, self.root, self.case, chosen_cases(self.session)[self.root])
        case = verdict.case
        if case.latency is not None:
            self.user_properties.append(("median_ms", round(case.latency.median_ms, 6)))
        if not verdict.passed:
            raise GateFailed(in_words(verdict))
        if case.outcome in (Outcome.UNSUPPORTED, Outcome.UNAVAILABLE, Outcome.UNMEASURED):
            pytest.skip(f"{case.outcome.value}: {case.reason}")

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """What is wrong, and nothing of how the plugin found out."""
        if isinstance(excinfo.value, (GateFailed, HarnessError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return self.path, None, self.name


def chosen_cases(session: pytest.Session) -> dict[Path, list[Case]]:
    """The cases among the session's tests, by the project that they are of."""
    found: dict[Path, list[Case]] = {}
    for item in session.items:
        if isinstance(item, HarnessItem):
            found.setdefault(item.root, []).append(item.case)
    return found


def in_words(verdict: CaseVerdict) -> str:
    """Each broken rule with its figure and its source, and the line that shows it again."""
    from harness.report.reproduce import locate_command, reproduce

    lines = [f"{verdict.case.id}: {verdict.case.outcome.value}"]
    for check in verdict.broken:
        lines.append(f"  {check.rule} ({check.metric}): {check.message}")
        lines.append(f"    limit set by: {check.source}")
    inside = locate_command(verdict.case, verdict.broken)
    lines += [f"  again: {reproduce(verdict.case)}", *([f"  which operator: {inside}"] if inside else [])]
    return "\n".join(lines)
