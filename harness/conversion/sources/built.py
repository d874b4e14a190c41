"""Objects that Python code built: Keras models, `tf.Module`s, `tf.function`s, concrete functions, JAX functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.conversion.sources import export, jax_function, keras_model
from harness.conversion.sources.request import BadSource, Exported, Request
from harness.model import TensorSpec


def export_built(built: Any, request: Request, origin: str) -> Exported:
    """Export whatever `built` is; `origin` ends the sentence that says what it was. Raises `BadSource`."""
    import keras
    import tensorflow as tf

    is_keras = keras_model.is_keras_3(built) or keras_model.is_keras_2(built)
    if request.signature and (is_keras or not isinstance(built, tf.Module)):
        raise BadSource(
            f"{request.function} returned a {type(built).__name__}, which has no function '{request.signature}' to"
            " choose; leave `signature` out, or return a tf.Module that has it."
        )
    if keras_model.is_keras_3(built):
        facts = keras_model.export_keras_3(built, request).facts
        return Exported(f"a Keras {keras.__version__.split('.')[0]} model, {origin}", facts=facts)
    if keras_model.is_keras_2(built):
        facts = keras_model.export_keras_2(built, request).facts
        return Exported(f"a Keras 2 (tf_keras) model, {origin}", facts=facts)
    if isinstance(built, Path | str):
        raise BadSource(f"{request.function} returned a path; name that file or folder as the model's `path`.")
    if hasattr(built, "structured_input_signature"):
        return export_concrete(built, request, f"a concrete function, {origin}")
    if callable(getattr(built, "get_concrete_function", None)):
        return export_function(tf.Module(), built, request, f"a tf.function, {origin}")
    if isinstance(built, tf.Module):
        return export_module(built, request, origin)
    if jax_function.is_one(built):
        return jax_function.export_jax(built, request, origin)
    raise BadSource(
        f"{request.function or request.path} returned a {type(built).__name__}; return a Keras model, a tf.Module, a"
        " tf.function, a concrete function or a JAX function."
    )


def export_module(module: Any, request: Request, origin: str) -> Exported:
    """The method that the user named, else `serve`, else `__call__`."""
    names = [request.signature] if request.signature else ["serve", "__call__"]
    for name in names:
        method = getattr(module, name, None)
        if callable(getattr(method, "get_concrete_function", None)):
            return export_function(module, method, request, f"a tf.Module with a function {name}, {origin}")
    methods = [name for name in dir(module) if callable(getattr(getattr(module, name), "get_concrete_function", None))]
    raise BadSource(
        f"the tf.Module has no tf.function called {' or '.join(names)}; it has {', '.join(methods) or 'none at all'}."
    )


def export_function(module: Any, function: Any, request: Request, recognised: str) -> Exported:
    """A `tf.function`: with its own input signature, or traced with the declared inputs."""
    stated = stated_inputs(function, needed=not request.inputs)
    specs = export.static_specs(stated, request) if stated else export.declared_specs(request.inputs)
    module.exported_function = function  # keeps what it captured

    def call(**inputs: Any) -> Any:  # a stated input is named by its spec, and its parameter perhaps otherwise
        given = list(stated)[: positional_count(function)] if stated else []
        return function(*(inputs[name] for name in given), **{n: v for n, v in inputs.items() if n not in given})

    export.save(module, call, specs, request.saved_model)
    export.save_again(request.saved_model)
    return Exported(recognised, facts={"open_dimensions": export.open_dimensions(stated)})


def positional_count(function: Any) -> int:
    """How many of a `tf.function`'s stated inputs are taken by position."""
    return len(function.get_concrete_function().structured_input_signature[0])


def stated_inputs(function: Any, *, needed: bool) -> dict[str, Any]:
    """Specs by parameter name of a `tf.function` with an `input_signature`; nothing for one without. Raises `BadSource`
    there if they are needed."""
    try:
        arguments, keywords = function.get_concrete_function().structured_input_signature
    except (TypeError, ValueError) as error:
        if getattr(function, "input_signature", None) is not None:  # it does, and cannot be traced
            raise
        if not needed:
            return {}
        raise BadSource(
            "the tf.function states no input signature; give it one, or declare [models.NAME.inputs] in harness.toml."
        ) from error
    named = {spec.name or f"input_{index}": spec for index, spec in enumerate(arguments)}
    return {**named, **keywords}


def export_concrete(function: Any, request: Request, recognised: str) -> Exported:
    """A concrete function, called by position where its parameters are positional."""
    import tensorflow as tf

    arguments, keywords = function.structured_input_signature
    positional = [spec.name or f"input_{index}" for index, spec in enumerate(arguments)]
    stated = {**dict(zip(positional, arguments, strict=True)), **keywords}
    if any(not isinstance(spec, tf.TensorSpec) for spec in stated.values()):
        raise BadSource("the concrete function takes something other than plain tensors; give it one tensor an input.")

    def call(**inputs: Any) -> Any:
        return function(*(inputs[name] for name in positional), **{name: inputs[name] for name in keywords})

    module = tf.Module()
    module.exported_function = function
    export.save(module, call, export.static_specs(stated, request), request.saved_model)
    return Exported(recognised, facts={"open_dimensions": export.open_dimensions(stated)})


def declared(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, TensorSpec]:
    """Declared inputs from JSON."""
    return {name: TensorSpec(name, tuple(spec["shape"]), spec["dtype"]) for name, spec in specs.items()}
