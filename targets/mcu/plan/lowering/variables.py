"""VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE: state that the file names, shared by all its subgraphs.

A variable is a state of the plan. Reading copies, as Micro does: what was read stays what it was when the variable is
assigned to afterwards.
"""

from __future__ import annotations

from ..builder import BufferPosition, Builder, Variable
from ..flatbuffer import Malformed
from ..model import Graph, Model, Operator, Tensor
from ..refusal import PlanRefused
from .checks import operand, refusal, result
from .movement import emit_bytes


def _named(operator: Operator) -> tuple[str | None, str]:
    """Container (None where the file leaves it out) and name."""
    if operator.options is None:
        return None, ""
    return operator.options.optional_text(0), operator.options.text(1)


def _find(variables: list[Variable], container: str | None, name: str) -> Variable | None:
    """Finds a variable as MicroResourceVariables::FindId does: without a container, the first of that name."""
    return next((v for v in variables if v.name == name and container in (None, v.container)), None)


def variables_of(graphs: list[Graph]) -> list[Variable]:
    """Every variable of the file, numbered in the order of first mention. Micro gives one its size, and its zero point
    for a first value, when it prepares the first assignment whose handle is made in the same subgraph."""
    found: list[Variable] = []
    for graph in graphs:
        handles: dict[int, int] = {}
        for operator in graph.operators:
            if operator.name == "VAR_HANDLE" and operator.outputs:
                container, name = _named(operator)
                known = _find(found, container, name)
                if known is None:
                    known = Variable(len(found), container, name, None, 0)
                    found.append(known)
                handles[operator.outputs[0].index] = known.number
            elif operator.name == "ASSIGN_VARIABLE" and len(operator.inputs) == 2:
                handle, value = operator.inputs
                number = handles.get(handle.index) if handle is not None else None
                if number is not None and value is not None and found[number].nbytes is None and not value.fault:
                    zero_point = int(value.quantisation.zero_points[0]) if value.quantisation is not None else 0
                    old = found[number]
                    found[number] = Variable(number, old.container, old.name, value.nbytes, zero_point & 0xFF)
    return found


def variables_in(tflite: bytes) -> list[Variable]:
    """Every resource variable of a file. Raises `PlanRefused` for what is none."""
    try:
        model = Model(tflite)
        return variables_of([model.graph(i) for i in range(model.graph_count)])
    except Malformed as error:
        raise PlanRefused(f"This is not a readable TFLite model: {error}.") from None


def lower_handle(operator: Operator, build: Builder) -> None:
    """Lowers VAR_HANDLE: it emits no step, only names the variable. Raises `PlanRefused`."""
    target = result(operator)
    if build.variables is None:
        build.variables = variables_of([build.model.graph(i) for i in range(build.model.graph_count)])
    variable = _find(build.variables, *_named(operator))
    assert variable is not None  # every VAR_HANDLE of the file was looked at
    build.scope.variables[target.index] = variable


def _variable(operator: Operator, build: Builder, value: Tensor) -> BufferPosition:
    """The storage behind the operator's handle, of the size of `value`."""
    handle = operand(operator, 0)
    variable = build.scope.variables.get(handle.index)
    if variable is None:
        raise refusal(operator, f"{handle.label} is not the handle of a variable")
    if variable.nbytes is None:
        raise refusal(operator, f"nothing assigns a first value to the variable '{variable.name[:80]}'")
    if variable.nbytes != value.nbytes:
        raise refusal(operator, f"the variable '{variable.name[:80]}' has {variable.nbytes} bytes, not {value.nbytes}")
    return build.named_state((variable.number, 0, "variable"), variable.nbytes, variable.fill)


def lower_read(operator: Operator, build: Builder) -> None:
    """Lowers READ_VARIABLE to a copy of the variable's bytes. Raises `PlanRefused`."""
    target = result(operator)
    emit_bytes(build, _variable(operator, build, target), build.allocate(target), target.nbytes)


def lower_assign(operator: Operator, build: Builder) -> None:
    """Lowers ASSIGN_VARIABLE to a copy into the variable. Raises `PlanRefused`."""
    value = operand(operator, 1)
    emit_bytes(build, build.read(value), _variable(operator, build, value), value.nbytes)


LOWERINGS = {"VAR_HANDLE": lower_handle, "READ_VARIABLE": lower_read, "ASSIGN_VARIABLE": lower_assign}
