"""One operator of a `.tflite` in a file of its own: which values it reads, and the artifact that is cut out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tflite

from harness.artifact import Artifact, TensorInfo
from harness.environment import environment
from harness.errors import Unsupported
from harness.isolation import Isolation, derive_artifact, renumbered
from harness.operator_outputs import OperatorNode
from harness.process.child import ChildProcess

from .examine import is_constant
from .operator_outputs import operations, tensor_places

ENTRY = "model.tflite"
WORKER = Path(__file__).with_name("rewriting.py")
SECONDS = 120.0
_WITH_SUBGRAPHS = ("IF", "WHILE", "CALL", "CALL_ONCE")


def reads(artifact: Artifact, operation: OperatorNode) -> tuple[TensorInfo, ...]:
    """The values that an operator takes and that no constant of the file is, each once, in its order. Raises
    `Unsupported` for one that reads a value that cannot be shown, or has a graph of its own."""
    if operation.operator in _WITH_SUBGRAPHS:
        raise Unsupported(f"{operation.operator} has graphs of its own")
    return tuple(info for info, _ in _reads(artifact, operation))


def alone(artifact: Artifact, operation: OperatorNode, inputs: Sequence[TensorInfo], folder: Path) -> Artifact:
    """The operator with its constants. Raises `Unsupported` where it keeps state."""
    places = tensor_places(artifact)
    _rewritten(
        "alone",
        artifact,
        folder,
        index=operation.index,
        inputs=[tensor for _, tensor in _reads(artifact, operation)],
        shapes=[list(info.shape) for info in inputs],
        outputs=[places[info.name] for info in operation.results],
    )
    return derive_artifact(
        artifact,
        folder,
        entry=ENTRY,
        inputs=renumbered(inputs, "input"),
        outputs=renumbered(operation.results, "output"),
        operators={operation.operator: 1},
        signature="",
        state="none",
        sequence=False,
        notes=(),
    )


def bare(artifact: Artifact, folder: Path) -> Artifact:
    """The whole file without metadata and signatures."""
    if artifact.subgraph != 0:
        raise Unsupported(f"the signature '{artifact.signature}' is not the first subgraph of the file")
    _rewritten("bare", artifact, folder)
    return derive_artifact(artifact, folder, entry=ENTRY, signature="")


def without_weights(artifact: Artifact, folder: Path) -> Artifact:
    """The operator with random weights."""
    _rewritten("without_weights", artifact, folder)
    return derive_artifact(artifact, folder, entry=ENTRY, signature="")


ISOLATION = Isolation(reads, alone, bare, without_weights)


def _reads(artifact: Artifact, operation: OperatorNode) -> list[tuple[TensorInfo, int]]:
    """Each with its tensor's index."""
    model = tflite.Model.GetRootAsModel(artifact.path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    known = {graph.Inputs(place): info for place, info in enumerate(artifact.inputs)}
    places = tensor_places(artifact)
    shown = operations(artifact)
    known |= {places[info.name]: info for one in shown for info in one.results}
    constant = {index for index in range(graph.TensorsLength()) if is_constant(model, graph.Tensors(index))}
    for index in set(range(operation.index)) - {one.index for one in shown}:  # made of constants alone
        constant.update(
            graph.Operators(index).Outputs(place) for place in range(graph.Operators(index).OutputsLength())
        )
    operator = graph.Operators(operation.index)
    found: dict[int, TensorInfo] = {}
    for place in range(operator.InputsLength()):
        tensor = operator.Inputs(place)
        if tensor < 0 or tensor in constant:
            continue
        if tensor not in known:
            raise Unsupported(f"{operation.operator} reads a value that cannot be shown")
        found[tensor] = known[tensor]
    return [(info, tensor) for tensor, info in found.items()]


def _rewritten(what: str, artifact: Artifact, folder: Path, **header: Any) -> None:
    """Have the file written anew into `folder`. Raises a `CaseError`."""
    if artifact.custom_operators is not None:
        raise Unsupported("its custom operators are in a library of the user's")
    with ChildProcess("the cutting of a .tflite", environment("litert").python(), WORKER) as child:
        path, output = artifact.path.resolve(), (folder / ENTRY).resolve()
        child.call(what, seconds=SECONDS, path=str(path), output=str(output), **header)
