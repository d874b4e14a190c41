"""Keras models as objects: Keras 3 and Keras 2 (`tf_keras`), wherever they come from."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from harness.conversion.sources import export
from harness.conversion.sources.request import BadSource, Exported, Request

KEPT = "keras.h5"


def is_keras_3(built: Any) -> bool:
    """Whether it is a model of the installed Keras 3."""
    import keras

    return isinstance(built, keras.Model)


def is_keras_2(built: Any) -> bool:
    """Whether it is a model of `tf_keras`; looked up without importing it."""
    return any(kind.__module__.startswith("tf_keras.") and kind.__name__ == "Model" for kind in type(built).__mro__)


def export_keras_3(model: Any, request: Request) -> Exported:
    """Exports with the model's own `export`: `tf.saved_model.save` of a Keras 3 model converts to numbers that are
    wrong.

    Where the model states no inputs (a subclass that was never called) the declared ones are taken, in their order.
    """
    stated = keras_specs(model) if getattr(model, "inputs", None) or not request.inputs else {}
    specs = export.static_specs(stated, request) if stated else export.declared_specs(request.inputs)
    chosen = list(specs.values())
    if not model.built:  # a subclassed model makes its weights at its first call
        import tensorflow as tf

        model(tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), nested(model, chosen)))
    model.export(
        str(request.saved_model),
        format="tf_saved_model",
        input_signature=[nested(model, chosen)],
        verbose=False,
    )
    return Exported("", facts={"open_dimensions": export.open_dimensions(stated), **kept(model, request.output, 3)})


def nested(model: Any, specs: list[Any]) -> Any:
    """Specs, in the order of the model's inputs, as the model takes them: one alone, a list, or a dictionary."""
    import keras

    if isinstance(model, keras.Sequential) or not getattr(model, "inputs", None):  # they have no `input` to look at
        return specs[0] if len(specs) == 1 else specs
    return keras.tree.pack_sequence_as(model.input, specs)


def export_keras_2(model: Any, request: Request) -> Exported:
    """A `tf_keras` model, called in inference mode."""
    import tensorflow as tf

    stated = keras_specs(model)
    names = list(stated)

    def call(**inputs: Any) -> Any:
        values = [inputs[name] for name in names]
        return model(values[0] if len(values) == 1 else values, training=False)

    module = tf.Module()
    module.model = model
    export.save(module, call, export.static_specs(stated, request), request.saved_model)
    return Exported("", facts={"open_dimensions": export.open_dimensions(stated), **kept(model, request.output, 2)})


def kept(model: Any, output: Path, generation: int) -> dict[str, Any]:
    """The model as `.h5` beside the SavedModel: TensorFlow.js layers models are made of nothing else."""
    with contextlib.suppress(Exception):  # subclassed models have no such form: no layers variant then
        model.save(output / KEPT, include_optimizer=False)
        return {"keras": KEPT, "keras_generation": generation}
    (output / KEPT).unlink(missing_ok=True)
    return {}


def keras_specs(model: Any) -> dict[str, Any]:
    """Specs of a Keras model's inputs as it states them, named as its input layers."""
    import tensorflow as tf

    if not getattr(model, "inputs", None):
        raise BadSource(
            "the model has no fixed inputs (it was never called); call it once, or declare [models.NAME.inputs]."
        )
    specs = {}
    for tensor in model.inputs:
        name = export.plain_name(tensor.name.split(":")[0])
        dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
        specs[name] = tf.TensorSpec(tensor.shape, dtype, name=name)
    return specs
