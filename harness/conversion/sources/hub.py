"""A TF Hub module in a local folder: TF1's hub format, or a SavedModel of TF2 that is called and has no signatures."""

from __future__ import annotations

from typing import Any

from harness.conversion.sources import export as exporting
from harness.conversion.sources.request import BadSource, Exported, Request
from harness.conversion.sources.signatures import choose, export_signature


def export(request: Request) -> Exported:
    """Export the chosen signature, or what a call without training computes."""
    import tensorflow as tf

    is_first_format = (request.path / "tfhub_module.pb").is_file()
    try:
        loaded = tf.saved_model.load(str(request.path), tags=[] if is_first_format else None)
    except (ValueError, RuntimeError):  # the mark of TF1's format on a SavedModel with tags
        loaded = tf.saved_model.load(str(request.path))
    signatures = dict(getattr(loaded, "signatures", {}))
    mark = "it has tfhub_module.pb" if is_first_format else "its SavedModel is called, and has no signatures"
    if request.signature or exporting.SIGNATURE in signatures or not callable(loaded):
        if is_first_format and not request.signature and "default" in signatures:
            name = "default"
        else:
            name = choose(signatures, request)
        facts = export_signature(loaded, name, request)
        return Exported(f"a TF Hub module ({mark}), signature {name}", facts=facts)
    facts = export_call(loaded, request)
    return Exported(f"a TF Hub module ({mark}), by its __call__", facts=facts)


def export_call(loaded: Any, request: Request) -> dict[str, Any]:
    """The concrete function of `__call__` for inference. Raises `BadSource` where none takes plain tensors."""
    import tensorflow as tf

    candidates = [concrete for concrete in loaded.__call__.concrete_functions if plain_inputs(concrete)]
    if not candidates:
        raise BadSource(f"{request.path} has no function that takes tensors alone; save it with `signatures=`.")
    concrete = min(candidates, key=is_training)
    arguments, keywords = concrete.structured_input_signature
    stated = {
        spec.name or f"input_{index}": spec for index, spec in enumerate(arguments) if isinstance(spec, tf.TensorSpec)
    }

    def call(**inputs: Any) -> Any:
        waiting = iter(inputs[name] for name in stated)
        given = [next(waiting) if isinstance(spec, tf.TensorSpec) else spec for spec in arguments]
        return loaded(*given, **keywords)

    module = tf.Module()
    module.loaded = loaded
    exporting.save(module, call, exporting.static_specs(stated, request), request.saved_model)
    return {"open_dimensions": exporting.open_dimensions(stated)}


def plain_inputs(concrete: Any) -> bool:
    """Whether it takes tensors by position, and by keyword nothing but constants."""
    import tensorflow as tf

    arguments, keywords = concrete.structured_input_signature
    tensors = [value for value in arguments if isinstance(value, tf.TensorSpec)]
    constants = [value for value in arguments if not isinstance(value, tf.TensorSpec)]
    simple = all(
        value is None or isinstance(value, bool | int | float | str) for value in [*constants, *keywords.values()]
    )
    return bool(tensors) and simple


def is_training(concrete: Any) -> bool:
    """Whether a constant argument of it is True, as `training` is."""
    arguments, keywords = concrete.structured_input_signature
    return any(value is True for value in [*arguments, *keywords.values()])
