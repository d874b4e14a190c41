"""A `.keras` file (Keras 3). Lambda layers are code, and are refused by Keras' safe mode."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

from harness.conversion.sources.keras_model import export_keras_3
from harness.conversion.sources.request import BadSource, Exported, Request

LARGEST_RATIO = 100
ALWAYS_TAKEN = 256 * 1024 * 1024


def export(request: Request) -> Exported:
    """Load in safe mode and export. Raises `BadSource` for an archive that unpacks to far more than it weighs."""
    import keras

    refuse_bomb(request.path)
    model = keras.saving.load_model(request.path, compile=False, safe_mode=True)
    exported = export_keras_3(model, request)
    return replace(exported, recognised=f"a Keras 3 model (a .keras file), read by Keras {keras.__version__}")


def refuse_bomb(path: Path) -> None:
    """Raise `BadSource` for an archive of a few bytes that unpacks to gigabytes: weights hardly compress."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > max(ALWAYS_TAKEN, LARGEST_RATIO * path.stat().st_size):
        raise BadSource(
            f"{path} has {path.stat().st_size:,} bytes and says that it unpacks to {unpacked:,}; write the model again."
        )
