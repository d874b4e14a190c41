"""Finds the known remedy for a failure. Every error becomes a reason for people here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import BadInput, CaseError, UnexpectedError
from harness.remedies.catalogue import CATALOGUE, Remedy


@dataclass(frozen=True)
class Explanation:
    """What is known of a failure."""

    remedy: Remedy
    meaning: str
    to_do: str


def find_remedy(message: str, log: str = "") -> Explanation | None:
    """The first entry of the catalogue that the message matches, else the first that the log does; or None."""
    for text in (message, log):
        for remedy in CATALOGUE:
            match = remedy.pattern.search(text)
            if match:
                groups = {str(i + 1): group or "" for i, group in enumerate(match.groups())}
                return Explanation(remedy, fill(remedy.meaning, groups), fill(remedy.to_do, groups))
    return None


def fill(text: str, groups: dict[str, str]) -> str:
    """A text with the pattern's groups in it."""
    for number, group in groups.items():
        text = text.replace(f"{{{number}}}", group.strip())
    return text


def reason(problem: CaseError) -> str:
    """Why a case ended, in one line: with the known remedy where there is one."""
    message = str(problem)
    if isinstance(problem, BadInput):  # says what to do by itself
        return message
    # The log of what nobody foresaw is a traceback of the harness, whatever the words that are in it.
    explanation = find_remedy(message, "" if isinstance(problem, UnexpectedError) else problem.log)
    if explanation is not None:
        return f"{message.rstrip('. ')}. {explanation.meaning} {explanation.to_do}"
    return message
