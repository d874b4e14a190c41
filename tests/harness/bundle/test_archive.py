"""The zip is the same whenever it is made, and tells strangers nothing of where."""

import zipfile
from pathlib import Path

import pytest

from harness.bundle import archive
from harness.bundle.archive import write_zip
from harness.errors import HarnessError


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "report"
    (made / "inputs").mkdir(parents=True)
    (made / "fault.json").write_text("{}")
    (made / "inputs/input_0.npy").write_bytes(b"\x93NUMPY")
    return made


def test_two_zips_of_the_same_files_are_the_same_bytes(folder, tmp_path):
    write_zip(folder, tmp_path / "one.zip")
    first = (tmp_path / "one.zip").read_bytes()
    for file in folder.rglob("*"):
        file.touch()
    write_zip(folder, tmp_path / "one.zip")
    assert (tmp_path / "one.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "one.zip") as made:
        assert made.namelist() == ["one/fault.json", "one/inputs/input_0.npy"]
        assert {info.date_time for info in made.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        (str(Path.cwd()), "a path of this machine"),
        ("/home/ada", "your user name"),
        ("lovelace-workstation", "this machine's name"),
    ],
)
def test_a_file_that_tells_where_it_was_made_is_not_packed(folder, tmp_path, monkeypatch, secret, what):
    monkeypatch.setattr(archive.getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(archive.socket, "gethostname", lambda: "lovelace-workstation")
    (folder / "model.tflite").write_bytes(b"TFL3 " + secret.encode() + b"/layer")
    with pytest.raises(HarnessError, match=rf"model.tflite holds {what}"):
        write_zip(folder, tmp_path / "one.zip")
    assert not (tmp_path / "one.zip").exists()


def test_a_place_that_cannot_be_written_is_said(folder, tmp_path):
    with pytest.raises(HarnessError, match="cannot be written"):
        write_zip(folder, tmp_path / "nowhere/one.zip")
