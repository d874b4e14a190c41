"""Conversion and the reference interpreter, on real models."""

import json

import numpy as np
import pytest

NUMBERS = {"float32": 1e-6, "float16": 1e-3, "uint8": 2e-2, "uint16": 1e-4}


@pytest.mark.parametrize("variant", NUMBERS)
def test_the_reference_computes_what_the_source_computes(made, variant):
    model = made(f"cnn-{variant}")
    np.testing.assert_allclose(model.reference["output_0"], model.golden["output_0"], atol=NUMBERS[variant])


def test_stored_weights_make_a_difference_and_a_saving(made):
    sizes = {
        variant: sum(file.bytes for file in made(f"cnn-{variant}").artifact.files if file.path.endswith(".bin"))
        for variant in NUMBERS
    }
    assert sizes["uint8"] < sizes["float16"] == sizes["uint16"] < sizes["float32"]
    assert not np.array_equal(made("cnn-uint8").reference["output_0"], made("cnn-float32").reference["output_0"])


def test_fused_operators_are_listed_as_the_graph_names_them(made):
    operators = made("cnn-float32").artifact.operators
    assert {"_FusedConv2D", "FusedDepthwiseConv2dNative", "_FusedMatMul"} <= set(operators)
    assert not {"Const", "Placeholder"} & set(operators)


def test_names_are_the_signatures_where_types_and_shapes_are_alike(made):
    model = made("twins-float32")
    assert [info.name for info in model.artifact.inputs] == ["alpha", "zulu"]
    assert [info.name for info in model.artifact.outputs] == ["early", "later"]
    for name, values in model.golden.items():
        np.testing.assert_array_equal(model.reference[name], values)


def test_types_are_those_that_the_page_computes_in(made):
    model = made("integers-float32")
    assert {info.name: (info.dtype, info.shape) for info in model.artifact.inputs} == {
        "ids": ("int32", (1, 3)),
        "mask": ("bool", (1, 3)),
    }
    np.testing.assert_array_equal(model.reference["next"], model.golden["next"])
    np.testing.assert_array_equal(model.reference["unmasked"], model.golden["unmasked"])


@pytest.mark.parametrize("name", ["loop-float32", "branches-float32", "matrix_bias-float32"])
def test_loops_branches_and_misread_biases_run_in_the_reference(made, name):
    model = made(name)
    assert model.reference.keys() == model.golden.keys()
    for output, golden in model.golden.items():
        np.testing.assert_allclose(model.reference[output], golden, rtol=1e-6)


def test_an_operator_that_tensorflowjs_lacks_is_named_in_one_line(models):
    reason = (models / "lgamma-float32.txt").read_text()
    assert reason == "Unsupported Ops in the model before optimization: Lgamma"


def test_shards_are_of_the_size_asked_for(made):
    model = made("cnn-float32")
    manifest = json.loads(model.artifact.path.read_bytes())["weightsManifest"]
    assert len(manifest[0]["paths"]) > 1
    assert all(file.bytes <= 1024 for file in model.artifact.files if file.path.endswith(".bin"))
