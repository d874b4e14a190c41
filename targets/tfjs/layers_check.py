"""Checks a layers model: TensorFlow.js loads it, and what it understood is compared with the model.

TensorFlow.js passes over every setting that it does not know, in silence: the model then loads, runs and computes
something else. Runs in the converter's environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .layers_dialect import INNER, MODELS, NoLayersModel, camel_case
from .problems import Broken

SCRIPT = Path(__file__).with_name("layers_in_node.cjs")
SECONDS = 300

ANY = object()
UNREAD: dict[str, tuple[Any, ...]] = {
    "name": (ANY,),
    "trainable": (ANY,),
    "dtype": (ANY,),
    "implementation": (ANY,),
    "momentum": (ANY,),
    "zero_output_for_mask": (ANY,),
    "batch_input_shape": (ANY,),
    "input_length": (ANY,),
    "depth_multiplier": (ANY,),  # it is heeded, or the weights have another shape
    "noise_shape": (None,),
    "data_format": ("channels_last", None),
    "output_padding": (None,),
    "dilation_rate": (1, [1], [1, 1], [1, 1, 1]),
    "groups": (1,),
    "sparse": (False,),
    "ragged": (False,),
    "synchronized": (False,),
    "time_major": (False,),
    "reset_after": (False,),
    "keepdims": (False,),
    "threshold": (0, 0.0),
    "negative_slope": (0, 0.0),
    "crop_to_aspect_ratio": (False,),
    "pad_to_aspect_ratio": (False,),
    "antialias": (False,),
    "fill_mode": (ANY,),
    "fill_value": (ANY,),
    "dropout": (ANY,),
    "recurrent_dropout": (ANY,),
    "rate": (ANY,),
    "stddev": (ANY,),
}
"""Settings that the library need not read, with the values for which that is so: they play no part in inference, or
the value is what it does anyway."""


def classes(resources: Mapping[str, str]) -> frozenset[str]:
    """The names that the layers library registers, as they were read from it when the bundles were installed."""
    return frozenset(json.loads((Path(resources["bundles"]) / "kernels.json").read_bytes())["classes"])


def load_once(path: Path, resources: Mapping[str, str]) -> dict[str, Any]:
    """What TensorFlow.js made of a model that it has loaded and run: `read`, a Keras description, `values` by layer
    and `outputs`. Raises `NoLayersModel` in its words where it says them of one layer, and else `Broken`."""
    done = subprocess.run(
        [resources["node"], str(SCRIPT), str(path), resources["bundles"]],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    print(done.stderr, file=sys.stderr)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        answer = {"error": f"Node.js ended with exit code {done.returncode}"}
    if "error" in answer:
        reason = textwrap.shorten(answer["error"], 400, placeholder="…")
        if answer.get("layer"):
            raise NoLayersModel(f"TensorFlow.js does not take the layer '{answer['layer']}' ({reason})")
        raise Broken(f"the converter reported success and TensorFlow.js cannot load the layers model: {reason}")
    return answer


def check_understood(written: Mapping[str, Any], read: Mapping[str, Any]) -> None:
    """Raises `NoLayersModel` naming the first layer of `written` with a setting that `read` has lost or changed."""
    for name, key, value in lost_settings(written, read):
        what = f"the layer '{name}' has {key} = {json.dumps(value)}"
        raise NoLayersModel(f"{what}, which TensorFlow.js does not heed")


def lost_settings(written: Mapping[str, Any], read: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Layer, key and value of every setting that was lost, in a model and the models and layers inside it."""
    if written["class_name"] in MODELS:
        config = read["config"]
        found = config if isinstance(config, list) else config["layers"]
        by_name = {layer["config"].get("name"): layer for layer in found}
        for layer in written["config"]["layers"]:
            # A Sequential model is read without its input layer, which says nothing but a shape.
            if layer["config"].get("name") in by_name:
                yield from lost_settings(layer, by_name[layer["config"].get("name")])
        return
    config, name = written["config"], written["config"].get("name", "")
    for key, value in config.items():
        heard = read["config"].get(key)
        if key.endswith(("_initializer", "_regularizer", "_constraint")):
            continue
        if key in INNER and isinstance(value, dict) and isinstance(heard, dict):
            yield from lost_settings(value, heard)
        elif key == "axis" and counted_from_the_front(value, heard):
            continue
        elif not same(value, heard) and not any(one is ANY or one == value for one in UNREAD.get(key, ())):
            yield name, key, value


def counted_from_the_front(value: Any, heard: Any) -> bool:
    """Whether an axis that was counted from the end has come to be counted from the front."""
    pairs = zip(value, heard, strict=False) if isinstance(value, list) and isinstance(heard, list) else [(value, heard)]
    return all(said == found or (said < 0 <= found) for said, found in pairs if found is not None)


def same(value: Any, heard: Any) -> bool:
    """Whether the library has heard what was said; one number may stand for a list of equal ones."""
    if value is None:
        return True
    if isinstance(value, list) and isinstance(heard, list):
        return len(value) == len(heard) and all(map(same, value, heard))
    if isinstance(heard, list) or isinstance(value, list):
        many, one = (heard, value) if isinstance(heard, list) else (value, heard)
        return all(same(one, element) for element in many)
    if isinstance(value, str) and isinstance(heard, str):
        return camel_case(value) == camel_case(heard)
    if isinstance(value, (int, float)) and isinstance(heard, (int, float)):
        return bool(abs(value - heard) <= 1e-6 * max(1.0, abs(value)))
    return bool(value == heard)
