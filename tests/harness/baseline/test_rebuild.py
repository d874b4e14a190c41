"""An accepted artifact that left the cache is converted again: really, from what is there or from git."""

import shutil
import subprocess

import pytest

from harness import registry
from harness.baseline.files import read_baseline
from harness.baseline.rebuild import Rebuilder
from harness.cache import Cache
from harness.case_name import CaseName
from harness.environment import environment
from harness.errors import Unavailable
from harness.project import model_entries
from tests.harness.gate.faulty_project import Project

CASE = CaseName("net", "float32", "tflite/litert-xnnpack", format="tflite")
TOML = '[models.net]\npath = "source"\nentry = "net:build"\n'
NET = """
from .numbers import WEIGHTS


def build():
    import keras
    import numpy as np

    x = keras.Input((4,), name="x")
    layer = keras.layers.Dense(3, use_bias=False)
    model = keras.Model(x, layer(x))
    layer.set_weights([np.asarray(WEIGHTS, np.float32).reshape(4, 3)])
    return model
"""
SELECTION = ("--parity-only", "--variant", "float32", "--target", "tflite/litert-xnnpack")


def git(folder, *words):
    identity = ("-c", "user.name=a test", "-c", "user.email=nobody@example.invalid")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def commit_of(folder):
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write_source(folder, first):
    package = folder / "source" / "net"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(NET)
    (package / "numbers.py").write_text(f"WEIGHTS = {[first, *range(1, 12)]}\n")


@pytest.fixture(scope="module")
def accepted(converter_python, litert_python, tmp_path_factory):
    """A project in git whose run was accepted: the folder, never changed again."""
    folder = tmp_path_factory.mktemp("accepted")
    project = Project(folder, TOML)
    write_source(folder, 0)
    (folder / ".gitignore").write_text("results/\ncache/\npackages/\n__pycache__/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "The net")
    assert project.run(*SELECTION)[0] == 0
    assert project.harness("baseline", "accept").returncode == 0
    return folder


@pytest.fixture
def project(accepted, tmp_path):
    """A copy of it whose cache is empty."""
    folder = tmp_path / "project"
    shutil.copytree(accepted, folder, ignore=shutil.ignore_patterns("cache"))
    return folder


@pytest.fixture
def rebuild(converter, monkeypatch, tmp_path):
    """The accepted artifact of a project, made again in an empty cache, and its digest as accepted."""
    monkeypatch.setattr(converter, "cache", Cache(tmp_path / "rebuilt"))

    def rebuild(folder):
        shutil.rmtree(converter.cache.root, ignore_errors=True)
        baseline = read_baseline(folder / "results" / "baselines")
        again = Rebuilder(folder, model_entries(folder), registry.formats(), converter, baseline)
        return again.artifact(CASE, baseline.cases[CASE]), baseline.cases[CASE].artifact.digest

    return rebuild


def test_the_same_source_gives_the_accepted_bytes(project, rebuild):
    artifact, digest = rebuild(project)
    assert artifact.digest == digest
    assert artifact.path.is_file()


def test_a_source_that_changed_since_is_taken_from_git_and_nothing_is_checked_out(project, rebuild):
    write_source(project, 5)
    git(project, "commit", "--quiet", "-a", "-m", "Another weight")
    artifact, digest = rebuild(project)
    assert artifact.digest == digest
    assert "[5, 1" in (project / "source" / "net" / "numbers.py").read_text()


def test_a_source_that_was_committed_together_with_its_baseline_is_found(project, rebuild):
    """The run that was accepted names the commit before, with changes."""
    accepted = commit_of(project)
    write_source(project, 7)
    git(project, "commit", "--quiet", "-a", "-m", "Before the change")
    before = commit_of(project)
    write_source(project, 0)
    git(project, "commit", "--quiet", "-a", "-m", "The change, with its baseline")
    write_source(project, 5)
    git(project, "commit", "--quiet", "-a", "-m", "Another weight")
    path = project / "results" / "baselines" / "net.json"
    path.write_text(path.read_text().replace(accepted, f"{before}+changes"))
    artifact, digest = rebuild(project)
    assert artifact.digest == digest


def test_a_model_that_left_the_project_is_taken_from_git_as_well(project, rebuild):
    shutil.rmtree(project / "source")
    (project / "harness.toml").write_text("zoo = true\n")
    artifact, digest = rebuild(project)
    assert artifact.digest == digest


def test_a_state_that_was_never_committed_is_one_sentence(project, rebuild):
    path = project / "results" / "baselines" / "net.json"
    accepted = commit_of(project)
    write_source(project, 3)
    git(project, "commit", "--quiet", "-a", "-m", "Another weight")
    path.write_text(path.read_text().replace(accepted, f"{commit_of(project)}+changes"))
    write_source(project, 4)
    with pytest.raises(Unavailable, match="git has another state of source at the accepted commit") as caught:
        rebuild(project)
    assert "\n" not in str(caught.value)
    assert "HARNESS_CACHE" in str(caught.value)


def test_without_git_it_says_so(project, rebuild):
    shutil.rmtree(project / ".git")
    write_source(project, 5)
    with pytest.raises(Unavailable, match="git does not know the commit"):
        rebuild(project)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"path": "source"', '"path": "../../etc"', "lay outside the project"),
        ('"path": "source"', '"path": "/etc"', "lay outside the project"),
        ('"commit": "', '"commit": "--output=/tmp/x', "was not in a git repository"),
    ],
)
def test_what_a_baseline_says_is_not_trusted(project, rebuild, before, after, words):
    path = project / "results" / "baselines" / "net.json"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    write_source(project, 5)
    with pytest.raises(Unavailable, match=words):
        rebuild(project)


def test_other_bytes_from_the_same_source_are_no_old_side(project, rebuild):
    path = project / "results" / "baselines" / "net.json"
    digest = read_baseline(path.parent).cases[CASE].artifact.digest
    path.write_text(path.read_text().replace(digest, "0" * 64))
    with pytest.raises(Unavailable, match=r"gives other bytes \(sha256 .*accepted is 000000000000…"):
        rebuild(project)


def test_two_sides_are_compared_although_the_old_one_left_the_cache(project):
    write_source(project, 5)
    git(project, "commit", "--quiet", "-a", "-m", "Another weight")
    done = Project(project, TOML).harness("ab", str(CASE), "--old", "baseline")
    assert done.returncode in (0, 1), done.stderr
    assert "pairs of blocks" in done.stdout


class Asked(Exception):
    """Carries what a conversion was asked for."""


def test_another_converter_than_todays_is_asked_for_by_its_versions(project):
    baseline = read_baseline(project / "results" / "baselines")
    case = baseline.cases[CASE]
    older = {**case.artifact.converter, "tensorflow": "2.18.0"}
    case = case.model_copy(update={"artifact": case.artifact.model_copy(update={"converter": older})})

    class OnlyAsks:
        environment = environment("converter")

        def prepare(self, entry):
            return entry

        def convert(self, prepared, form, variant):
            raise Asked(variant)

    again = Rebuilder(project, model_entries(project), registry.formats(), OnlyAsks(), baseline)
    with pytest.raises(Asked) as caught:
        again.artifact(CASE, case)
    (variant,) = caught.value.args
    assert "tensorflow==2.18.0" in variant.converter
    assert variant.options == registry.formats()["tflite"].variant("float32").options
