"""A Keras model to a TensorFlow.js layers model. Runs in the converter's environment, beside `converter.py`.

tensorflowjs reads the `.h5` and writes the files. In between the description is brought into the dialect that
TensorFlow.js reads (`layers_dialect.py`); afterwards TensorFlow.js has to load, run and understand it
(`layers_check.py`) and to give Keras' own numbers, layer by layer (`layers_numbers.py`). Left to itself, tensorflowjs
reports success for models that no browser loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .layers_check import check_understood, classes, load_once
from .layers_dialect import INNER, MODELS, Dialect, convert_model
from .layers_numbers import check_numbers
from .model_json import ENTRY, METADATA
from .problems import Refused
from .unused_imports import without_unused_imports

SIGNATURE = "serving_default"
KERAS_3_WEIGHTS = {"DepthwiseConv2D": {"kernel": "depthwise_kernel"}}
"""Class → name of a weight in Keras 3 → its name in TensorFlow.js, where they differ."""


def convert(keras_file: Path, saved_model: Path, options: Mapping[str, Any], shard_bytes: int, output: Path) -> None:
    """Write `model.json` and its shards from a Keras `.h5`; `saved_model` is the same model, with canonical names.

    `options`: `weights` (how they are stored) and `resources` (`node`, and the folder `bundles`). Raises `Refused`
    naming the layer that cannot be in a layers model, `Broken` where TensorFlow.js cannot load what was written.
    """
    if not keras_file.is_file():
        raise Refused("a layers model is made from a Keras model, and this source is none")
    without_unused_imports()
    from tensorflowjs.converters import keras_h5_conversion

    described, (weights,) = keras_h5_conversion.h5_merged_saved_model_to_tfjs_format(str(keras_file))
    dialect = Dialect(str(described["keras_version"]).startswith("3"), classes(options["resources"]))
    model, names = convert_model(described["model_config"], dialect)
    if dialect.keras_3:
        weights = [{**weight, "name": weight_name(weight["name"], model)} for weight in weights]
    topology = {"keras_version": described["keras_version"], "backend": "tensorflow", "model_config": model}
    stored = options["weights"]
    metadata = {**canonical_names(saved_model, model, names), "notes": dialect.notes}
    keras_h5_conversion.write_artifacts(
        topology,
        [weights],
        str(output),
        quantization_dtype_map=None if stored == "float32" else {stored: "*"},
        weight_shard_size_bytes=shard_bytes,
        metadata={METADATA: metadata},
    )
    for note in dialect.notes:
        print(note)
    found = load_once(output / ENTRY, options["resources"])
    check_understood(model, found["read"])
    check_numbers(output / ENTRY, found["values"], found["outputs"])


def weight_name(name: str, model: Mapping[str, Any]) -> str:
    """The name that TensorFlow.js has for a weight of a Keras 3 model: without the models that its layer is nested in,
    and with the library's own word for it."""
    *path, weight = name.split("/")
    kinds = {layer["config"].get("name"): layer["class_name"] for layer in all_layers(model)}
    while len(path) > 1 and path[0] not in kinds:
        path = path[1:]
    renamed = KERAS_3_WEIGHTS.get(kinds.get(path[-1] if path else "", ""), {})
    return "/".join([*path, renamed.get(weight, weight)])


def all_layers(model: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every layer of a model that is no model itself, those inside of nested models and of wrappers included."""
    for layer in model["config"]["layers"]:
        if layer["class_name"] in MODELS:
            yield from all_layers(layer)
            continue
        yield layer
        for key in INNER:
            wrapped = layer["config"].get(key)
            yield from wrapped if isinstance(wrapped, list) else [wrapped] if wrapped else []


def canonical_names(saved_model: Path, model: Mapping[str, Any], outputs: list[str] | None) -> dict[str, Any]:
    """What the artifact says of its interface, by position: `inputs` (canonical name → static shape) and `outputs`
    (canonical names), as the SavedModel of the same source has them. `outputs`: the model's own names, if it has any.
    Raises `Refused` where names and positions do not go together."""
    import tensorflow as tf

    function = tf.saved_model.load(str(saved_model)).signatures[SIGNATURE]
    shapes = {name: [int(size) for size in spec.shape] for name, spec in function.structured_input_signature[1].items()}
    results = list(function.structured_outputs)
    inputs = [layer for layer, _, _ in model["config"].get("input_layers", [])]
    if len(shapes) == 1 and len(inputs) <= 1:  # whatever its name: that of a Sequential model is no layer's
        inputs = list(shapes)
    named = outputs or [f"output_{position}" for position in range(len(results))]
    for side, theirs, own in (("inputs", list(shapes), inputs), ("outputs", results, named)):
        if set(theirs) != set(own):
            raise Refused(
                f"no layers model: its {side} are called {', '.join(own)} in Keras and"
                f" {', '.join(sorted(theirs))} in the SavedModel"
            )
    return {"inputs": {name: shapes[name] for name in inputs}, "outputs": named}
