"""Layers models in `tf_keras`: what one has in it, and the reference interpreter.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ragged import stack_samples

from . import wrong_kernels
from .layers_dialect import PAGE_INPUTS
from .model_json import LAYER, decoded_weights, harness_metadata, read_model
from .problems import Broken, Refused, one_line

CELL = re.compile(r"(?:\w*_)?cell(?:_\w+)?", re.IGNORECASE)
"""What Keras calls the cells of its recurrent layers: `lstm_cell`, `gru_cell_3`, `simple_rnn_cell`."""


def keras_model(path: Path) -> Any:
    """The model of a `model.json` as a `tf_keras` model with the artifact's own weights. Raises `Broken`."""
    import tf_keras

    described = read_model(path)
    topology = described["modelTopology"]
    try:
        model = tf_keras.models.model_from_json(json.dumps(topology.get("model_config", topology)))
    except Exception as error:
        said = textwrap.shorten(one_line(error), 300, placeholder="…")
        if "batch_shape" in said:
            raise Broken(
                "it was written from a Keras 3 model, whose layers TensorFlow.js does not load; convert the SavedModel"
                " (`model.export(…)`) to a graph model."
            ) from error
        raise Broken(f"its layers cannot be read ({type(error).__name__}: {said})") from error
    given = decoded_weights(described, path.parent)
    wanted = {weight.name.removesuffix(":0"): weight for weight in model.weights}
    for name, values in given.items():
        weight = wanted.pop(name, None)
        if weight is None:
            alike = [other for other in wanted if without_cell(name) == without_cell(other)]
            alike = alike or [other for other in wanted if without_inner(name) in (other, without_inner(other))]
            if len(alike) > 1:
                raise Broken(f"its weight '{name}' may be any of {', '.join(alike)}")
            weight = wanted.pop(alike[0]) if alike else None
        if weight is None or tuple(weight.shape) != values.shape:
            raise Broken(f"its weight '{name}' {list(values.shape)} belongs to no layer")
        weight.assign(values)
    if wanted:
        raise Broken(f"it has no weight '{next(iter(wanted))}'")
    return model


def without_cell(name: str) -> str:
    """The name of a weight without the cell that it is in: Keras 2 says `lstm/lstm_cell/kernel` where TensorFlow.js,
    which saves models too, says `lstm/kernel`, and either may number its cells. A weight that is in nothing but a layer
    keeps its name."""
    *path, weight = name.split("/")
    if len(path) > 1 and CELL.fullmatch(path[-1]):
        path = path[:-1]
    return "/".join([*path, weight])


def without_inner(name: str) -> str:
    """The name of a weight without its innermost layer, which a wrapper (`TimeDistributed`) may leave out."""
    *path, weight = name.split("/")
    return "/".join([*path[:-1], weight])


def inspect(path: Path) -> dict[str, Any]:
    """Inputs and outputs, layers by class with their counts (those of nested models included), and notes."""
    model, said = keras_model(path), harness_metadata(read_model(path))
    operators: dict[str, int] = {}
    state = "none"
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
            state = "variables"
        kind = type(layer).__name__
        if kind not in ("InputLayer", "Functional", "Sequential"):
            operators[kind] = operators.get(kind, 0) + 1
    shapes = said.get("inputs", dict.fromkeys(model.input_names))
    names = said.get("outputs", [f"output_{position}" for position in range(len(model.outputs))])
    inputs = zip(shapes, model.input_names, range(len(shapes)), model.inputs, shapes.values(), strict=True)
    return {
        "inputs": [info(*described) for described in inputs],
        "outputs": [info(names[i], str(i), i, tensor) for i, tensor in enumerate(model.outputs)],
        "operators": dict(sorted(operators.items())),
        "notes": [*said.get("notes", []), *wrong_kernels.notes(operators)],
        "state": state,
    }


def info(name: str, tensor: str, index: int, described: Any, shape: list[int] | None = None) -> dict[str, Any]:
    """A tensor of the model in the shape of `harness.artifact.TensorInfo`: an input is called by its layer, an output
    by its position. Open dimensions are one unless `shape` is known. Raises `Refused` for a type without a tensor on a
    page."""
    dtype = PAGE_INPUTS.get(described.dtype.name, described.dtype.name)
    if dtype not in ("float32", "int32", "bool"):
        raise Refused(f"'{name}' is {dtype}, which a page cannot exchange as a tensor")
    return {
        "name": name,
        "tensor": tensor,
        "index": index,
        "shape": shape or [1 if size is None else int(size) for size in described.shape],
        "dtype": dtype,
        "quantisation": None,
    }


def ending_in(model: Any, tensors: Sequence[str]) -> Any:
    """The model itself, or one with its layers and weights that gives the results of layers where `tensors` ask for
    any. Its state is that of the layers."""
    import tf_keras

    if not any(tensor.startswith(LAYER) for tensor in tensors):
        return model

    def of(tensor: str) -> Any:
        if not tensor.startswith(LAYER):
            return model.outputs[int(tensor)]
        result = model.get_layer(tensor.removeprefix(LAYER)).output
        return result[0] if isinstance(result, (list, tuple)) else result

    return tf_keras.Model(model.inputs, [of(tensor) for tensor in tensors])


def reference(
    path: Path,
    inspected: Mapping[str, Any],
    samples: Mapping[str, NDArray[Any]],
    change: Callable[[Any], None] | None = None,
) -> tuple[str, dict[str, NDArray[Any]]]:
    """`tf_keras` on the artifact's own weights, as its shards hold them; each sample from fresh state where `inspected`
    asks for it. `change` is made to the model before it runs.

    `samples`: input name → (samples, *shape); returns the interpreter's name and output name → (samples, *output
    shape). Raises `Broken`.
    """
    import tf_keras

    model = keras_model(path)
    if change is not None:
        change(model)
    model = ending_in(model, [described["tensor"] for described in inspected["outputs"]])
    rows = []
    for index in range(len(next(iter(samples.values())))):
        if inspected.get("state_to_reset", "none") != "none":
            model.reset_states()
        values = [samples[described["name"]][index] for described in inspected["inputs"]]
        result = model(values[0] if len(values) == 1 else values, training=False)
        rows.append([np.asarray(value) for value in (result if isinstance(result, (list, tuple)) else [result])])
    columns = zip(*rows, strict=True)
    outputs: dict[str, NDArray[Any]] = {}
    for described, column in zip(inspected["outputs"], columns, strict=True):
        outputs |= stack_samples(described["name"], column)
    return f"tf_keras {tf_keras.__version__} on the artifact's own weights", outputs
