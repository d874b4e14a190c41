"""Targets of a project's own: another target with flags of its runtime set."""

import pytest

from harness import registry
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
def test_a_table_that_is_not_as_it_should_be_is_said_where_the_file_is_read(project, text):
    folder = project(f'[targets."tfjs/x"]\n{text}\n')
    assert "tfjs/x" not in registry.targets() or "flags" not in text
    with pytest.raises(HarnessError, match=r"targets\.tfjs/x"):
        read_project(folder)
