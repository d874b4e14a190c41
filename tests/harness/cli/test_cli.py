"""The command line as a person meets it: one sentence for a mistake, and the exit code that says whose it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.errors import Unavailable
from tests.harness.fakes.command import in_process, in_this_process

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def harness(tmp_path):
    """Run `harness` in an empty project: exit code and output."""

    def harness(*arguments, toml=None):
        if toml is not None:
            (tmp_path / "harness.toml").write_text(toml)
        return in_this_process(tmp_path, *arguments)

    return harness


def test_help_names_every_command(tmp_path):
    done = in_process(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("doctor", "models", "targets", "convert", "run", "show", "compare", "report"):
        assert command in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("models",), ("models", "--json")])
def test_a_reader_who_left_is_told_nothing(tmp_path, arguments, unbuffered):
    """`harness run | head -3` once said that the table could not be made."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "harness.cli.main", *arguments]
    here = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=here)
    os.close(write)
    assert (done.stderr, done.returncode) == ("", 141)


def test_help_imports_nothing_heavy():
    # What makes start-up slow is imports; a timed test would only measure the machine.
    script = (
        "import sys, typer.testing; from harness.cli.main import app\n"
        "typer.testing.CliRunner().invoke(app, ['--help'])\n"
        "heavy = ('numpy', 'pydantic', 'scipy', 'altair', 'playwright', 'harness.run.engine')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_zoo_is_listed_without_tensorflow(harness):
    names = {row["name"] for row in json.loads(harness("models", "--json").stdout)}
    assert {"hello_world", "digits_cnn", "keyword_dscnn", "squared"} <= names


def test_doctor_says_of_every_target_whether_it_is_ready(harness):
    rows = json.loads(harness("doctor", "--json").stdout)
    assert {"tflite/litert-xnnpack", "tfjs/chromium-wasm"} <= {row["target"] for row in rows}
    assert all(row["ready"] or (row["missing"] and row["install"]) for row in rows)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[models.mine]\npath = 'x.tflite'\ncolour = 'red'", "the key 'models.mine.colour' is not known"),
        ("speed = 3", "the key 'speed' is not known; known here are zoo, models"),
        ("[models.mine]", "models.mine"),
        ("[models.'a b']\npath = 'x'", "the name 'a b' has characters other than"),
        ("models = 3", "'models'"),
        ("[models", "is not valid TOML"),
        ("[models.mine]\npath = 'x'\ntask = 'cooking'", "'models.mine.task'"),
    ],
)
def test_a_mistake_in_the_project_file_is_one_sentence(harness, toml, words):
    done = harness("models", toml=toml)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--model", "nonsense"),
        ("run", "--target", "nonsense*"),
        ("run", "--variant", "int3"),
        ("show",),
        ("show", "2020"),
        ("compare", "hello_world"),
        ("report",),
    ],
)
def test_what_is_not_there_is_one_sentence_and_exit_code_2(harness, arguments):
    done = harness(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("harness: ")
    assert "Traceback" not in done.stderr


def test_a_corrupt_record_is_named(harness, tmp_path):
    folder = tmp_path / "results" / "runs"
    folder.mkdir(parents=True)
    (folder / "20260101T000000Z-00000000.json").write_text('{"schema_version": 99}')
    done = harness("show", toml="")
    assert done.returncode == 2
    assert "20260101T000000Z-00000000.json is not a run record of a version known here" in done.stderr


@pytest.mark.long
def test_piped_output_has_no_control_codes(tmp_path):
    assert "\x1b" not in in_process(tmp_path, "models").stdout
    assert "\x1b" not in in_process(tmp_path, "targets").stdout


def test_a_mistake_ends_the_process_with_its_exit_code_and_one_sentence(tmp_path):
    done = in_process(tmp_path, "show", "2020")
    assert done.returncode == 2
    assert done.stderr.startswith("harness: ")
    assert done.stderr.count("\n") == 1


def test_a_target_whose_parts_are_missing_keeps_no_other_from_the_list(harness, monkeypatch):
    missing = dict(sorted(registry.targets().items())[:2])
    (first, second) = missing.values()
    monkeypatch.setattr(registry, "targets", lambda: missing)
    monkeypatch.setattr(type(first), "fingerprint", lambda _: (_ for _ in ()).throw(Unavailable("It is not here.")))
    rows = json.loads(harness("targets", "--json").stdout)
    assert [row["name"] for row in rows] == [first.name, second.name]
    assert rows[0]["fingerprint"] is None
