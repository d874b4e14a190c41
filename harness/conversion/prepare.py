"""Makes one form from any source: a SavedModel with static shapes, the golden and the calibration data.

Runs in the converter's environment only. What it writes into the output folder: `saved_model/` (a ready artifact is in
`ready/` instead), `golden.npz` (inputs `in:NAME`, outputs `out:NAME`, `labels`), `calibration.npz`, and `keras.h5`
where the source is a Keras model.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.conversion import data
from harness.conversion.format_converter import format_converter
from harness.conversion.sources import export_from
from harness.conversion.sources.built import declared
from harness.conversion.sources.comparable import check_comparable
from harness.conversion.sources.export import check_declared, names_of, only, plain_name, signature, static
from harness.conversion.sources.opened import opened
from harness.conversion.sources.request import BadSource, Request, first_line
from harness.conversion.sources.tensorflow_outputs import fault, run
from harness.model import Dataset
from harness.named_arrays import write_arrays
from harness.quantisation import dequantise, quantise
from harness.ragged import sizes_name

READY = "ready"


def prepare(source: dict[str, Any], output: Path) -> dict[str, Any]:
    """Load, export, run the golden. Returns facts (JSON): what was recognised, signature, samples, digest inputs."""
    import tensorflow as tf

    # One thread and plain kernels: the golden is then the same on every machine with the same instruction set.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    given = data.read(source.get("data"))
    if source.get("converter"):
        return prepare_ready(source, given, output)
    exported = export_from(
        Request(
            kind=source["kind"],
            path=Path(source["path"]),
            output=output,
            package=source["package"],
            signature=source["signature"],
            function=source["function"],
            inputs=declared(source["inputs"]),
            shapes={plain_name(name): values.shape[1:] for name, values in given.inputs.items()} if given else {},
        )
    )
    files = opened(source)
    inputs = signature(output / "saved_model")
    for spec in inputs:
        if 0 in spec["shape"]:
            raise BadSource(f"input '{spec['name']}' is shaped {spec['shape']} and holds nothing; give it a size.")
    if exported.evaluation is not None and exported.calibration is not None:
        evaluation, calibration = exported.evaluation, exported.calibration
    else:
        evaluation, calibration = data.split(given, inputs)
    data.check(evaluation, inputs)
    sequence = source["sequence"]
    try:
        golden = run(output / "saved_model", evaluation.inputs, sequence=sequence)
        golden_fault = fault(output / "saved_model", evaluation.inputs, golden, sequence=sequence)
    except tf.errors.ResourceExhaustedError:
        raise  # what the machine lacks is no fault of the inputs
    except tf.errors.OpError as error:
        raise _does_not_run(error, on_its_own=exported.evaluation is not None, on_data=given is not None) from error
    names = names_of(output)
    evaluation = Dataset(renamed(evaluation.inputs, names["inputs"]), evaluation.labels)
    write(output, evaluation, calibration, renamed(golden, names["outputs"]))
    return {
        "recognised": exported.recognised,
        "opened": files,
        "inputs": [{**spec, "name": names["inputs"].get(spec["name"], spec["name"])} for spec in inputs],
        "names": names,
        "samples": len(evaluation),
        "labelled": evaluation.labels is not None,
        "generated_inputs": exported.evaluation is None and given is None,
        "sequence": sequence,
        "golden_fault": golden_fault,
        **exported.facts,
    }


def _does_not_run(error: Exception, *, on_its_own: bool, on_data: bool) -> BadSource:
    reason = f"{type(error).__name__}: {first_line(error)}"
    if on_its_own:
        return BadSource(f"the model does not run on its own inputs ({reason}).")
    if on_data:
        return BadSource(f"the model does not run on the inputs of `data` ({reason}).")
    return BadSource(
        f"the model does not run on its generated inputs ({reason}); give it inputs that it takes with `data`."
    )


def prepare_ready(source: dict[str, Any], given: Dataset | None, output: Path) -> dict[str, Any]:
    """A ready artifact: kept as it is. Its golden has the inputs, in real units; what a reference interpreter makes of
    them is asked by the engine, which outlives one that dies of it."""
    import tensorflow as tf

    module = format_converter(source["converter"])
    ready = output / READY
    ready.mkdir()
    try:
        entry, recognised = module.take_ready(Path(source["path"]), ready)
        files = opened(source)
        chosen = {"signature": source["signature"]} if source["signature"] else {}
        inspected = {**module.inspect(ready / entry, **chosen), "custom_operators": source["custom_operators"]}
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadSource(f"{source['path']}: {textwrap.shorten(said, 400, placeholder='…')}") from error
    for name, shape in sizes_of_open(inspected, source, given).items():
        next(info for info in inspected["inputs"] if info["name"] == name)["shape"] = shape
    for info in inspected["outputs"]:
        check_comparable(info["name"], info["dtype"])
    taken = {info["name"]: (list(info["shape"]), info["dtype"]) for info in inspected["inputs"]}
    check_declared(declared(source["inputs"]), taken)
    evaluation, calibration = data.split(given, inspected["inputs"])
    stored = {info["name"]: to_stored(evaluation.inputs[info["name"]], info) for info in inspected["inputs"]}
    inputs = {info["name"]: to_real(stored[info["name"]], info) for info in inspected["inputs"]}
    write(output, Dataset(inputs, evaluation.labels), calibration, {})
    return {
        "recognised": recognised,
        "opened": files,
        "ready": entry,
        "inspected": {key: value for key, value in inspected.items() if key != "custom_operators"},
        "signature": inspected.get("signature", ""),
        "signatures": inspected.get("signatures", []),
        "inputs": [{key: info[key] for key in ("name", "shape", "dtype")} for info in inspected["inputs"]],
        "samples": len(evaluation),
        "labelled": evaluation.labels is not None,
        "generated_inputs": given is None,
        "sequence": source["sequence"],
    }


def sizes_of_open(inspected: dict[str, Any], source: dict[str, Any], given: Dataset | None) -> dict[str, list[int]]:
    """Shapes of the inputs whose sizes the file leaves open, by name: as declared, else as in the data, else one."""
    stated = {plain_name(name): spec.shape for name, spec in declared(source["inputs"]).items()}
    shapes = {plain_name(name): values.shape[1:] for name, values in given.inputs.items()} if given else {}
    found = {}
    for info in inspected["inputs"]:
        axes = inspected.get("open_axes", {}).get(info["name"], [])
        shape: list[int | None] = [None if axis in axes else size for axis, size in enumerate(info["shape"])]
        asked = stated.get(plain_name(info["name"]), ())
        if axes and len(asked) == len(shape):
            found[info["name"]] = [size if size is not None else asked[axis] for axis, size in enumerate(shape)]
        elif axes:
            found[info["name"]] = static(shape, only(shapes, info["name"], len(inspected["inputs"])))
    return found


def renamed(arrays: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Arrays, and the sizes of those that have some, under the names of the source."""
    every = {**names, **{sizes_name(name): sizes_name(other) for name, other in names.items()}}
    return {every.get(name, name): values for name, values in arrays.items()}


