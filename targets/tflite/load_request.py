"""What the worker is told of an artifact that it is to load."""

from __future__ import annotations

from typing import Any

from harness.artifact import Artifact


def load_request(artifact: Artifact, runtime: str, resolver: str, threads: int) -> dict[str, Any]:
    """The fields of the worker's `load`, wherever it runs."""
    return {
        "runtime": runtime,
        "path": str(artifact.path.resolve()),
        "threads": threads,
        "resolver": resolver,
        "signature": artifact.signature,
        "inputs": [info.model_dump() for info in artifact.inputs],
        "outputs": [info.model_dump() for info in artifact.outputs],
        "renewed": artifact.renewed,
        "keeps_state": artifact.state != "none",
        "custom_operators": artifact.custom_operators and artifact.custom_operators.model_dump(),
    }
