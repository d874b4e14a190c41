"""Lists what the plan runtime cannot run of a model: one phrase for each reason, with the places of its operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .builder import Builder
from .lowering import LOWERINGS
from .model import operator_names, read_model
from .planner import lower, needed_operators
from .refusal import OperatorUnsupported, PlanRefused

_PLACES_NAMED = 5


@dataclass(frozen=True)
class UnsupportedOperator:
    """An operator that cannot be planned. `index` is None where only names can be told, as in a model of several
    graphs; `reason` is a phrase, empty where there is no kernel of this name."""

    index: int | None
    name: str
    reason: str


def unsupported_operators(tflite: bytes) -> list[UnsupportedOperator]:
    """Every operator that cannot be planned, each with its own reason; empty where `plan_model` would succeed.

    Raises `PlanRefused` where the file itself is at fault. A fault behind an operator that is missing already ends the
    list instead: planning stops at the first of them, and that is what a run reports.
    """
    if not _readable_as_one_graph(tflite):
        return [UnsupportedOperator(None, name, "") for name in operator_names(tflite) if name not in LOWERINGS]
    model = read_model(tflite)
    build = Builder(model)
    build.add_inputs()
    needed = needed_operators(model)
    refused: list[UnsupportedOperator] = []
    for operator in model.operators:
        if operator.index not in needed:
            continue
        try:
            lower(operator, build)
        except OperatorUnsupported as refusal:
            refused.append(UnsupportedOperator(operator.index, operator.name, refusal.reason))
            build.assume(operator.outputs)
        except PlanRefused:
            if not refused:
                raise
            break
    return refused


def _readable_as_one_graph(tflite: bytes) -> bool:
    """False where only the names of the operators can be told, as in a model with several subgraphs."""
    try:
        read_model(tflite)
    except PlanRefused:
        operator_names(tflite)
        return False
    return True


def lacking(tflite: bytes) -> tuple[str, ...]:
    """What a model needs and the plan runtime has not, in phrases that follow "does not run": first the operators
    without a kernel, all in one, then each operator and reason once. Raises `PlanRefused`."""
    without: dict[str, list[int | None]] = {}
    others: dict[tuple[str, str], list[int | None]] = {}
    for found in unsupported_operators(tflite):
        if found.reason:
            others.setdefault((found.name, found.reason), []).append(found.index)
        else:
            without.setdefault(found.name, []).append(found.index)
    phrases = [_named(name, places, "") for name, places in without.items()]
    first = [f"{_joined(phrases)}, for which the plan runtime has no kernel"] if phrases else []
    return (*first, *(_named(name, places, reason) for (name, reason), places in others.items()))


def _named(name: str, places: Iterable[int | None], reason: str) -> str:
    """`NEG (operators 19 and 23)`, `CONV_2D (operator 0: …)`."""
    known = [place for place in places if place is not None]
    where = f"operator{'s' if len(known) > 1 else ''} {_joined(_first_places(known))}" if known else ""
    inside = ": ".join(part for part in (where, reason) if part)
    return f"{name} ({inside})" if inside else name


def _first_places(places: Sequence[int]) -> list[str]:
    if len(places) <= _PLACES_NAMED:
        return [str(place) for place in places]
    named = _PLACES_NAMED - 1
    return [*map(str, places[:named]), f"{len(places) - named} more"]


def _joined(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
