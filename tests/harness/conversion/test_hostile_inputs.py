"""Inputs that are damaged, or never were what they say: one sentence, exit code 2, nothing left behind."""

import io
import pickle
import random
import shutil

import numpy as np
import pytest

from harness.cli.main import main
from harness.errors import BadInput, CaseError

FORMS = ["ready.tflite", "model.keras", "keras_3.h5", "keras_2.h5", "one_signature", "tfjs_graph", "tfjs_layers"]


def main_file(folder):
    """The file of a form that is damaged."""
    if folder.is_file():
        return folder
    return next(folder / name for name in ("saved_model.pb", "model.json") if (folder / name).is_file())


def damaged(sources, tmp_path, form, damage):
    """A copy of a form with its main file damaged."""
    original = sources / form
    copy = tmp_path / form
    if original.is_dir():
        shutil.copytree(original, copy)
    else:
        shutil.copyfile(original, copy)
    file = main_file(copy)
    file.write_bytes(damage(file.read_bytes()))
    return copy


def one_sentence(problem):
    text = str(problem)
    assert "\n" not in text
    assert "Traceback" not in text
    assert len(text) < 700


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
def test_truncated_files(prepare, converter, sources, tmp_path, form, share):
    copy = damaged(sources, tmp_path, form, lambda content: content[: int(len(content) * share)])
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "{copy}"')
    one_sentence(caught.value)
    assert not list((converter.cache.root / "prepared").glob(".*"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_never_end_the_engine(prepare, sources, tmp_path, form, seed):
    generator = random.Random(f"{form} {seed}")

    def flip(content):
        flipped = bytearray(content)
        for _ in range(8):
            flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
        return bytes(flipped)

    copy = damaged(sources, tmp_path, form, flip)
    try:
        prepare(f'path = "{copy}"')
    except CaseError as error:  # a flip that changes a weight is a model like any other
        one_sentence(error)


def pickled(path):
    path.write_bytes(pickle.dumps({"x": [1, 2, 3]}))


def objects(path):
    np.savez(path, x=np.array([{"a": 1}, None], dtype=object), allow_pickle=True)


def plain_array(path):
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, 4), np.float32))
    path.write_bytes(stream.getvalue())


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (pickled, "is not an .npz of plain arrays"),
        (objects, "is not an .npz of plain arrays"),
        (plain_array, "is not an .npz of plain arrays"),
        (lambda path: path.write_bytes(b""), "is not an .npz of plain arrays"),
        (lambda path: np.savez(path), "holds no inputs"),
        (lambda path: np.savez(path, x=np.zeros((3, 5), np.float32)), "is shaped [3, 5], not samples × [1, 4]"),
        (lambda path: np.savez(path, x=np.zeros((0, 4), np.float32)), "has no samples"),
        (lambda path: np.savez(path, x=np.zeros((3, 4)), labels=np.zeros(2)), "differ in their number of samples"),
        (lambda path: np.savez(path, x=np.array([["a"] * 4])), "not numbers"),
    ],
)
def test_data_that_is_not_what_it_should_be(prepare, tmp_path, write, sentence):
    path = tmp_path / "data.npz"
    write(path)
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "one_signature"\ndata = "{path}"')
    one_sentence(caught.value)
    assert sentence in str(caught.value)


def test_weights_outside_of_the_models_folder_are_refused(prepare, sources, tmp_path):
    copy = damaged(
        sources, tmp_path, "tfjs_graph", lambda content: content.replace(b"group1-shard1of1.bin", b"../../secret.bin")
    )
    with pytest.raises(BadInput, match="its weights name a file outside its folder"):
        prepare(f'path = "{copy}"')


@pytest.mark.parametrize("command", ["convert", "run", "assess"])
def test_the_command_line_ends_with_2_and_one_sentence(command, sources, tmp_path, monkeypatch, capsys):
    broken = damaged(sources, tmp_path, "keras_3.h5", lambda content: content[:3000])
    (tmp_path / "harness.toml").write_text(f'[models.broken]\npath = "{broken.name}"\n')
    monkeypatch.chdir(tmp_path)
    arguments = {"convert": ["-v", "float32"], "run": ["-t", "tflite/litert-builtin"], "assess": ["broken"]}[command]
    monkeypatch.setattr("sys.argv", ["harness", command, *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("harness: ")]
    assert len(told) == 1
    assert "keras_3.h5" in told[0]
