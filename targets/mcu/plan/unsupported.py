"""Lists what the plan runtime cannot run of a model: one phrase for each reason, with the places of its operators."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from .builder import Builder
from .model import Graph, read_model
from .planner import lower, needed_operators
from .refusal import OperatorUnsupported, PlanRefused

_PLACES_NAMED = 5


@dataclass(frozen=True)
class UnsupportedOperator:
    """An operator that cannot be planned. `place` is its number, and its subgraph where that is not the first; `reason`
    is a phrase, empty where there is no kernel of this name."""

    place: str
    name: str
    reason: str


class _EndOfList(Exception):
    """Ends the list: nothing behind this is judged."""


def unsupported_operators(tflite: bytes) -> list[UnsupportedOperator]:
    """Every operator that cannot be planned, each with its own reason; empty where `plan_model` would succeed.

    Raises `PlanRefused` where the file itself is at fault. A fault behind an operator that is missing already ends the
    list instead: planning stops at the first of them, and that is what a run reports.
    """
    refused: dict[str, UnsupportedOperator] = {}

    def lower_all(graph: Graph, build: Builder) -> None:
        needed = needed_operators(graph)
        for operator in graph.operators:
            if operator.index not in needed:
                continue
            try:
                lower(operator, build)
            except OperatorUnsupported as refusal:
                refused[operator.place] = UnsupportedOperator(operator.place, operator.name, refusal.reason)
                build.place_without_lowering(operator.outputs)
            except PlanRefused:
                if not refused:
                    raise
                raise _EndOfList from None

    model = read_model(tflite)
    build = Builder(model, lower_all)
    build.add_inputs()
    with contextlib.suppress(_EndOfList):
        lower_all(model.main, build)
    return list(refused.values())


def unsupported_phrases(tflite: bytes) -> tuple[str, ...]:
    """What a model needs and the plan runtime has not, in phrases that follow "does not run": first the operators
    without a kernel, all in one, then each operator and reason once. Raises `PlanRefused`."""
    without: dict[str, list[str]] = {}
    others: dict[tuple[str, str], list[str]] = {}
    for found in unsupported_operators(tflite):
        if found.reason:
            others.setdefault((found.name, found.reason), []).append(found.place)
        else:
            without.setdefault(found.name, []).append(found.place)
    phrases = [_named(name, places, "") for name, places in without.items()]
    first = [f"{_joined(phrases)}, for which the plan runtime has no kernel"] if phrases else []
    return (*first, *(_named(name, places, reason) for (name, reason), places in others.items()))


def _named(name: str, places: Sequence[str], reason: str) -> str:
    """`NEG (operators 19 and 23)`, `CONV_2D (operator 0: …)`."""
    where = f"operator{'s' if len(places) > 1 else ''} {_joined(_first_places(places))}"
    return f"{name} ({where}: {reason})" if reason else f"{name} ({where})"


def _first_places(places: Sequence[str]) -> list[str]:
    if len(places) <= _PLACES_NAMED:
        return list(places)
    named = _PLACES_NAMED - 1
    return [*places[:named], f"{len(places) - named} more"]


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
