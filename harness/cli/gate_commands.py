"""`gate`, `baseline`, `ab`, `init-ci`: what these commands take. What they do is imported when one is called."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import Json, RunName

Folder = Annotated[
    str | None, typer.Option("--baseline", help="The baseline's folder; results/baselines if not given.")
]
Cases = Annotated[
    list[str] | None, typer.Option("--case", "-c", help="Only cases that match this glob: MODEL/VARIANT/TARGET.")
]

baseline = typer.Typer(help="Accept results that later runs are held against.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the application."""
    app.command()(gate)
    app.command()(ab)
    app.command("init-ci")(init_ci)
    app.add_typer(baseline, name="baseline")


def gate(
    name: RunName = "latest",
    policy: Annotated[str | None, typer.Option("--policy", help="Another file than the project's gates.toml.")] = None,
    baseline: Folder = None,
    explain: Annotated[str | None, typer.Option("--explain", help="Show every rule of one case.")] = None,
    junit: Annotated[str | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    sarif: Annotated[str | None, typer.Option("--sarif", help="Write SARIF 2.1.0.")] = None,
    markdown: Annotated[str | None, typer.Option("--markdown", help="Write a summary for a pull request.")] = None,
    pytest_benchmark: Annotated[
        str | None, typer.Option("--pytest-benchmark", help="Write the latencies as pytest-benchmark's JSON.")
    ] = None,
    timing: Annotated[bool, typer.Option(help="Time what differs from the baseline against it.")] = True,
    complete: Annotated[bool, typer.Option("--complete", help="Every case of the baseline has to be there.")] = False,
    json: Json = False,
) -> None:
    """Judge a run by gates.toml and the baseline. Exit code 1 if a rule is broken."""
    from harness.cli.gating import ReportPaths, gate_run

    wanted = ReportPaths(junit=junit, sarif=sarif, markdown=markdown, pytest_benchmark=pytest_benchmark)
    code = gate_run(name, policy, baseline, wanted, explain=explain, timing=timing, complete=complete, as_json=json)
    raise typer.Exit(code)


@baseline.command()
def accept(
    name: RunName = "latest",
    case: Cases = None,
    failing: Annotated[bool, typer.Option("--failing", help="Accept broken cases as well.")] = False,
    baseline: Folder = None,
    json: Json = False,
) -> None:
    """Accept a run, or some of its cases, into files to review and commit."""
    from harness.cli.baselines import accept_baseline

    accept_baseline(name, tuple(case or ()), baseline, failing=failing, as_json=json)


@baseline.command()
def show(baseline: Folder = None, json: Json = False) -> None:
    """List what is accepted, and where it comes from."""
    from harness.cli.baselines import show_baseline

    show_baseline(baseline, as_json=json)


@baseline.command()
def drop(
    case: Annotated[list[str], typer.Option("--case", "-c", help="Cases that match this glob.")],
    baseline: Folder = None,
) -> None:
    """Take cases out of the baseline."""
    from harness.cli.baselines import drop_from_baseline

    drop_from_baseline(tuple(case), baseline)


def ab(
    case: Annotated[str, typer.Argument(help="MODEL/VARIANT/TARGET; TARGET alone where both sides are files.")],
    old: Annotated[
        str,
        typer.Option("--old", help="threads=1, PACKAGE==VERSION, a target, variant=…, browser=…, a file, baseline."),
    ],
    new: Annotated[str, typer.Option("--new", help="Likewise; `now` is the case as it is.")] = "now",
    margin: Annotated[
        float | None,
        typer.Option("--margin", help="Slower by no more than this is alike: 0.02 for times, the gate's for counts."),
    ] = None,
    kernels: Annotated[
        bool,
        typer.Option("--kernels", help="By a GPU's own timers: the time until the data is there hides its kernels."),
    ] = False,
    baseline: Folder = None,
    json: Json = False,
) -> None:
    """Two sides of a case: timed in turns, or their instructions counted. Exit code 1 if the new one is slower."""
    from harness.cli.ab_timing import time_two_sides

    raise typer.Exit(time_two_sides(case, old, new, margin, baseline, kernels=kernels, as_json=json))


def init_ci(force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False) -> None:
    """Write a workflow for GitHub Actions that runs the harness and its gate."""
    from harness.cli.workflow import write_workflow

    write_workflow(force=force)
