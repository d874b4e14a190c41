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


def has_tables(function: Any) -> bool:
    """Whether a signature looks anything up in a table, which has to be filled first."""
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    return any("Table" in node.op for node in nodes)


def export_signature(loaded: Any, name: str, request: Request) -> dict[str, Any]:
    """Save one signature of a loaded model; returns facts."""
    import tensorflow as tf

    function = loaded.signatures[name]
    specs = dict(sorted(function.structured_input_signature[1].items()))
    if not specs:
        raise BadSource(f"the chosen signature of {request.path} takes no inputs; choose another with `signature`.")
    module = tf.Module()
    if getattr(loaded, "initializer", None) is not None and not has_tables(function):
        # A SavedModel of TensorFlow 1 brings a function that fills its tables; tensorflowjs fails on one with nothing
        # to fill, so that the variables alone are kept.
        module.variables_of_the_signature = list(function.variables)
    else:
        module.loaded = loaded  # keeps variables and tables
    static = exporting.static_specs(specs, request)
    exporting.save(module, lambda **inputs: function(**inputs), static, request.saved_model)
    return {
        "open_dimensions": exporting.open_dimensions(specs),
        "signature": name,
        "signatures": sorted(loaded.signatures),
    }
