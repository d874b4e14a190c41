"""Zoo models as the phone has them, made once by the engine's own conversion."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from harness.artifact import Artifact
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.project import model_entries
from harness_targets.litertjs.bundles import BUNDLE
from harness_targets.litertjs.target import LiteRTJSTarget, targets
from harness_targets.tflite.format import FORMAT

SAMPLES = 4


@dataclass(frozen=True)
class Made:
    """An artifact with samples in, and what the reference interpreter made of them."""

    artifact: Artifact
    samples: dict[str, np.ndarray]
    reference: dict[str, np.ndarray]


@pytest.fixture(scope="session")
def made(converter: Converter, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Made]:
    entries = model_entries(tmp_path_factory.mktemp("project"))

    @cache
    def made(model: str, variant: str = "float32") -> Made:
        prepared = converter.prepare(entries[model])
        artifact = converter.convert(prepared, FORMAT, FORMAT.variant(variant))
        reference = converter.reference(prepared, artifact, FORMAT).read()
        samples = artifact.stored(read_golden(prepared.golden_path).inputs, samples=SAMPLES)
        return Made(artifact, samples, {name: values[:SAMPLES] for name, values in reference.items()})

    return made


@pytest.fixture(scope="session")
def target() -> Callable[[str], LiteRTJSTarget]:
    """A target by the part of its name behind the slash."""

    def ready(name: str) -> LiteRTJSTarget:
        BUNDLE.install()
        return next(found for found in targets() if found.name == f"litertjs/{name}")

    return ready
