"""`tune`: the smallest (or fastest) way down that passes on every target."""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness import registry
from harness.cache import Cache
from harness.cli.progress import ConsoleProgress
from harness.cli.running import interrupt, unshown
from harness.cli.tuning_text import SearchOutcome, attempt_line, show, to_json
from harness.conversion.choices import VariantTable
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import ANY_ERROR, CaseError, HarnessError
from harness.gate.policy_file import project_policy
from harness.paths import cache_directory, project_root
from harness.project import model_entries, own_variant
from harness.report.page import write
from harness.run.matrix import matching
from harness.run.pool import SilentProgress
from harness.run.settings import Settings
from harness.target import Target
from harness.tune.attempt import Attempt
from harness.tune.candidates import recipes_of
from harness.tune.objective import OBJECTIVES
from harness.tune.search import Search
from harness.tune.trial import SLOTS, CaseOracle
from harness.tune.variant_writer import check_name, model_named, table_of, write_variant
from harness.variant import READY


def tune(
    model: str,
    targets: Sequence[str],
    variants: Sequence[str],
    objective: str,
    conversions: int,
    name: str | None,
    *,
    as_json: bool,
) -> int:
    """Search, show what was tried and what to take; 0 if a candidate passes everywhere, 1 if none, 130 if interrupted.
    Raises `HarnessError` for a mistake in what was asked."""
    if objective not in OBJECTIVES:
        raise HarnessError(f"There is nothing to search for by the name '{objective}'; it is {', '.join(OBJECTIVES)}.")
    root, entries = project_root(), model_entries(project_root())
    model_named(model, entries)
    entry = entries[model]
    chosen, left_out = chosen_targets(targets)
    artifact_format = registry.formats()[chosen[0].format]
    if name is not None:
        check_name(root, name, artifact_format)
    folder = cache_directory() / "tuning" / entry.name
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(
        root=root,
        cache=cache_directory(),
        results=folder,
        command=shlex.join(["harness", *sys.argv[1:]]),
        policy=project_policy(root),
    )
    signal.signal(signal.SIGTERM, interrupt)
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
        try:
            quiet = NotesOnlyProgress(progress)
            for sentence in left_out:
                progress.note(sentence)
            oracle = CaseOracle(entry, artifact_format, chosen, settings, quiet, converter, OBJECTIVES[objective])
            found = run_search(oracle, variants, conversions, quiet)
            try:
                if name is not None and found.best is not None and not found.interrupted:
                    found = replace(found, written=write_best_variant(root, name, oracle, found))
            except KeyboardInterrupt:
                found = replace(found, interrupted=True, written="")
        finally:
            converter.close()
    try:
        page = write_dashboard(oracle, folder)
    except KeyboardInterrupt:  # what was found is said
        page, found = None, replace(found, interrupted=True)
    print(to_json(found)) if as_json else show(found, page)
    if found.interrupted:
        return 130
    return 0 if found.best is not None else 1


def run_search(
    oracle: CaseOracle, variants: Sequence[str], conversions: int, progress: NotesOnlyProgress
) -> SearchOutcome:
    """The search, among the variants that globs name if any, to its end or as far as it came before it was interrupted.
    Raises `HarnessError` for a model that cannot be prepared, for a glob that matches nothing, and where no target
    tells the figure that is searched for."""
    try:
        oracle.converter.prepare(oracle.entry)
    except CaseError as error:
        raise HarnessError(str(error)) from error
    objective = oracle.objective

    def ended(attempt: Attempt) -> None:
        progress.note(f"{len(search.attempts)} of at most {conversions}: {attempt_line(attempt, objective)}")
        if attempt.figure is None and attempt.ran_everywhere:
            names = ", ".join(target.name for target in oracle.targets)
            raise HarnessError(
                f"{names} does not tell {objective.noun}, so that nothing can be searched for with --for"
                f" {objective.name}; those do: {objective.told_by}."
            )

    recipes = recipes_of(oracle.artifact_format, oracle.bases)
    wanted = matching("variant to start from", variants, [recipe.variant for recipe in recipes])
    recipes = tuple(recipe for recipe in recipes if recipe.variant in wanted)
    search = Search(oracle, recipes, conversions, by_size=objective.by_size, on_attempt=ended)
    interrupted = False
    try:
        search.run()
    except KeyboardInterrupt:
        interrupted = True
    return SearchOutcome(
        model=oracle.entry.name,
        targets=tuple(target.name for target in oracle.targets),
        objective=objective,
        attempts=tuple(search.attempts),
        best=search.best,
        closest=search.closest,
        conversions=conversions,
        complete=search.complete,
        interrupted=interrupted,
    )


