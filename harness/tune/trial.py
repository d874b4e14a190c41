"""Tries a candidate as cases like any other: cached, judged by the project's own rules, ended by whatever ends a case.

Cheap targets go first, so that one that fails there costs no emulator its start. What a target refuses by the
artifact's operators is known before any is started.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from harness.assess.predictions import static_verdict
from harness.assess.trials import Trials
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.errors import CaseError
from harness.gate.severity import times_beyond, worst
from harness.locate.locator import Locator, finest_of
from harness.remedies.explain import reason
from harness.report import numbers
from harness.run.engine import Interrupted, Run
from harness.run.matrix import Case
from harness.run.pool import Progress
from harness.run.settings import Conversion, Settings
from harness.store.record import CaseResult, Outcome, RunRecord
from harness.target import Target
from harness.tune.attempt import Attempt
from harness.tune.candidates import Candidate, Operator
from harness.tune.objective import Objective
from harness.tune.operator_losses import operators_of
from harness.variant import Format, Variant

SLOTS = ("processor", "browser", "emulator", "board")
"""Slots, the cheapest to start first."""
SAMPLES = 4
"""Samples of the golden that operators are compared on."""


class SharedConverter:
    """A converter that several runs use one after another: none of them ends its processes."""

    def __init__(self, converter: Conversion) -> None:
        self._converter = converter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._converter, name)

    def close(self) -> None:
        return


@dataclass
class CaseOracle:
    """The oracle of a search (`harness.tune.search.Oracle`) over one model and some targets."""

    entry: ModelEntry
    artifact_format: Format
    targets: Sequence[Target]
    settings: Settings
    progress: Progress
    converter: Converter
    objective: Objective
    records: list[RunRecord] = field(default_factory=list)
    """The records of the runs so far."""
    results: dict[str, tuple[CaseResult, ...]] = field(default_factory=dict)
    """The cases of each candidate by its name."""
    variants: dict[str, Variant] = field(default_factory=dict)
    """Variants that were tried, by name."""

    def try_(self, candidate: Candidate) -> Attempt:
        """Convert it and run it. Raises `Interrupted`."""
        return self.judged(candidate, candidate.variant(self.bases))

    @property
    def bases(self) -> dict[str, Variant]:
        """The format's variants for this model, by name."""
        return {variant.name: variant for variant in self.entry.variants(self.artifact_format)}

    def judged(self, candidate: Candidate, variant: Variant) -> Attempt:
        """What came of a candidate under the name of `variant`."""
        self.variants[variant.name] = variant
        self.progress.note(f"Trying {candidate.label} …")
        refusals = self._refusals(variant)
        if refusals:
            self.results[variant.name] = ()
            said = "; ".join(f"{name}: {why}" if name else why for name, why in refusals.items())
            return Attempt(candidate, "refused", reason=said, targets=tuple(filter(None, refusals)))
        cases: list[CaseResult] = []
        for group in self._groups():
            record = self._run(
                [Case(self.entry, self.artifact_format, variant, target, target.timed) for target in group]
            )
            cases += record.cases
            self.results[variant.name] = tuple(cases)
            if record.status == "interrupted":
                raise Interrupted
            if any(case.outcome is not Outcome.PASSED for case in record.cases):
                break
        attempt = attempt_of(candidate, cases, self.objective)
        ran = attempt.verdict != "refused" and len(cases) == len(self.targets)
        # What some of the targets tell cannot be held against what all do.
        figure = attempt.figure if ran or self.objective.by_size else None
        return replace(attempt, figure=figure, ran_everywhere=ran)

    def operators(self, attempt: Attempt) -> list[Operator]:
        """What each operator of the attempt's artifact loses, on the edge whose rule it breaks. Empty if the inside
        cannot be seen."""
        case, edge = self._broken(attempt)
        with tempfile.TemporaryDirectory(prefix="harness-tune-") as folder, contextlib.suppress(CaseError):
            self.progress.note(f"Looking for the operators of {attempt.candidate.label} that lose most …")
            locator = Locator(case, self.converter, self.settings.policy, SAMPLES, Path(folder))
            finding = locator.runtime() if edge == "runtime" else locator.conversion()
            finest = self.converter.convert(self.converter.prepare(self.entry), self.artifact_format, finest_of(case))
            return operators_of(locator.operator_outputs.operations(finest), finding, attempt.candidate)
        return []

    def _broken(self, attempt: Attempt) -> tuple[Case, str]:
        """The case that is the furthest beyond its limits, and the edge of the rule that it breaks."""
        variant = self.variants[attempt.candidate.name]
        failed = [case for case in self.results[variant.name] if case.outcome is Outcome.FAILED]
        furthest = max(failed, key=lambda case: times_beyond(check) if (check := worst(case.checks)) else 0.0)
        target = next(target for target in self.targets if target.name == furthest.target)
        check = worst(furthest.checks)
        edge = "runtime" if check is not None and check.rule.startswith("parity.runtime") else "conversion"
        return Case(self.entry, self.artifact_format, variant, target), edge

    def _refusals(self, variant: Variant) -> dict[str, str]:
        """What targets say to the artifact before any is started, or, under no name, the converter to the variant."""
        try:
            artifact = self.converter.convert(self.converter.prepare(self.entry), self.artifact_format, variant)
        except CaseError as error:
            return {"": reason(error)}
        trials = Trials({(self.artifact_format.name, variant.name): artifact})
        told = (static_verdict(target, variant.name, trials) for target in self.targets)
        return {one.target: one.reason for one in told if one is not None and one.verdict == "does not run"}

    def _groups(self) -> Iterable[list[Target]]:
        for slot in SLOTS:
            group = [target for target in self.targets if target.slot == slot]
            if group:
                yield group

    def _run(self, cases: list[Case]) -> RunRecord:
        settings = replace(self.settings, parity_only=self.objective.name != "latency")
        record = Run(cases, settings, self.progress, cast("Conversion", SharedConverter(self.converter))).execute()
        self.records.append(record)
        return record

    def record(self) -> RunRecord | None:
        """Everything that was tried as one record; None where nothing was."""
        if not self.records:
            return None
        cases = {case.id: case for cases in self.results.values() for case in cases}
        last = self.records[-1]
        return last.model_copy(
            update={"cases": tuple(cases.values()), "planned_cases": len(cases), "started": self.records[0].started}
        )


def attempt_of(candidate: Candidate, cases: Sequence[CaseResult], objective: Objective) -> Attempt:
    """What the cases of a candidate come to. One that could not run at all tells more than one that is not exact."""
    errors = [numbers.worst_error(case.parity.end_to_end) for case in cases if case.parity is not None]
    known = [error for error in errors if error is not None]
    figure = objective.figure(cases)
    error = max(known) if known and len(known) == len(errors) else None
    refused = [case for case in cases if case.outcome not in (Outcome.PASSED, Outcome.FAILED) or _never_ran(case)]
    if refused:
        why = "; ".join(f"{case.target}: {case.outcome.value}: {case.reason}" for case in refused)
        return Attempt(candidate, "refused", figure, error, reason=why, targets=tuple(case.target for case in refused))
    broken = {case.target: check for case in cases if (check := worst(case.checks)) is not None}
    if not broken:
        return Attempt(candidate, "passed", figure, error, 0.0)
    target, check = max(broken.items(), key=lambda one: times_beyond(one[1]))
    why = f"{target}: {check.rule}: {check.message}"
    return Attempt(candidate, "failed", figure, error, times_beyond(check), why, tuple(broken))


def _never_ran(case: CaseResult) -> bool:
    return case.outcome is Outcome.FAILED and worst(case.checks) is None
