"""What `tune` found, for people and for programs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.assess.rewrites import REWRITES
from harness.cli.inventory import console, plain_table
from harness.remedies.explain import find_remedy
from harness.report import numbers
from harness.tune.attempt import Attempt, figure_of
from harness.tune.attempt import infinity_if_missing as known_number
from harness.tune.objective import Objective
from harness.variant import READY

BAR = 24
"""Characters of the longest bar."""
MOST_NAMES = 12
"""Operators in float that the screen names at most. More are counted only; `--json` has them all."""


@dataclass(frozen=True)
class SearchOutcome:
    """A search that ended."""

    model: str
    targets: tuple[str, ...]
    objective: Objective
    attempts: tuple[Attempt, ...]
    best: Attempt | None
    closest: Attempt | None
    conversions: int
    complete: bool
    interrupted: bool
    written: str = ""
    """What was written into harness.toml, or why nothing was."""

    def front(self) -> set[str]:
        """The names of those that ran than which none is both smaller and more exact."""
        ran = [one for one in self.attempts if one.figure is not None and one.error is not None]
        prices = {one.candidate.name: (figure_of(one), known_number(one.error)) for one in ran}
        return {
            name
            for name, price in prices.items()
            if not any(
                all(a <= b for a, b in zip(other, price, strict=True)) and other != price for other in prices.values()
            )
        }


def attempt_line(attempt: Attempt, objective: Objective) -> str:
    """One attempt in a line."""
    figure = "" if attempt.figure is None else f", {objective.text(attempt.figure)}"
    why = "" if attempt.verdict == "passed" else f" ({brief(attempt.reason)})"
    return f"{attempt.candidate.label}: {attempt.verdict}{figure}{why}"


def brief(reason: str) -> str:
    """The beginning of a reason that says what is wrong: a known meaning where the words are a runtime's own."""
    first = re.split(r"(?<=[^.\d])[.;] ", reason, maxsplit=1)[0].rstrip(".")
    explained = find_remedy(reason)
    target = re.match(r"[\w-]+/[\w-]+: ", reason)
    if explained is None or "parity." in first:
        return first
    return (target.group() if target else "") + explained.meaning.rstrip(".")


def show(outcome: SearchOutcome, page: Path | None) -> None:
    """Print the table, the verdict and what to do next."""
    from rich.text import Text

    objective, screen = outcome.objective, console()
    where = ", ".join(outcome.targets)
    wish = "smallest artifact" if objective.by_size else f"artifact with the least {objective.noun}"
    print(f"{outcome.model}: the {wish} that passes on {where}")
    print()
    front = outcome.front()
    largest = max((figure_of(one) for one in outcome.attempts if one.figure is not None), default=1.0)
    table = plain_table("", "tried", objective.noun, "", "error", "verdict")
    order = {"passed": 0, "failed": 1, "refused": 2}
    for one in sorted(outcome.attempts, key=lambda one: (figure_of(one), order[one.verdict])):
        table.add_row(
            ("★" if one is outcome.best else "") + ("•" if one.candidate.name in front else ""),
            Text(one.candidate.label),
            "–" if one.figure is None else objective.text(one.figure),
            "" if one.figure is None else "█" * max(1, round(BAR * one.figure / largest)),
            "–" if one.error is None else numbers.error_share(one.error),
            Text(one.verdict if one.verdict == "passed" else f"{one.verdict}: {brief(one.reason)}"),
        )
    screen.print(table)
    print("★ recommended  • none tried is both smaller and more exact (the Pareto front)")
    print()
    for sentence in sentences(outcome):
        screen.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if page is not None:
        screen.print(f"As a page: {page}", markup=False, highlight=False, soft_wrap=True)


def sentences(outcome: SearchOutcome) -> list[str]:
    """What to take and why, or what stands in the way."""
    said = recommended(outcome) if outcome.best is not None else missed(outcome)
    if outcome.interrupted:
        said.append("Interrupted: what was tried is kept, and the same command goes on there.")
    elif not outcome.complete:
        said.append(f"All {outcome.conversions} conversions were used; with a larger --conversions it may find less.")
    return [*said, *([outcome.written] if outcome.written else [])]


