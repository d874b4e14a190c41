"""A fault as a folder that a stranger can read and run: the model, its arrays, what was seen, and a script."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.artifact import Artifact, TensorInfo
from harness.bundle.fault import Fault
from harness.reproduction import FACTS, Reproduction
from harness.run.machine import cpu_model
from harness.store.record import Check
from harness.variant import READY

_FIGURES = {
    "finite": "finite",
    "max_lsb": "steps",
    "amplified_lsb": "steps",
    "sqnr_db": "sqnr_db",
    "peak": "peak",
    "top1_agreement": "differing",
}
"""Last part of a rule's name → the figure of `harness.bundle.compare` that it limits."""


def write_report(folder: Path, fault: Fault, reproduction: Reproduction) -> None:
    """Write the whole report into an empty folder. The README waits for what the script says: `write_readme`."""
    artifact = fault.artifact
    for file in artifact.files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact.directory / file.path, place)
    inputs, outputs = _file_names("inputs", artifact.inputs), _file_names("should_be", artifact.outputs)
    seen = _file_names("came_out", artifact.outputs)
    for names, tensors in ((inputs, fault.inputs), (outputs, fault.expected), (seen, fault.actual)):
        for name, path in names.items() if tensors else ():
            (folder / path).parent.mkdir(exist_ok=True)
            np.save(folder / path, np.ascontiguousarray(tensors[name]), allow_pickle=False)
    facts = {
        "fault": title(fault, reproduction),
        "model": artifact.entry,
        "is_stream": artifact.sequence and artifact.state != "none",
        "inputs": [_described(info, inputs[info.name]) for info in artifact.inputs],
        "outputs": [
            {**_described(info, outputs[info.name]), "came_out": seen[info.name], "limit": _limit(fault, info.name)}
            for info in (() if fault.death_signal else artifact.outputs)
        ],
        "dies": fault.death_signal,
        "expected_from": fault.against,
        "notes": list(fault.notes),
        "setting": dict(reproduction.setting),
        "runtime": dict(reproduction.packages),
        "made_with": made_with(artifact),
        "machine": machine(),
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False, sort_keys=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")
    reproduction.write(folder)


def title(fault: Fault, reproduction: Reproduction) -> str:
    """`SUM by itself gives other values in tflite-micro 0.1 than in TensorFlow 2.19.0 BUILTIN_REF.`, or what it dies
    of."""
    what = f"{next(iter(fault.artifact.operators))} by itself" if fault.is_alone else _model_of(fault)
    if fault.death_signal:
        return f"{what} kills the process that runs it in {reproduction.runtime_name} ({fault.death_signal})."
    return f"{what} gives other values in {reproduction.runtime_name} than in {fault.against}."


def made_with(artifact: Artifact) -> dict[str, str]:
    """The converter's packages; none for a file that came as it is, of which nobody knows."""
    return {} if artifact.variant == READY.name else dict(artifact.converter)


def _model_of(fault: Fault) -> str:
    if fault.is_conversion:
        return "A SavedModel"
    return f"A model (first wrong: {fault.operator})" if fault.operator else "A model"


def machine() -> str:
    """What may decide which kernels run; nothing that tells one machine from others of its kind."""
    return f"{platform.system()} {platform.machine()}, {cpu_model()}"


def write_readme(folder: Path, fault: Fault, reproduction: Reproduction, said: str) -> None:
    """The report in words, with what the script said here."""
    artifact = fault.artifact
    operators = ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in artifact.operators.items())
    versions = {**reproduction.packages, "machine": machine()}
    converter = ", ".join(f"{name} {version}" for name, version in sorted(made_with(artifact).items()))
    lines = [
        f"# {title(fault, reproduction)}",
        "",
        "To repeat it:",
        "",
        *(f"    {line}" for line in reproduction.instructions),
        "",
        "Here this said:",
        "",
        *(f"    {line}".rstrip() for line in said.strip().splitlines()),
        "",
        f"- `{artifact.entry}`: {operators}",
        _arrays_of(fault),
        *(f"- {note}" for note in fault.notes),
        *(f"- {name} {version}" if name != "machine" else f"- {version}" for name, version in versions.items()),
        *([f"- the model was made with {converter}"] if converter else []),
        "",
        f"`{FACTS}` has all of this for a program.",
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _arrays_of(fault: Fault) -> str:
    form = "NumPy arrays as the model stores them, samples first."
    if fault.death_signal:
        return f"- `inputs/`: {form}"
    same = "model" if fault.is_conversion else "file"
    return (
        f"- `inputs/`, `should_be/`, `came_out/`: {form} What should be is what {fault.against} gives for the same"
        f" {same} and the same inputs."
    )


def _file_names(side: str, infos: tuple[TensorInfo, ...]) -> dict[str, str]:
    """Canonical name → path; names in files may hold anything, so paths are numbered."""
    word = "input" if side == "inputs" else "output"
    return {info.name: f"{side}/{word}_{index}.npy" for index, info in enumerate(infos)}


def _described(info: TensorInfo, file: str) -> dict[str, Any]:
    scale = info.quantisation.scale if info.quantisation else None
    zero_point = info.quantisation.zero_point if info.quantisation else 0
    return {
        "name": info.name,
        "tensor": info.tensor,
        "file": file,
        "dtype": info.dtype,
        "scale": scale,
        "zero_point": zero_point,
    }


def _limit(fault: Fault, output: str) -> Mapping[str, Any] | None:
    """The first rule that an output breaks and that the script can judge; null for one that keeps to all."""
    for name, check in fault.broken:
        figure = _FIGURES.get(check.rule.rsplit(".", 1)[-1])
        if name == output and figure is not None:
            return {"figure": figure, "limit": _bound(check, figure)}
    return None


def _bound(check: Check, figure: str) -> float:
    """A rule asks how many answers agree; the script counts those that differ."""
    limit = 0.0 if check.limit is None else float(check.limit)
    return round(1.0 - limit, 12) if figure == "differing" else limit
