"""A model of an installed zoo as a source."""

from __future__ import annotations

from pathlib import Path

from harness import registry
from harness.conversion.source import Source
from harness.model import Model


def zoo_source(model: Model, package: str, module: str) -> Source:
    """The source of a model as `registry.zoo` tells of it. Raises `HarnessError`."""
    folder = Path(registry.package_folder(package))
    weights = folder / "weights" / model.weights if model.weights else None
    file = folder / f"{module.rsplit('.', 1)[1]}.py"
    return Source("zoo", file, package=package, weights=weights, sequence=model.sequence)
