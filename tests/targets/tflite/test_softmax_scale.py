"""A softmax whose input has too fine a scale: reference kernels abort on it, which is known before any is started."""

import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness import registry
from harness.errors import Crashed
from harness.project import model_entries
from harness_targets.tflite.softmax_scale import too_fine
from tests.targets.mcu.model_writer import ModelWriter

ENTRIES = Path(__file__).parents[2] / "harness" / "assess" / "entries.py"
FORM = registry.formats()["tflite"]
TARGETS = registry.targets()
REFERENCE = ["tflite/litert-reference", "tflm/host"]


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
    (lacking,) = TARGETS[name].unsupported_operators(artifact)
    assert lacking.startswith("SOFTMAX (operator 1): the reference kernels of TFLite and Micro abort")
    with pytest.raises(Crashed, match="SIGABRT"):
        inferred(name, artifact)


def test_other_kernels_run_it_and_one_of_them_is_the_reference(prepared, converter, litert_python):
    found = prepared("faint")
    artifact = converter.convert(found, FORM, FORM.variant("int8"))
    assert TARGETS["tflite/litert-builtin"].unsupported_operators(artifact) == ()
    assert inferred("tflite/litert-builtin", artifact)
    assert "BUILTIN_WITHOUT_DEFAULT_DELEGATES" in converter.reference(found, artifact, FORM).interpreter


@pytest.mark.parametrize("name", REFERENCE)
def test_a_scale_that_is_large_enough_is_no_matter(prepared, converter, litert_python, tflite_micro_python, name):
    artifact = converter.convert(prepared("plain"), FORM, FORM.variant("int8"))
    assert artifact.notes == ()
    assert TARGETS[name].unsupported_operators(artifact) == ()
    assert inferred(name, artifact)


SCHEMA = SimpleNamespace(
    BuiltinOperator=SimpleNamespace(SOFTMAX=25), TensorType=SimpleNamespace(FLOAT32=0, UINT8=3, INT8=9)
)
FINE = SimpleNamespace(scale=np.array([2.0**-30], np.float32))
BETA = SimpleNamespace(beta=1.0)


def one_softmax(quantisation=FINE, options=BETA, inputs=(0,)):
    """A file of one int8 SOFTMAX, as the flatbuffer's objects; what a file leaves out is None in them."""
    graph = SimpleNamespace(
        operators=[SimpleNamespace(opcodeIndex=0, inputs=inputs, builtinOptions=options)],
        tensors=[SimpleNamespace(type=9, quantization=quantisation)],
    )
    code = SimpleNamespace(builtinCode=25, deprecatedBuiltinCode=25)
    return SimpleNamespace(subgraphs=[graph], operatorCodes=[code])


def test_a_scale_that_is_too_fine_is_found():
    assert len(too_fine(one_softmax(), SCHEMA)) == 1


@pytest.mark.parametrize(
    "model",
    [
        one_softmax(quantisation=None),
        one_softmax(quantisation=SimpleNamespace(scale=None)),
        one_softmax(quantisation=SimpleNamespace(scale=np.array([], np.float32))),
        one_softmax(options=None),
        one_softmax(options=SimpleNamespace(new_shape=None)),
        one_softmax(inputs=None),
        one_softmax(inputs=()),
        one_softmax(inputs=(-1,)),
    ],
    ids=["unquantised", "no scale", "empty", "no options", "another's options", "no inputs", "none", "left out"],
)
def test_a_softmax_that_says_too_little_is_for_the_interpreters_to_judge(model):
    assert too_fine(model, SCHEMA) == []


ONE_SCALE, NO_SCALE = struct.pack("<If", 1, 0.375), struct.pack("<If", 0, 0.375)
"""A vector of one number in a flatbuffer, and the same cut to none."""


@pytest.mark.parametrize("lacking", ["quantisation", "scale", "options"])
def test_a_ready_file_of_such_a_softmax_is_another_runtimes_where_the_reference_dies_of_it(
    converter, litert_python, tmp_path, lacking
):
    model = ModelWriter()
    x = model.input((1, 4), "int8", scale=None if lacking == "quantisation" else 0.375)
    options = () if lacking == "options" else ("SoftmaxOptions", {0: ("f", 1.0)})
    model.operator("SOFTMAX", [x], [model.output((1, 4), "int8", scale=1 / 256, zero_point=-128)], *options)
    content = model.write()
    if lacking == "scale":
        content = content.replace(ONE_SCALE, NO_SCALE)
    (tmp_path / "model.tflite").write_bytes(content)
    (tmp_path / "harness.toml").write_text('[models.it]\npath = "model.tflite"\n')
    prepared = converter.prepare(model_entries(tmp_path)["it"])
    assert not prepared.facts["golden_from"].startswith("TensorFlow")
