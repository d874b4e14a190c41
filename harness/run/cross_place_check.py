"""Exact figures of one case at several places, compared with each other: they are equal on every machine, or that is a
finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.case_name import place_of, runtime_of
from harness.store.record import EXACT_AT_PLACES, CaseResult, Check, Outcome

SOURCE = "Instructions and sizes that a target calls exact are equal at every run on every machine"


def check_exact_figures(results: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
    """The results, each of those that several places have with a check for every exact figure; where one differs, all
    that have it fail, as nothing says which of them is right."""
    found = tuple(results)
    groups: dict[tuple[str, str, str], list[CaseResult]] = {}
    for case in found:
        if place_of(case.target) and case.measured.exact:
            groups.setdefault((case.model, case.variant, runtime_of(case.target)), []).append(case)
    checks: dict[str, list[Check]] = {}
    for members in groups.values():
        for figure in sorted({name for case in members for name in case.measured.exact}):
            having = [case for case in members if figure in case.measured.exact]
            if len(having) > 1:
                check = _check(figure, having)
                for case in having:
                    checks.setdefault(case.id, []).append(check)
    return tuple(_with(case, checks[case.id]) if case.id in checks else case for case in found)


def _check(figure: str, cases: Sequence[CaseResult]) -> Check:
    """Whether all of `cases` have the same value of `figure`."""
    values = {place_of(case.target): case.measured.figures.get(figure) for case in cases}
    passed = len(set(values.values())) == 1
    message = "" if passed else f"{figure} is exact and differs between places: {_listed(values)}.{_differing(cases)}"
    return Check.make(EXACT_AT_PLACES, f"{EXACT_AT_PLACES}.{figure}", passed=passed, source=SOURCE, message=message)


def _differing(cases: Sequence[CaseResult]) -> str:
    """What the fingerprints differ in, as a sentence; empty where they are the same."""
    keys = sorted({key for case in cases for key in case.fingerprint})
    found = [
        f"{key} ({_listed({place_of(case.target): case.fingerprint.get(key) for case in cases})})"
        for key in keys
        if len({case.fingerprint.get(key) for case in cases}) > 1
    ]
    return f" They differ in {'; '.join(found)}." if found else " Their fingerprints are the same."


def _listed(values: dict[str, int | None] | dict[str, str | None]) -> str:
    return ", ".join(f"{value} at {place}" for place, value in values.items())


def _with(case: CaseResult, checks: Sequence[Check]) -> CaseResult:
    broken = next((check for check in checks if not check.passed), None)
    update: dict[str, object] = {"checks": (*case.checks, *checks)}
    if broken is not None and case.outcome in (Outcome.PASSED, Outcome.UNMEASURED):
        update |= {"outcome": Outcome.FAILED, "reason": broken.message}
    return case.model_copy(update=update)
