"""A Python entry point, `package.module:function`: the user's own code, run in the conversion child alone."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from harness.conversion.sources.built import export_built
from harness.conversion.sources.request import BadSource, Exported, Request, first_line


def export(request: Request) -> Exported:
    """Import, call without arguments, export what came back.

    The function may itself be the model: a `tf.function`, a jitted JAX function, or a plain one that takes arguments.
    """
    found = find(request)
    origin = f"from the entry point {request.function}"
    takes_arguments = bool(request.inputs) and not hasattr(found, "get_concrete_function") and required(found)
    if not callable(found) or hasattr(found, "get_concrete_function") or takes_arguments or is_jitted(found):
        return export_built(found, request, origin)
    try:
        built = found()
    except Exception as error:
        raise BadSource(f"{request.function} raised {type(error).__name__}: {first_line(error)}.") from error
    return export_built(built, request, origin)


def find(request: Request) -> Any:
    """The object that the entry point names. Raises `BadSource`."""
    module_name, _, attribute = request.function.partition(":")
    # The fork ends after this job, so what is put on the path here goes with it.
    sys.path.insert(0, str(request.path))
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise BadSource(
            f"the entry point's module {module_name} cannot be imported from {request.path}"
            f" ({type(error).__name__}: {error})."
        ) from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise BadSource(f"{module_name} has no '{attribute}'; correct the entry point {request.function}.")
        found = getattr(found, part)
    return found


def required(function: Callable[..., Any]) -> bool:
    """Whether a call without arguments would fail: the function is then the model itself."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(
        parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        for parameter in parameters
    )


def is_jitted(found: Any) -> bool:
    """A function that JAX compiled is the model; so is any instance (a Keras model), which is not to be called."""
    import inspect

    return not (inspect.isfunction(found) or inspect.isclass(found) or inspect.isbuiltin(found))
