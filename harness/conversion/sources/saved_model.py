"""A SavedModel: the signature that the user names, else `serving_default`, else the only one."""

from __future__ import annotations

from typing import Any

from harness.conversion.sources import export as exporting
from harness.conversion.sources.request import BadSource, Exported, Request


def export(request: Request) -> Exported:
    """Export the chosen signature again, with static shapes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(request.path))
    signatures = dict(getattr(loaded, "signatures", {}))
    if not signatures and not request.signature and callable(loaded):
        from harness.conversion.sources import hub

        return hub.export(request)
    name = choose(signatures, request)
    how = "chosen by name" if request.signature else "the only one" if len(signatures) == 1 else "by default"
    facts = export_signature(loaded, signatures[name], request)
    others = sorted(set(signatures) - {name})
    beside = f"; it also has {', '.join(others)}" if others else ""
    return Exported(f"a SavedModel (it has saved_model.pb), signature {name} ({how}{beside})", facts=facts)


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


def export_signature(loaded: Any, function: Any, request: Request) -> dict[str, Any]:
    """Save one signature of a loaded model; returns facts."""
    import tensorflow as tf

    specs = dict(sorted(function.structured_input_signature[1].items()))
    if not specs:
        raise BadSource(f"the chosen signature of {request.path} takes no inputs; choose another with `signature`.")
    module = tf.Module()
    module.loaded = loaded  # keeps the variables
    static = exporting.static_specs(specs, request.shapes)
    exporting.save(module, lambda **inputs: function(**inputs), static, request.saved_model)
    return {"open_dimensions": exporting.open_dimensions(specs), "signatures": sorted(loaded.signatures)}
