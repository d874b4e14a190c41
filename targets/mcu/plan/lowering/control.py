"""CALL_ONCE, IF and WHILE: subgraphs, inlined between branches.

Micro copies what goes into a subgraph and what comes out; here inputs are read where they are, and constants stay
constants inside. All of a subgraph is the work of the operator that calls it.
"""

from __future__ import annotations

import numpy as np

from ..builder import BufferPosition, Builder, Label
from ..model import Graph, Operator, Tensor
from .checks import operand, optional_operand, refusal
from .movement import emit_bytes


def _subgraph(operator: Operator, build: Builder, slot: int, inputs: int, outputs: int) -> Graph:
    """The subgraph that an option names, with `inputs` inputs and `outputs` outputs."""
    graph = build.model.graph(operator.integer(slot, "i"))
    if len(graph.inputs) != inputs or len(graph.outputs) != outputs:
        found = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        raise refusal(operator, f"subgraph {graph.index} has {found} where it passes {inputs} and takes {outputs}")
    return graph


def _branch_if(build: Builder, condition: BufferPosition, target: Label) -> None:
    build.step("branch", condition=condition, value=1, target=target)


def _branch_unless(build: Builder, condition: BufferPosition, target: Label) -> None:
    build.step("branch", condition=condition, value=0, target=target)


def _jump(build: Builder, target: Label) -> None:
    _branch_if(build, build.constant(b"\1"), target)


def _arguments(operator: Operator, first: int) -> list[Tensor]:
    found = [optional_operand(operator, index) for index in range(first, len(operator.inputs))]
    if any(tensor is None for tensor in found):
        raise refusal(operator, "an input of its subgraphs is missing")
    return [tensor for tensor in found if tensor is not None]


def _inline(
    operator: Operator, build: Builder, graph: Graph, arguments: list[Tensor], places: list[BufferPosition | None]
) -> list[BufferPosition]:
    """The subgraph's steps on these arguments, at their places (none for a constant or a variable's handle); where its
    outputs are then."""
    constants = {
        inside.index: argument.constant
        for inside, argument, place in zip(graph.inputs, arguments, places, strict=True)
        if place is None and argument.constant is not None
    }
    variables = build.scope.variables
    with build.inside(graph) as scope:
        for inside, argument, place in zip(graph.inputs, arguments, places, strict=True):
            if argument.index in variables and place is None:
                scope.variables[inside.index] = variables[argument.index]
                continue
            _same_bytes(operator, argument, inside)
            if place is not None:
                build.bind(inside, place)
        inlined = graph.with_constants(constants)
        build.lower_graph(inlined, build)
        build.advance(operator)
        return [build.read(tensor) for tensor in inlined.outputs]


def _places(build: Builder, arguments: list[Tensor]) -> list[BufferPosition | None]:
    """Where arguments are that are neither constants nor handles."""
    variables = build.scope.variables
    return [None if t.constant is not None or t.index in variables else build.read(t) for t in arguments]


def _condition(operator: Operator, tensor: Tensor) -> Tensor:
    if tensor.dtype != "bool" or tensor.elements != 1:
        raise refusal(operator, f"its condition {tensor.label} is {tensor.dtype} {list(tensor.shape)}, not one bool")
    return tensor


def lower_call_once(operator: Operator, build: Builder) -> None:
    """The subgraph runs in the first inference from fresh state."""
    graph = _subgraph(operator, build, 0, 0, 0)
    done, after = build.named_state((operator.graph, operator.index, "once"), 1, 0), Label()
    _branch_if(build, done, after)
    _inline(operator, build, graph, [], [])
    emit_bytes(build, build.constant(b"\1"), done, 1)
    build.place_label(after)


