"""Commands that this family adds to `harness`; found through the entry-point group `harness.commands`.

Loaded at every start of the command line, so nothing heavy is imported before a command is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="A model's name.")]
VariantName = Annotated[str, typer.Option("--variant", "-v", help="Which conversion of it.")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="The folder to write; below the current one if not given.")
]


def robot(
    model: Model,
    variant: VariantName = "int8",
    output: Output = None,
    board: Annotated[str, typer.Option("--board", help="A board that Renode has.")] = "mps2-cortex-m4",
    samples: Annotated[int, typer.Option("--samples", help="How many of the model's inputs to check.")] = 4,
    budget: Annotated[
        int | None, typer.Option("--budget", help="Instructions an inference may take; 1 % over today's if not given.")
    ] = None,
) -> None:
    """Write a Robot Framework suite that stock `renode-test` runs: red when an output byte or the budget is off."""
    from .export.robot import robot

    raise typer.Exit(robot(model, variant, output, board=board, samples=samples, budget=budget))


def export_c(model: Model, variant: VariantName = "int8", output: Output = None) -> None:
    """Write a model as an aligned C array, with its hash, its op resolver for Micro and an arena size."""
    from .export.c_array import export_c

    raise typer.Exit(export_c(model, variant, output))


def get_renode() -> None:
    """Fetch Renode's official portable release, check it, and keep it beside the environments."""
    from .emulator.get_renode import get_renode

    raise typer.Exit(get_renode())


def renode_test(context: typer.Context) -> None:
    """Run `renode-test`, with the Python packages that it needs, on the arguments that it takes."""
    from .export.renode_test import renode_test

    raise typer.Exit(renode_test(context.args))


def boards(
    hardware_map: Annotated[
        str | None, typer.Option("--map", help="A hardware map; the project's hardware-map.yaml if not given.")
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Write the boards that are found into the map.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the boards of the hardware map, and ask each whether it answers."""
    from pathlib import Path

    from .line.listing import boards

    raise typer.Exit(boards(Path(hardware_map) if hardware_map else None, generate=generate, as_json=as_json))


def add_commands(app: typer.Typer) -> None:
    """Called by the command line."""
    app.command(name="get-renode")(get_renode)
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command(name="renode-test", context_settings=passed_on)(renode_test)
    app.command()(robot)
    app.command()(boards)
    app.command(name="export-c")(export_c)
