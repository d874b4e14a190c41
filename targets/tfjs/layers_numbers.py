"""Every layer of a layers model computes in TensorFlow.js what it computes in Keras, or the model is refused.

Some layers of the same name and settings are not the same: TensorFlow.js samples an image without half pixels, for one.
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
from .model_json import ours, read_model

PROBES = 64
TOLERANCE = 1e-3
"""Of the largest value of a layer: rounding stays a hundred times below it, another computation does not."""


def check_numbers(path: Path, found: Mapping[str, Sequence[float]]) -> None:
    """Raises `NoLayersModel` naming the first layer whose values are not those of `tf_keras` on the same inputs.

    `found`: what `layers_in_node.cjs` gives: layer → values of its first output.
    """
    import tf_keras

    model = keras_model(path)
    shapes = list(ours(read_model(path)).get("inputs", {}).values())
    shapes = shapes or [[1 if size is None else size for size in tensor.shape] for tensor in model.inputs]
    given = [made_up(shape, tensor.dtype.name) for shape, tensor in zip(shapes, model.inputs, strict=True)]
    layers = [layer for layer in model.layers if layer.name in found]
    outputs = [first_output(layer, isinstance(layer, tf_keras.Model)) for layer in layers]
    results = tf_keras.Model(model.inputs, outputs)(given[0] if len(given) == 1 else given, training=False)
    for layer, result in zip(layers, results if len(layers) > 1 else [results], strict=True):
        expected, heard = probed(np.asarray(result)), np.asarray(found[layer.name], np.float64)
        if heard.shape != expected.shape or not np.all(np.abs(heard - expected) <= tolerance(expected)):
            named = f"the layer '{layer.name}' ({type(layer).__name__})"
            raise NoLayersModel(f"{named} computes something else in TensorFlow.js than in Keras")


def first_output(layer: Any, is_model: bool) -> Any:
    """The symbolic output of a layer's first call; the first node of a nested model is its own making."""
    output = layer.get_output_at(1 if is_model else 0)
    return output[0] if isinstance(output, (list, tuple)) else output


def made_up(shape: Sequence[int], dtype: str) -> NDArray[Any]:
    """Inputs that the script makes too: sines, or noughts and ones where numbers are whole."""
    index = np.arange(int(np.prod(shape)), dtype=np.float64)
    kind = PAGE_INPUTS.get(dtype, dtype)
    values = np.sin(index + 1) if kind == "float32" else index % 2
    return values.astype(kind).reshape(shape)


def probed(values: NDArray[Any]) -> NDArray[np.float64]:
    """Some values of a tensor, spread over it."""
    flat = values.astype(np.float64).reshape(-1)
    return flat[:: max(1, len(flat) // PROBES)]


def tolerance(expected: NDArray[np.float64]) -> float:
    """How far a value may be off."""
    return float(TOLERANCE * np.max(np.abs(expected), initial=0) + 1e-6)
