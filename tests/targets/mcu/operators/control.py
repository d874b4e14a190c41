"""Variables, and operators that call subgraphs: CALL_ONCE, IF and WHILE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model_writer import ModelWriter
from .draws import RELU, Maker, Random, draw_quantised, draw_scale, draw_shape, draw_values

CALL_ONCE, VAR_HANDLE, IF, WHILE = "CallOnceOptions", "VarHandleOptions", "IfOptions", "WhileOptions"
_LESS = "LessOptions"


def add(graph: ModelWriter, first: int, second: int, target: int, activation: int = 0) -> None:
    graph.operator("ADD", [first, second], [target], "AddOptions", {0: ("b", activation)})


def handle(graph: ModelWriter, name: str) -> int:
    """The handle of a variable."""
    tensor = graph.tensor((1,), "resource")
    graph.operator("VAR_HANDLE", [], [tensor], VAR_HANDLE, {0: ("text", ""), 1: ("text", name)})
    return tensor


def streaming(random: Random, dtype: str, initialised: bool) -> ModelWriter:
    """Keeps the last inputs in variables, as a streaming layer does: a window of them is read, shifted by one and
    assigned, and what was read is used after that as well."""
    model = ModelWriter()
    steps, features = int(random.integers(2, 6)), int(random.integers(1, 9))
    quantised = draw_quantised(random, dtype)
    source = model.input((1, features), dtype, **quantised)
    target = model.output((1, steps, features), dtype, **draw_quantised(random, dtype))
    if initialised:
        number, first = model.subgraph()
        model.operator("CALL_ONCE", [], [], CALL_ONCE, {0: ("i", number)})
    names = [f"state_{i}" for i in range(int(random.integers(1, 4)))]
    for name in names:
        variable = handle(model, name)
        kept = model.tensor((1, steps, features), dtype, **quantised)
        model.operator("READ_VARIABLE", [variable], [kept], "ReadVariableOptions")
        item = model.tensor((1, 1, features), dtype, **quantised)
        shape = model.constant(np.array([1, 1, features], np.int32))
        model.operator("RESHAPE", [source, shape], [item], "ReshapeOptions")
        longer = model.tensor((1, steps + 1, features), dtype, **quantised)
        model.operator("CONCATENATION", [kept, item], [longer], "ConcatenationOptions", {0: ("i", 1)})
        shifted = model.tensor((1, steps, features), dtype, **quantised)
        begin, size = (model.constant(np.array(v, np.int32)) for v in ([0, 1, 0], [1, steps, features]))
        model.operator("SLICE", [longer, begin, size], [shifted], "SliceOptions")
        model.operator("ASSIGN_VARIABLE", [variable, shifted], [], "AssignVariableOptions")
        if initialised:
            values = draw_values(random, (1, steps, features), dtype)
            assigned = first.constant(values, **({"scale": quantised["scale"]} if quantised else {}))
            first.operator("ASSIGN_VARIABLE", [handle(first, name), assigned], [], "AssignVariableOptions")
        before_and_after = model.tensor((1, steps, features), dtype, **quantised)
        add(model, kept, shifted, before_and_after)
        if name == names[-1]:
            add(model, before_and_after, shifted, target, RELU)
    return model


def with_initial_values(random: Random, dtype: str) -> ModelWriter:
    return streaming(random, dtype, initialised=True)


def without_initial_values(random: Random, dtype: str) -> ModelWriter:
    return streaming(random, dtype, initialised=False)


def positive(graph: ModelWriter, value: int, dtype: str, quantised: dict) -> int:
    """Whether the largest element of a tensor of [1, n] is above a constant."""
    largest = graph.tensor((1,), dtype, **quantised)
    graph.operator(
        "REDUCE_MAX", [value, graph.constant(np.array([1], np.int32))], [largest], "ReducerOptions", {0: ("?", False)}
    )
    limit = graph.constant(np.array([2 if dtype == "int8" else 0.5], dtype), **quantised)
    condition = graph.tensor((1,), "bool")
    graph.operator("GREATER", [largest, limit], [condition], "GreaterOptions")
    return condition


def conditional(random: Random, dtype: str) -> ModelWriter:
    """Two branches of two outputs each, one of which may give an input or a constant back."""
    model = ModelWriter()
    shape = (1, int(random.integers(1, 4)))
    quantised = draw_quantised(random, dtype)
    source, other = (model.input(shape, dtype, **quantised) for _ in range(2))
    constant = model.constant(draw_values(random, shape, dtype), **quantised)
    condition = positive(model, source, dtype, quantised)
    calls = []
    for _ in range(2):
        number, graph = model.subgraph()
        given = [graph.input(shape, dtype, **quantised) for _ in range(3)]
        summed = graph.tensor(shape, dtype, **quantised)
        add(graph, given[0], given[int(random.integers(0, 3))], summed, int(random.choice([0, RELU])))
        others = [given[1], given[2], summed, graph.constant(draw_values(random, shape, dtype), **quantised)]
        graph.outputs = [summed, others[int(random.integers(0, 4))]]
        calls.append(number)
    targets = [model.tensor(shape, dtype, **quantised) for _ in range(2)]
    model.operator("IF", [condition, source, other, constant], targets, IF, {i: ("i", c) for i, c in enumerate(calls)})
    last = model.output(shape, dtype, **quantised)
    add(model, targets[0], targets[1], last)
    model.outputs.append(targets[1])
    return model


def counted(random: Random, dtype: str, body: Callable[[ModelWriter, list[int], dict], list[int]]) -> ModelWriter:
    """A loop over three values and a counter of float32, which ends after some turns."""
    model = ModelWriter()
    shape = draw_shape(random, 2, 5)
    scale = draw_scale(random)
    quantised = {"scale": scale, "zero_point": int(random.integers(-20, 20))} if dtype == "int8" else {}
    first, second = (model.input(shape, dtype, **quantised) for _ in range(2))
    step = model.constant(draw_values(random, shape, dtype), **quantised)
    counter = model.constant(np.array([0], np.float32))
    number, test = model.subgraph()
    given = [test.input((1,), "float32"), *(test.input(shape, dtype, **quantised) for _ in range(3))]
    condition = test.output((1,), "bool")
    test.operator("LESS", [given[0], test.constant(np.array([random.integers(0, 5)], np.float32))], [condition], _LESS)
    body_number, graph = model.subgraph()
    given = [graph.input((1,), "float32"), *(graph.input(shape, dtype, **quantised) for _ in range(3))]
    after = graph.tensor((1,), "float32")
    add(graph, given[0], graph.constant(np.array([1], np.float32)), after)
    graph.outputs = [after, *body(graph, given[1:], quantised)]
    targets = [model.tensor((1,), "float32"), *(model.output(shape, dtype, **quantised) for _ in range(3))]
    model.operator("WHILE", [counter, first, second, step], targets, WHILE, {0: ("i", number), 1: ("i", body_number)})
    return model


def loop(random: Random, dtype: str) -> ModelWriter:
    """Values of a turn become those of the next, some of them in other places."""

    def body(graph: ModelWriter, given: list[int], quantised: dict) -> list[int]:
        shape = graph.tensors[given[0]].shape
        summed = graph.tensor(shape, dtype, **quantised)
        add(graph, given[0], given[2], summed)
        more = graph.tensor(shape, dtype, **quantised)
        add(graph, given[1], summed, more)
        orders = ([summed, more, given[2]], [given[1], summed, given[2]], [given[1], given[0], given[2]])
        return list(orders[int(random.integers(0, 3))]) if random.random() < 0.7 else [given[2], given[0], more]

    return counted(random, dtype, body)


MAKERS: dict[str, Maker] = {
    "CALL_ONCE": with_initial_values,
    "ASSIGN_VARIABLE": without_initial_values,
    "IF": conditional,
    "WHILE": loop,
}
