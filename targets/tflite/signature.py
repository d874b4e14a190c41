"""One signature of a `.tflite` that has several, called like an interpreter.

Runs in a runtime's environment and in the converter's: standard library and NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def of_signature(interpreter: Any, key: str) -> Any:
    """What runs the signature `key`: the interpreter itself where that is the file's first subgraph, which is what it
    runs anyway, and where no key is given. Raises `ValueError` where there is no such signature."""
    if not key:
        return interpreter
    if key not in interpreter.get_signature_list():
        raise ValueError(f"it has no signature '{key}'; it has {', '.join(sorted(interpreter.get_signature_list()))}")
    subgraph = interpreter._interpreter.GetSubgraphIndexFromSignature(key)
    return interpreter if subgraph == 0 else Signature(interpreter, key, subgraph)


def value_of(interpreter: Any, index: int) -> Any:
    """A copy of an output. A kernel that finds nothing (WHERE) may leave as many bytes as its result had before, and
    the interpreter then refuses to copy it: what it holds is nothing, in its shape. Raises `ValueError` elsewhere."""
    try:
        return interpreter.get_tensor(index)
    except ValueError:
        for detail in interpreter.get_output_details():
            if detail["index"] == index and 0 in list(detail["shape"]):
                return np.zeros(tuple(detail["shape"]), detail["dtype"])
        raise


class Signature:
    """The calls of an interpreter, on another subgraph than the first.

    The packages' own `SignatureRunner` allocates and copies at every call, so that nothing could be timed with it: this
    makes the same calls of the interpreter's extension module apart. Inputs and outputs come in the order of their
    names in the signature.
    """

    def __init__(self, interpreter: Any, key: str, subgraph: int) -> None:
        self._interpreter = interpreter
        self._calls = interpreter._interpreter
        self._subgraph = subgraph
        entries = interpreter._get_full_signature_list()[key]
        self._inputs, self._outputs = entries["inputs"], entries["outputs"]

    def get_input_details(self) -> list[dict[str, Any]]:
        """Details of the signature's inputs, in the form that an interpreter gives."""
        return self._details(self._inputs)

    def get_output_details(self) -> list[dict[str, Any]]:
        """Details of the signature's outputs, in the form that an interpreter gives."""
        return self._details(self._outputs)

    def _details(self, tensors: dict[str, int]) -> list[dict[str, Any]]:
        found = {index: self._interpreter._get_tensor_details(index, self._subgraph) for index in tensors.values()}
        return [{**found[index], "signature_name": name} for name, index in sorted(tensors.items())]

    def resize_tensor_input(self, index: int, shape: Any) -> None:
        """Gives an input another shape. Call it before `allocate_tensors`."""
        self._calls.ResizeInputTensor(index, np.array(shape, np.int32), False, self._subgraph)

    def allocate_tensors(self) -> None:
        """Give every tensor of the subgraph its place."""
        self._calls.AllocateTensors(self._subgraph)

    def set_tensor(self, index: int, value: Any) -> None:
        """Copy `value` into a tensor."""
        self._calls.SetTensor(index, np.asarray(value), self._subgraph)

    def get_tensor(self, index: int) -> Any:
        """A copy of a tensor."""
        return self._calls.GetTensor(index, self._subgraph)

    def invoke(self) -> None:
        """Run the subgraph once."""
        self._calls.Invoke(self._subgraph)

    def reset_all_variables(self) -> None:
        """Every variable of the file as it is at the start."""
        self._interpreter.reset_all_variables()
