"""What ai-edge-quantizer makes of float `.tflite` files: of the zoo's, and of ready ones."""

import dataclasses

import numpy as np
import pytest

from harness import registry
from harness.errors import BadInput, Unsupported
from harness.project import model_entries
from harness.variant import READY
from harness_targets.tflite.examine import operator_name, type_name
from harness_targets.tflite.format import QUANTISED

FORM = registry.formats()["tflite"]
TARGETS = registry.targets()
pytestmark = pytest.mark.needs("converter", "quantizer")

KINDS = {
    "int8-weights": ("float32", "float32", "float32", "float32"),
    "int4-weights": ("float32", "float32", "float32", "float32"),
    "int8-dynamic": ("float32", "int8", "float32", "int8"),
    "int4-dynamic": ("float32", "int4", "float32", "int4"),
    "int4-blocks": ("float32", "int4", "float32", "int4"),
    "int8-static": ("int8", "int8", "int8", "int8"),
    "int16-static": ("int16", "int8", "int16", "int8"),
    "int4-static": ("int8", "int4", "int8", "int4"),
}
"""Values and weights of a convolution, then of a dense layer."""
WEIGHTS_OF_THE_FIRST_DENSE_LAYER = 8192


@pytest.fixture(scope="module")
def digits(converter, tmp_path_factory):
    """The zoo's digits classifier, prepared, with its entry."""
    entry = model_entries(tmp_path_factory.mktemp("nothing"))["digits_cnn"]
    return entry, converter.prepare(entry)


@pytest.fixture(scope="module")
def made(converter, digits):
    """The artifact of a variant, with options in place of its own."""

    def made(name, **options):
        variant = FORM.variant(name)
        return converter.convert(digits[1], FORM, dataclasses.replace(variant, options={**variant.options, **options}))

    return made


@pytest.fixture(scope="module")
def ready(converter, made, tmp_path_factory):
    """A ready file of the classifier's float32 artifact, in a project: `ready(path)` gives entry and preparation."""

    def ready(artifact):
        folder = tmp_path_factory.mktemp("ready")
        (folder / "harness.toml").write_text(f'[models.it]\npath = "{artifact.path}"\n')
        entry = model_entries(folder)["it"]
        return entry, converter.prepare(entry)

    return ready


def operators(artifact):
    """Name, input types and first output of each operator."""
    import tflite

    model = tflite.Model.GetRootAsModel(artifact.path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    found = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        kinds = [type_name(graph.Tensors(operator.Inputs(i))) for i in range(operator.InputsLength())]
        name = (graph.Tensors(operator.Outputs(0)).Name() or b"").decode()
        found.append((operator_name(model.OperatorCodes(operator.OpcodeIndex())), kinds, name))
    return found


def dense_layers(artifact):
    """Types of values and weights, and the name of the result, of each dense layer."""
    return [(*kinds[:2], name) for operator, kinds, name in operators(artifact) if operator == "FULLY_CONNECTED"]


def test_every_variant_of_the_quantiser_is_looked_at_here():
    assert list(KINDS) == [variant.name for variant in QUANTISED]


@pytest.mark.parametrize("name", KINDS)
def test_values_and_weights_have_the_types_that_a_variant_promises(made, name):
    artifact = made(name)
    found = {operator: kinds[:2] for operator, kinds, _ in reversed(operators(artifact))}
    assert (*found["CONV_2D"], *found["FULLY_CONNECTED"]) == KINDS[name]
    assert artifact.bytes < made("float32").bytes / 2
    assert artifact.converter["ai-edge-quantizer"] == "0.10.0"
    assert {info.dtype for info in (*artifact.inputs, *artifact.outputs)} == (
        {"int8"} if name in ("int8-static", "int4-static") else {"float32"}
    )
    assert [info.name for info in artifact.inputs] == [info.name for info in made("float32").inputs]


def test_an_operator_is_left_in_float_by_the_name_that_locate_has(made):
    first, _ = dense_layers(made("float32"))
    chosen = made("int8-static", float_operators=[first[2]])
    assert [kinds[:2] for kinds in dense_layers(chosen)] == [("float32", "float32"), ("int8", "int8")]
    by_short_name = made("int8-static", float_operators=["/".join(first[2].split(";")[0].split("/")[-2:])])
    assert by_short_name.path.read_bytes() == chosen.path.read_bytes()
    assert len({made("int8-static").key, chosen.key, by_short_name.key}) == 3


def test_an_operator_left_in_float_has_two_bytes_a_weight_where_that_is_chosen(made):
    first, _ = dense_layers(made("float32"))
    whole = made("int8-weights", float_operators=[first[2]])
    halved = made("int8-weights", float_operators=[first[2]], float_weights="float16")
    added = [kinds for operator, kinds, name in operators(halved) if operator == "DEQUANTIZE" and kinds == ["float16"]]
    assert len(added) == 1
    assert whole.bytes - halved.bytes == pytest.approx(2 * WEIGHTS_OF_THE_FIRST_DENSE_LAYER, abs=500)  # but for tables
    by_kind = made("int8-weights", excluded_operators=["FULLY_CONNECTED"], float_weights="float16")
    assert sum(kinds == ["float16"] for _, kinds, _ in operators(by_kind)) == 2
    static = made("int8-static", float_operators=[first[2]], float_weights="float16")
    assert "conversion of float16 to float32" in TARGETS["mcu/qemu-cortex-m4"].unsupported_operators(static)[0]
    assert TARGETS["tflite/litert-xnnpack"].unsupported_operators(halved) == ()


def test_the_usual_converter_leaves_the_same_operator_in_float_and_keeps_the_types_at_its_ends(made):
    first, _ = dense_layers(made("float32"))
    chosen = made("int8", float_operators=[first[2]])
    assert [kinds[:2] for kinds in dense_layers(chosen)] == [("float32", "float32"), ("int8", "int8")]
    assert {info.dtype for info in (*chosen.inputs, *chosen.outputs)} == {"int8"}
    with pytest.raises(Unsupported, match="would make int8 of int16x8"):
        made("int16x8", float_operators=[first[2]])


@pytest.mark.parametrize("name", ["int8", "int8-static"])
def test_an_operator_that_there_is_none_of_is_a_mistake_with_the_name_that_was_meant(made, name):
    known = dense_layers(made("float32"))[0][2]
    with pytest.raises(BadInput) as caught:
        made(name, float_operators=[known[:-2]])
    assert "which no operator's first output is called. Did you mean '" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("int8-weights", {"io": "int8"}, "Inputs and outputs of this variant are float32, not int8; correct `io`"),
        ("int8-weights", {"granularity": 32}, "Blocks of 32 values are for weights of 4 bits"),
        ("int8-weights", {"excluded_operators": ["CONV"]}, "knows no operator 'CONV'.* Did you mean 'CONV_2D'"),
    ],
)
def test_choices_that_contradict_a_variant_are_mistakes(made, name, options, sentence):
    with pytest.raises(BadInput, match=sentence):
        made(name, **options)


