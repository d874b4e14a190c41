"""A SavedModel: the signature that the user names, else `serving_default`, else the only one."""

from __future__ import annotations

from harness.conversion.sources import hub
from harness.conversion.sources.request import Exported, Request
from harness.conversion.sources.signatures import choose, export_signature


def export(request: Request) -> Exported:
    """Export the chosen signature again, with static shapes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(request.path))
    signatures = dict(getattr(loaded, "signatures", {}))
    if not signatures and not request.signature and callable(loaded):
        return hub.export(request)
    name = choose(signatures, request)
    how = "chosen by name" if request.signature else "the only one" if len(signatures) == 1 else "by default"
    facts = export_signature(loaded, name, request)
    others = sorted(set(signatures) - {name})
    beside = f"; it also has {', '.join(others)}" if others else ""
    return Exported(f"a SavedModel (it has saved_model.pb), signature {name} ({how}{beside})", facts=facts)
