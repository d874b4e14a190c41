"""Conversion to TensorFlow.js models and back: what the engine calls, for graph and layers models alike.

Runs in the converter's environment, never in the engine. It and the modules beside it import nothing of this project;
TensorFlow is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import graph, graph_reference, layers, layers_reference, perturbation, ready
from .model_json import ENTRY, check_weights, decoded_weights, is_layers, read_model

DEFAULT_SHARD_BYTES = 4 * 1024 * 1024
KERAS_FILE = "keras.h5"
"""Where preparation keeps a Keras model, beside the SavedModel."""


def convert(
    saved_model: Path, options: dict[str, Any], calibration: dict[str, NDArray[Any]] | None, output: Path
) -> str:
    """Write `output/model.json` and its shards; returns the entry's name.

    `options`: `form` ("layers", else a graph model), `weights` (float32, float16, uint8, uint16: how weights are
    stored), `shard_bytes`, `skip_operator_check`. `calibration` is not needed: activations are never quantised. Raises
    `Refused` with the reason in one line, `Broken` where the converter claims success and the files say otherwise.
    """
    shard_bytes = options.get("shard_bytes", DEFAULT_SHARD_BYTES)
    if options.get("form") == "layers":
        layers.convert(saved_model.with_name(KERAS_FILE), saved_model, options, shard_bytes, output)
    else:
        graph.convert(saved_model, options, shard_bytes, output)
    check_weights(output / ENTRY)
    return ENTRY


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """Copy a ready model into `output`; returns the entry's name and what was recognised. Raises `NotTFJS`."""
    return ready.take_ready(path, output)


def inspect(path: Path) -> dict[str, Any]:
    """Inputs, outputs and operators (layers, by class, of a layers model) of the model at `path`.

    `inputs` and `outputs`: dicts that fit `harness.artifact.TensorInfo`; `operators`: name → count; `notes`: sentences
    on what conversion changed. Raises `Broken`, `Refused`.
    """
    check_weights(path)
    module = layers_reference if is_layers(read_model(path)) else graph
    return module.inspect(path)


def reference(
    path: Path, inspected: dict[str, Any], samples: dict[str, NDArray[Any]]
) -> tuple[str, dict[str, NDArray[Any]]]:
    """The artifact itself in TensorFlow: its own graph, or its own layers in `tf_keras`.

    `samples`: input name → (samples, *shape) of the artifact's dtype; returns the interpreter's name and output name →
    (samples, *output shape) likewise. Raises `Refused`, `Broken`.
    """
    module = layers_reference if is_layers(read_model(path)) else graph_reference
    return module.reference(path, inspected, samples)


def work(path: Path) -> int:
    """Multiply-accumulates of one inference, about: of layers, the weights alone are known."""
    model = read_model(path)
    weights = decoded_weights(model, path.parent)
    if is_layers(model):
        return 1000 * sum(values.size for values in weights.values())
    return perturbation.count_macs(graph_reference.restored_graph(model, weights))


def output_steps(path: Path, inspected: dict[str, Any]) -> dict[str, float]:
    """An empty map: no output of a TensorFlow.js model takes multiples of a step alone."""
    return {}


def disturbed(
    path: Path, inspected: dict[str, Any]
) -> Callable[[dict[str, NDArray[Any]], np.random.Generator], tuple[str, dict[str, NDArray[Any]]]]:
    """What runs the artifact on samples as `reference` does, with operators (of layers: weights) that are off by what
    sound kernels differ by, drawn from a generator."""
    layered = is_layers(read_model(path))

    def run(samples: dict[str, NDArray[Any]], generator: np.random.Generator) -> tuple[str, dict[str, NDArray[Any]]]:
        def change_graph(graph_def: Any) -> None:
            perturbation.perturb_graph(graph_def, generator)

        def change_weights(model: Any) -> None:
            weights = model.get_weights()
            for index, values in enumerate(weights):
                if values.dtype == np.float32:
                    weights[index] = perturbation.perturb_weights(values, generator)
            model.set_weights(weights)

        if layered:
            return layers_reference.reference(path, inspected, samples, change_weights)
        return graph_reference.reference(path, inspected, samples, change_graph)

    return run
