"""An `.h5` file: read by Keras 3 or by Keras 2 (`tf_keras`), by the version that the file states."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from harness.conversion.sources.keras_model import export_keras_2, export_keras_3
from harness.conversion.sources.request import BadSource, Exported, Request


def export(request: Request) -> Exported:
    """Load with the Keras that wrote it and export. Raises `BadSource` for weights alone and for code in the file."""
    import h5py  # type: ignore[import-not-found]

    with h5py.File(request.path, "r") as file:
        stated = text(file.attrs.get("keras_version", ""))
        config = text(file.attrs.get("model_config", ""))
    if not config:
        raise BadSource(f"{request.path} holds weights without a model; save the whole model.")
    if has_code(config):
        raise BadSource(f"{request.path} has a Lambda layer, which is code; give the model as an entry point instead.")
    if stated.startswith("3"):
        import keras

        model = keras.saving.load_model(request.path, compile=False, safe_mode=True)
        exported = export_keras_3(model, request)
        return replace(exported, recognised=f"a Keras 3 .h5 file (it states keras_version {stated})")
    import tf_keras

    model = tf_keras.models.load_model(request.path, compile=False, safe_mode=True)
    exported = export_keras_2(model, request)
    version = stated or "none, as Keras 2 before 2.0 does"
    recognised = f"a Keras 2 .h5 file (it states keras_version {version}), read by tf_keras {tf_keras.__version__}"
    return replace(exported, recognised=recognised)


def text(value: Any) -> str:
    """An attribute as text; h5py gives bytes for some writers."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def has_code(config: str) -> bool:
    """Whether a layer of the model carries marshalled Python, which loading would run: Keras 2 has no safe mode for
    `.h5`. Raises `BadSource` for a description that is not JSON."""
    try:
        waiting = [json.loads(config)]
    except ValueError as error:
        raise BadSource(f"the description of the model in the .h5 file is not JSON ({error}).") from error
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "Lambda":
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False
