"""`assess`: predicts which targets will run a model."""

from __future__ import annotations

import re
from pathlib import Path

from harness import registry
from harness.assess.assess_model import assess_model
from harness.cache import Cache
from harness.cli.assessment_text import show
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.conversion.model_entry import ModelEntry
from harness.conversion.source import Source, recognise
from harness.environment import environment
from harness.errors import CaseError, HarnessError
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.run.matrix import matching, variant_names


def show_assessment(model: str, variants: tuple[str, ...] = (), *, as_json: bool) -> int:
    """Assess a model of the project or the zoo, or a file or folder, beside the usual variants in those that the globs
    name. Raises `HarnessError` where there is none."""
    entry = find(model)
    formats = registry.formats()
    named = matching("variant", variants, variant_names([entry], formats)) if variants else set()
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 2)
        try:
            found = assess_model(entry, converter, registry.targets(), formats, progress, named=named)
        except CaseError as error:
            raise HarnessError(str(error)) from error
        finally:
            converter.close()
    if as_json:
        print(found.model_dump_json(indent=1, by_alias=True))
    else:
        show(found)
    return 0


def find(model: str) -> ModelEntry:
    """The entry of a name, or of a path that has none."""
    entries = model_entries(project_root())
    if model in entries:
        return entries[model]
    path = Path(model).expanduser()
    if not path.exists():
        raise HarnessError(f"There is no model '{model}', and no such file; `harness models` lists what there is.")
    path = path.resolve()
    kind = recognise(path)
    if kind == "tfjs" and path.is_dir():
        path /= "model.json"
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem if path.name != "model.json" else path.parent.name)
    return ModelEntry(name, path.name, "regression", Source(kind, path), in_default=True)
