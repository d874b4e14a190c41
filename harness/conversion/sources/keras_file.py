"""A `.keras` file (Keras 3). Lambda layers are code, and are refused by Keras' safe mode."""

from __future__ import annotations

from dataclasses import replace

from harness.conversion.sources.keras_model import export_keras_3
from harness.conversion.sources.request import Exported, Request


def export(request: Request) -> Exported:
    """Load in safe mode and export."""
    import keras

    model = keras.saving.load_model(request.path, compile=False, safe_mode=True)
    exported = export_keras_3(model, request.output, request.shapes)
    return replace(exported, recognised=f"a Keras 3 model (a .keras file), read by Keras {keras.__version__}")
