"""The signatures of a loaded SavedModel: which one is the model, and saving it in the one form."""

from __future__ import annotations

from typing import Any

from harness.conversion.sources import export as exporting
from harness.conversion.sources.request import BadSource, Request


def choose(signatures: dict[str, Any], request: Request) -> str:
    """The name of the signature to export. Raises `BadSource` naming what there is."""
    names = sorted(signatures)
    if not names:
        raise BadSource(f"{request.path} has no signature; save it with `signatures=`.")
    if request.signature:
        if request.signature not in signatures:
            raise BadSource(f"{request.path} has no signature '{request.signature}'; it has {', '.join(names)}.")
        return request.signature
    if exporting.SIGNATURE in signatures:
        return exporting.SIGNATURE
    if len(names) > 1:
        raise BadSource(
            f"{request.path} has several signatures ({', '.join(names)}) and none is called {exporting.SIGNATURE};"
            ' choose one with `signature = "NAME"` in harness.toml.'
        )
    return names[0]


def export_signature(loaded: Any, name: str, request: Request) -> dict[str, Any]:
    """Save one signature of a loaded model; returns facts."""
    import tensorflow as tf

    function = loaded.signatures[name]
    specs = dict(sorted(function.structured_input_signature[1].items()))
    if not specs:
        raise BadSource(f"the chosen signature of {request.path} takes no inputs; choose another with `signature`.")
    module = tf.Module()
    module.loaded = loaded  # keeps the variables
    static = exporting.static_specs(specs, request)
    exporting.save(module, lambda **inputs: function(**inputs), static, request.saved_model)
    return {
        "open_dimensions": exporting.open_dimensions(specs),
        "signature": name,
        "signatures": sorted(loaded.signatures),
    }
