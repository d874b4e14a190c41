"""Turns Keras' description of a model into the one that TensorFlow.js's layers library reads.

Its dialect is that of Keras 2. Keras 3 says the same in other words, which tensorflowjs passes on as they are: the
library then refuses the model, or, worse, does not read what it does not know. Each rewrite here says exactly what the
source says; what cannot be said is refused by the name of its layer. Runs in the converter's environment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .problems import Refused

MODELS = ("Functional", "Model", "Sequential")
INNER = ("layer", "cell", "cells")
"""Keys under which a wrapper keeps the layers that it wraps."""

FORGOTTEN = {
    "quantization_config": (None,),
    "optional": (False,),
    "rms_scaling": (False,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "use_gate": (False,),
    "sliding_window": (None,),
    "flash_attention": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
}
"""Keys of Keras 3 alone, each with the values that mean nothing; Keras 2 would not know the key."""
REFUSED = {"groups": (1,), "reset_after": (False,)}
"""Keys that the library does not have, each with the values that it computes."""
TRAINING_ALONE = ("seed", "renorm_momentum", "build_config", "compile_config", "build_input_shape")

NO_TRAINING = ("CenterCrop", "Rescaling", "Resizing")
"""Layers that do the same in training, which Keras 3 calls with it."""

SAME_ACTIVATION = {"silu": "swish"}
OTHER_IN_KERAS_3 = {"hard_sigmoid": "Keras 3 has made it relu6(x + 3) / 6, and TensorFlow.js computes 0.2 x + 0.5"}
PAGE_INPUTS = {
    **dict.fromkeys(("float16", "bfloat16", "float64"), "float32"),
    **dict.fromkeys(("int8", "uint8", "int16", "uint16", "int64"), "int32"),
}


class NoLayersModel(Refused):
    """The layers library cannot hold this model; the text names the layer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no layers model: {why}")


@dataclass
class Dialect:
    """What there is to be known of the source and of the library; `notes` fill up as the model is rewritten."""

    keras_3: bool
    known: Collection[str]
    """Names of the classes that the library registers: layers, activations, initialisers, regularisers, constraints."""
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was left out, in sentences."""
        return [
            f"{what} of {', '.join(layers)}: left out, for inference does not need it and TensorFlow.js does not know"
            " it or would change the weights by it."
            for what, layers in self.left_out.items()
        ]


def convert_model(model: Mapping[str, Any], dialect: Dialect) -> tuple[dict[str, Any], list[str] | None]:
    """The model for TensorFlow.js, and the names of its outputs by position (None where they have only positions).

    `model`: Keras' `{"class_name", "config"}`. Raises `NoLayersModel` naming a layer.
    """
    names = output_names(model["config"].get("output_layers") if isinstance(model["config"], dict) else None)
    return convert_submodel(model, dialect), names


def output_names(outputs: Any) -> list[str] | None:
    """The keys of a model whose outputs are a dictionary."""
    if isinstance(outputs, dict):
        return [key for key, value in outputs.items() for _ in tensors(value)]
    return None


def convert_submodel(entry: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """A model, the outermost or one that is a layer of another."""
    config = entry["config"]
    if entry["class_name"] not in MODELS:
        raise NoLayersModel(f"the model is a {entry['class_name']}, and a layers model is Functional or Sequential")
    if not isinstance(config, dict):  # Sequential before Keras 2.2: the list of its layers
        config = {"layers": config}
    nested = {layer["config"].get("name") for layer in config["layers"] if layer["class_name"] in MODELS}
    layers = [convert_layer(layer, dialect, nested) for layer in config["layers"]]
    written: dict[str, Any] = {"name": config.get("name", "model"), "layers": layers}
    for side in ("input_layers", "output_layers"):
        if side in config:
            written[side] = [tensor_reference(tensor, dialect, nested) for tensor in tensors(config[side])]
    return {"class_name": entry["class_name"], "config": written}


def tensors(places: Any) -> list[list[Any]]:
    """`[layer, node, tensor]` of one tensor, of a list or of a dictionary of them, as a flat list."""
    if isinstance(places, dict):
        return [tensor for value in places.values() for tensor in tensors(value)]
    if len(places) == 3 and isinstance(places[0], str):
        return [list(places)]
    return [tensor for value in places for tensor in tensors(value)]


def tensor_reference(place: list[Any], dialect: Dialect, nested: Collection[str]) -> list[Any]:
    """A tensor by layer, node and position. In Keras 2 and TensorFlow.js the first node of a nested model is its own
    making; Keras 3 counts calls alone."""
    layer, node, position = place
    return [layer, node + (1 if dialect.keras_3 and layer in nested else 0), position]


def convert_layer(entry: Mapping[str, Any], dialect: Dialect, nested: Collection[str] = ()) -> dict[str, Any]:
    """One layer with its calls. Raises `NoLayersModel`."""
    kind, name = entry["class_name"], entry["config"].get("name", entry.get("name", ""))
    if kind in MODELS:
        written = convert_submodel(entry, dialect)
    elif kind not in dialect.known:
        raise NoLayersModel(f"the layer '{name}' is a {kind}, which TensorFlow.js has not as a layer")
    else:
        written = {"class_name": kind, "config": convert_config(kind, name, entry["config"], dialect)}
    if "inbound_nodes" in entry:
        calls = [convert_call(entry, node, dialect, nested) for node in entry["inbound_nodes"]]
        written |= {"name": entry.get("name", name), "inbound_nodes": [call for call in calls if call]}
    return written


def convert_call(entry: Mapping[str, Any], node: Any, dialect: Dialect, nested: Collection[str]) -> list[Any]:
    """One call of a layer: its tensors, `[layer, node, tensor, {}]` each. Raises `NoLayersModel` for arguments that
    TensorFlow.js could not give the layer."""
    name = entry["config"].get("name", "")
    if not isinstance(node, dict):  # Keras 2: the same form
        found = [tuple(tensor) for tensor in node]
        for tensor in found:
            check_arguments(entry, tensor[3] if len(tensor) > 3 else {})
        return [[*tensor_reference(list(tensor[:3]), dialect, nested), {}] for tensor in found]
    check_arguments(entry, node["kwargs"])
    if len(node["args"]) != 1:
        raise NoLayersModel(
            f"the layer '{name}' is called with {len(node['args'])} arguments, and a layers model calls it with one"
        )
    (given,) = node["args"]
    given = given if isinstance(given, list) else [given]
    if not all(isinstance(one, dict) and one.get("class_name") == "__keras_tensor__" for one in given):
        raise NoLayersModel(
            f"the layer '{name}' is called with constants, and a layers model calls it with tensors alone"
        )
    return [[*tensor_reference(one["config"]["keras_history"], dialect, nested), {}] for one in given]


def check_arguments(entry: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises `NoLayersModel` for an argument that would change what the layer computes."""
    for key, value in arguments.items():
        said = value is not None and value is not False
        if said and not (key == "training" and entry["class_name"] in NO_TRAINING):
            name = entry["config"].get("name", "")
            raise NoLayersModel(f"the layer '{name}' is called with `{key}`, which a layers model does not keep")


