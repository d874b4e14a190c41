"""The dashboard: one run record to one self-contained HTML file that opens from disk with no network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report import numbers
from harness.report.outcomes import LABELS, count, not_passed
from harness.report.summary import verdict, warnings
from harness.store.record import RunRecord

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def render(record: RunRecord) -> str:
    """The page as text. Everything from the record is escaped: names and reasons are not to be trusted."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        record=record,
        numbers=numbers,
        labels=LABELS,
        verdict=verdict(record),
        warnings=warnings(record),
        counts=count(record.cases),
        not_passed=not_passed(record.cases),
        style=_own_file("style.css"),
    )


def write(record: RunRecord, path: Path) -> None:
    """The page into `path`, whole or not at all: a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render(record))
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _own_file(name: str) -> Markup:
    """A file of this package, put into the page as it is."""
    from markupsafe import Markup

    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
