"""What a page carries besides its text: style, script, the data that it opens with, and the policy that shuts it in."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from harness.report.templating import own_file

if TYPE_CHECKING:
    from markupsafe import Markup

    from harness.store.record import RunRecord

STYLES = ("style.css", "views.css", "print.css")
SCRIPTS = (
    "elements.js",
    "numbers.js",
    "packs.js",
    "names.js",
    "theme.js",
    "tables.js",
    "lists.js",
    "chart_scales.js",
    "chart_fill.js",
    "charts.js",
    "history_data.js",
    "history.js",
    "case_view.js",
    "matrix.js",
    "troubles.js",
    "filter.js",
    "router.js",
)
"""Scripts in the order in which they need each other."""


def style() -> Markup:
    """The page's style sheet."""
    from markupsafe import Markup

    return Markup("\n").join(own_file(f"styles/{name}") for name in STYLES)


def script() -> Markup:
    """All of the page's own script, in one scope."""
    from markupsafe import Markup

    parts = Markup("\n").join(own_file(f"scripts/{name}") for name in SCRIPTS)
    return Markup("(() => {\n'use strict';\n") + parts + Markup("})();\n")


def policy(*hashes: str, served: bool = False) -> str:
    """The page's content security policy.

    The page loads and sends nothing, and runs no script but those of these hashes: so a name that slipped through as
    markup cannot act. A `served` page may also ask the server that it came from."""
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    # Vega compiles the expressions of its charts.
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    ) + ("; connect-src 'self'" if served else "")


def script_hash(text: str) -> str:
    """SHA-256 of a script in base64, as a policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def page_data(record: RunRecord, *, has_history: bool) -> dict[str, Any]:
    """What the page opens with.

    Every name stands in it once, with its segment of an address (a variant's also with its look). A case is four places
    among these names, and whether it is simulated."""
    from harness.report.anchors import segment, target_segment
    from harness.report.case_view import COMPARED, EDGES, STEADY_STATES
    from harness.report.outcomes import LABELS, group_failures
    from harness.report.variant_style import variant_style

    tables: dict[str, dict[str, int]] = {
        name: {value: index for index, value in enumerate(dict.fromkeys(getattr(case, name) for case in record.cases))}
        for name in ("model", "variant", "target")
    }
    outcomes = {outcome: index for index, outcome in enumerate(LABELS)}
    place_of = {case.id: index for index, case in enumerate(record.cases)}
    return {
        "run": record.id,
        "names": {
            "model": [[value, segment(value)] for value in tables["model"]],
            "variant": [[value, segment(value), *variant_style(place)] for value, place in tables["variant"].items()],
            "target": [[value, target_segment(value)] for value in tables["target"]],
        },
        "cases": [
            [
                *(table[getattr(case, name)] for name, table in tables.items()),
                outcomes[case.outcome],
                int(case.simulated),
            ]
            for case in record.cases
        ],
        "words": {
            "edges": EDGES,
            "compared": list(COMPARED),
            "steady": {state.value: said for state, said in STEADY_STATES.items()},
        },
        "outcomes": [[outcome.value, label.symbol, label.word, label.css] for outcome, label in LABELS.items()],
        "troubles": [
            [outcomes[trouble.outcome], trouble.reason, [place_of[case.id] for case in trouble.cases]]
            for trouble in group_failures(record.cases)
        ],
        "hasHistory": has_history,
    }
