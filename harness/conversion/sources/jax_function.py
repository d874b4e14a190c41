"""JAX functions, by way of jax2tf: the deprecated `TFLiteConverter.experimental_from_jax` offers nothing more."""

from __future__ import annotations

import inspect
from typing import Any

from harness.conversion.sources import export
from harness.conversion.sources.request import BadSource, Exported, Request


def is_one(built: Any) -> bool:
    """A jitted function, or any plain Python callable: traced by JAX, it must be made of JAX operations."""
    return (
        type(built).__module__.split(".")[0] in ("jax", "jaxlib")
        or inspect.isfunction(built)
        or inspect.ismethod(built)
    )


def export_jax(function: Any, request: Request, origin: str) -> Exported:
    """Trace with the declared inputs, in their order or by the names of the parameters; plain TensorFlow operators, no
    XlaCallModule, which no converter takes."""
    import jax
    import tensorflow as tf
    from jax.experimental import jax2tf

    if not request.inputs:
        raise BadSource(
            "a JAX function states no shapes; declare each input in harness.toml, as"
            " `[models.NAME.inputs]` `x = { shape = [1, 4] }`."
        )
    parameters = list(inspect.signature(function).parameters)
    by_name = set(request.inputs) <= set(parameters)
    names = [name for name in parameters if name in request.inputs] if by_name else list(request.inputs)
    # Without gradients there would be PreventGradient operators, which TensorFlow.js has not; with them none is saved.
    converted = jax2tf.convert(function, native_serialization=False, enable_xla=False, with_gradient=True)

    def call(**inputs: Any) -> Any:
        values = [inputs[name] for name in names]
        return converted(**dict(zip(names, values, strict=True))) if by_name else converted(*values)

    export.save(tf.Module(), call, export.declared_specs(request.inputs), request.saved_model)
    return Exported(f"a JAX function (jax {jax.__version__}, by jax2tf), {origin}")