def test_a_ready_float_file_is_quantised_as_the_same_of_a_model(made, ready, converter):
    entry, prepared = ready(made("float32"))
    names = [variant.name for variant in entry.variants(FORM)]
    assert names == ["ready", *KINDS]
    weights = next(variant for variant in entry.variants(FORM) if variant.name == "int8-weights")
    assert weights.made_from is READY
    found = converter.convert(prepared, FORM, weights)
    assert found.path.read_bytes() == made("int8-weights").path.read_bytes()
    reference = converter.reference(prepared, found, FORM)
    golden = np.load(prepared.golden_path)
    (output,) = (golden[name] for name in golden.files if name.startswith("out:"))
    (given,) = reference.read().values()
    error = np.linalg.norm(given - output) / np.linalg.norm(output)
    assert 0 < error < 10 ** (-23 / 20)  # what the gate asks of int8 weights


def test_a_ready_file_that_is_quantised_already_is_refused_in_a_sentence(made, ready, converter):
    entry, prepared = ready(made("int8-static"))
    weights = next(variant for variant in entry.variants(FORM) if variant.name == "int8-weights")
    with pytest.raises(Unsupported, match="it is quantised already"):
        converter.convert(prepared, FORM, weights)


def test_kernels_that_pass_over_weights_scales_are_refused_by_name(made):
    blocks, weights, dynamic = made("int4-blocks"), made("int8-weights"), made("int8-dynamic")
    assert "with int4 weights by blocks" in TARGETS["tflite/litert-builtin"].unsupported_operators(blocks)[0]
    assert "dies" in TARGETS["tflite/tensorflow"].unsupported_operators(blocks)[0]
    assert TARGETS["tflite/litert-xnnpack"].unsupported_operators(blocks) == ()
    assert "of which Micro takes the first scale" in TARGETS["tflm/host"].unsupported_operators(weights)[0]
    assert TARGETS["tflm/host"].unsupported_operators(made("int8-weights", granularity="tensor")) == ()
    assert "int8 weights of a scale a channel" in TARGETS["tflite/tflite-runtime"].unsupported_operators(dynamic)[0]
    assert TARGETS["tflite/tflite-runtime"].unsupported_operators(weights) == ()
    assert "compressed weights" in TARGETS["mcu/qemu-cortex-m4"].unsupported_operators(weights)[0]
    assert TARGETS["mcu/qemu-cortex-m4"].unsupported_operators(made("int4-static")) == ()


@pytest.mark.needs("litert")
def test_weights_by_blocks_have_a_reference_that_agrees_with_the_one_runtime_that_has_kernels(made, digits, converter):
    artifact = made("int4-blocks")
    reference = converter.reference(digits[1], artifact, FORM)
    assert reference.interpreter.endswith("int4 weights by blocks made float32")
    expected = next(iter(reference.read().values()))
    golden = np.load(digits[1].golden_path)
    inputs = {name[3:]: golden[name][:8] for name in golden.files if name.startswith("in:")}
    with TARGETS["tflite/litert-xnnpack"].open(artifact) as session:
        actual = next(iter(session.infer(artifact.stored(inputs)).values()))
    error = np.linalg.norm(actual - expected[:8]) / np.linalg.norm(expected[:8])
    assert 0 < error < 0.1  # each quantises the activations by its own rule, or not at all
