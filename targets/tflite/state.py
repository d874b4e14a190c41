"""What a `.tflite` keeps from one inference to the next: read from its operators and variables.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

RESOURCES = ("VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE")
"""Variables that are resources of the interpreter. `reset_all_variables` leaves them as they are, and Micro's `Reset`
makes zeros of them, whatever CALL_ONCE had put there: only a new interpreter begins anew."""
FLEX_RESOURCES = ("VarHandle", "Variable", "HashTable")


def state_kept(model: Any, operators: Iterable[str], schema: Any) -> str:
    """`none`, `variables` (tensors that `reset_all_variables` sets back) or `resources`.

    `model`: a ModelT; `operators`: the names of its operators; `schema`: the generated module. What a custom operator
    keeps is not known: runtimes are asked to set it back (Micro calls its `reset`), which costs nothing where there is
    nothing.
    """
    names = set(operators)
    if names & set(RESOURCES) or any(has_resource(name) for name in names):
        return "resources"
    tensors = (tensor for graph in model.subgraphs for tensor in graph.tensors or [])
    builtin = vars(schema.BuiltinOperator)
    custom = [name for name in names if name not in builtin and not name.startswith(("BUILTIN_", "Flex"))]
    if custom or any(tensor.isVariable for tensor in tensors):
        return "variables"
    return "none"


def has_resource(operator: str) -> bool:
    """Whether a TensorFlow operator works on a resource."""
    return operator.startswith("Flex") and any(part in operator for part in FLEX_RESOURCES)
