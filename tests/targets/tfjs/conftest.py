"""Real graph models, made once by the real converter, and what a browser test needs of the machine."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.artifact import Artifact, FileHash
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import ModelEntry
from harness.project import model_entries
from harness.target import Target
from harness.variant import READY, Variant
from harness_targets.browser import browsers
from harness_targets.tfjs import bundles
from harness_targets.tfjs.format import FORMAT
from harness_targets.tfjs.target import targets
from tests.harness.fakes.artifact import made_artifact

NOT_OF_THE_ARTIFACT = ("inspected.json", "tensors.npz")
SAMPLES = {"depths": 128}
FEW = 16
"""So many of each golden, where no other number is needed: a layer that computes something else does so on any of them;
the maxima of `depths` are seldom negative."""


@dataclass(frozen=True)
class Made:
    """An artifact with samples in, and what the reference interpreter and the source model made of them."""

    artifact: Artifact
    samples: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]
    golden: dict[str, np.ndarray]


@pytest.fixture(scope="session")
def models(converter_python: Path, made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Folder of all artifacts."""

    def make(output: Path) -> None:
        script = Path(__file__).with_name("make_models.py")
        done = subprocess.run(
            [converter_python, str(script), str(FORMAT.converter), str(output)],
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "TF_CPP_MIN_LOG_LEVEL": "2",
                "CUDA_VISIBLE_DEVICES": "-1",
            },
        )
        assert done.returncode == 0, done.stderr[-4000:]

    return made_once("graph models", make)


def artifact_of(folder: Path) -> Artifact:
    inspected = json.loads((folder / "inspected.json").read_text())
    files = tuple(
        FileHash(path=file.name, bytes=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(folder.iterdir())
        if file.name not in NOT_OF_THE_ARTIFACT
    )
    model, variant = folder.name.rsplit("-", 1)
    return made_artifact(
        model=model,
        format="tfjs",
        variant=variant,
        entry="model.json",
        files=files,
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
    """A target by name, of Chromium unless another browser is named."""

    def ready(name: str) -> Target:
        full = f"tfjs/{name}" if name.startswith(("firefox-", "webkit-")) else f"tfjs/chromium-{name}"
        found = next(target for target in targets() if target.name == full)
        bundles.install()
        return found

    return ready


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose entry points are the Keras models of `keras_models.py`."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copyfile(Path(__file__).with_name("keras_models.py"), folder / "keras_models.py")
    return folder


@pytest.fixture(scope="session")
def entry(project: Path) -> Callable[[str], ModelEntry]:
    """The model of a path, or of an entry point by its function."""

    def entry(source: str) -> ModelEntry:
        toml = f'path = "{source}"' if "/" in source else f'entry = "keras_models:{source}"'
        (project / "harness.toml").write_text(f"[models.it]\n{toml}\nsamples = {SAMPLES.get(source, FEW)}\n")
        return model_entries(project)["it"]

    return entry


@pytest.fixture(scope="session")
def converted(converter: Converter, entry: Callable[[str], ModelEntry]) -> Callable[..., Made]:
    """A source through the engine's own conversion: the artifact, the golden and the reference's outputs."""

    def converted(source: str, variant: str = "layers-float32", **options: object) -> Made:
        if variant.startswith("layers"):
            bundles.install()
        prepared = converter.prepare(entry(source))
        if "ready" in prepared.facts:
            chosen = READY
        else:
            chosen = FORMAT.variant(variant)
            chosen = Variant(chosen.name, chosen.summary, {**chosen.options, **options})
        artifact = converter.convert(prepared, FORMAT, chosen)
        golden = read_golden(prepared.golden_path).first(SAMPLES.get(source, FEW))
        reference = converter.reference(prepared, artifact, FORMAT).read()
        samples = {info.name: info.to_stored(golden.inputs[info.name]) for info in artifact.inputs}
        return Made(artifact, samples, reference, golden.outputs)

    return converted


@pytest.fixture
def gone() -> Callable[[Path], bool]:
    """Whether no process of the browser with this profile folder is left, nor the folder."""
    return lambda profile: not [p for p in browsers.processes(profile) if browsers.alive(p)] and not profile.exists()
