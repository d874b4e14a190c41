"""A model file of the zoo: it builds the model and brings its data."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

from harness.conversion.sources.built import export_built
from harness.conversion.sources.request import Exported, Request
from harness.model import Model


def export(request: Request) -> Exported:
    """Build, export, and hand over evaluation and calibration data."""
    model = zoo_model(request.path, request.package)
    request = replace(request, inputs={spec.name: spec for spec in model.inputs})
    exported = export_built(model.build(), request, "built by the zoo")
    return replace(exported, evaluation=model.evaluation(), calibration=model.calibration())


def zoo_model(path: Path, package: str) -> Model:
    """The `MODEL` of a zoo file, imported as a member of its package so that relative imports work."""
    name = f"{package}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    model: Model = module.MODEL
    return model
