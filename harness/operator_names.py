"""Operators by the name of their first output: as tables show it, and which ones a user means. Runs in children too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.suggestion import did_you_mean


def short_name(tensor: str) -> str:
    """The last parts of a tensor's name, as tables show it: converters join the names of all that they fused."""
    name = tensor.split(";")[0].removesuffix(":0")
    return "/".join(name.split("/")[-2:])


def by_name(chosen: Iterable[str], names: Sequence[str], error: type[Exception]) -> list[int]:
    """Places in `names` of those that were chosen, in full or by a short name that one of them alone has. Raises
    `error` with one sentence for a name that none, or more than one, has."""
    found = []
    for name in chosen:
        places = [index for index, known in enumerate(names) if known == name]
        places = places or [index for index, known in enumerate(names) if short_name(known) == name]
        if len(places) > 1:
            several = ", ".join(f"'{names[place]}'" for place in places)
            raise error(f"`float_operators` names '{name}', which {len(places)} operators are called: {several}.")
        if not places:
            meant = did_you_mean(name, [*names, *map(short_name, names)])
            raise error(f"`float_operators` names '{name}', which no operator's first output is called.{meant}")
        found += places
    return found
