"""Real graph models, made once by the real converter, and what a browser test needs of the machine."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import harness_targets.tfjs.format
from harness.artifact import Artifact, FileHash
from harness.errors import Unavailable
from harness.target import Target
from harness_targets.tfjs import browser, bundles
from harness_targets.tfjs.target import targets

NOT_OF_THE_ARTIFACT = ("inspected.json", "tensors.npz")


@dataclass(frozen=True)
class Made:
    """An artifact with samples in, and what the reference interpreter and the source model made of them."""

    artifact: Artifact
    samples: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    golden: dict[str, np.ndarray]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of all artifacts. Needs the converter's environment, named by HARNESS_CONVERTER_PYTHON."""
    interpreter = os.environ.get("HARNESS_CONVERTER_PYTHON")
    if not interpreter:
        pytest.skip("the converter's environment is not installed: HARNESS_CONVERTER_PYTHON names no interpreter")
    output = tmp_path_factory.mktemp("graph models")
    converter = harness_targets.tfjs.format.FORMAT.converter
    script = Path(__file__).with_name("make_models.py")
    done = subprocess.run(
        [interpreter, str(script), str(converter), str(output)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return output


def artifact_of(folder: Path) -> Artifact:
    inspected = json.loads((folder / "inspected.json").read_text())
    files = tuple(
        FileHash(path=file.name, bytes=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(folder.iterdir())
        if file.name not in NOT_OF_THE_ARTIFACT
    )
    model, variant = folder.name.rsplit("-", 1)
    return Artifact(
        model=model,
        format="tfjs",
        variant=variant,
        key="",
        digest="",
        entry="model.json",
        files=files,
        converter={},
        directory=folder,
        **inspected,
    )


@pytest.fixture(scope="session")
def made(models: Path) -> Callable[[str], Made]:
    def read(name: str) -> Made:
        with np.load(models / name / "tensors.npz") as arrays:
            sides = {
                side: {key.removeprefix(side): arrays[key] for key in arrays.files if key.startswith(side)}
                for side in ("in:", "ref:", "golden:")
            }
        return Made(artifact_of(models / name), sides["in:"], sides["ref:"], sides["golden:"])

    return read


@pytest.fixture(scope="session")
def target() -> Callable[[str], Target]:
    """A target by name; skips naming what it lacks here."""

    def ready(name: str) -> Target:
        found = next(target for target in targets() if target.name == f"tfjs/chromium-{name}")
        readiness = found.probe()
        if not readiness.ready:
            pytest.skip(f"{readiness.missing} is missing: {readiness.install}")
        try:
            bundles.install()
        except Unavailable as error:
            pytest.skip(str(error))
        return found

    return ready


@pytest.fixture
def gone() -> Callable[[Path], bool]:
    """Whether no process of the browser with this profile folder is left, nor the folder."""
    return lambda profile: not [p for p in browser.processes(profile) if browser.alive(p)] and not profile.exists()
