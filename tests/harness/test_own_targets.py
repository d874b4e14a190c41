"""Targets of a project's own: another target with flags of its runtime set."""

import pytest

from harness import registry
from harness.cli.main import main
from harness.errors import HarnessError
from harness.project import read_project

HALF = """
[targets."tfjs/half"]
base = "tfjs/chromium-webgl"
flags = { WEBGL_FORCE_F16_TEXTURES = true, WEBGL_CPU_FORWARD = false }
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def project(text):
        (tmp_path / "harness.toml").write_text(text)
        return tmp_path

    return project


def test_flags_make_another_target_of_another_fingerprint_that_runs_when_it_is_named(project):
    assert "tfjs/half" not in registry.targets()
    read_project(project(HALF))
    found, base = registry.targets()["tfjs/half"], registry.targets()["tfjs/chromium-webgl"]
    assert found.default_variants == ()
    assert "environment_flags" not in base.fingerprint()
    assert found.fingerprint() == {
        **base.fingerprint(),
        "environment_flags": "WEBGL_CPU_FORWARD=false WEBGL_FORCE_F16_TEXTURES=true",
    }
    project("")
    assert "tfjs/half" not in registry.targets()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[targets."tfjs/x"]\nbase = "tfjs/nothing"\nflags = { A = 1 }\n', "there is no target 'tfjs/nothing'"),
        ('[targets."tflite/x"]\nbase = "tflite/litert-xnnpack"\nflags = { A = 1 }\n', "litert-xnnpack takes no flags"),
        ('[targets."tfjs/chromium-cpu"]\nbase = "tfjs/chromium-cpu"\nflags = { A = 1 }\n', "which no other target has"),
        ('[targets."tfjs/../x"]\nbase = "tfjs/chromium-cpu"\nflags = { A = 1 }\n', "choose a name as"),
        ('[targets."tfjs/x*"]\nbase = "tfjs/chromium-cpu"\nflags = { A = 1 }\n', "choose a name as"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(project, text, sentence):
    project(text)
    with pytest.raises(HarnessError, match=sentence):
        registry.targets()


@pytest.mark.parametrize(
    "text",
    [
        'base = "tfjs/chromium-cpu"',
        "flgs = 1",
        'base = "tfjs/chromium-cpu"\nflags = "A"',
        "base = []\nflags = { A = 1 }",
    ],
)
@pytest.mark.parametrize("command", ["targets", "doctor"])
def test_a_table_that_is_not_as_it_should_be_is_one_sentence(project, text, command, capsys, monkeypatch):
    folder = project(f'[targets."tfjs/x"]\n{text}\n')
    with pytest.raises(HarnessError, match=r"targets\.tfjs/x"):
        read_project(folder)
    monkeypatch.setattr("sys.argv", ["harness", command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "targets.tfjs/x" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("targets = 3", "'targets' has to be tables"),
        ("[targets]\nx = 3", "'targets.x' has to be a table"),
        ('[targets."tfjs/x"]\nbase = []', "'targets.tfjs/x' has to be a table with `base`"),
        ("[targets", "is not valid TOML"),
    ],
)
def test_no_target_is_passed_over_in_silence(project, text, sentence):
    project(text)
    with pytest.raises(HarnessError, match=sentence):
        registry.targets()