def to_stored(values: Any, info: dict[str, Any]) -> Any:
    """Values as the file takes them: real ones are quantised, ones of the stored type are kept."""
    quantisation = info["quantisation"]
    if quantisation is None or str(values.dtype) == info["dtype"]:
        return values.astype(info["dtype"])
    return quantise(values, quantisation["scale"], quantisation["zero_point"], info["dtype"])


def to_real(stored: Any, info: dict[str, Any]) -> Any:
    """Stored values in real units."""
    quantisation = info["quantisation"]
    return stored if quantisation is None else dequantise(stored, quantisation["scale"], quantisation["zero_point"])


def write(output: Path, evaluation: Dataset, calibration: Dataset, outputs: dict[str, Any]) -> None:
    """The golden (inputs, outputs and labels in one file) and the calibration data."""
    arrays = {f"in:{name}": values for name, values in evaluation.inputs.items()}
    arrays |= {f"out:{name}": values for name, values in outputs.items()}
    if evaluation.labels is not None:
        arrays["labels"] = evaluation.labels
    for name, values in arrays.items():
        if values.dtype.hasobject or values.dtype.kind in "SUV":  # it would be pickled, or is no number
            raise BadSource(f"'{name.partition(':')[2] or name}' is of type {values.dtype}, not numbers.")
    write_arrays(output / "golden.npz", arrays)
    write_arrays(output / "calibration.npz", calibration.inputs)
