"""A converter's fault: a SavedModel whose unquantised artifact computes something else."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.bundle.fault import Fault, NoFault
from harness.errors import Unsupported
from harness.isolation import derive_artifact
from harness.locate.locator import FINEST, REAL, Locator
from harness.operator_outputs import OperatorNode

SAVED_MODEL = "saved_model"


def conversion_fault(locator: Locator, folder: Path) -> Fault:
    """The whole SavedModel, which nothing cuts an operator out of, with TensorFlow's own outputs. `folder`: an empty
    one. Raises `NoFault` where the conversion keeps to the rules, or loses what its variant was asked to lose."""
    artifact = locator.artifact
    if locator.case.variant.name != FINEST:
        raise NoFault("what a variant other than float32 loses in the conversion is no fault of a converter")
    source = locator.prepared_whole.folder / SAVED_MODEL
    renamed = locator.prepared_whole.facts.get("names", {})
    if any(before != after for side in renamed.values() for before, after in side.items()) or not source.is_dir():
        raise Unsupported("its SavedModel has other names of inputs and outputs than the model")
    came_out = locator.asked(locator.prepared, artifact, "").read()
    pairs = {
        info.name: (came_out, locator.golden.outputs, info, info.model_copy(update=REAL)) for info in artifact.outputs
    }
    results = locator.judged("conversion", (OperatorNode(0, "", artifact.outputs),), pairs)
    broken = tuple((one.result.name, check) for one in results for check in one.broken)
    if not broken:
        raise NoFault("the converted model keeps to the rules, on every target and against TensorFlow")
    shutil.copytree(source, folder / SAVED_MODEL)
    inputs = {info.name: locator.golden.inputs[info.name] for info in artifact.inputs}
    outputs = {info.name: locator.golden.outputs[info.name] for info in artifact.outputs}
    model = derive_artifact(artifact, folder, entry=SAVED_MODEL)
    return Fault(model, "", inputs, came_out, outputs, "TensorFlow", broken, is_alone=False, is_conversion=True)
