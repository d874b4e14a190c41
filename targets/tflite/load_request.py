"""What the worker is started with, and what it is told of an artifact that it is to load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import ragged
from harness.artifact import Artifact

PACKAGES = {"harness": Path(ragged.__file__).parent, "harness_targets": Path(__file__).parents[1]}
"""What the worker imports from, in whatever environment."""


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
        "state_to_reset": artifact.state_to_reset,
        "keeps_state": artifact.state != "none",
        "custom_operators": artifact.custom_operators and artifact.custom_operators.model_dump(),
    }
