"""The fully connected integer layers without a bias on which tflite-runtime dies on Arm.

Its aarch64 wheel multiplies matrices by gemmlowp. Where the weights have a scale a row, gemmlowp's output pipeline adds
a bias whether there is one or not, and so reads address 0 (`cpu_backend_gemm_gemmlowp.h`; seen with 2.14 as SIGSEGV in
`gemmlowp::UnpackResult`, on an A53, A72, A76 and QEMU's `max`, without a fork and without a plugin). A matrix times one
vector goes another way from 4 rows of 8 elements on, which asks whether there is a bias
(`cpu_backend_gemm_custom_gemv.h`); weights of one scale were seen to run. The same file runs in LiteRT on these
cores and in tflite-runtime on x86, where ruy multiplies. The converter leaves out a fully connected layer's bias of
zeros; a convolution without a bias is refused on loading.
"""

from __future__ import annotations

import math
from typing import Any

import tflite

from harness.artifact import Artifact

from ..examine import operator_name, sizes, type_name

_LEAST_ROWS, _LEAST_DEPTH = 4, 8
_INTEGERS = ("int8", "uint8")


def deadly_layers(artifact: Artifact) -> tuple[str, ...]:
    """One phrase per operator that reads a bias which does not exist."""
    if "FULLY_CONNECTED" not in artifact.operators:
        return ()
    model = tflite.Model.GetRootAsModel(artifact.path.read_bytes(), 0)
    found = []
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for place in range(graph.OperatorsLength()):
            operator = graph.Operators(place)
            name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
            if name == "FULLY_CONNECTED" and _lacks_bias(graph, operator) and _goes_to_gemmlowp(graph, operator):
                found.append(f"{name} (operator {place}) without a bias, on which tflite-runtime dies on Arm")
    return tuple(found)


def _lacks_bias(graph: Any, operator: Any) -> bool:
    """Whether the operator has integer inputs, integer weights and no bias."""
    given = [operator.Inputs(index) for index in range(operator.InputsLength())]
    if len(given) < 2 or min(given[:2]) < 0 or any(index >= 0 for index in given[2:]):
        return False
    return all(type_name(graph.Tensors(index)) in _INTEGERS for index in given[:2])


def _goes_to_gemmlowp(graph: Any, operator: Any) -> bool:
    """Whether the kernel that takes it adds a bias without asking."""
    weights = graph.Tensors(operator.Inputs(1))
    if weights.Quantization() is None or weights.Quantization().ScaleLength() < 2:
        return False
    rows, *depths = sizes(weights)
    columns = math.prod(sizes(graph.Tensors(operator.Outputs(0)))) // rows
    return columns > 1 or rows < _LEAST_ROWS or math.prod(depths) < _LEAST_DEPTH
