"""ONNX and PyTorch are no ways in: one sentence says so, with the tool that exports to one that is."""

import json
import struct
import zipfile

import pytest

from harness.conversion.source import recognise
from harness.errors import HarnessError


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.writestr(name, b"x")


def weights(path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


FILES = {
    "model.onnx": (
        lambda path: path.write_bytes(b"\x08\x08\x12\x07pytorch"),
        "an ONNX model",
        "`onnx2tf -i model.onnx",
    ),
    "model.pt": (lambda path: archive(path, "model/data.pkl"), "a PyTorch file", "litert-torch"),
    "old.pth": (lambda path: path.write_bytes(b"\x80\x02\x8a\nl\xfc"), "a PyTorch file", "litert-torch"),
    "program.pt2": (lambda path: archive(path, "serialized_exported_program.json"), "torch.export", "litert-torch"),
    "new.pt2": (lambda path: archive(path, "it/models/model.json"), "torch.export", "litert-torch"),
    "renamed.bin": (lambda path: archive(path, "archive/data.pkl"), "a PyTorch file", "litert-torch"),
    "model.safetensors": (weights, "weights without a model", "litert-torch"),
    "unnamed": (weights, "weights without a model", "litert-torch"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_it_is_and_what_exports_it(tmp_path, name):
    write, what, tool = FILES[name]
    write(tmp_path / name)
    with pytest.raises(HarnessError) as caught:
        recognise(tmp_path / name)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name} is ")
    assert what in said
    assert "which is no way in" in said
    assert tool in said
    assert "\n" not in said


def test_a_folder_as_a_hub_of_models_has_it(tmp_path):
    weights(tmp_path / "model.safetensors")
    with pytest.raises(
        HarnessError, match=r"without a saved_model.pb or model.json; model.safetensors in it is a file"
    ):
        recognise(tmp_path)


def test_an_archive_that_is_damaged_or_something_else_is_no_pytorch_file(tmp_path):
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04 and nothing more")
    archive(tmp_path / "other.zip", "readme.txt")
    for name in ("damaged.zip", "other.zip"):
        with pytest.raises(HarnessError, match="its content is none of these"):
            recognise(tmp_path / name)
