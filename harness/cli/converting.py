"""`convert`: artifacts without measuring anything."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

from harness import registry
from harness.artifact import Artifact
from harness.cache import Cache
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel
from harness.environment import environment
from harness.errors import BadInput, CaseError
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.remedies.explain import reason
from harness.run.matrix import matching, variant_names
from harness.run.pool import side_by_side
from harness.store.runs import write_atomically
from harness.variant import Format, Variant


def convert_models(models: tuple[str, ...], variants: tuple[str, ...], *, as_json: bool) -> int:
    """Convert what the globs choose; 0 if everything was, 1 if a model could not be converted, 2 if one is no model."""
    entries = model_entries(project_root())
    named = matching("model", models, entries)
    formats = registry.formats().values()
    wanted = matching("variant", variants, variant_names(entries.values(), registry.formats()))
    chosen = {name: entry for name, entry in entries.items() if name in named and (models or entry.in_default)}
    recipes: dict[str, tuple[ModelEntry, Format, Variant]] = {
        f"{entry.name} {artifact_format.name} {variant.name}": (entry, artifact_format, variant)
        for entry in chosen.values()
        for artifact_format in formats
        for variant in entry.variants(artifact_format)
        if variant.name in wanted
    }
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 2)
        try:
            prepared = side_by_side("Preparing models", chosen, lambda n: converter.prepare(chosen[n]), 2, progress)
            for name, result in prepared.items():
                if isinstance(result, PreparedModel):
                    progress.note(f"{name}: {result.facts['recognised']}")

            def one(key: str) -> Artifact:
                entry, artifact_format, variant = recipes[key]
                ready = prepared[entry.name]
                if isinstance(ready, CaseError):
                    raise ready
                return converter.convert(ready, artifact_format, variant)

            results = side_by_side("Converting", recipes, one, 2, progress)
        finally:
            converter.close()
    rows = [row(key, recipe, results[key]) for key, recipe in recipes.items()]
    bad = {name: result for name, result in prepared.items() if isinstance(result, BadInput)}
    show(rows, set(bad), as_json=as_json)
    bad |= {
        f"{recipes[key][0].name}, {recipes[key][2].name}": result
        for key, result in results.items()
        if isinstance(result, BadInput) and recipes[key][0].name not in bad
    }
    for name, problem in bad.items():
        print(f"harness: {name}: " + str(problem).replace("\n", "\\n"), file=sys.stderr)
    return 2 if bad else 1 if any("problem" in row for row in rows) else 0


def row(key: str, recipe: tuple[ModelEntry, Format, Variant], result: Artifact | CaseError) -> dict[str, Any]:
    """One line of the answer: where the artifact is, or why there is none."""
    entry, artifact_format, variant = recipe
    named = {"model": entry.name, "format": artifact_format.name, "variant": variant.name}
    if isinstance(result, CaseError):
        log = keep_log(key, result)
        return {**named, "problem": reason(result), "log": str(log) if log else None}
    written = {"path": str(result.path), "bytes": result.bytes, "digest": result.digest}
    return {**named, **written, **({"notes": list(result.notes)} if result.notes else {})}


def keep_log(key: str, problem: CaseError) -> Path | None:
    """Write all that the process printed where the reason can point at it."""
    if not problem.log:
        return None
    path = cache_directory() / "logs" / f"convert.{key.replace(' ', '.')}.txt"
    write_atomically(path, problem.log)
    return path


def show(rows: list[dict[str, Any]], told: set[str], *, as_json: bool) -> None:
    """Print the artifacts, one a line that can be copied, then what could not be converted and why, with equal reasons
    together. `told`: models whose problem is printed elsewhere."""
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    made = [line for line in rows if "path" in line]
    cells = [
        (line["model"], line["format"], line["variant"], f"{line['bytes']:,}", short(line["path"])) for line in made
    ]
    if cells:
        cells.insert(0, ("model", "format", "variant", "bytes", "artifact"))
        widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
        for model, artifact_format, variant, size, path in cells:
            named = f"{model:{widths[0]}}  {artifact_format:{widths[1]}}  {variant:{widths[2]}}"
            print(f"{named}  {size:>{widths[3]}}  {path}")
    for line in made:
        for note in line.get("notes", ()):
            print(textwrap.fill(f"{line['model']} {line['variant']}: {note}", width(), subsequent_indent="  "))
    reasons: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for line in rows:
        if "problem" in line and line["model"] not in told:
            reasons.setdefault((line["model"], line["format"], line["problem"]), []).append(line)
    for (model, artifact_format, problem), alike in reasons.items():
        print(f"\n{model}, {artifact_format} {', '.join(line['variant'] for line in alike)}: not converted")
        print(textwrap.fill(problem, width(), initial_indent="  ", subsequent_indent="  ", break_long_words=False))
        logs = [short(line["log"]) for line in alike if line["log"]]
        if logs:
            print(f"  log: {logs[0]}" + (f" and {len(logs) - 1} more beside it" if len(logs) > 1 else ""))


def short(path: str) -> str:
    """A path from here, where it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def width() -> int:
    """How long a line of prose may be."""
    return min(shutil.get_terminal_size((100, 24)).columns, 120)
