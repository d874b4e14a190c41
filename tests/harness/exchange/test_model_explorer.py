"""Node data for Model Explorer: read back by the package's own classes where it is installed."""

import importlib
import json
import math

import pytest

from harness.errors import HarnessError
from harness.exchange.model_explorer import node_data, opening_line, write_overlay


def test_each_operator_has_its_value_under_its_place_in_the_graph():
    document = json.loads(node_data("main", "instructions", {2: 30, 0: 10.5}, "largest"))
    assert list(document) == ["main"]
    assert document["main"]["results"] == {"0": {"value": 10.5}, "2": {"value": 30}}
    assert document["main"]["name"] == "instructions"


@pytest.mark.parametrize(("worst", "red"), [("least", 0.0), ("largest", 1.0)])
def test_the_worst_end_is_red(worst, red):
    gradient = json.loads(node_data("main", "SQNR", {0: 1.0}, worst))["main"]["gradient"]
    assert [stop["stop"] for stop in gradient] == [0.0, 1.0]
    assert next(stop["stop"] for stop in gradient if stop["bgColor"] == "#d7301f") == red


def test_what_is_no_number_of_json_is_left_out():
    text = node_data("main", "SQNR", {0: math.inf, 1: math.nan, 2: 3.0}, "least")
    assert list(json.loads(text)["main"]["results"]) == ["2"]


def test_model_explorers_own_classes_take_every_field():
    """`ModelNodeData` as of ai-edge-model-explorer 0.1.34."""
    pytest.importorskip("model_explorer", reason="ai-edge-model-explorer is not installed")
    builder = importlib.import_module("model_explorer.node_data_builder")
    text = node_data("main", "instructions", {0: 10, 3: 2.5}, "largest")
    (graph,) = json.loads(text).values()
    results = {node: builder.NodeDataResult(**result) for node, result in graph.pop("results").items()}
    gradient = [builder.GradientItem(**stop) for stop in graph.pop("gradient")]
    own = builder.ModelNodeData({"main": builder.GraphNodeData(results=results, gradient=gradient, **graph)})
    written = json.loads(own.to_json_string())
    assert written["main"]["results"] == json.loads(text)["main"]["results"]
    assert written["main"]["gradient"] == json.loads(text)["main"]["gradient"]


def test_the_line_that_opens_it_can_be_pasted_into_a_shell(tmp_path):
    line = opening_line(tmp_path / "my model.tflite", [tmp_path / "a.json", tmp_path / "b.json"])
    assert line.startswith("model-explorer '")
    assert f"{tmp_path}/a.json,{tmp_path}/b.json" in line


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot be written to"):
        write_overlay(tmp_path / "file" / "overlay.json", "main", "x", {0: 1.0}, "least")
