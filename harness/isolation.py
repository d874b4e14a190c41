"""An operator by itself: a format makes an artifact of one operator of another, and puts other weights into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifact import Artifact, TensorInfo
from harness.cache import hash_files, sha256_json
from harness.operator_outputs import OperatorNode


@dataclass(frozen=True)
class Isolation:
    """A format's functions for it; each runs in the engine, and raises `Unsupported` for what it cannot do.

    `operator_inputs(artifact, operation)`: the values that the operator takes and that are not in the file: inputs of
    the model, and results that `OperatorOutputs.expose` can show.
    `extract_operator(artifact, operation, inputs, folder)`: a new artifact in `folder` of that operator and its
    constants. Its inputs are `inputs`, in their order, whose shapes are known now; its outputs are the operation's
    results. `strip_metadata(artifact, folder)`: the whole model without what its file says of where it is from.
    `randomise_weights(artifact, folder)`: the same model with random numbers (of one seed) in place of its weights.
    """

    operator_inputs: Callable[[Artifact, OperatorNode], tuple[TensorInfo, ...]]
    extract_operator: Callable[[Artifact, OperatorNode, Sequence[TensorInfo], Path], Artifact]
    strip_metadata: Callable[[Artifact, Path], Artifact]
    randomise_weights: Callable[[Artifact, Path], Artifact]


def renumbered(infos: Sequence[TensorInfo], word: str) -> tuple[TensorInfo, ...]:
    """`infos` as the inputs or outputs of an artifact of their own: `input_0`, `input_1`, …"""
    return tuple(
        info.model_copy(update={"name": f"{word}_{index}", "index": index}) for index, info in enumerate(infos)
    )


def derive_artifact(artifact: Artifact, folder: Path, **changes: object) -> Artifact:
    """What `artifact` became: the files of `folder`, and whatever else is another."""
    files = hash_files(folder)
    digest = sha256_json([(file.path, file.sha256) for file in files])
    return artifact.model_copy(update={"files": files, "digest": digest, "directory": folder, **changes})