def chosen_targets(globs: Sequence[str]) -> tuple[list[Target], list[str]]:
    """The targets, cheap ones first, and what is to be said of those that were left out. Without globs those of the
    default matrix that open `.tflite` files and are ready here. Raises `HarnessError` where a target is not ready, and
    for targets of several formats."""
    known = registry.targets()
    left_out: list[str] = []
    if globs:
        wanted = matching("target", globs, known)
        chosen = [target for name, target in known.items() if name in wanted]
        for target in chosen:
            target.require()
    else:
        usual = [target for target in known.values() if target.format == "tflite" and target.default_variants]
        chosen = [target for target in usual if target.probe().ready]
        missing = [target.name for target in usual if target not in chosen]
        left_out += [f"Not ready here, and left out: {', '.join(missing)} (`harness doctor`)."] if missing else []
    formats = {target.format for target in chosen}
    if not chosen:
        raise HarnessError("No target for .tflite files is ready here; `harness doctor` says what is missing.")
    if len(formats) > 1:
        names = "; ".join(
            f"{artifact_format}: {', '.join(target.name for target in chosen if target.format == artifact_format)}"
            for artifact_format in sorted(formats)
        )
        raise HarnessError(f"One artifact is searched for, and these targets open several formats ({names}); name one.")
    return sorted(chosen, key=lambda target: SLOTS.index(target.slot)), left_out


def write_best_variant(root: Path, name: str, oracle: CaseOracle, outcome: SearchOutcome) -> str:
    """Put the best into harness.toml, once it has passed under that name too; what was written where, or why it was
    not."""
    best = outcome.best
    assert best is not None
    variant = oracle.variants[best.candidate.name]
    if variant.name == READY.name:
        return "Not written: the file as it was given is the best, and is no variant."
    why = f"by `harness tune {oracle.entry.name}`: {best.candidate.label}"
    table = table_of(variant, oracle.artifact_format, oracle.entry.name, why)
    own = own_variant(name, VariantTable.model_validate(table), registry.formats())
    entry = replace(oracle.entry, own_variants=(*oracle.entry.own_variants, own))
    again = oracle.judged(
        best.candidate, next(one for one in entry.variants(oracle.artifact_format) if one.name == name)
    )
    if again.verdict != "passed":
        return f"Not written: under the name {name}, other rules or choices are for it. {again.reason}"
    path = write_variant(root, name, table)
    return f"Written: [variants.{name}] in {path}; `harness run --model {oracle.entry.name} --variant {name}` runs it."


def write_dashboard(oracle: CaseOracle, folder: Path) -> Path | None:
    """The dashboard of all that was tried. None if nothing ran, or if it cannot be made; then a message is printed."""
    record = oracle.record()
    if record is None:
        return None
    page = folder / "tune.html"
    try:
        write(record, page)
    except ANY_ERROR as error:
        print(f"harness: {unshown('The page', error)}", file=sys.stderr)
        return None
    return page


class NotesOnlyProgress(SilentProgress):
    """Progress of many short runs: their notes, and not their stages."""

    def __init__(self, progress: ConsoleProgress) -> None:
        self._progress = progress

    def note(self, text: str) -> None:
        """Shown."""
        self._progress.note(text)
