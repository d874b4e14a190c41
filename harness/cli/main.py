"""The `harness` command. Imports wait until a command needs them: `harness --help` answers at once."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from harness.cli import gate_commands, record_commands
from harness.cli.options import Json, RunName
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
Overlay = Annotated[
    str | None, typer.Option("--overlay", metavar="FILE", help="Write it for Model Explorer, over the model's graph.")
]


@app.command()
def doctor(json: Json = False) -> None:
    """Say which targets are ready and, for each missing part, the one line that installs it."""
    from harness.cli.inventory import show_readiness

    raise typer.Exit(show_readiness(as_json=json))


@app.command()
def models(json: Json = False) -> None:
    """List the models: the zoo's and those of harness.toml."""
    from harness.cli.inventory import list_models

    list_models(as_json=json)


@app.command()
def targets(json: Json = False) -> None:
    """List the targets, the variants that each takes by default, and whether it is ready."""
    from harness.cli.inventory import list_targets

    list_targets(as_json=json)


@app.command()
def convert(model: Models = None, variant: Variants = None, json: Json = False) -> None:
    """Convert models and say where the artifacts are; nothing unchanged is converted again."""
    from harness.cli.converting import convert_models

    raise typer.Exit(convert_models(tuple(model or ()), tuple(variant or ()), as_json=json))


