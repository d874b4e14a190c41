"""Models of several subgraphs: variables, branches and loops, and what of them is refused."""

from __future__ import annotations

import numpy as np
import pytest

from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.plan import PlanRefused, plan_model, unsupported_phrases

from .model_writer import ModelWriter
from .operators.control import CALL_ONCE, IF, VAR_HANDLE, WHILE, add, handle
from .random_operators import random_model


def once(body_of: ModelWriter) -> tuple[ModelWriter, ModelWriter]:
    """A model that hands its input on, after one call of a subgraph; and that subgraph."""
    number, graph = body_of.subgraph()
    body_of.operator("CALL_ONCE", [], [], CALL_ONCE, {0: ("i", number)})
    source = body_of.input((1, 2), "float32")
    body_of.operator("RELU", [source], [body_of.output((1, 2), "float32")])
    return body_of, graph


def test_a_subgraphs_work_is_that_of_the_operator_that_calls_it():
    plan = plan_model(random_model("CALL_ONCE", "int8", 1).write())
    assert plan.operators[0].name == "CALL_ONCE"
    assert set(plan.operators[0].kernels) == {"branch", "copy"}


def test_a_model_without_branches_has_none_in_its_image():
    assert "branch" not in plan_model(random_model("CONV_2D", "int8", 1).write()).kernels
    assert "branch" not in plan_model(random_model("ASSIGN_VARIABLE", "int8", 1).write()).kernels


def test_an_operator_inside_a_subgraph_is_refused_by_its_own_name():
    model, graph = once(ModelWriter())
    value = graph.constant(np.ones((1, 2), np.float32))
    after = graph.tensor((1, 2), "float32")
    graph.operator("ATAN2", [value], [after])
    graph.operator("ASSIGN_VARIABLE", [handle(graph, "v"), after], [])
    phrase = "ATAN2 (operator 0 of subgraph 1), for which the plan runtime has no kernel"
    assert unsupported_phrases(model.write()) == (phrase,)
    with pytest.raises(PlanRefused, match=r"no kernel for ATAN2 \(operator 0 of subgraph 1\)"):
        plan_model(model.write())


def test_what_is_wrong_in_a_subgraph_that_nothing_reaches_does_no_harm():
    model = random_model("CONV_2D", "int8", 1)
    _, graph = model.subgraph()
    graph.operator("ATAN2", [graph.input((1,), "float32")], [graph.output((1,), "float32")])
    assert plan_model(model.write()).blob == plan_model(random_model("CONV_2D", "int8", 1).write()).blob


def test_a_subgraph_that_calls_itself_is_refused():
    model, graph = once(ModelWriter())
    graph.operator("CALL_ONCE", [], [], CALL_ONCE, {0: ("i", 1)})
    with pytest.raises(PlanRefused, match=r"operator 0 of subgraph 1 \(CALL_ONCE\) calls subgraph 1, which it is in"):
        plan_model(model.write())


@pytest.mark.long
def test_subgraphs_that_multiply_are_refused():
    """Twenty subgraphs, each of which calls the next one twice, are a million operators."""
    model, graph = once(ModelWriter())
    for number in range(2, 22):
        for _ in range(2):
            graph.operator("CALL_ONCE", [], [], CALL_ONCE, {0: ("i", number)})
        graph = model.subgraph()[1]
    with pytest.raises(PlanRefused, match="more than 65536 operators"):
        plan_model(model.write())


def test_a_variable_that_nothing_is_assigned_to_is_refused():
    model = ModelWriter()
    model.input((1, 2), "float32")
    model.operator("READ_VARIABLE", [handle(model, "v")], [model.output((1, 2), "float32")])
    with pytest.raises(PlanRefused, match=r"\(READ_VARIABLE\): nothing assigns a first value to the variable 'v'"):
        plan_model(model.write())


def test_variables_of_one_name_in_two_containers_are_two(host_kernels: HostKernels):
    model = ModelWriter()
    source = model.input((1, 2), "float32")
    handles = []
    for container in ("a", "b"):
        handles.append(model.tensor((1,), "resource"))
        options = {0: ("text", container), 1: ("text", "v")}
        model.operator("VAR_HANDLE", [], [handles[-1]], VAR_HANDLE, options)
    model.operator("ASSIGN_VARIABLE", [handles[0], source], [])
    constant = model.constant(np.array([[7, 8]], np.float32))
    model.operator("ASSIGN_VARIABLE", [handles[1], constant], [])
    for one in handles:
        model.operator("READ_VARIABLE", [one], [model.output((1, 2), "float32")])
    values = np.array([[1, 2]], np.float32).tobytes()
    assert host_kernels.run(plan_model(model.write()), [values]) == [values + np.float32([7, 8]).tobytes()]


def test_a_branch_may_have_weights_that_it_is_given(host_kernels: HostKernels):
    """The kernels want constants there, which the arguments of a call may be."""
    model = ModelWriter()
    condition, source = model.input((1,), "bool"), model.input((1, 3), "float32")
    weights = model.constant(np.arange(6, dtype=np.float32).reshape(2, 3))
    numbers = []
    for _ in range(2):
        number, graph = model.subgraph()
        given = [graph.input((1, 3), "float32"), graph.input((2, 3), "float32")]
        graph.operator("FULLY_CONNECTED", [*given, -1], [graph.output((1, 2), "float32")], "FullyConnectedOptions")
        numbers.append(number)
    target = model.output((1, 2), "float32")
    options = {slot: ("i", number) for slot, number in enumerate(numbers)}
    model.operator("IF", [condition, source, weights], [target], IF, options)
    values = b"\1" + np.array([[1, 1, 2]], np.float32).tobytes()
    assert host_kernels.run(plan_model(model.write()), [values]) == [np.float32([5, 17]).tobytes()]


def test_a_loop_without_an_end_is_an_error_of_the_run(host_kernels: HostKernels):
    model = ModelWriter()
    source, target = model.input((1, 2), "float32"), model.output((1, 2), "float32")
    test_number, test = model.subgraph()
    test.input((1, 2), "float32")
    test.outputs = [test.constant(np.array([True]))]
    body_number, body = model.subgraph()
    given = body.input((1, 2), "float32")
    add(body, given, given, body.output((1, 2), "float32"))
    model.operator("WHILE", [source], [target], WHILE, {0: ("i", test_number), 1: ("i", body_number)})
    with pytest.raises(PlanRefused, match="its loops took more turns than the 262144"):
        host_kernels.run(plan_model(model.write()), [bytes(8)])


def test_a_tensors_fault_is_that_of_the_operator_that_uses_it():
    model = ModelWriter()
    source = model.input((1, 2), "float32")
    short = model.tensor((1, 3), "float32", constant=np.ones((1, 2), np.float32))
    add(model, source, short, model.output((1, 3), "float32"))
    with pytest.raises(
        PlanRefused, match=r"^operator 0 \(ADD\): tensor 1 .* has 8 bytes where its shape \[1, 3\] asks"
    ):
        plan_model(model.write())
    model.operators.clear()
    model.operator("RELU", [source], [model.outputs[0]])
    model.tensors[model.outputs[0]].shape = (1, 2)
    assert plan_model(model.write()).blob


def test_a_bias_may_have_a_scale_a_channel_along_a_dimension_that_it_has_not():
    """As the biases of Micro's person_detect have them: nothing reads which."""
    model = random_model("CONV_2D", "int8", 3)
    bias = next(t for t in model.tensors if t.dtype == "int32")
    assert len(bias.scales) > 1
    before = plan_model(model.write()).blob
    bias.axis = 3
    assert plan_model(model.write()).blob == before
