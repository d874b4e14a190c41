"""`convert`: artifacts without measuring anything."""

from __future__ import annotations

import json
import os

from harness import registry
from harness.cache import Cache
from harness.cli.inventory import console, plain_table
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import CaseError
from harness.paths import cache_directory, project_root
from harness.project import ModelEntry, model_entries
from harness.run.matrix import matching, variant_names, variants_of
from harness.run.pool import side_by_side
from harness.variant import Format, Variant


def convert(models: tuple[str, ...], variants: tuple[str, ...], *, as_json: bool) -> int:
    """Convert what the globs choose; 0 if everything was, 1 if a model could not be prepared or converted."""
    entries = model_entries(project_root())
    named = matching("model", models, entries)
    formats = registry.formats().values()
    wanted = matching("variant", variants, variant_names(entries.values(), registry.formats()))
    recipes: dict[str, tuple[ModelEntry, Format, Variant]] = {
        f"{entry.name} {form.name} {variant.name}": (entry, form, variant)
        for name, entry in entries.items()
        if name in named and (models or entry.in_default)
        for form in formats
        for variant in variants_of(entry, form)
        if variant.name in wanted
    }
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 2)
        try:
            chosen = {entry.name: entry for entry, _, _ in recipes.values()}
            prepared = side_by_side("Preparing models", chosen, lambda n: converter.prepare(chosen[n]), 2, progress)

            def one(key: str) -> object:
                entry, form, variant = recipes[key]
                ready = prepared[entry.name]
                if isinstance(ready, CaseError):
                    raise ready
                return converter.convert(ready, form, variant)

            results = side_by_side("Converting", recipes, one, 2, progress)
        finally:
            converter.close()
    rows = []
    for key, (entry, form, variant) in recipes.items():
        result = results[key]
        row = {"model": entry.name, "format": form.name, "variant": variant.name}
        if isinstance(result, CaseError):
            row["problem"] = str(result)
        else:
            row |= {"path": str(result.path), "bytes": result.bytes, "digest": result.digest}  # type: ignore[attr-defined]
        rows.append(row)
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        table = plain_table("model", "format", "variant", "bytes", "artifact")
        for row in rows:
            path = row.get("path")
            where = os.path.relpath(str(path)) if path else f"problem: {row['problem']}"
            table.add_row(row["model"], row["format"], row["variant"], str(row.get("bytes", "")), where)
        console().print(table)
    return 1 if any("problem" in row for row in rows) else 0
