"""Applies the policy's exceptions: known breaches that are let through until a given day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase

from harness.case_name import CaseName
from harness.gate.policy import PolicyException
from harness.store.record import Check

HIGHER_IS_BETTER = ("sqnr_db", "top1_agreement", "accuracy")
"""How the metrics end whose limit is a lower one; all others have an upper one."""


def apply_exceptions(
    check: Check, case: CaseName, exceptions: Iterable[PolicyException], today: date
) -> tuple[Check, int | None]:
    """A failing check after the exceptions of its case, and the number of the one that let it through (from 0).

    An expired exception changes nothing but the message, which says when it ended.
    """
    if check.passed:
        return check, None
    for number, exception in enumerate(exceptions):
        if not (
            fnmatchcase(str(case), exception.case)
            and fnmatchcase(check.rule, exception.rule)
            and fnmatchcase(check.metric, exception.metric)
        ):
            continue
        if today > exception.expires:
            ended = f" An exception for this ended on {exception.expires}: {_plain(exception.reason)}."
            return check.model_copy(update={"message": check.message + ended}), None
        source = f"gates.toml, exception until {exception.expires}: {exception.reason}"
        if exception.limit is None:
            message = f"Let through until {exception.expires} ({_plain(exception.reason)}). {check.message}"
            return check.model_copy(update={"passed": True, "source": source, "message": message}), number
        if _within(check, exception.limit):
            return _relaxed(
                check, exception.limit, source, f"Within the limit of an exception. {check.message}"
            ), number
        beyond = f"{check.message} An exception allows {exception.limit:g}, which is exceeded as well."
        return check.model_copy(update={"limit": exception.limit, "source": source, "message": beyond}), None
    return check, None


def _within(check: Check, limit: float) -> bool:
    if check.measured is None:
        return False
    higher = check.metric.endswith(HIGHER_IS_BETTER)
    return check.measured >= limit if higher else check.measured <= limit


def _relaxed(check: Check, limit: float, source: str, message: str) -> Check:
    return check.model_copy(update={"passed": True, "limit": limit, "source": source, "message": message})


def _plain(reason: str) -> str:
    return " ".join(reason.split()).rstrip(".")
