"""One case judged by the policy alone: the rules, what the runtime says of itself, and the exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from harness.conversion.converter import READY
from harness.gate.exceptions import excused
from harness.gate.judge import judge
from harness.gate.policy import Policy
from harness.store.record import Check, Latency, Measured, Parity

AS_ASKED = ("backend",)
"""What a target asks for in its fingerprint and a runtime answers in its details, under one name."""


def judge_case(
    case: str,
    format: str,
    parity: Parity | None,
    latency: Latency | None,
    measured: Measured,
    fingerprint: Mapping[str, str],
    policy: Policy,
    today: date | None = None,
    *,
    scheme: str = "",
    base: str = "",
) -> tuple[Check, ...]:
    """Every check of a case that ran; `case` is `model/variant/target`. Exceptions have been applied.

    `scheme`: of the artifact; `base`: of a project's own variant, for which parity rules for its base hold as well.
    """
    model, variant, target = case.split("/", 2)
    variant = judged_as(variant, scheme)
    checks = judge(parity, latency, measured, variant, format, target, policy, model, base)
    checks += tuple(_as_asked(fingerprint, measured.details, latency.details if latency else {}))
    now = today or date.today()
    return tuple(excused(check, case, policy.exceptions, now)[0] for check in checks)


def judged_as(variant: str, scheme: str) -> str:
    """The name that rules see: a ready artifact says nothing by its own, so its numeric scheme does (`int8-ready`)."""
    return f"{scheme}-{variant}" if variant == READY.name and scheme else variant


def _as_asked(fingerprint: Mapping[str, str], *answers: Mapping[str, str]) -> list[Check]:
    """A runtime that fell back to something else in silence measured something else, in outputs or in time."""
    checks = []
    for key in AS_ASKED:
        asked, answered = fingerprint.get(key), [details[key] for details in answers if key in details]
        if asked is None or not answered:
            continue
        others = [answer for answer in answered if answer != asked]
        message = f"The {key} '{asked}' was asked for and '{others[0]}' did the work." if others else ""
        checks.append(
            Check(
                rule="runtime.as_asked",
                metric=f"runtime.{key}",
                measured=None,
                limit=None,
                passed=not others,
                source="What falls back in silence measures something else",
                message=message,
            )
        )
    return checks