def convert_config(kind: str, name: str, config: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """The configuration of a layer that the library knows. Raises `NoLayersModel`."""
    written: dict[str, Any] = {}
    for key, value in config.items():
        if key in TRAINING_ALONE or value in FORGOTTEN.get(key, ()):
            continue
        if key in REFUSED and value not in REFUSED[key]:
            raise NoLayersModel(f"the layer '{name}' has {key} = {str(value).lower()}, which TensorFlow.js has not")
        if key == "dtype":
            written[key] = convert_type(kind, name, value)
        elif key == "batch_shape":
            written["batch_input_shape"] = value
        elif key == "negative_slope" and kind == "LeakyReLU":
            written["alpha"] = value
        elif key.endswith("activation"):
            written[key] = convert_activation(name, value, dialect)
        elif key.endswith(("_initializer", "_regularizer", "_constraint")):
            written[key] = for_training(name, key, value, dialect)
        elif key in INNER and value is not None:
            inner = value if isinstance(value, list) else [value]
            made = [convert_layer(one, dialect) for one in inner]
            written[key] = made if isinstance(value, list) else made[0]
        elif key != "backward_layer":
            written[key] = value
    if kind == "Bidirectional":
        check_backward_layer(name, config)
        forward = written["layer"]["config"]
        forward["name"] = str(forward["name"]).removeprefix("forward_")  # both libraries put it before the name
    return written


def convert_type(kind: str, name: str, policy: Any) -> str:
    """The type by name of a Keras dtype policy; of an input, the one that a page feeds. Raises `NoLayersModel`."""
    stated = policy["config"].get("name") if isinstance(policy, dict) else policy
    if kind == "InputLayer":
        return PAGE_INPUTS.get(str(stated), str(stated))
    if stated not in (None, "float32", "int32", "bool"):
        raise NoLayersModel(f"the layer '{name}' computes in {stated}, and TensorFlow.js in float32")
    return str(stated or "float32")


def convert_activation(name: str, value: Any, dialect: Dialect) -> Any:
    """An activation by the name that the library has for it. Raises `NoLayersModel`."""
    if value is None:
        return value
    if not isinstance(value, str):
        raise NoLayersModel(
            f"the layer '{name}' has an activation with settings of its own, which a layers model has not"
        )
    if dialect.keras_3 and value in OTHER_IN_KERAS_3:
        raise NoLayersModel(f"the layer '{name}' has the activation {value}: {OTHER_IN_KERAS_3[value]}")
    renamed = SAME_ACTIVATION.get(value, value)
    if camel_case(renamed) not in dialect.known:
        raise NoLayersModel(f"the layer '{name}' has the activation {value}, which TensorFlow.js has not")
    return renamed


def camel_case(name: str) -> str:
    """A name as the library turns every string of a description."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def for_training(name: str, key: str, value: Any, dialect: Dialect) -> Any:
    """An initialiser or regulariser, neither of which takes part in inference: as the library knows it, or left out
    with a note, as are all constraints."""
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    kind, settings = value["class_name"], value.get("config") or {}
    if key.endswith("_constraint"):  # TensorFlow.js imposes it on the weights when it loads them, and changes them
        dialect.left_out.setdefault(f"{key} {kind}", []).append(f"'{name}'")
        return None
    if kind in ("L1", "L2"):
        return {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.0, **settings}}
    if kind in dialect.known:
        known = {one: setting for one, setting in settings.items() if setting is not None}
        return {"class_name": kind, "config": known}
    dialect.left_out.setdefault(f"{key} {kind}", []).append(f"'{name}'")
    return {"class_name": "Zeros", "config": {}} if key.endswith("_initializer") else None


def check_backward_layer(name: str, config: Mapping[str, Any]) -> None:
    """TensorFlow.js makes the backward layer from the forward one. Raises `NoLayersModel` where it would be another."""
    backward = config.get("backward_layer")
    if backward is None:
        return

    def compared(layer: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in layer["config"].items() if key not in ("name", "go_backwards")}

    forward = config["layer"]
    if backward["class_name"] != forward["class_name"] or compared(backward) != compared(forward):
        raise NoLayersModel(f"the layer '{name}' has a backward layer that is not like its forward one")
