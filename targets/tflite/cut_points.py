"""A model cut after each of its operators, so that what each takes is the difference of two figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tflite

from .examine import operator_name, sizes, type_name

_OUTPUTS_FIELD, _OPERATORS_FIELD = 8, 10
"""Fields in a subgraph's virtual table: the third and the fourth (schema.fbs)."""
_GIVEN = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool")


@dataclass(frozen=True)
class CutPoints:
    """`names` of the main graph's operators; for each the `cuts` after it: how many operators, and the tensors that
    nothing reads any more. The two places are those of the file that a cut changes, in bytes from its beginning."""

    names: tuple[str, ...]
    cuts: tuple[tuple[int, tuple[int, ...]], ...]
    length_at: int
    outputs_at: int
    shapes: tuple[str, ...] = ()
    """Shape of each operator's first result, written as `1×8×8×16`."""


def find_cut_points(content: bytes) -> CutPoints:
    """Finds the cut points of the main graph. Operators inside branches and loops are not cut points.

    All that nothing reads is an output of the cut model: a runtime leaves out what has no reader. The last is the model
    as it is.
    """
    model = tflite.Model.GetRootAsModel(content, 0)
    graph = model.Subgraphs(0)
    table = graph._tab
    own_outputs = {graph.Outputs(place) for place in range(graph.OutputsLength())}
    names, shapes, cuts, unread = [], [], [], dict[int, None]()
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        names.append(operator_name(model.OperatorCodes(operator.OpcodeIndex())))
        for place in range(operator.InputsLength()):
            if operator.Inputs(place) not in own_outputs:
                unread.pop(operator.Inputs(place), None)
        shapes.append(_shape(graph, operator))
        written = [operator.Outputs(place) for place in range(operator.OutputsLength())]
        unread.update(dict.fromkeys(tensor for tensor in written if tensor >= 0 and _can_be_given(graph, tensor)))
        cuts.append((index + 1, tuple(unread)))
    if cuts:
        cuts[-1] = (len(cuts), tuple(graph.Outputs(place) for place in range(graph.OutputsLength())))
    return CutPoints(
        names=tuple(names),
        cuts=tuple(cuts),
        length_at=table.Vector(table.Offset(_OPERATORS_FIELD)) - 4,
        outputs_at=table.Pos + table.Offset(_OUTPUTS_FIELD),
        shapes=tuple(shapes),
    )


def _shape(graph: Any, operator: Any) -> str:
    if not operator.OutputsLength() or operator.Outputs(0) < 0:
        return ""
    return "×".join(map(str, sizes(graph.Tensors(operator.Outputs(0)))))


def _can_be_given(graph: Any, index: int) -> bool:
    tensor = graph.Tensors(index)
    return type_name(tensor) in _GIVEN and not tensor.IsVariable()
