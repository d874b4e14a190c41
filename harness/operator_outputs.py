"""Operators' outputs: a format lists an artifact's operators and makes an artifact that gives their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifact import Artifact, TensorInfo
from harness.cache import sha256_json

INNER_PREFIX = "@"
"""The canonical name of an inner result begins with this; no output of a model does."""


@dataclass(frozen=True)
class OperatorNode:
    """One operator, in the order of execution. `results` are those of its outputs that can be looked at, `reads` the
    names of the results of others that it takes, `constant_bytes` what the float constants take that it reads, as it
    reads them: weights that are stored as float16 and made float32 first count as float32."""

    index: int
    operator: str
    results: tuple[TensorInfo, ...]
    reads: tuple[str, ...] = ()
    constant_bytes: int = 0


@dataclass(frozen=True)
class OperatorOutputs:
    """A format's two functions for it; both run in the engine.

    `operations(artifact)` lists what is inside. `expose(artifact, results, folder)` gives an artifact that has these
    results as outputs behind its own, writing what it needs into `folder`; for the rest it computes the same.
    Both raise `Unsupported` for an artifact that shows nothing. `graph(artifact)` is what Model Explorer calls the
    graph that these operators are nodes of; null for a format that it does not open.
    """

    operations: Callable[[Artifact], tuple[OperatorNode, ...]]
    expose: Callable[[Artifact, Sequence[TensorInfo], Path], Artifact]
    graph: Callable[[Artifact], str] | None = None


def result_name(index: int, position: int) -> str:
    """The canonical name of an operator's output, which no signature has."""
    return f"{INNER_PREFIX}{index}.{position}"


def with_outputs(artifact: Artifact, results: Sequence[TensorInfo]) -> Artifact:
    """`artifact` with `results` behind its outputs, and a digest that says so."""
    first = len(artifact.outputs)
    added = tuple(info.model_copy(update={"index": first + index}) for index, info in enumerate(results))
    digest = sha256_json(["exposed", artifact.digest, [(info.name, info.tensor) for info in results]])
    return artifact.model_copy(update={"outputs": (*artifact.outputs, *added), "digest": digest})
