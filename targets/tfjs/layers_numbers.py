"""Every layer of a layers model computes in TensorFlow.js what it computes in Keras, or the model is refused.

Some layers of the same name and settings are not the same: TensorFlow.js enlarges an image without half pixels, and
its batch normalisation mistakes any axis but the last.
Runs in the converter's environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .layers_dialect import PAGE_INPUTS, NoLayersModel
from .layers_reference import keras_model
from .model_json import harness_metadata, read_model

PROBES = 64
TOLERANCE = 1e-3
"""Tolerance as a share of a layer's largest value. Rounding stays a hundred times below it; another computation does
not."""


def check_numbers(path: Path, by_layer: Mapping[str, Sequence[float]], outputs: Sequence[Sequence[float]]) -> None:
    """Raises `NoLayersModel` naming the first layer whose values are not those of `tf_keras` on the same inputs.

    `by_layer`, `outputs`: what `layers_in_node.cjs` gives: some values of the first output of every layer that is no
    model itself, and of each output of the whole.
    """
    import tf_keras

    model = keras_model(path)
    shapes = list(harness_metadata(read_model(path)).get("inputs", {}).values())
    shapes = shapes or [[1 if size is None else size for size in tensor.shape] for tensor in model.inputs]
    given = [synthetic_inputs(shape, tensor.dtype.name) for shape, tensor in zip(shapes, model.inputs, strict=True)]
    layers = [layer for layer in model.layers if layer.name in by_layer]
    named = [f"the layer '{layer.name}' ({type(layer).__name__})" for layer in layers]
    named += [f"output {position} of the model" for position in range(len(outputs))]
    wanted = [first_output(layer) for layer in layers] + list(model.outputs)
    results = tf_keras.Model(model.inputs, [wanted])(given[0] if len(given) == 1 else given, training=False)[0]
    heard = [*(by_layer[layer.name] for layer in layers), *outputs]
    for name, result, values in zip(named, results, heard, strict=True):
        expected, found = sample_values(np.asarray(result)), np.asarray(values, np.float64)
        if found.shape != expected.shape or not np.all(np.abs(found - expected) <= tolerance(expected)):
            raise NoLayersModel(f"{name} computes something else in TensorFlow.js than in Keras")


def first_output(layer: Any) -> Any:
    """The first symbolic output of a layer's first call."""
    output = layer.get_output_at(0)
    return output[0] if isinstance(output, (list, tuple)) else output


def synthetic_inputs(shape: Sequence[int], dtype: str) -> NDArray[Any]:
    """Inputs that the script makes too: sines, or noughts and ones where numbers are whole."""
    index = np.arange(int(np.prod(shape)), dtype=np.float64)
    kind = PAGE_INPUTS.get(dtype, dtype)
    values = np.sin(index + 1) if kind == "float32" else index % 2
    return values.astype(kind).reshape(shape)


def sample_values(values: NDArray[Any]) -> NDArray[np.float64]:
    """Some values of a tensor, spread over it."""
    flat = values.astype(np.float64).reshape(-1)
    return flat[:: max(1, len(flat) // PROBES)]


def tolerance(expected: NDArray[np.float64]) -> float:
    """How far a value may be off."""
    return float(TOLERANCE * np.max(np.abs(expected), initial=0) + 1e-6)
