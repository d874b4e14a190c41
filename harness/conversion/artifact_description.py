"""What a converter wrote, described as an artifact; and an artifact as a format's converter is told of it."""

from __future__ import annotations

from typing import Any

from harness.artifact import Artifact, CustomLibrary, TensorInfo
from harness.cache import Entry, sha256_file
from harness.conversion.choices import CustomOperators
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.worker_request import InputFiles
from harness.variant import Format, Variant


def custom_operators(custom: CustomOperators | None) -> CustomLibrary | None:
    """What the artifact says of its custom operators."""
    if custom is None:
        return None
    return CustomLibrary(library=str(custom.library), registerer=custom.registerer, sha256=sha256_file(custom.library))


def artifact_of_prepared(
    prepared: PreparedModel, artifact_format: Format, variant: Variant, key: str, entry: Entry, versions: dict[str, str]
) -> Artifact:
    """What a converter of these `versions` made of a prepared model: the files of `entry`, whose address is `key`."""
    return artifact_of_entry(
        entry,
        (prepared.model, artifact_format.name, variant.name),
        key,
        versions,
        custom=prepared.custom_operators,
        sequence=prepared.facts.get("sequence", False),
    )


def artifact_of_entry(
    entry: Entry,
    case: tuple[str, str, str],
    key: str,
    versions: dict[str, str],
    *,
    custom: CustomOperators | None,
    sequence: bool,
) -> Artifact:
    """The artifact of an entry of the cache, whose address is `key`.

    `case` has the names of model, format and variant. The model alone says what the library of its `custom` operators
    is, and whether its samples are a `sequence`.
    """
    model, artifact_format, variant = case
    facts = entry.facts
    return Artifact(
        model=model,
        format=artifact_format,
        variant=variant,
        key=key,
        digest=entry.digest,
        entry=facts["entry"],
        files=entry.files,
        inputs=tuple(TensorInfo(**info) for info in facts["inputs"]),
        outputs=tuple(TensorInfo(**info) for info in facts["outputs"]),
        operators=facts["operators"],
        scheme=facts.get("scheme", ""),
        signature=facts.get("signature", ""),
        subgraph=facts.get("subgraph", 0),
        notes=tuple(facts.get("notes", ())),
        converter=versions,
        custom_operators=custom_operators(custom),
        state=facts.get("state", "none"),
        sequence=sequence,
        directory=entry.folder,
    )


def as_inspected(artifact: Artifact) -> dict[str, Any]:
    """Description of an artifact for a format's converter that inspected it before."""
    return {
        "inputs": [info.model_dump() for info in artifact.inputs],
        "outputs": [info.model_dump() for info in artifact.outputs],
        "operators": artifact.operators,
        "signature": artifact.signature,
        "notes": list(artifact.notes),
        "state_to_reset": artifact.state_to_reset,
        "sequence": artifact.sequence and artifact.state != "none",
        "custom_operators": artifact.custom_operators and artifact.custom_operators.model_dump(),
    }


def files_of(artifact: Artifact) -> InputFiles:
    """An artifact's files, for an operation that reads it."""
    return InputFiles(
        artifact.directory, artifact.entry, {file.path: artifact.directory / file.path for file in artifact.files}
    )
