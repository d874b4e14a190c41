"""One converted model with its golden inputs and the outputs that TensorFlow Lite Micro gives for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import registry
from harness.artifact import Artifact
from harness.cache import Cache
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import ModelEntry
from harness.environment import environment
from harness.errors import CaseError, HarnessError, Unsupported
from harness.model import Tensors
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.remedies.explain import reason
from harness.target import Target
from harness.variant import READY, Variant

from ...tflm.target import MicroSession, first_subgraph_only

ORACLE = "tflm/host"
FORMAT = "tflite"


@dataclass(frozen=True)
class GoldenVectors:
    """`samples`: stored values by canonical input name, (samples, *shape) each; `outputs`: for each sample the bytes of
    each output, in the model's order."""

    artifact: Artifact
    content: bytes
    samples: Tensors
    outputs: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True)
class Converted:
    """An artifact and its file. `fault` says why its golden cannot be used."""

    artifact: Artifact
    content: bytes
    golden_path: Path
    fault: str


def convert_model(model: str, variant: str) -> Converted:
    """Convert a model of the project, unless the cache has it. Raises `HarnessError`."""
    entry = _entry(model)
    recipe = _variant(entry, variant)
    with ConsoleProgress() as progress:
        converter = Converter(Cache(cache_directory() / "artifacts", progress.note), environment("converter"), 1)
        try:
            prepared = converter.prepare(entry)
            artifact = converter.convert(prepared, registry.formats()[FORMAT], recipe)
            if beyond := first_subgraph_only("a microcontroller", artifact):
                raise Unsupported(f"it does not run {beyond[0]}")
        except CaseError as error:
            raise HarnessError(f"{model} has no {variant} artifact: {reason(error)}") from error
        finally:
            converter.close()
    fault = str(prepared.facts.get("golden_fault") or "")
    return Converted(artifact, artifact.path.read_bytes(), prepared.golden_path, fault)


def make_vectors(model: str, variant: str, samples: int) -> GoldenVectors:
    """The model, converted unless the cache has it, with what the oracle makes of its first `samples` golden inputs.
    Raises `HarnessError`."""
    if samples < 1:
        raise HarnessError(f"{samples} samples cannot be taken: ask for at least one.")
    found = convert_model(model, variant)
    artifact = found.artifact
    if found.fault:
        raise HarnessError(f"{model} has no golden to hold its {variant} artifact against: {found.fault}")
    golden = read_golden(found.golden_path)
    stored = {info.name: info.to_stored(golden.inputs[info.name][:samples]) for info in artifact.inputs}
    return GoldenVectors(artifact, found.content, stored, _ask_oracle(artifact, stored))


def file_name(text: str) -> str:
    """A name that is safe in a path, in Renode's monitor and in C."""
    cleaned = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()
    return cleaned if cleaned[:1].isalpha() else f"model_{cleaned}".rstrip("_")


def _entry(model: str) -> ModelEntry:
    entries = model_entries(project_root())
    if model not in entries:
        raise HarnessError(f"There is no model '{model}'; there are {', '.join(entries)}.")
    return entries[model]


def _variant(entry: ModelEntry, variant: str) -> Variant:
    """The variant of the entry. A ready `.tflite` is taken as it is, unless the variant is made from one."""
    found = {one.name: one for one in entry.variants(registry.formats()[FORMAT])}
    if READY.name in found and variant not in found:
        return READY
    if variant not in found:
        listed = ", ".join(found) or "none for this format"
        raise HarnessError(f"{entry.name} has no variant '{variant}'; there are {listed}.")
    return found[variant]


@contextmanager
def _oracle(artifact: Artifact) -> Iterator[MicroSession]:
    """Micro's interpreter with the artifact in it. Raises `HarnessError` for what it, or the caller, does not get."""
    oracle: Target = registry.targets()[ORACLE]
    try:
        with oracle.open(artifact) as session:
            assert isinstance(session, MicroSession)
            yield session
    except CaseError as error:
        raise HarnessError(f"TensorFlow Lite Micro does not run {artifact.model}: {reason(error)}") from error


def least_arena_bytes(artifact: Artifact) -> int:
    """Bytes of the smallest arena with which Micro's reference kernels run the artifact on this machine. Raises
    `HarnessError`."""
    with _oracle(artifact) as session:
        return session.least_arena_bytes()


def _ask_oracle(artifact: Artifact, stored: Tensors) -> tuple[tuple[bytes, ...], ...]:
    ordered: Sequence[str] = [info.name for info in sorted(artifact.outputs, key=lambda info: info.index)]
    with _oracle(artifact) as session:
        values = session.infer(stored)
    count = len(values[ordered[0]])
    return tuple(tuple(np.ascontiguousarray(values[n][i]).tobytes() for n in ordered) for i in range(count))
