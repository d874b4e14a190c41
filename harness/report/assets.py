"""What a page carries besides its text: style, script, the chart library, data, and the policy that shuts it in."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.report.templating import own_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from harness.report.history_data import HistoryData
    from harness.report.model_view import ModelView
    from harness.store.record import RunRecord

STYLES = ("style.css", "views.css", "print.css")
SCRIPTS = (
    "elements.js",
    "theme.js",
    "tables.js",
    "filter.js",
    "charts.js",
    "history_data.js",
    "history.js",
    "router.js",
)
"""In the order in which they need each other."""

CHART_ENTRY = "window.vegaEmbed = vegaEmbed;"


def style() -> Markup:
    from markupsafe import Markup

    return Markup("\n").join(own_file(f"styles/{name}") for name in STYLES)


def script() -> Markup:
    """All of the page's own script, in one scope."""
    from markupsafe import Markup

    parts = Markup("\n").join(own_file(f"scripts/{name}") for name in SCRIPTS)
    return Markup("(() => {\n'use strict';\n") + parts + Markup("})();\n")


@cache
def chart_library() -> Markup:
    """Vega-Embed with all it needs as one script, in a scope of its own, as text that ends no script element early."""
    import vl_convert
    from markupsafe import Markup

    library = vl_convert.javascript_bundle(CHART_ENTRY).replace("</script", "<\\/script")
    return Markup(f"(() => {{{library}}})();")


def policy(*scripts: str) -> str:
    """Nothing is loaded or sent, and no script runs but these: a name that slipped through as markup stays dead."""
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    # Vega compiles the expressions of its charts.
    return (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def page_data(record: RunRecord, models: Sequence[ModelView], history: HistoryData | None) -> dict[str, Any]:
    """By the name of the element that holds it; each is read when it is needed."""
    from harness.report import chart_parts
    from harness.report.history_chart import TICK_LABELS, history_chart
    from harness.report.outcomes import LABELS

    return {
        "page-data": {
            "run": record.id,
            "cases": [[case.model, case.variant, case.target, case.outcome.value] for case in record.cases],
            "outcomes": {
                outcome.value: {"symbol": label.symbol, "word": label.word, "css": label.css}
                for outcome, label in LABELS.items()
            },
        },
        "chart-config": chart_parts.CONFIG,
        **{
            f"charts:{model.anchor}": {"latency": model.latency, "trade-off": model.trade_off, "sizes": model.sizes}
            for model in models
        },
        **(
            {"history-data": history.compact(), "history-chart": {"chart": history_chart(), "labels": TICK_LABELS}}
            if history
            else {}
        ),
    }
