"""Files of frameworks that are no way in: what they are, and the tool that exports them to one that is.

They are recognised by their names and their first bytes, and never loaded: what PyTorch writes is Python's pickle.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

_PYTORCH = (
    "export the model with litert-torch (`pip install litert-torch`) and name the .tflite that it writes: that takes"
    " the Python code of the model and sample inputs"
)
_ONNX = "export it with onnx2tf (`onnx2tf -i {name} -o exported`) and name the SavedModel folder or the .tflite in it"
_KINDS = {
    ".onnx": ("an ONNX model", _ONNX),
    ".pt": ("a PyTorch file", _PYTORCH),
    ".pth": ("a PyTorch file", _PYTORCH),
    ".pt2": ("a PyTorch program (torch.export)", _PYTORCH),
    ".ckpt": ("a checkpoint, which holds weights and no model", _PYTORCH),
    ".safetensors": ("a file of weights without a model", _PYTORCH),
}
_IN_PYTORCH_ARCHIVES = ("/data.pkl", "/constants.pkl")
_IN_EXPORTED_PROGRAMS = ("serialized_exported_program.json", "/models/model.json")


def unsupported_file_message(path: Path, head: bytes) -> str:
    """One sentence on a file of another framework, or nothing. `head`: its first eight bytes at least."""
    found = _by_content(path, head) or _KINDS.get(path.suffix.lower())
    if found is None:
        return ""
    what, how = found
    return f"{path} is {what}, which is no way in; {how.format(name=path.name)}."


def unsupported_folder_message(folder: Path) -> str:
    """The sentence on a folder that holds a file of another framework, as hubs of models have such folders."""
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() in _KINDS and file.is_file():
            what, how = _KINDS[file.suffix.lower()]
            return (
                f"{folder} is a folder without a saved_model.pb or model.json; {file.name} in it is {what}, which is"
                f" no way in; {how.format(name=file.name)}."
            )
    return ""


def _by_content(path: Path, head: bytes) -> tuple[str, str] | None:
    if head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= path.stat().st_size:
        return _KINDS[".safetensors"]
    if not head.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
    if any(name.endswith(_IN_EXPORTED_PROGRAMS) for name in names):
        return _KINDS[".pt2"]
    return _KINDS[".pt"] if any(name.endswith(_IN_PYTORCH_ARCHIVES) for name in names) else None
