"""Suggests the known name that was probably meant by an unknown one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?`, to stand after a sentence, or nothing where no known name is like `name`."""
    from difflib import get_close_matches

    names = list(known)
    found = get_close_matches(name, names, n=1, cutoff=0.6) or [other for other in names if other.endswith(f"/{name}")]
    return f" Did you mean '{found[0]}'?" if found else ""