def recommended(outcome: SearchOutcome) -> list[str]:
    """The best, and why it is that."""
    best, objective = outcome.best, outcome.objective
    assert best is not None
    assert best.figure is not None
    smaller = [one for one in outcome.attempts if one.verdict != "passed" and figure_of(one) < figure_of(best)]
    others = [one for one in outcome.attempts if one.verdict == "passed" and one is not best]
    error = "" if best.error is None else f" with an error of {numbers.error_share(best.error)}"
    why = (
        f"Take {best.candidate.label}: {objective.text(best.figure)}{error}, the least of {len(outcome.attempts)} tried"
    )
    why += f", {len(others) + 1} of which pass." if others else "; no other one passes."
    said = [why]
    equal = [one.candidate.label for one in others if one.figure == best.figure]
    if equal:
        said.append(f"Just as much {'take' if len(equal) > 1 else 'takes'} {'; '.join(equal)}, none more exact.")
    floats = best.candidate.floats
    if floats:
        named = ", ".join(short(name) for name in floats[:MOST_NAMES])
        more = f" and {len(floats) - MOST_NAMES} more" if len(floats) > MOST_NAMES else ""
        said.append(f"Left in float, as they lose most or lie between such: {named}{more}.")
    if smaller:
        closest = min(smaller, key=lambda one: (one.beyond, figure_of(one)))
        less = "is smaller" if objective.by_size else "takes less"
        said.append(f"What {less} does not pass; the closest is {closest.candidate.label}: {closest.reason}")
    if not outcome.written and best.candidate.name != READY.name:
        said.append("`--write NAME` puts it into harness.toml as a variant.")
    return said


def short(tensor: str) -> str:
    """The last parts of a tensor's name; converters join those of all that they fused."""
    return "/".join(tensor.split(";")[0].removesuffix(":0").split("/")[-2:])


def missed(outcome: SearchOutcome) -> list[str]:
    """The closest miss, the rule in its way, and the next steps that are known."""
    said = [f"None of {len(outcome.attempts)} tried passes."]
    if outcome.closest is not None:
        said.append(f"The closest is {outcome.closest.candidate.label}: {outcome.closest.reason}")
    in_the_way = [target for target in outcome.targets if all(target in one.targets for one in outcome.attempts)]
    if in_the_way and len(in_the_way) < len(outcome.targets):
        others = [target for target in outcome.targets if target not in in_the_way]
        said.append(
            f"{' and '.join(in_the_way)} took none of them: name the others to search without"
            f" ({' '.join(f'--target {target}' for target in others)})."
        )
    steps = next_steps([one.reason for one in outcome.attempts if one.verdict == "refused"])
    return [*said, *(f"Next step: {step}" for step in steps)]


def next_steps(reasons: list[str]) -> list[str]:
    """What the catalogue of remedies and the known rewrites say to these refusals, each once."""
    steps = []
    for reason in reasons:
        words = set(re.findall(r"\w+", reason))
        steps += [f"a known rewrite of {name}: {REWRITES[name]}." for name in REWRITES if name in words]
        explained = find_remedy(reason)
        steps += [explained.to_do] if explained is not None else []
    return list(dict.fromkeys(steps))


def to_json(outcome: SearchOutcome) -> str:
    """The result as JSON, for a program."""
    return json.dumps(
        {
            "model": outcome.model,
            "targets": list(outcome.targets),
            "for": outcome.objective.name,
            "conversions": outcome.conversions,
            "complete": outcome.complete,
            "interrupted": outcome.interrupted,
            "recommended": None if outcome.best is None else outcome.best.candidate.name,
            "closest": None if outcome.closest is None else outcome.closest.candidate.name,
            "next_steps": next_steps([one.reason for one in outcome.attempts if one.verdict == "refused"]),
            "written": outcome.written,
            "tried": [document(one) | {"front": one.candidate.name in outcome.front()} for one in outcome.attempts],
        },
        indent=1,
        ensure_ascii=False,
    )


def document(one: Attempt) -> dict[str, Any]:
    """One attempt."""
    return {
        "name": one.candidate.name,
        "base": one.candidate.recipe.variant,
        "options": one.candidate.options,
        "verdict": one.verdict,
        "figure": one.figure,
        "error": one.error,
        "beyond": None if one.beyond == float("inf") else one.beyond,
        "reason": one.reason,
    }
