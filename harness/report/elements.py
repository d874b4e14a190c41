"""Runs of like elements made in one go: a template that loops over each cell of thousands of cases costs seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


def number_cells(texts: Iterable[str]) -> Markup:
    """A cell for a figure from each text, which is escaped."""
    from markupsafe import Markup, escape

    return Markup("".join([f'<td class="number">{escape(text)}</td>' for text in texts]))


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """The entries of a list of facts: names and what is said of them. Both are escaped; markup stays."""
    from markupsafe import Markup, escape

    return Markup("\n".join([f"<div><dt>{escape(name)}</dt><dd>{escape(said)}</dd></div>" for name, said in pairs]))
