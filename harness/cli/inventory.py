"""`doctor`, `models`, `targets`: what there is, and what is missing."""

from __future__ import annotations

import json
import os

from rich.console import Console
from rich.table import Table

from harness import registry
from harness.errors import CaseError
from harness.paths import project_root
from harness.project import model_entries, read_project
from harness.target import Target


class Screen(Console):
    """Standard output. Where nobody reads it any more (`| head`), that is a `BrokenPipeError` as anywhere."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(piped_width: int = 160) -> Console:
    """Standard output; as wide as the terminal, or wide enough not to break lines in a pipe."""
    found = Screen()
    return found if found.is_terminal or "COLUMNS" in os.environ else Screen(width=piped_width)


def plain_table(*columns: str) -> Table:
    """A table that also reads well when piped."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def show_readiness(*, as_json: bool) -> int:
    """Print each target's readiness; 0 however much is missing, as nothing was asked of it."""
    read_project(project_root())  # which says all that is wrong with the project's own targets
    rows = []
    for target in registry.targets().values():
        readiness = target.probe()
        rows.append(
            {
                "target": target.name,
                "ready": readiness.ready,
                "missing": readiness.missing,
                "install": readiness.install,
                "details": dict(readiness.details),
            }
        )
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    table = plain_table("target", "ready", "")
    for row in rows:
        details = ", ".join(f"{key} {value}" for key, value in row["details"].items())  # type: ignore[attr-defined]
        lacking = f"missing: {row['missing']}\ninstall: {row['install']}"
        table.add_row(str(row["target"]), "yes" if row["ready"] else "no", details if row["ready"] else lacking)
    console().print(table)
    return 0


def list_models(*, as_json: bool) -> None:
    """Print the models."""
    entries = model_entries(project_root()).values()
    if as_json:
        rows = [
            {
                "name": e.name,
                "summary": e.summary,
                "task": e.task,
                "source": e.source.kind,
                "path": str(e.source.path),
                "in_default": e.in_default,
                "problem": e.problem,
            }
            for e in entries
        ]
        print(json.dumps(rows, indent=1))
        return
    table = plain_table("model", "source", "task", "default", "")
    for entry in entries:
        text = f"problem: {entry.problem}" if entry.problem else entry.summary
        table.add_row(entry.name, entry.source.kind, entry.task, "yes" if entry.in_default else "no", text)
    console().print(table)


def fingerprint_of(target: Target) -> dict[str, str] | None:
    """The target's fingerprint. None if a missing part is needed to know it."""
    try:
        return target.fingerprint()
    except CaseError:
        return None


def list_targets(*, as_json: bool) -> None:
    """Print the targets."""
    read_project(project_root())  # which says all that is wrong with the project's own
    known = registry.targets().values()
    if as_json:
        rows = [
            {
                "name": t.name,
                "format": t.format,
                "default_variants": list(t.default_variants),
                "timed": t.timed,
                "ready": t.probe().ready,
                "fingerprint": fingerprint_of(t),
            }
            for t in known
        ]
        print(json.dumps(rows, indent=1))
        return
    table = plain_table("target", "format", "ready", "variants by default")
    for target in known:
        variants = ", ".join(target.default_variants) or "none (name the target, or use --all)"
        table.add_row(target.name, target.format, "yes" if target.probe().ready else "no", variants)
    console().print(table)
