"""A model as the phone has it, for what all pages share."""

import pytest

from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.project import model_entries
from harness_targets.tflite.format import FORMAT


@pytest.fixture(scope="session")
def litert_model(converter: Converter, tmp_path_factory: pytest.TempPathFactory):
    """The artifact of `hello_world` in float32, three samples, and what the reference interpreter made of them."""
    prepared = converter.prepare(model_entries(tmp_path_factory.mktemp("project"))["hello_world"])
    artifact = converter.convert(prepared, FORMAT, FORMAT.variant("float32"))
    reference = converter.reference(prepared, artifact, FORMAT).read()
    samples = artifact.stored(read_golden(prepared.golden_path).inputs, samples=3)
    return artifact, samples, {name: values[:3] for name, values in reference.items()}
