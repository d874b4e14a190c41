"""TensorFlow.js layers models: made from a Keras model, loaded once before they are believed, read, run as reference.

Runs in the converter's environment, beside `converter.py`; never in the engine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

LOADER = Path(__file__).parent / "layers_loader" / "load.cjs"
LOAD_SECONDS = 300


class NotLayers(Exception):
    """There is no Keras model to make a layers model of."""

    harness_kind = "unsupported"


class Unloadable(Exception):
    """The converter claims success, and TensorFlow.js cannot load or run what it wrote."""

    harness_kind = "failed"


def convert(keras_file: Path, options: Mapping[str, Any], shard_bytes: int, output: Path) -> None:
    """Write `model.json` and its shards from a Keras `.h5`. Raises `NotLayers`, `Unloadable`."""
    if not keras_file.is_file():
        raise NotLayers("a layers model is made from a Keras model, and this source is none; take a graph variant")
    stub_imports()
    from tensorflowjs.converters import keras_h5_conversion
    from tensorflowjs.converters.converter import dispatch_keras_h5_to_tfjs_layers_model_conversion

    assert keras_h5_conversion
    stored = options["weights"]
    dispatch_keras_h5_to_tfjs_layers_model_conversion(
        str(keras_file),
        str(output),
        quantization_dtype_map=None if stored == "float32" else {stored: "*"},
        weight_shard_size_bytes=shard_bytes,
    )
    load_once(output / "model.json", options["resources"])


def stub_imports() -> None:
    """tensorflowjs imports packages that take no part here and break where their versions drift."""
    for name in ("tensorflow_decision_forests", "tensorflow_hub"):
        sys.modules.setdefault(name, ModuleType(name))


def load_once(path: Path, resources: Mapping[str, str]) -> dict[str, Any]:
    """What TensorFlow.js finds in the model when it loads and runs it. Raises `Unloadable` in its words."""
    done = subprocess.run(
        [resources["node"], str(LOADER), str(path), resources["modules"]],
        capture_output=True,
        text=True,
        timeout=LOAD_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    print(done.stderr, file=sys.stderr)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        answer = {"error": f"Node.js ended with exit code {done.returncode}"}
    if "error" in answer:
        reason = " ".join(answer["error"].split())[:400]
        raise Unloadable(f"the converter reported success and TensorFlow.js cannot load the layers model: {reason}")
    return answer


def keras_model(path: Path) -> Any:
    """The model of a `model.json` as a `tf_keras` model with the artifact's own weights."""
    stub_imports()
    import tensorflowjs

    return tensorflowjs.converters.load_keras_model(str(path))


def inspect(path: Path) -> dict[str, Any]:
    """Inputs, outputs, and layers by class with their counts."""
    model = keras_model(path)
    operators: dict[str, int] = {}
    for layer in model.layers:
        kind = type(layer).__name__
        if kind != "InputLayer":
            operators[kind] = operators.get(kind, 0) + 1
    return {
        "inputs": [info(tensor.name.split(":")[0], tensor, i) for i, tensor in enumerate(model.inputs)],
        "outputs": [info(f"output_{i}", tensor, i) for i, tensor in enumerate(model.outputs)],
        "operators": dict(sorted(operators.items())),
    }


def info(name: str, tensor: Any, index: int) -> dict[str, Any]:
    """A tensor of the model in the shape of `harness.artifact.TensorInfo`; open dimensions are one."""
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    return {
        "name": name,
        "tensor": tensor.name.split(":")[0].split("/")[0],
        "index": index,
        "shape": [1 if size is None else int(size) for size in tensor.shape],
        "dtype": dtype if dtype in ("float32", "int32", "bool") else "float32",
        "quantisation": None,
    }


def reference(path: Path, inspected: Mapping[str, Any], samples: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """`tf_keras` on the artifact's own weights, as its shards hold them."""
    import tf_keras

    model = keras_model(path)
    rows = []
    for index in range(len(next(iter(samples.values())))):
        values = [samples[described["name"]][index] for described in inspected["inputs"]]
        result = model(values[0] if len(values) == 1 else values, training=False)
        rows.append([np.asarray(value) for value in (result if isinstance(result, (list, tuple)) else [result])])
    columns = zip(*rows, strict=True)
    outputs = {described["name"]: np.stack(c) for described, c in zip(inspected["outputs"], columns, strict=True)}
    return f"tf_keras {tf_keras.__version__} on the artifact's own weights", outputs
