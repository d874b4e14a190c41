"""Writing the one form: static shapes, one signature, outputs by name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.conversion.sources.comparable import check_comparable, check_plain
from harness.conversion.sources.request import BadSource, Request
from harness.model import TensorSpec

SIGNATURE = "serving_default"
NAMES = "names.json"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""What TensorFlow's saver takes for the name of an input or output."""


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


def plain_name(name: str) -> str:
    """A name as TensorFlow's signatures take it: anything but letters, digits and `_` becomes `_`."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain[:1].isalpha() else f"input_{plain}"


def only(shapes: Mapping[str, tuple[int, ...]], name: str, count: int) -> tuple[int, ...] | None:
    """The data's shape for an input; the only one where there is one input and one array, whatever its name. `shapes`
    has plain names."""
    if count == 1 and len(shapes) == 1:
        return next(iter(shapes.values()))
    return shapes.get(plain_name(name))


def static_specs(specs: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The specs that a source states, by name, with static shapes: open sizes are those of the declared input, else of
    the data, else one. Raises `BadSource` for one of unknown rank, and for a declared input that contradicts them."""
    import tensorflow as tf

    filled = {}
    declared = {plain_name(name): spec.shape for name, spec in request.inputs.items()}
    for name, spec in specs.items():
        if spec.shape.rank is None:
            raise BadSource(f"input '{name}' has no shape at all; save the model with an input signature.")
        asked = declared.get(plain_name(name), ())
        if len(asked) == spec.shape.rank:
            shape = [size if stated is None else stated for size, stated in zip(asked, spec.shape, strict=True)]
        else:
            sizes = only(request.shapes, name, len(specs))
            shape = static(spec.shape, sizes)
            if sizes is None and None in list(spec.shape)[1:]:
                request.guessed.append(name)
        filled[name] = tf.TensorSpec(shape, spec.dtype, name=name)
    check_declared(request.inputs, {name: (spec.shape.as_list(), spec.dtype.name) for name, spec in filled.items()})
    return filled


def check_declared(declared: Mapping[str, TensorSpec], taken: Mapping[str, tuple[list[int], str]]) -> None:
    """Raise `BadSource` where [models.NAME.inputs] declares an input that the model has not, or has otherwise.

    `taken`: the model's inputs, name → (shape, dtype).
    """
    known = {plain_name(name): what for name, what in taken.items()}
    for name, spec in declared.items():
        if plain_name(name) not in known:
            raise BadSource(
                f"[models.NAME.inputs] declares '{name}', and the model has no such input; it has {', '.join(taken)}."
            )
        shape, dtype = known[plain_name(name)]
        if (list(spec.shape), spec.dtype) != (shape, dtype):
            said = f"[models.NAME.inputs] declares '{name}' as {spec.dtype} {list(spec.shape)}"
            raise BadSource(f"{said}, and the model takes {dtype} {shape}; correct it or leave it out.")


def open_dimensions(specs: Mapping[str, Any]) -> dict[str, list[int | None]]:
    """Shapes of the inputs that leave a dimension open, as the source has them."""
    shapes = {name: spec.shape.as_list() for name, spec in specs.items() if spec.shape.rank is not None}
    return {name: shape for name, shape in shapes.items() if None in shape}


def declared_specs(inputs: Mapping[str, TensorSpec]) -> dict[str, Any]:
    """TensorFlow's specs of declared inputs."""
    import tensorflow as tf

    return {name: tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in inputs.items()}


def save(module: Any, function: Any, specs: Mapping[str, Any], output: Path) -> None:
    """Save `function` (called with keyword arguments) as the one signature of `module`.

    What is saved is called by plain names, as TensorFlow loads signatures of any names and saves no others; which
    names they stand for is kept in `names.json` beside it (`names_of`).
    """
    import tensorflow as tf

    inputs, outputs = plain_names(specs), {}
    said: list[BadSource] = []

    def serve(**given: Any) -> dict[str, Any]:
        try:
            results = named_outputs(function(**{name: given[plain] for name, plain in inputs.items()}))
        except BadSource as error:
            said.append(error)
            raise
        outputs.update(plain_names(results))
        return {outputs[name]: value for name, value in results.items()}

    plain_specs = {
        inputs[name]: tf.TensorSpec(spec.shape, spec.dtype, name=inputs[name]) for name, spec in specs.items()
    }
    try:
        concrete = tf.function(serve).get_concrete_function(**plain_specs)
    except BadSource as error:
        raise (said or [error])[0] from error  # AutoGraph tells where it was raised, before what it says
    meant = {
        side: {plain: name for name, plain in names.items() if plain != name}
        for side, names in (("inputs", inputs), ("outputs", outputs))
    }
    if any(meant.values()):
        output.with_name(NAMES).write_text(json.dumps(meant), encoding="utf-8")
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)  # nobody trains it
    tf.saved_model.save(module, str(output), signatures={SIGNATURE: concrete}, options=options)


def save_again(output: Path) -> None:
    """Load what was saved and save it once more: variables that a Keras 3 model holds inside a `tf.Module` are frozen
    by TFLite's converter only when they come from a SavedModel that was loaded."""
    import tensorflow as tf

    first = output.with_name("saved_model_first")
    output.rename(first)
    loaded = tf.saved_model.load(str(first))
    function = loaded.signatures[SIGNATURE]
    module = tf.Module()
    module.loaded = loaded
    save(module, lambda **inputs: function(**inputs), function.structured_input_signature[1], output)
    shutil.rmtree(first)


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with one that TensorFlow saves: itself where it is one, and no two alike."""
    found: dict[str, str] = {}
    for name in names:
        plain = name if PLAIN.fullmatch(name) else plain_name(name)
        while plain in found.values():
            plain += "_"
        found[name] = plain
    return found


def names_of(output: Path) -> dict[str, dict[str, str]]:
    """Names in the SavedModel → names in the source, where they differ, for the `inputs` and `outputs` of a
    preparation's folder. Deletes the file that they were kept in."""
    path = output / NAMES
    if not path.is_file():
        return {"inputs": {}, "outputs": {}}
    found: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return found


def named_outputs(results: Any) -> dict[str, Any]:
    """Outputs by name: a dictionary's own names, else `output_0` and so on. Raises `BadSource` where there are none,
    and for one that is not a single tensor of numbers."""
    import tensorflow as tf

    if isinstance(results, Mapping):
        named = {str(name): value for name, value in results.items()}
    else:
        many = results if isinstance(results, (list, tuple)) else [results]
        named = {f"output_{index}": value for index, value in enumerate(many)}
    named = {name: value for name, value in named.items() if value is not None}
    if not named:
        raise BadSource("the function returns nothing; return a tensor, a list or a dictionary of tensors.")
    tensors = {}
    for name, value in named.items():
        check_plain(name, value)
        tensors[name] = tf.convert_to_tensor(value)
        check_comparable(name, tensors[name].dtype.name)
    return tensors


def signature(saved_model: Path) -> list[dict[str, Any]]:
    """Inputs of the exported signature: name, static shape, dtype; in the order of their names. Raises `BadSource` for
    an output that cannot be compared."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    exported = saved.meta_graphs[0].signature_def[SIGNATURE]
    for name, output in exported.outputs.items():
        check_comparable(name, tf.dtypes.as_dtype(output.dtype).name)
    return [
        {
            "name": name,
            "shape": [dimension.size for dimension in tensor.tensor_shape.dim],
            "dtype": tf.dtypes.as_dtype(tensor.dtype).name,
        }
        for name, tensor in sorted(exported.inputs.items())
    ]
