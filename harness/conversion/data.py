"""The data that a model is tried on and calibrated with: a user's `.npz`, or generated. NumPy only."""

from __future__ import annotations

import textwrap
import zipfile
from typing import Any

import numpy as np

from harness.conversion.sources.export import plain_name
from harness.conversion.sources.request import BadSource
from harness.model import Dataset

LARGEST_DATA = 8 * 1024**3
"""Bytes of a user's arrays: more cannot be handed to a runtime at once."""
USUAL_NAMES = ("x", "input", "inputs", "data", "arr_0")
"""Names under which the array of a model's only input is taken, whatever the model calls it: converters and Keras make
up names, and `numpy.savez` without any writes `arr_0`."""
GENERATED_SAMPLES = 128
CALIBRATION_SAMPLES = 100
GENERATED_SEED = 20261121


def read(path: str | None) -> Dataset | None:
    """Inputs by name (and `labels`) from an `.npz`; Python objects are refused. Raises `BadSource`."""
    if path is None:
        return None
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - NumPy picks the format by the content, not by the name
            if stream.read(2) != b"PK":
                raise ValueError("it is no zip archive of arrays")
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > LARGEST_DATA:
            raise ValueError(f"its arrays have {unpacked:,} bytes, and {LARGEST_DATA:,} are taken")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:
        said = str(error).strip()
        reason = textwrap.shorten(said.splitlines()[0], 200, placeholder="…") if said else type(error).__name__
        raise BadSource(f"{path} is not an .npz of plain arrays ({reason}); write it with numpy.savez.") from error
    labels = arrays.pop("labels", None)
    if not arrays:
        raise BadSource(f"{path} holds no inputs; write one array per model input, samples first.")
    counts = {name: len(values) if values.ndim else 0 for name, values in arrays.items()}
    if labels is not None:
        counts["labels"] = len(labels) if labels.ndim else 0
    if min(counts.values()) == 0:
        raise BadSource(f"{path}: the array '{min(counts, key=lambda name: counts[name])}' has no samples.")
    if len(set(counts.values())) > 1:
        described = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BadSource(f"{path}: the arrays differ in their number of samples ({described}).")
    return Dataset(arrays, labels)


def split(data: Dataset | None, signature: list[dict[str, Any]]) -> tuple[Dataset, Dataset]:
    """Evaluation and calibration from a user's data, or generated where there is none.

    With data, all of it is evaluated and its first hundred samples calibrate (as few people keep two files).
    """
    if data is None:
        return generated_dataset(signature, GENERATED_SAMPLES, 0), generated_dataset(
            signature, CALIBRATION_SAMPLES, 1000
        )
    inputs = dict(data.inputs)
    if len(signature) == 1 and len(inputs) == 1 and next(iter(inputs)) in USUAL_NAMES:
        inputs = {signature[0]["name"]: next(iter(inputs.values()))}
    plain = {plain_name(name): values for name, values in inputs.items()}
    shaped = {}
    for spec in signature:
        values = inputs.get(spec["name"], plain.get(spec["name"]))
        if values is None:
            raise BadSource(f"the data has no array '{spec['name']}'; it has {', '.join(sorted(inputs))}.")
        shaped[spec["name"]] = fit(values, spec)
    known = {plain_name(spec["name"]) for spec in signature}
    strange = next((name for name in inputs if plain_name(name) not in known), None)
    if strange is not None:
        have = ", ".join(spec["name"] for spec in signature)
        raise BadSource(f"the data has an array '{strange}', and the model has no such input; it has {have}.")
    calibration = {name: values[:CALIBRATION_SAMPLES] for name, values in shaped.items()}
    return Dataset(shaped, data.labels), Dataset(calibration)


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
    if values.dtype.kind not in ("biufc" if spec["dtype"].startswith("complex") else "biuf"):
        raise BadSource(f"the data for input '{spec['name']}' is of type {values.dtype}, not numbers.")
    if spec.get("quantisation"):  # real values and stored ones are both taken: `to_stored` tells them apart
        if np.isnan(values).any():
            raise BadSource(f"the data for input '{spec['name']}' has NaN, for which its {spec['dtype']} has no value.")
        return values
    with np.errstate(invalid="ignore"):
        taken = values.astype(spec["dtype"])
    if taken.dtype.kind in "biu" and not np.array_equal(taken, values):
        first = values[taken != values].ravel()[0]
        raise BadSource(
            f"the data for input '{spec['name']}' has {first:g}, for which its {spec['dtype']} has no value; other"
            " numbers would be tested than the file has."
        )
    return taken


def generated_dataset(signature: list[dict[str, Any]], count: int, offset: int) -> Dataset:
    """Generated inputs for every input of a signature."""
    seeds = range(GENERATED_SEED + offset, GENERATED_SEED + offset + len(signature))
    return Dataset({spec["name"]: generated(spec, count, seed) for spec, seed in zip(signature, seeds, strict=True)})


def generated(spec: dict[str, Any], count: int, seed: int) -> Any:
    """Inputs for a model that came without any: standard normal for floats, the whole range for quantised integers,
    0 and 1 for other integers and booleans (often indices, which may not leave a table)."""
    generator = np.random.Generator(np.random.Philox(seed))
    shape = (count, *spec["shape"])
    if spec["dtype"] in ("string", "resource", "variant"):
        kind = spec["dtype"]
        raise BadSource(
            f"input '{spec['name']}' takes {kind}, which no target takes as a tensor; give the model numbers, and make"
            f" them of the {kind} in the application."
        )
    if np.issubdtype(np.dtype(spec["dtype"]), np.floating):
        return generator.standard_normal(shape).astype(spec["dtype"])
    if np.issubdtype(np.dtype(spec["dtype"]), np.complexfloating):
        return (generator.standard_normal(shape) + 1j * generator.standard_normal(shape)).astype(spec["dtype"])
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
