"""What a `.tflite` shows of its inside: made by hand, and run in the real interpreters."""

import numpy as np
import pytest

from harness import registry
from harness_targets.tflite.operator_outputs import expose, graph_name, operations
from tests.parts import on_target
from tests.targets.mcu.model_writer import ModelWriter
from tests.targets.mcu.test_target import make_artifact

TARGETS = registry.targets()
SAMPLES = {"in0": np.array([[[-2.0, -0.5, 0.5, 2.0]], [[1.0, 2.0, 3.0, 4.0]]], np.float32)}


def chain():
    """y = |−relu(x)|, whose second and third operators read what the first wrote."""
    model = ModelWriter()
    x = model.input((1, 4), "float32")
    first, second = model.tensor((1, 4), "float32"), model.tensor((1, 4), "float32")
    model.operator("RELU", [x], [first])
    model.operator("NEG", [first], [second])
    model.operator("ABS", [second], [model.output((1, 4), "float32")])
    return model


def quantised():
    model = ModelWriter()
    x = model.input((1, 4), "int8", scale=0.5, zero_point=3)
    middle = model.tensor((1, 4), "int8", scale=0.5, zero_point=3)
    model.operator("RELU", [x], [middle])
    model.operator("RELU", [middle], [model.output((1, 4), "int8", scale=0.5, zero_point=3)])
    return model


@pytest.fixture
def artifact(tmp_path):
    return make_artifact(tmp_path, chain().write())


def test_each_operator_tells_what_it_reads_and_gives(artifact):
    first, second, third = operations(artifact)
    assert [found.operator for found in (first, second, third)] == ["RELU", "NEG", "ABS"]
    assert (first.reads, second.reads, third.reads) == ((), ("@0.0",), ("@1.0",))
    assert [info.name for info in (*first.results, *second.results)] == ["@0.0", "@1.0"]
    assert third.results == artifact.outputs, "an output of the model keeps its name"
    assert first.results[0].shape == (1, 4)


def test_quantised_results_say_how(tmp_path):
    first, _ = operations(make_artifact(tmp_path, quantised().write()))
    quantisation = first.results[0].quantisation
    assert (quantisation.scale, quantisation.zero_point) == (0.5, 3)
    assert first.results[0].dtype == "int8"


def test_what_is_made_of_constants_alone_is_a_constant_and_not_shown(tmp_path):
    """XNNPACK reads float16 weights where they lie: what DEQUANTIZE would give is never written."""
    model = ModelWriter()
    x = model.input((1, 4), "float32")
    weights, wide = model.constant(np.ones((4, 4), np.int8), scale=0.5), model.tensor((4, 4), "float32")
    turned = model.tensor((4, 4), "float32")
    model.operator("DEQUANTIZE", [weights], [wide])
    model.operator("NEG", [wide], [turned])
    options = "FullyConnectedOptions"
    model.operator("FULLY_CONNECTED", [x, turned, -1], [model.output((1, 4), "float32")], options)
    (found,) = operations(make_artifact(tmp_path, model.write()))
    assert (found.index, found.operator, found.reads) == (2, "FULLY_CONNECTED", ())
    assert found.constant_bytes == 64, "of what it reads: four times four float32"


def test_the_float_constants_of_an_operator_are_told_and_integers_are_not(tmp_path):
    """In float an operator's weights grow; the sizes that it reads of a shape do not."""
    model = ModelWriter()
    x = model.input((1, 4), "float32")
    added, shape = model.tensor((1, 4), "float32"), model.constant(np.array([2, 2], np.int32))
    model.operator("ADD", [x, model.constant(np.ones((1, 4), np.float32))], [added])
    model.operator("RESHAPE", [added, shape], [model.output((2, 2), "float32")])
    add, reshape = operations(make_artifact(tmp_path, model.write()))
    assert (add.constant_bytes, reshape.constant_bytes) == (16, 0)


def test_an_output_that_an_operator_leaves_out_is_passed_over(tmp_path):
    model = ModelWriter()
    x = model.input((1, 4), "float32")
    model.operator("SPLIT", [x], [-1, model.output((1, 2), "float32")])
    artifact = make_artifact(tmp_path, chain().write())
    (tmp_path / "model.tflite").write_bytes(model.write())
    (found,) = operations(artifact)
    assert found.results == artifact.outputs


@pytest.mark.parametrize(
    "name",
    [on_target(name) for name in ("tflite/litert-builtin", "tflite/litert-xnnpack", "tflm/host", "mcu/qemu-cortex-m4")],
)
def test_every_target_of_the_format_runs_a_file_that_shows_more(name, artifact, tmp_path):
    target = TARGETS[name]
    target.prepare()
    (tmp_path / "shown").mkdir()
    inside = [info for found in operations(artifact)[:2] for info in found.results]
    shown = expose(artifact, inside, tmp_path / "shown")
    with target.open(shown) as session:
        found = session.infer(SAMPLES)
    relu = np.maximum(SAMPLES["in0"], 0)
    assert found.keys() == {"out0", "@0.0", "@1.0"}
    for outputs, expected in ((found["out0"], relu), (found["@0.0"], relu), (found["@1.0"], -relu)):
        np.testing.assert_array_equal(outputs.reshape(relu.shape), expected)


def test_the_given_file_stays_as_it_was(artifact, tmp_path):
    before = artifact.path.read_bytes()
    (tmp_path / "shown").mkdir()
    shown = expose(artifact, operations(artifact)[0].results, tmp_path / "shown")
    assert artifact.path.read_bytes() == before
    assert shown.path.read_bytes()[:8] == before[:8]
    assert len(shown.path.read_bytes()) > len(before)


def test_a_graph_without_a_name_and_a_signature_is_what_model_explorer_calls_main(artifact):
    assert graph_name(artifact) == "main"
