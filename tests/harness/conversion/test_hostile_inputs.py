"""Inputs that are damaged, or never were what they say: one sentence, exit code 2, nothing left behind."""

import contextlib
import io
import os
import pickle
import random
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.cache import Cache
from harness.cli.main import main
from harness.conversion.converter import Converter
from harness.conversion.source import recognise
from harness.environment import environment
from harness.errors import BadInput, CaseError, HarnessError

FORMS = ["ready.tflite", "model.keras", "keras_3.h5", "keras_2.h5", "one_signature", "tfjs_graph", "tfjs_layers"]


@pytest.fixture(scope="module")
def converter(converter_python, tmp_path_factory):
    """A converter whose cache and temporary files lie beside nobody else's: other processes run other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        made = Converter(Cache(tmp_path_factory.mktemp("cache")), environment("converter"), 1)
        yield made
        made.close()


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
    before = left_in_temporary_folders()
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "{copy}"')
    one_sentence(caught.value)
    assert not list((converter.cache.root / "prepared").glob(".*"))
    assert left_in_temporary_folders() == before


def left_in_temporary_folders():
    """What lies beside the folders of children that are alive, of what TensorFlow and Keras leave."""
    return {path for glob in ("tmp*", "__autograph*") for path in Path(tempfile.gettempdir()).glob(glob)}


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


def bomb(path):
    """A .keras file of a megabyte whose configuration is a gigabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        with archive.open("config.json", "w", force_zip64=True) as stream:
            for _ in range(1024):
                stream.write(b" " * 1024 * 1024)


def link_in_a_circle(path):
    path.with_name("other").symlink_to(path)
    path.symlink_to(path.with_name("other"))


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("bomb.keras", bomb, "unpacks to 1,073,741,850; write the model again."),
        ("model.keras", Path.mkdir, "is a folder without a saved_model.pb or model.json"),
        ("model.tflite", link_in_a_circle, "cannot be read (Too many levels of symbolic links)."),
        ("model.h5", os.mkfifo, "is neither a file nor a folder"),
        ("nowhere.h5", lambda path: None, "does not exist; correct the path"),
        ("text.h5", lambda path: path.write_text("hello"), "its content is none of these."),
        ("model.tflite", lambda path: path.write_bytes(b""), "is empty (0 bytes); write the model again."),
    ],
)
def test_files_that_are_no_models(prepare, tmp_path, name, write, sentence):
    write(tmp_path / name)
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "{tmp_path / name}"')
    one_sentence(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("write", "sentence"), [(Path.mkdir, "is a folder; correct `data`"), (link_in_a_circle, "correct `data`")]
)
def test_data_that_is_no_file(prepare, tmp_path, write, sentence):
    write(tmp_path / "data.npz")
    with pytest.raises(BadInput) as caught:
        prepare(f'path = "one_signature"\ndata = "{tmp_path / "data.npz"}"')
    one_sentence(caught.value)
    assert sentence in str(caught.value)


@contextlib.contextmanager
def rights_of_nobody():
    """Where the tests run as root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("closed", ["model.h5", "folder"])
def test_a_file_that_may_not_be_read(closed):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "folder").mkdir()
        for file in (folder / "model.h5", folder / "folder" / "model.h5"):
            file.write_bytes(b"\x89HDF")
        (folder / closed).chmod(0)
        path = folder / closed if closed == "model.h5" else folder / closed / "model.h5"
        with rights_of_nobody(), pytest.raises(HarnessError, match=r"cannot be read \(Permission denied\)\.$"):
            recognise(path)
        (folder / closed).chmod(0o755)


@pytest.mark.parametrize("name", ["two words.tflite", "größe ✓.tflite", "a'b;$(c).tflite"])
def test_names_with_unusual_characters_are_names(prepare, sources, tmp_path, name):
    shutil.copyfile(sources / "ready.tflite", tmp_path / name)
    facts, _ = prepare(f'path = "{tmp_path / name}"')
    assert "a ready TFLite file" in facts["recognised"]


NOTHING_IN_IT = """
def empty():
    import tensorflow as tf

    return tf.function(lambda x: tf.reduce_sum(x, -1), input_signature=[tf.TensorSpec((1, 0), name="x")])


def scalar():
    import tensorflow as tf

    return tf.function(lambda x: 2.0 * x, input_signature=[tf.TensorSpec((), name="x")])
"""


def test_an_input_of_size_zero_is_refused_and_one_without_dimensions_is_taken(prepare, sources):
    (sources / "sizes.py").write_text(NOTHING_IN_IT)
    with pytest.raises(BadInput, match=r"input 'x' is shaped \[1, 0\] and holds nothing; give it a size\."):
        prepare('entry = "sizes:empty"')
    _, golden = prepare('entry = "sizes:scalar"')
    np.testing.assert_allclose(golden.outputs["output_0"], 2 * golden.inputs["x"])
    assert golden.inputs["x"].ndim == 1


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


def test_a_line_break_in_a_name_leaves_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "harness.toml").write_text('[models.broken]\npath = "two\\nlines.h5"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["harness", "convert", "-v", "float32"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "lines.h5" in line]
    assert told.startswith("harness: broken: ")
    assert r"two\nlines.h5 does not exist" in told
