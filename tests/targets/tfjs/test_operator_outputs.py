"""What a graph model shows of its inside, read from `model.json` alone."""

import json

import pytest

from harness.artifact import TensorInfo
from harness.errors import Unsupported
from harness_targets.tfjs.operator_outputs import expose, operations
from tests.harness.fakes.artifact import made_artifact

FLOAT = {"T": {"type": "DT_FLOAT"}}


def node(name, op, *inputs, **attributes):
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes or FLOAT}


@pytest.fixture
def artifact(tmp_path):
    def artifact(*nodes, form="graph-model"):
        model = {"format": form, "modelTopology": {"node": list(nodes)}, "weightsManifest": [], "signature": {}}
        (tmp_path / "model.json").write_text(json.dumps(model))
        output = TensorInfo(name="y", tensor="Identity:0", index=0, shape=(1,), dtype="float32")
        return made_artifact(
            model="m",
            format="tfjs",
            variant="float32",
            digest="d",
            entry="model.json",
            outputs=(output,),
            directory=tmp_path,
        )

    return artifact


def test_nodes_that_compute_are_shown_and_constants_are_not(artifact):
    made = artifact(
        node("x", "Placeholder"),
        node("w", "Const"),
        node("product", "MatMul", "x", "w"),
        node("y", "Relu", "product"),
        node("Identity", "Identity", "y"),
    )
    product, relu = operations(made)
    assert (product.operator, product.reads) == ("MatMul", ())
    assert (relu.operator, relu.reads) == ("Relu", ("@0.0",))


def test_a_models_output_is_the_result_of_the_node_behind_the_identity(artifact):
    made = artifact(
        node("h", "Relu", "x"), node("s", "Softmax", "h"), node("i", "Identity", "s"), node("Identity", "Identity", "i")
    )
    assert [(found.results[0].name, found.results[0].tensor) for found in operations(made)] == [
        ("@0.0", "h:0"),
        ("y", "s:0"),
    ]


def test_what_stands_between_two_nodes_without_a_result_of_its_own_is_seen_through(artifact):
    made = artifact(
        node("a", "Relu", "x"), node("i", "Identity", "a:0"), node("o", "NoOp", "^a"), node("b", "Neg", "i", "^o")
    )
    assert operations(made)[1].reads == ("@0.0",)


def test_nodes_are_told_in_an_order_in_which_they_can_run(artifact):
    made = artifact(node("last", "Neg", "middle"), node("middle", "Relu", "first"), node("first", "Abs", "x"))
    assert [found.operator for found in operations(made)] == ["Abs", "Relu", "Neg"]


def test_results_have_the_type_that_a_page_holds_them_in(artifact):
    made = artifact(
        node("less", "Less", "x", "x"),
        node("cast", "Cast", "less", SrcT={"type": "DT_BOOL"}, DstT={"type": "DT_INT64"}),
        node("best", "ArgMax", "x", T={"type": "DT_FLOAT"}, output_type={"type": "DT_INT64"}),
        node("list", "TensorListReserve", "x", element_dtype={"type": "DT_FLOAT"}),
        node("sum", "AddV2", "x", "x"),
    )
    found = {operation.operator: operation.results[0].dtype for operation in operations(made)}
    assert found == {"Less": "bool", "Cast": "int32", "ArgMax": "int32", "AddV2": "float32"}


def test_to_show_more_is_to_ask_for_more(artifact, tmp_path):
    made = artifact(node("a", "Relu", "x"), node("b", "Neg", "a"), node("Identity", "Identity", "b"))
    inside, _ = operations(made)
    shown = expose(made, inside.results, tmp_path)
    assert [info.tensor for info in shown.outputs] == ["Identity:0", "a:0"]
    assert shown.directory == made.directory


def layer(kind, name, *reads, **config):
    calls = [[[read, 0, 0, {}] for read in reads]] if reads else []
    return {"class_name": kind, "config": {"name": name, **config}, "inbound_nodes": calls}


def layers_artifact(artifact, config):
    made = artifact(form="layers-model")
    described = {"format": "layers-model", "modelTopology": {"model_config": {"config": config}}, "weightsManifest": []}
    made.path.write_text(json.dumps(described))
    output = TensorInfo(name="y", tensor="0", index=0, shape=(1,), dtype="float32")
    return made.model_copy(update={"outputs": (output,)})


def test_layers_are_shown_by_their_names_and_the_models_own_output_by_its(artifact):
    made = layers_artifact(
        artifact,
        {
            "layers": [
                layer("InputLayer", "x"),
                layer("Dense", "a", "x"),
                layer("Dense", "b", "x"),
                layer("Add", "sum", "a", "b"),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["sum", 0, 0]],
        },
    )
    a, b, total = operations(made)
    assert (a.operator, a.results[0].tensor, a.reads) == ("Dense", "layer:a", ())
    assert (total.operator, total.results[0].name, total.results[0].tensor) == ("Add", "y", "layer:sum")
    assert total.reads == (a.results[0].name, b.results[0].name)
    shown = expose(made, [a.results[0], *made.outputs], made.directory)
    assert operations(shown)[2].results[0].name == "y"


def test_a_layer_that_is_called_twice_has_no_one_result_and_a_sequence_is_in_its_order(artifact):
    twice = layer("Dense", "shared", "x")
    twice["inbound_nodes"].append([["x", 0, 0, {}]])
    made = layers_artifact(
        artifact,
        {
            "layers": [layer("InputLayer", "x"), twice, layer("Add", "sum", "shared", "shared")],
            "input_layers": ["x", 0, 0],
        },
    )
    assert [found.operator for found in operations(made)] == ["Add"]
    made = layers_artifact(artifact, {"layers": [layer("Dense", "a"), layer("ReLU", "b")]})
    dense, relu = operations(made)
    assert relu.reads == (dense.results[0].name,)
    assert relu.results[0].name == "y"


def test_a_model_within_the_model_is_passed_over_unless_its_result_is_an_output(artifact):
    inner = {"layers": [layer("Dense", "inside")]}
    described = [layer("Dense", "a"), layer("Functional", "inner", **inner), layer("ReLU", "b")]
    dense, relu = operations(layers_artifact(artifact, {"layers": described}))
    assert (dense.operator, relu.operator) == ("Dense", "ReLU")
    assert relu.reads == (dense.results[0].name,)
    _, last = operations(layers_artifact(artifact, {"layers": described[:2]}))
    assert (last.operator, last.results[0].name) == ("Functional", "y")


def test_layers_that_are_described_in_another_way_are_unsupported(artifact):
    with pytest.raises(Unsupported, match="described in another way"):
        operations(layers_artifact(artifact, {"stack": []}))
