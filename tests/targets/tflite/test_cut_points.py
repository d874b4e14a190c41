"""A model cut after each of its operators gives all that is still to be read, and what each costs is a difference."""

import tflite

from harness_targets.tflite.arm.session import operator_costs, settled_count
from harness_targets.tflite.cut_points import find_cut_points
from tests.targets.mcu.model_writer import ModelWriter


def with_a_shortcut():
    """y = relu(x) + |−relu(x)|: what the first operator gives is read again by the last."""
    model = ModelWriter()
    x = model.input((1, 4), "float32")
    first, second, third = (model.tensor((1, 4), "float32") for _ in range(3))
    model.operator("RELU", [x], [first])
    model.operator("NEG", [first], [second])
    model.operator("ABS", [second], [third])
    model.operator("ADD", [first, third], [model.output((1, 4), "float32")])
    return model.write()


def tensors_of(content, operator):
    return tflite.Model.GetRootAsModel(content, 0).Subgraphs(0).Operators(operator)


def test_a_cut_gives_what_nothing_before_it_has_read():
    content = with_a_shortcut()
    cuts = find_cut_points(content)
    assert cuts.names == ("RELU", "NEG", "ABS", "ADD")
    assert [number for number, _ in cuts.cuts] == [1, 2, 3, 4]
    results = [tensors_of(content, index).Outputs(0) for index in range(4)]
    # A tensor that was read once counts as read, although a later operator reads it again: it was computed anyway.
    assert [outputs for _, outputs in cuts.cuts] == [(results[0],), (results[1],), (results[2],), (results[3],)]


def test_an_output_of_the_model_is_given_even_where_it_is_read():
    model = ModelWriter()
    x, first = model.input((1, 4), "float32"), model.output((1, 4), "float32")
    model.operator("RELU", [x], [first])
    model.operator("NEG", [first], [model.output((1, 4), "float32")])
    assert [len(outputs) for _, outputs in find_cut_points(model.write()).cuts] == [1, 2]


def test_the_last_is_the_model_as_it_is():
    """Unrolled LSTMs split tensors of which some parts are never read."""
    model = ModelWriter()
    x, unread = model.input((1, 4), "float32"), model.tensor((1, 4), "float32")
    model.operator("NEG", [x], [unread])
    model.operator("RELU", [x], [model.output((1, 4), "float32")])
    assert [len(outputs) for _, outputs in find_cut_points(model.write()).cuts] == [1, 1]


def test_the_places_are_those_of_the_length_and_of_the_outputs():
    content = with_a_shortcut()
    cuts = find_cut_points(content)
    assert int.from_bytes(content[cuts.length_at : cuts.length_at + 4], "little") == 4
    to_outputs = cuts.outputs_at + int.from_bytes(content[cuts.outputs_at : cuts.outputs_at + 4], "little")
    assert int.from_bytes(content[to_outputs : to_outputs + 4], "little") == 1, "one output"


def test_what_an_operator_costs_is_what_it_adds():
    costs = operator_costs(("RELU", "NEG"), [100, 130])
    assert [(cost["index"], cost["operator"], cost["instructions"]) for cost in costs] == [
        (0, "RELU", 100),
        (1, "NEG", 30),
    ]


def test_the_least_is_the_figure_and_pythons_own_additions_do_not_count():
    assert settled_count([1000, 1000, 1039, 1000], True, 1000) == (1000, "")


def test_a_count_that_repeats_by_halves_is_not_exact():
    figure, why = settled_count([1000, 1001, 1002, 1003], True, None)
    assert figure == 1000
    assert "from 1000 to 1003 in 4 inferences" in why


def test_a_count_that_is_another_once_loaded_again_is_not_exact():
    assert "1000, and 1200 when it was loaded again" in settled_count([1000] * 4, True, 1200)[1]


def test_outputs_that_change_have_no_exact_count():
    assert "changed" in settled_count([1000] * 4, False, 1000)[1]
