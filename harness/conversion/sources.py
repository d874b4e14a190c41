"""The ways in: every source becomes a SavedModel with one signature, `serving_default`, of static shapes.

Runs in the converter's environment only. A batch that the source leaves open becomes one; any other open dimension takes
its size from the data, or one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.conversion.prepare import BadSource
from harness.model import TensorSpec

SIGNATURE = "serving_default"


def export_object(built: Any, specs: Mapping[str, TensorSpec], output: Path) -> str:
    """Export what a zoo model's `build` returned; says what it was."""
    import keras
    import tensorflow as tf

    signature = {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()}
    if isinstance(built, keras.Model):
        export_keras(built, list(signature.values()), output)
        return f"a Keras {keras.__version__.split('.')[0]} model, built by the zoo"
    function = built if callable(getattr(built, "get_concrete_function", None)) else built.serve
    module = built if isinstance(built, tf.Module) else tf.Module()
    save(module, function, signature, output)
    return f"a {'tf.Module with a serve function' if module is built else 'tf.function'}, built by the zoo"


def export_keras(model: Any, specs: list[Any], output: Path) -> None:
    """A Keras 3 model by `export`: `tf.saved_model.save` of one converts to numbers that are wrong."""
    takes_list = len(specs) > 1 or isinstance(model.input, list)
    model.export(str(output), format="tf_saved_model", input_signature=[specs] if takes_list else specs, verbose=False)


def export_file(kind: str, path: Path, shapes: Mapping[str, tuple[int, ...]], output: Path) -> str:
    """Export a user's file of a recognised `kind`; says what it was. Raises `BadSource`."""
    try:
        return {"saved_model": export_saved_model, "keras": export_keras_file, "h5": export_h5}[kind](
            path, shapes, output
        )
    except BadSource:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no message"]
        raise BadSource(f"{path} cannot be loaded as {kind} ({type(error).__name__}: {lines[0][:300]}).") from error


def static(shape: Any, data_shape: tuple[int, ...] | None) -> list[int]:
    """A shape with its open dimensions filled: the batch with one, others from the data where ranks agree."""
    sizes = list(shape)
    if data_shape is not None and len(data_shape) == len(sizes) - 1:
        data_shape = (1, *data_shape)
    filled = []
    for axis, size in enumerate(sizes):
        if size is not None:
            filled.append(int(size))
        elif axis > 0 and data_shape is not None and len(data_shape) == len(sizes):
            filled.append(int(data_shape[axis]))
        else:
            filled.append(1)
    return filled


def only(shapes: Mapping[str, tuple[int, ...]], name: str, count: int) -> tuple[int, ...] | None:
    """The data's shape for an input; the only one where there is one input and one array, whatever its name."""
    if count == 1 and len(shapes) == 1:
        return next(iter(shapes.values()))
    return shapes.get(name)


def export_saved_model(path: Path, shapes: Mapping[str, tuple[int, ...]], output: Path) -> str:
    """A SavedModel: its `serving_default`, or its only signature, again with static shapes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    names = sorted(loaded.signatures)
    if not names:
        raise BadSource(f"{path} has no signature; save it with `signatures=`.")
    name = SIGNATURE if SIGNATURE in names else names[0]
    if name != SIGNATURE and len(names) > 1:
        raise BadSource(f"{path} has several signatures ({', '.join(names)}) and none is called {SIGNATURE}.")
    function = loaded.signatures[name]
    specs = function.structured_input_signature[1]
    signature = {
        key: tf.TensorSpec(static(spec.shape, only(shapes, key, len(specs))), spec.dtype, name=key)
        for key, spec in sorted(specs.items())
    }
    module = tf.Module()
    module.loaded = loaded  # keeps the variables
    save(module, lambda **inputs: function(**inputs), signature, output)
    return f"a SavedModel (it has saved_model.pb), signature {name}"


def save(module: Any, function: Any, signature: dict[str, Any], output: Path) -> None:
    """Save `function` (called with keyword arguments) as the one signature of `module`."""
    import tensorflow as tf

    def serve(**inputs: Any) -> dict[str, Any]:
        results = function(**inputs)
        if isinstance(results, dict):
            return dict(results)
        many = results if isinstance(results, (list, tuple)) else [results]
        return {f"output_{index}": value for index, value in enumerate(many)}

    concrete = tf.function(serve).get_concrete_function(**signature)
    tf.saved_model.save(module, str(output), signatures={SIGNATURE: concrete})


def export_keras_file(path: Path, shapes: Mapping[str, tuple[int, ...]], output: Path) -> str:
    """A `.keras` file (Keras 3). Lambda layers are code, and are refused by Keras' safe mode."""
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    export_keras(model, keras_specs(model, shapes), output)
    return "a Keras 3 model (a .keras file)"


def export_h5(path: Path, shapes: Mapping[str, tuple[int, ...]], output: Path) -> str:
    """An `.h5` file: Keras 3 where it can read it, else Keras 2 (`tf_keras`), by the version that the file states."""
    import h5py
    import tensorflow as tf

    with h5py.File(path, "r") as file:
        stated = file.attrs.get("keras_version", "")
        if "model_config" not in file.attrs:
            raise BadSource(f"{path} holds weights without a model; save the whole model.")
    version = stated.decode() if isinstance(stated, bytes) else str(stated)
    if version.startswith("3"):
        import keras

        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        export_keras(model, keras_specs(model, shapes), output)
        return f"a Keras 3 .h5 file (it states keras_version {version})"
    import tf_keras

    model = tf_keras.models.load_model(path, compile=False, safe_mode=True)
    specs = {spec.name: spec for spec in keras_specs(model, shapes)}
    names = list(specs)

    def call(**inputs: Any) -> Any:
        values = [inputs[name] for name in names]
        return model(values[0] if len(values) == 1 else values, training=False)

    module = tf.Module()
    module.model = model
    save(module, call, specs, output)
    return f"a Keras 2 .h5 file (it states keras_version {version or 'none'}), read by tf_keras {tf_keras.__version__}"


def keras_specs(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> list[Any]:
    """Static specs of a Keras model's inputs, named as its input layers."""
    import tensorflow as tf

    if not getattr(model, "inputs", None):
        raise BadSource("the model has no fixed inputs (it was never called); build it before saving it.")
    specs = []
    for tensor in model.inputs:
        name = tensor.name.split(":")[0]
        dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        specs.append(tf.TensorSpec(static(tensor.shape, only(shapes, name, len(model.inputs))), dtype, name=name))
    return specs


def signature(saved_model: Path) -> list[dict[str, Any]]:
    """Inputs of the exported signature: name, static shape, dtype; in the order of their names."""
    import tensorflow as tf

    function = tf.saved_model.load(str(saved_model)).signatures[SIGNATURE]
    specs = function.structured_input_signature[1]
    return [
        {"name": name, "shape": [int(size) for size in spec.shape], "dtype": spec.dtype.name}
        for name, spec in sorted(specs.items())
    ]


def run(saved_model: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """TensorFlow's own outputs, one sample at a time: arrays shaped (samples, *output shape)."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))
    function = loaded.signatures[SIGNATURE]
    collected: dict[str, list[Any]] = {}
    for sample in range(len(next(iter(inputs.values())))):
        results = function(**{name: tf.constant(values[sample]) for name, values in inputs.items()})
        for name, value in results.items():
            collected.setdefault(name, []).append(value.numpy())
    return {name: np.stack(values) for name, values in collected.items()}