def lower_if(operator: Operator, build: Builder) -> None:
    """Lowers IF: both branches are inlined, and jumps choose one. Raises `PlanRefused`."""
    condition, arguments = _condition(operator, operand(operator, 0)), _arguments(operator, 1)
    branches = [_subgraph(operator, build, slot, len(arguments), len(operator.outputs)) for slot in (0, 1)]
    targets = [build.allocate(tensor) for tensor in operator.outputs]
    other, after = Label(), Label()
    _branch_unless(build, build.read(condition), other)
    for number, graph in enumerate(branches):
        found = _inline(operator, build, graph, arguments, _places(build, arguments))
        for tensor, inside, source, target in zip(operator.outputs, graph.outputs, found, targets, strict=True):
            _same_bytes(operator, inside, tensor)
            emit_bytes(build, source, build.touch(target), tensor.nbytes)
        if number == 0:
            _jump(build, after)
            build.place_label(other)
    build.place_label(after)


def _same_bytes(operator: Operator, inside: Tensor, outside: Tensor) -> None:
    if inside.dtype != outside.dtype or inside.nbytes != outside.nbytes:
        raise refusal(operator, f"{inside.label} and {outside.label} are of different types or sizes")


def lower_while(operator: Operator, build: Builder) -> None:
    """Values that the body gives back as they came stay where they are; the others have a place for the whole loop, to
    which each turn copies what the body made of them."""
    arguments = _arguments(operator, 0)
    if len(arguments) != len(operator.outputs):
        raise refusal(operator, f"it has {len(arguments)} inputs and {len(operator.outputs)} outputs")
    test = _subgraph(operator, build, 0, len(arguments), 1)
    body = _subgraph(operator, build, 1, len(arguments), len(arguments))
    _condition(operator, test.outputs[0])
    kept = [inside.index == given.index for inside, given in zip(body.inputs, body.outputs, strict=True)]
    places: list[BufferPosition | None] = []
    for argument, place, target, is_kept in zip(
        arguments, _places(build, arguments), operator.outputs, kept, strict=True
    ):
        if is_kept:
            _keep(operator, build, argument, target)
            places.append(place)
            continue
        _same_bytes(operator, argument, target)
        whole_loop = build.allocate(target)
        emit_bytes(build, build.read(argument), whole_loop, target.nbytes)
        places.append(whole_loop)
    since = build.time + 1
    again, after = Label(), Label()
    build.place_label(again)
    (condition,) = _inline(operator, build, test, arguments, places)
    _branch_unless(build, condition, after)
    found = _inline(operator, build, body, arguments, places)
    changed = [
        (source, place, target.nbytes)
        for source, place, target, is_kept in zip(found, places, operator.outputs, kept, strict=True)
        if not is_kept and place is not None
    ]
    for inside, target in zip(body.outputs, operator.outputs, strict=True):
        _same_bytes(operator, inside, target)
    _hand_over(build, changed)
    _jump(build, again)
    build.place_label(after)
    for place in places:
        if place is not None:
            build.touch(place)
    build.extend_lifetimes(since)


def _keep(operator: Operator, build: Builder, argument: Tensor, target: Tensor) -> None:
    """`target`, an output of the loop, is what went in."""
    if argument.index in build.scope.variables:
        build.scope.variables[target.index] = build.scope.variables[argument.index]
    elif argument.constant is not None:
        build.set_constant(target, np.asarray(argument.constant))
    else:
        _same_bytes(operator, argument, target)
        build.alias(target, argument)


def _hand_over(build: Builder, changed: list[tuple[BufferPosition, BufferPosition, int]]) -> None:
    """(source, target, bytes) of what a turn gives to the next. A source that is another's target is saved first."""
    targets = [target.storage for _, target, _ in changed]
    saved: list[tuple[BufferPosition, BufferPosition, int]] = []
    for source, target, nbytes in changed:
        if source == target:
            continue
        if source.storage is not None and source.storage in targets:
            copy = build.scratch(nbytes)
            emit_bytes(build, source, copy, nbytes)
            source = copy
        saved.append((source, target, nbytes))
    for source, target, nbytes in saved:
        emit_bytes(build, source, build.touch(target), nbytes)


LOWERINGS = {"CALL_ONCE": lower_call_once, "IF": lower_if, "WHILE": lower_while}
