"""The `harness` command. Imports wait until a command needs them: `harness --help` answers at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.errors import HarnessError

app = typer.Typer(
    name="harness",
    help="Does every converted model still compute the same, as fast and as small? On every runtime, in one command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Models = Annotated[
    list[str] | None, typer.Option("--model", "-m", help="Only models that match this glob (repeatable).")
]
Variants = Annotated[list[str] | None, typer.Option("--variant", "-v", help="Only variants that match this glob.")]
Targets = Annotated[list[str] | None, typer.Option("--target", "-t", help="Only targets that match this glob.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RunName = Annotated[str, typer.Argument(help="A run's id, or its beginning.")]


@app.command()
def doctor(json: Json = False) -> None:
    """Say which targets are ready and, for each missing part, the one line that installs it."""
    from harness.cli.inventory import doctor

    raise typer.Exit(doctor(as_json=json))


@app.command()
def models(json: Json = False) -> None:
    """List the models: the zoo's and those of harness.toml."""
    from harness.cli.inventory import models

    models(as_json=json)


@app.command()
def targets(json: Json = False) -> None:
    """List the targets, the variants that each takes by default, and whether it is ready."""
    from harness.cli.inventory import targets

    targets(as_json=json)


@app.command()
def convert(model: Models = None, variant: Variants = None, json: Json = False) -> None:
    """Convert models and say where the artifacts are; nothing unchanged is converted again."""
    from harness.cli.converting import convert

    raise typer.Exit(convert(tuple(model or ()), tuple(variant or ()), as_json=json))


@app.command()
def run(
    model: Models = None,
    variant: Variants = None,
    target: Targets = None,
    everything: Annotated[bool, typer.Option("--all", help="Every variant on every target.")] = False,
    parity_only: Annotated[bool, typer.Option("--parity-only", help="Compare outputs; time nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is known already.")] = False,
    json: Json = False,
) -> None:
    """Convert, compare, time and judge; write a run record and the dashboard. Exit code 1 if a case fails."""
    from harness.cli.running import run
    from harness.run.matrix import Selection

    selection = Selection(tuple(model or ()), tuple(variant or ()), tuple(target or ()), everything)
    raise typer.Exit(run(selection, parity_only=parity_only, fresh=fresh, as_json=json))


@app.command()
def show(name: RunName = "latest", json: Json = False) -> None:
    """Show a run as tables, worst first."""
    from harness.cli.showing import show

    show(name, as_json=json)


@app.command()
def compare(
    model: Annotated[str, typer.Argument(help="A model's name.")],
    name: RunName = "latest",
    json: Json = False,
) -> None:
    """Put the targets side by side for one model: latency with intervals, error, size."""
    from harness.cli.showing import compare

    compare(model, name, as_json=json)


@app.command()
def report(
    name: RunName = "latest",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Where to write the page.")] = None,
) -> None:
    """Write a run's dashboard: one HTML file that opens from disk."""
    from harness.cli.showing import report

    report(name, output)


def main() -> None:
    """Entry point: a `HarnessError` is one sentence on standard error and exit code 2, never a traceback."""
    try:
        app()
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("harness: interrupted; the same command resumes.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)


if __name__ == "__main__":
    main()
