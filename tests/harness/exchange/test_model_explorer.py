"""Node data for Model Explorer: read back by the package's own classes where it is installed."""

import importlib
import json
import math

import pytest

from harness.errors import HarnessError
from harness.exchange.model_explorer import BY_SHARE, BY_SQNR, node_data, opening_line, write_overlay


def test_each_operator_has_its_value_under_its_place_in_the_graph():
    document = json.loads(node_data("main", "instructions", {2: 30, 0: 10.5}, BY_SHARE))
    assert list(document) == ["main"]
    assert document["main"]["results"] == {"0": {"value": 10.5}, "2": {"value": 30}}
    assert document["main"]["name"] == "instructions"


def test_the_largest_cost_is_red():
    gradient = json.loads(node_data("main", "instructions", {0: 1.0}, BY_SHARE))["main"]["gradient"]
    assert [stop["stop"] for stop in gradient] == [0.0, 1.0]
    assert next(stop["stop"] for stop in gradient if stop["bgColor"] == "#d7301f") == 1.0


def test_a_colour_says_the_same_sqnr_in_every_model():
    """With a gradient the least of a sound model, at 90 dB say, would be as red as that of a broken one."""
    document = json.loads(node_data("main", "SQNR", {0: 90.0, 1: 95.0}, BY_SQNR))["main"]
    assert "gradient" not in document, "it would take precedence"
    levels = [threshold["value"] for threshold in document["thresholds"]]
    assert levels == sorted(levels), "each is the upper end of a range"
    assert levels[-1] < 90.0, "what is above the last is white"


def test_a_value_has_the_digits_that_are_read_and_a_count_all_of_its_own():
    results = json.loads(node_data("main", "x", {0: 29.357837318596438, 1: 1234567, 2: 0.00123456}, BY_SHARE))
    assert [one["value"] for one in results["main"]["results"].values()] == [29.36, 1234567, 0.001235]


def test_what_is_no_number_of_json_is_left_out():
    text = node_data("main", "SQNR", {0: math.inf, 1: math.nan, 2: 3.0}, BY_SQNR)
    assert list(json.loads(text)["main"]["results"]) == ["2"]


@pytest.mark.needs("model-explorer")
@pytest.mark.parametrize("colours", [BY_SHARE, BY_SQNR], ids=["cost", "sqnr"])
def test_model_explorers_own_classes_take_every_field(colours):
    """`ModelNodeData` as of ai-edge-model-explorer 0.1.34."""
    builder = importlib.import_module("model_explorer.node_data_builder")
    text = node_data("main", "instructions", {0: 10, 3: 2.5}, colours)
    (graph,) = json.loads(text).values()
    results = {node: builder.NodeDataResult(**result) for node, result in graph.pop("results").items()}
    gradient = [builder.GradientItem(**stop) for stop in graph.pop("gradient", [])]
    thresholds = [builder.ThresholdItem(**level) for level in graph.pop("thresholds", [])]
    styles = {"gradient": gradient, "thresholds": thresholds}
    own = builder.ModelNodeData({"main": builder.GraphNodeData(results=results, **styles, **graph)})
    written = json.loads(own.to_json_string())
    assert written["main"]["results"] == json.loads(text)["main"]["results"]
    assert {name: written["main"].get(name) for name in colours} == colours


def test_the_line_that_opens_it_can_be_pasted_into_a_shell(tmp_path):
    line = opening_line(tmp_path / "my model.tflite", [tmp_path / "a.json", tmp_path / "b.json"])
    assert line.startswith("model-explorer '")
    assert f"{tmp_path}/a.json,{tmp_path}/b.json" in line


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot be written to"):
        write_overlay(tmp_path / "file" / "overlay.json", "main", "x", {0: 1.0}, BY_SQNR)
