"""From any source to one form: a SavedModel with static shapes, the golden and the calibration data.

Runs in the converter's environment only. What it writes into the output folder: `saved_model/` (absent for a ready
`.tflite`, which is `ready.tflite` instead), `golden.npz` (inputs `in:NAME`, outputs `out:NAME`, `labels`) and
`calibration.npz`.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np

from harness.model import Dataset, Model
from harness.quantisation import dequantise, quantise

GENERATED_SAMPLES = 128
GENERATED_SEED = 20261121


class BadSource(Exception):
    """The source cannot be loaded; the text is one sentence."""

    harness_kind = "failed"


def prepare(source: dict[str, Any], output: Path) -> dict[str, Any]:
    """Load, export, run the golden. Returns facts (JSON): what was recognised, signature, samples, digest inputs."""
    import tensorflow as tf

    # One thread and plain kernels: the golden is then the same on every machine with the same instruction set.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if source["kind"] == "tflite":
        return prepare_tflite(source, output)
    from harness.conversion import sources

    saved_model = output / "saved_model"
    if source["kind"] == "zoo":
        model = zoo_model(Path(source["path"]), source["package"])
        recognised = sources.export_object(model.build(), {s.name: s for s in model.inputs}, saved_model)
        evaluation, calibration = model.evaluation(), model.calibration()
    else:
        data = read_data(source.get("data"))
        shapes = {name: values.shape[1:] for name, values in data.inputs.items()} if data else {}
        recognised = sources.export_file(source["kind"], Path(source["path"]), shapes, saved_model)
        evaluation, calibration = split(data, sources.signature(saved_model))
    signature = sources.signature(saved_model)
    check(evaluation, signature)
    golden = sources.run(saved_model, evaluation.inputs)
    write_golden(output / "golden.npz", evaluation, golden)
    np.savez(output / "calibration.npz", **cast(Any, dict(calibration.inputs)))
    return {
        "recognised": recognised,
        "inputs": signature,
        "samples": len(evaluation),
        "labelled": evaluation.labels is not None,
        "generated_inputs": source["kind"] != "zoo" and not source.get("data"),
    }


def prepare_tflite(source: dict[str, Any], output: Path) -> dict[str, Any]:
    """A ready `.tflite`: kept as it is; its golden comes from the reference interpreter, in real units."""
    from harness.conversion.worker import format_converter

    module = format_converter(source["converter"])
    ready = output / "ready.tflite"
    shutil.copyfile(source["path"], ready)
    inspected = module.inspect(ready)
    evaluation, calibration = split(read_data(source.get("data")), inspected["inputs"])
    stored = {info["name"]: to_stored(evaluation.inputs[info["name"]], info) for info in inspected["inputs"]}
    interpreter, outputs = module.reference(ready, inspected, stored)
    inputs = {info["name"]: to_real(stored[info["name"]], info) for info in inspected["inputs"]}
    golden = {info["name"]: to_real(outputs[info["name"]], info) for info in inspected["outputs"]}
    write_golden(output / "golden.npz", Dataset(inputs, evaluation.labels), golden)
    np.savez(output / "calibration.npz", **cast(Any, dict(calibration.inputs)))
    return {
        "recognised": "a ready TFLite file (it carries the TFL3 mark)",
        "golden_from": interpreter,
        "ready": "ready.tflite",
        "inspected": inspected,
        "inputs": [{key: info[key] for key in ("name", "shape", "dtype")} for info in inspected["inputs"]],
        "samples": len(evaluation),
        "labelled": evaluation.labels is not None,
        "generated_inputs": not source.get("data"),
    }


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


def read_data(path: str | None) -> Dataset | None:
    """Inputs by name (and `labels`) from an `.npz`; Python objects are refused."""
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:
        raise BadSource(f"{path} is not an .npz of plain arrays ({error}); write it with numpy.savez.") from error
    labels = arrays.pop("labels", None)
    if not arrays:
        raise BadSource(f"{path} holds no inputs; write one array per model input, samples first.")
    return Dataset(arrays, labels)


def split(data: Dataset | None, signature: list[dict[str, Any]]) -> tuple[Dataset, Dataset]:
    """Evaluation and calibration from a user's data, or generated where there is none.

    With data, all of it is evaluated and its first hundred samples calibrate (as few people keep two files).
    """
    if data is None:
        return (
            Dataset({s["name"]: generated(s, GENERATED_SAMPLES, GENERATED_SEED + i) for i, s in enumerate(signature)}),
            Dataset({s["name"]: generated(s, 100, GENERATED_SEED + 1000 + i) for i, s in enumerate(signature)}),
        )
    inputs = dict(data.inputs)
    if len(signature) == 1 and len(inputs) == 1:  # one input: its name in the file does not matter
        inputs = {signature[0]["name"]: next(iter(inputs.values()))}
    shaped = {}
    for spec in signature:
        if spec["name"] not in inputs:
            raise BadSource(f"the data has no array '{spec['name']}'; it has {', '.join(sorted(inputs))}.")
        shaped[spec["name"]] = fit(inputs[spec["name"]], spec)
    return Dataset(shaped, data.labels), Dataset({name: values[:100] for name, values in shaped.items()})


def fit(values: Any, spec: dict[str, Any]) -> Any:
    """Samples in the shape of the signature: a missing batch axis of one is added; anything else is an error."""
    shape = tuple(spec["shape"])
    if values.shape[1:] != shape:
        if shape[:1] == (1,) and values.shape[1:] == shape[1:]:
            values = values.reshape(len(values), *shape)
        else:
            raise BadSource(
                f"the data for input '{spec['name']}' is shaped {list(values.shape)}, not samples × {list(shape)}."
            )
    if spec.get("quantisation"):  # real values and stored ones are both taken: `to_stored` tells them apart
        return values
    return values.astype(spec["dtype"])


def generated(spec: dict[str, Any], count: int, seed: int) -> Any:
    """Inputs for a model that came without any: standard normal for floats, the whole range for quantised integers,
    0 and 1 for other integers and booleans (often indices, which may not leave a table)."""
    generator = np.random.Generator(np.random.Philox(seed))
    shape = (count, *spec["shape"])
    if np.issubdtype(np.dtype(spec["dtype"]), np.floating):
        return generator.standard_normal(shape).astype(spec["dtype"])
    if spec.get("quantisation"):
        limits = np.iinfo(spec["dtype"])
        return generator.integers(limits.min, limits.max, shape, endpoint=True).astype(spec["dtype"])
    return generator.integers(0, 2, shape).astype(spec["dtype"])


def check(data: Dataset, signature: list[dict[str, Any]]) -> None:
    """Every input there, of the signature's shape and dtype. Raises `BadSource`."""
    for spec in signature:
        values = data.inputs.get(spec["name"])
        if values is None:
            have = ", ".join(sorted(data.inputs))
            raise BadSource(f"the model has an input '{spec['name']}' and its data only {have}.")
        if list(values.shape[1:]) != spec["shape"] or str(values.dtype) != spec["dtype"]:
            raise BadSource(
                f"input '{spec['name']}' takes {spec['dtype']} {spec['shape']} and its data is"
                f" {values.dtype} {list(values.shape[1:])} a sample."
            )


def write_golden(path: Path, data: Dataset, outputs: dict[str, Any]) -> None:
    """Inputs, outputs and labels in one file."""
    arrays = {f"in:{name}": values for name, values in data.inputs.items()}
    arrays |= {f"out:{name}": values for name, values in outputs.items()}
    if data.labels is not None:
        arrays["labels"] = data.labels
    np.savez(path, **cast(Any, arrays))
