"""`assess`: what each target will say to a model, before it is converted for one."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

from harness import registry
from harness.assess.assess import assess as assess_model
from harness.assess.assessment import Assessment
from harness.cache import Cache
from harness.cli.inventory import plain_table
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.conversion.source import Source, recognise
from harness.environment import environment
from harness.errors import CaseError, HarnessError
from harness.paths import cache_directory, project_root
from harness.project import ModelEntry, model_entries


def assess(model: str, *, as_json: bool) -> int:
    """Assess a model of the project or the zoo, or a file or folder. Raises `HarnessError` where there is none."""
    entry = find(model)
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 2)
        try:
            found = assess_model(entry, converter, registry.targets(), registry.formats(), progress)
        except CaseError as error:
            raise HarnessError(str(error)) from error
        finally:
            converter.close()
    if as_json:
        print(found.model_dump_json(indent=1))
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
    return ModelEntry(name, path.name, "regression", Source(kind, path), True)


def show(found: Assessment) -> None:
    """Print an assessment as tables and sentences."""
    console = Console()

    def say(text: str = "") -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    say(f"{found.model}: {found.recognised}")
    shapes = ", ".join(f"{i['name']} {i['dtype']} {'×'.join(map(str, i['shape']))}" for i in found.inputs)
    say(f"inputs {shapes}; {count(found.parameters)} parameters; {count(found.macs)} multiply-accumulates")
    operators = plain_table("operator", "count", "TFLite", "TF.js cpu", "wasm", "webgl", "webgpu")
    for row in found.operators:
        operators.add_row(row.operator, str(row.count), row.tflite, *row.tfjs.values())
    costs = plain_table("TFLite operator", "count", "multiply-accumulates")
    for step in found.tflite_operators:
        costs.add_row(step.operator, str(step.count), f"{step.macs:,}" if step.macs else "")
    sizes = plain_table("format", "variant", "bytes", "peak activations")
    for size in found.sizes:
        peak = found.peak_activation_bytes.get(size.variant) if size.format == "tflite" else None
        told = f"{size.bytes:,}" if size.bytes is not None else f"refused: {size.problem}"
        sizes.add_row(size.format, size.variant, told, f"{peak:,}" if peak is not None else "")
    answers = plain_table("target", "variant", "", "how", "why")
    for answer in found.forecasts:
        answers.add_row(answer.target, answer.variant, answer.verdict, answer.how, answer.reason)
    for table in (operators, costs, sizes, answers):
        say()
        console.print(table)
    if found.metadata:
        say()
        say("metadata: " + ", ".join(f"{key} {value}" for key, value in found.metadata.items()))
    say()
    for text in (*found.notes, *found.recommendation):
        say(f"• {text}")


def count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "an unknown number of"