@app.command()
def assess(
    model: Annotated[str, typer.Argument(help="A model's name, or the path of a model file or folder.")],
    variant: Annotated[
        list[str] | None, typer.Option(help="A variant to try beside the usual ones, or a glob; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Predict which targets will run a model, before you choose one: operators, sizes, memory, what to do.

    It makes trial conversions into the artifact cache (those that `convert` would make), tries each once in the
    interpreters that start quickly, and answers for browsers and boards by their kernels and memory, without starting
    one. The first time takes about as long as converting; after that it is read from the cache.
    """
    from harness.cli.assessing import show_assessment

    raise typer.Exit(show_assessment(model, tuple(variant or ()), as_json=json))


Scheduler = Annotated[
    str,
    typer.Option("--scheduler", metavar="ADDRESS", help="tls://HOST:PORT of a Dask scheduler with other machines."),
]
CertificatesFolder = Annotated[
    str, typer.Option("--certificates", metavar="DIR", help="ca.pem, place.pem and place-key.pem, for tls://.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow tcp:// beyond this machine: whoever reaches it can run code.")
]


@app.command()
def tune(
    model: Annotated[str, typer.Argument(help="A model's name.")],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", help="It has to pass on these; the default TFLite ones if none."),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option("--variant", "-v", help="Only these variants, and what differs from them.")
    ] = None,
    objective: Annotated[
        str, typer.Option("--for", metavar="WHAT", help="size, latency, instructions or ram: what is to be least.")
    ] = "size",
    conversions: Annotated[int, typer.Option("--conversions", min=1, help="Try at most so many.")] = 32,
    write: Annotated[
        str | None, typer.Option("--write", metavar="NAME", help="Put what is found into harness.toml as this variant.")
    ] = None,
    json: Json = False,
) -> None:
    """Search for the smallest (or fastest) variant that passes the gate on every target.

    Whole recipes first, from the smallest expected; then, of one that fails, the operators that lose most are left in
    float. What is tried is a case like any other: judged by gates.toml, cached, resumed. Exit code 1 if none passes.
    """
    from harness.cli.tuning import tune as search

    raise typer.Exit(
        search(model, tuple(target or ()), tuple(variant or ()), objective, conversions, write, as_json=json)
    )


@app.command()
def run(
    model: Models = None,
    variant: Variants = None,
    target: Targets = None,
    everything: Annotated[bool, typer.Option("--all", help="Every variant on every target.")] = False,
    parity_only: Annotated[bool, typer.Option("--parity-only", help="Compare outputs; time nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is known already.")] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            "--budget",
            metavar="SECONDS",
            min=0.001,
            help="Seconds of inference per case. As many inputs are compared as fit; at least one.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="GLOB", help="Leave out the cases MODEL/VARIANT/TARGET that match."),
    ] = None,
    operators: Annotated[
        bool, typer.Option("--operators", help="Time each operator of TFLite's interpreters on this machine, too.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what would be run and about how long it takes; run nothing.")
    ] = False,
    scheduler: Scheduler = "",
    certificates: CertificatesFolder = "",
    insecure: Insecure = False,
    json: Json = False,
) -> None:
    """Convert, compare, time and judge; write a run record and the dashboard. Exit code 1 if a case fails."""
    from harness.cli.placing import SchedulerOptions
    from harness.cli.running import run_matrix
    from harness.run.matrix import Selection

    selection = Selection(
        tuple(model or ()), tuple(variant or ()), tuple(target or ()), everything, tuple(without or ())
    )
    elsewhere = SchedulerOptions(scheduler, certificates, insecure)
    if plan:
        from harness.cli.planning import show_plan

        raise typer.Exit(show_plan(selection, parity_only=parity_only, budget=budget, as_json=json, places=elsewhere))
    raise typer.Exit(
        run_matrix(
            selection,
            parity_only=parity_only,
            fresh=fresh,
            budget=budget,
            operators=operators,
            as_json=json,
            places=elsewhere,
        )
    )


@app.command()
def places(
    scheduler: Scheduler = "", certificates: CertificatesFolder = "", insecure: Insecure = False, json: Json = False
) -> None:
    """List the machines behind a scheduler with the targets that each has."""
    from harness.cli.placing import SchedulerOptions, list_places

    raise typer.Exit(list_places(SchedulerOptions(scheduler, certificates, insecure), as_json=json))


@app.command()
def place(
    scheduler: Scheduler = "",
    name: Annotated[
        str,
        typer.Option("--name", help="Its name, if not the host's; machines that are alike may share one."),
    ] = "",
    certificates: CertificatesFolder = "",
    insecure: Insecure = False,
    new_certificates: Annotated[
        str,
        typer.Option("--new-certificates", metavar="DIR", help="Make certificates in a new folder, and end."),
    ] = "",
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="With --new-certificates: a name or address of the scheduler (repeatable)."),
    ] = None,
) -> None:
    """Offer this machine's targets to runs elsewhere, through a Dask scheduler, until interrupted."""
    from harness.cli.placing import SchedulerOptions, run_place, write_certificates

    if new_certificates:
        write_certificates(new_certificates, tuple(host or ()))
        return
    run_place(SchedulerOptions(scheduler, certificates, insecure), name)


@app.command()
def show(name: RunName = "latest", json: Json = False) -> None:
    """Show a run as tables, worst first."""
    from harness.cli.showing import show_run

    show_run(name, as_json=json)


@app.command()
def compare(
    model: Annotated[str, typer.Argument(help="A model's name.")],
    name: RunName = "latest",
    json: Json = False,
) -> None:
    """Put the targets side by side for one model: latency with intervals, error, size."""
    from harness.cli.showing import compare_targets

    compare_targets(model, name, as_json=json)


@app.command()
def locate(
    case: Annotated[str, typer.Argument(help="A case: MODEL/VARIANT/TARGET.")],
    edge: Annotated[str | None, typer.Option("--edge", help="conversion or runtime; both if not given.")] = None,
    samples: Annotated[int, typer.Option("--samples", help="How many of the golden's inputs to look at.")] = 4,
    beside: Annotated[
        str | None, typer.Option("--beside", help="Another target to stand in the reference interpreter's place.")
    ] = None,
    overlay: Overlay = None,
    json: Json = False,
) -> None:
    """Look inside a case and name the operator at fault: each operator's result beside what it should be.

    The runtime edge holds this target against the reference interpreter, the conversion edge this variant against the
    float32 one. Exit code 1 if a result breaks a rule that the outputs are held to.
    """
    from harness.cli.locating import locate_fault

    raise typer.Exit(locate_fault(case, edge, samples, as_json=json, beside=beside, overlay=overlay))


@app.command()
def bundle(
    case: Annotated[str, typer.Argument(help="A case: MODEL/VARIANT/TARGET.")],
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE.zip", help="Where to write it.")] = None,
    without_weights: Annotated[
        bool, typer.Option("--without-weights", help="Put random numbers in place of the weights, if it still shows.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a runtime's fault as one zip for its authors: a model that shows it, and a script that repeats it.

    The model is the operator at fault by itself, with the values that reach it, where that shows the fault, else the
    whole. The script needs nothing but the runtime's public package, and was run so before the zip is written.
    """
    from harness.cli.bundling import bundle_case

    raise typer.Exit(bundle_case(case, output, without_weights=without_weights, as_json=json))


@app.command()
def profile(
    case: Annotated[str, typer.Argument(help="A case: MODEL/VARIANT/TARGET.")],
    run: Annotated[str | None, typer.Argument(help="A run's id, or its beginning; the newest that has it.")] = None,
    overlay: Overlay = None,
    json: Json = False,
) -> None:
    """Say where an inference goes, operator by operator: the instructions that a record has, or else time, taken now.

    Microcontrollers and phones' cores count instructions at every run, and TensorFlow.js tells the times of its
    kernels. The interpreters of TFLite on this machine are timed on the model cut after each of its operators, now or
    by `run --operators`.
    """
    from harness.cli.profiling import profile_case

    raise typer.Exit(profile_case(case, run, overlay, as_json=json))


@app.command()
def report(
    name: RunName = "latest",
    output: Annotated[str | None, typer.Option("--output", "-o", help="Where to write the page.")] = None,
    against: Annotated[str | None, typer.Option("--against", help="Show what changed since this run.")] = None,
) -> None:
    """Write a run's dashboard: one HTML file that opens from disk."""
    from harness.cli.showing import write_report

    write_report(name, output, against)


record_commands.add_to(app)
gate_commands.add_to(app)


def add_contributed_commands() -> None:
    """Commands of target families, from the entry-point group `harness.commands`; one that is broken is left out."""
    for point in sorted(entry_points(group="harness.commands"), key=lambda point: point.name):
        try:
            point.load()(app)
        except Exception as error:  # somebody else's package: the rest of the command line still works
            print(f"harness: the commands of {point.name} cannot be added ({error}).", file=sys.stderr)


add_contributed_commands()


def main() -> None:
    """Entry point: a `HarnessError`, and any error besides, is one sentence on standard error and exit code 2, never a
    traceback. Where nobody reads standard output any more, it is 141, as of any other program."""
    screen = sys.stdout
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy's import costs as much again (process/child.py)
    try:
        try:
            app()
        except SystemExit:
            if sys.stdout is not screen:  # Typer's doing, since the reader is gone; it says 1, as of a failed gate
                raise BrokenPipeError from None
            sys.stdout.flush()  # not at Python's own end, which would complain and say 120
            raise
    except HarnessError as error:
        print("harness: " + error_line(error), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("harness: interrupted; the same command resumes.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer goes nowhere, without a word
        sys.exit(141)
    except Exception as error:  # nobody is shown a traceback, and none is lost
        print(f"harness: an error that was not foreseen ended this command: {error_line(error)}", file=sys.stderr)
        sys.exit(2)


def error_line(error: Exception) -> str:
    """One line, with the path of a log where there is one."""
    from harness.store.error_log import sentence_with_log

    return sentence_with_log(error).replace("\n", "\\n")  # a path may have a line break in it


if __name__ == "__main__":
    main()
