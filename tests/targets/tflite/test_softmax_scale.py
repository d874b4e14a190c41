"""A softmax whose input has too fine a scale: reference kernels abort on it, which is known before any is started."""

from pathlib import Path

import numpy as np
import pytest

from harness import registry
from harness.cache import Cache
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import Crashed
from harness.project import model_entries

ENTRIES = Path(__file__).parents[2] / "harness" / "assess" / "entries.py"
FORM = registry.formats()["tflite"]
TARGETS = registry.targets()
REFERENCE = ["tflite/litert-reference", "tflm/host"]


@pytest.fixture(scope="module")
def converter(converter_python, tmp_path_factory):
    made = Converter(Cache(tmp_path_factory.mktemp("cache") / "artifacts"), environment("converter"), 1)
    yield made
    made.close()


@pytest.fixture
def prepared(converter, tmp_path):
    """An entry point, prepared."""

    def prepared(source):
        (tmp_path / "entries.py").write_text(ENTRIES.read_text())
        (tmp_path / "harness.toml").write_text(f'[models.it]\nentry = "entries:{source}"\n')
        return converter.prepare(model_entries(tmp_path)["it"])

    return prepared


def inferred(name, artifact):
    zeros = {info.name: np.zeros((1, *info.shape), info.dtype) for info in artifact.inputs}
    with TARGETS[name].open(artifact) as session:
        return session.infer(zeros)


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_kernels_die_and_are_known_to(prepared, converter, litert_python, tflite_micro_python, name):
    artifact = converter.convert(prepared("faint"), FORM, FORM.variant("int8"))
    (lacking,) = TARGETS[name].coverage(artifact)
    assert lacking.startswith("SOFTMAX (operator 1): the reference kernels of TFLite and Micro abort")
    with pytest.raises(Crashed, match="SIGABRT"):
        inferred(name, artifact)


def test_other_kernels_run_it_and_one_of_them_is_the_reference(prepared, converter, litert_python):
    found = prepared("faint")
    artifact = converter.convert(found, FORM, FORM.variant("int8"))
    assert TARGETS["tflite/litert-builtin"].coverage(artifact) == ()
    assert inferred("tflite/litert-builtin", artifact)
    assert "BUILTIN_WITHOUT_DEFAULT_DELEGATES" in converter.reference(found, artifact, FORM).interpreter


@pytest.mark.parametrize("name", REFERENCE)
def test_a_scale_that_is_large_enough_is_no_matter(prepared, converter, litert_python, tflite_micro_python, name):
    artifact = converter.convert(prepared("plain"), FORM, FORM.variant("int8"))
    assert artifact.notes == ()
    assert TARGETS[name].coverage(artifact) == ()
    assert inferred(name, artifact)
