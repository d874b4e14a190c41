"""`history`, `index`, `push`, …: commands over all records. What they do is imported when one is called."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import Json

Where = Annotated[
    str | None, typer.Argument(help="A results folder or a database's URL; HARNESS_DATABASE_URL if not given.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    for command in (history, label, index, push, pull, export, serve):
        app.command()(command)


def history(
    model: Annotated[str, typer.Argument(help="A model's name, or a glob.")],
    variant: Annotated[str, typer.Option("--variant", "-v", help="Only variants that match this glob.")] = "*",
    target: Annotated[str, typer.Option("--target", "-t", help="Only targets that match this glob.")] = "*",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", help="Which figure, as artifact_bytes (repeatable); latency and instructions if none."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show figures over the runs, as a table and a chart, and where, by how much and with what they changed."""
    from harness.cli.histories import show_history

    show_history(model, variant, target, tuple(metric or ()), as_json=json)


def label(
    model: Annotated[str, typer.Argument(help="A model's name.")],
    change: Annotated[str, typer.Argument(help="A change's id as `harness history` shows it, or its beginning.")],
    kind: Annotated[str, typer.Argument(help="fixed, accepted or noise; none takes a label back.")],
    note: Annotated[str, typer.Option("--note", help="Why, in a few words.")] = "",
) -> None:
    """Put a label on a change of the history: fixed, accepted, noise. It stays when the index is made again."""
    from harness.cli.histories import label_change

    label_change(model, change, kind, note)


def index(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make it again from the records.")] = False,
    json: Json = False,
) -> None:
    """Bring the index over all run records up to date. Damaged ones are named and left out; the rest is there."""
    from harness.cli.storing import update_index

    update_index(rebuild=rebuild, as_json=json)


def push(where: Where = None, json: Json = False) -> None:
    """Send run records and labels to another folder or the team's database; what is there is not sent again."""
    from harness.cli.storing import push_records

    push_records(where, as_json=json)


def pull(where: Where = None, json: Json = False) -> None:
    """Fetch run records and labels from another folder or the team's database."""
    from harness.cli.storing import pull_records

    pull_records(where, as_json=json)


def export(
    path: Annotated[str, typer.Argument(help="Where to write the Parquet file.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only this model.")] = None,
) -> None:
    """Write every figure of every run as one Parquet file, for notebooks."""
    from harness.cli.storing import export_parquet

    export_parquet(path, model)


def serve(port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8137) -> None:
    """Serve the dashboard and a read-only JSON interface to the index, to this machine alone, until interrupted."""
    from harness.cli.serving import serve_dashboard

    serve_dashboard(port)
