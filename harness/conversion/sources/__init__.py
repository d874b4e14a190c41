"""The ways in: one module each, every one of which exports its source as a SavedModel of one form.

That form has one signature, `serving_default`, of static shapes: a batch that the source leaves open becomes one; any
other open dimension takes its size from the data, or one. Runs in the converter's environment only.
"""

from __future__ import annotations

import importlib

from harness.conversion.sources.request import BadSource, Exported, Request, first_line

WAYS_IN = {
    "zoo": "zoo",
    "saved_model": "saved_model",
    "hub": "hub",
    "keras": "keras_file",
    "h5": "h5_file",
    "entry_point": "entry_point",
}
"""Kind of source (`harness.conversion.source.Kind`) → module that exports it; ready artifacts are not exported."""


def export_from(request: Request) -> Exported:
    """Export a source. Raises `BadSource` with one sentence, whatever the libraries say; lack of memory, which is no
    fault of the source, is let through."""
    import tensorflow as tf

    module = importlib.import_module(f"{__name__}.{WAYS_IN[request.kind]}")
    try:
        exported: Exported = module.export(request)
    except (BadSource, MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:
        what = f"{request.path} cannot be loaded as {request.kind.replace('_', ' ')}"
        if request.function:
            what = f"the model of the entry point {request.function} cannot be exported"
        hint = ""
        if request.guessed:
            hint = (
                f"; the open sizes of {', '.join(request.guessed)} were made one: give them by `data` or in"
                " [models.NAME.inputs]"
            )
        raise BadSource(f"{what} ({type(error).__name__}: {first_line(error)}){hint}.") from error
    return exported
