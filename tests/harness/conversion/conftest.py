"""One small model in every form."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from harness.conversion.golden import read_golden
from harness.project import model_entries

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def sources(converter_python, made_once, tmp_path_factory):
    """A copy for each process: the project file of the moment is beside them."""

    def make(folder):
        subprocess.run([converter_python, HERE / "make_sources.py", folder], check=True, capture_output=True)

    folder = tmp_path_factory.mktemp("project") / "sources"
    shutil.copytree(made_once("sources", make), folder, symlinks=True)
    x = np.random.default_rng(5).normal(size=(16, 4)).astype(np.float32)
    np.savez(folder / "data.npz", x=x)
    return folder


@pytest.fixture
def entry(sources, tmp_path):
    """The entry of the one model `[models.it]` that a harness.toml beside the sources would have."""

    def entry(toml, name="it"):
        project = sources / "harness.toml"
        project.write_text(f"[models.{name}]\n{toml}\n")
        return model_entries(sources)[name]

    return entry


@pytest.fixture
def prepare(converter, entry):
    """Prepare what a `[models.it]` table says; returns the facts and the golden."""

    def prepare(toml):
        prepared = converter.prepare(entry(toml))
        return prepared.facts, read_golden(prepared.golden_path)

    return prepare
