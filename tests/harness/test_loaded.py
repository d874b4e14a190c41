"""What a process says that it opened, against what was asked for."""

import pytest

from harness.artifact import FileHash, TensorInfo
from harness.errors import Failed
from harness.loaded import check_loaded
from harness.target import Loaded
from tests.harness.fakes.artifact import made_artifact

FILES = {"model.json": "a" * 64, "weights.bin": "b" * 64}


def tensor(name):
    return TensorInfo(name=name, tensor=f"{name}:0", index=0, shape=(1,), dtype="float32")


ARTIFACT = made_artifact(
    model="a",
    format="tfjs",
    variant="ready",
    entry="model.json",
    files=tuple(FileHash(path=path, bytes=1, sha256=digest) for path, digest in FILES.items()),
    inputs=(tensor("x"), tensor("y")),
    directory="/nowhere",
)


@pytest.mark.parametrize(
    "loaded",
    [
        None,
        Loaded(FILES),
        Loaded({"model.json": "a" * 64}),
        Loaded(FILES, ("y", "x")),
        Loaded(FILES, ("x:0", "y:0", "training")),
    ],
    ids=["says nothing", "files", "one file", "names", "an input that conversion removed"],
)
def test_what_was_asked_for_is_taken(loaded):
    check_loaded("fake/plain", ARTIFACT, loaded)


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        (Loaded({}), "was asked for model.json and opened nothing"),
        (Loaded({"other.json": "a" * 64}), "was asked for model.json and opened other.json"),
        (Loaded({**FILES, "weights.bin": "c" * 64}), r"opened weights.bin with SHA-256 c{12}…, and .* is b{12}…"),
        (Loaded({**FILES, "more.bin": "c" * 64}), "more.bin .*it was not asked for"),
        (Loaded(FILES, ("x", "z")), "inputs x, z, and what was asked for has y:0: another model"),
    ],
)
def test_anything_else_is_an_error_and_never_green(loaded, words):
    with pytest.raises(Failed, match=words):
        check_loaded("fake/plain", ARTIFACT, loaded)
