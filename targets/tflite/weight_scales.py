"""Quantised weights whose scales a runtime's kernels pass over: they take the file, end without an error, and compute
other numbers. Or they die of it. Each was seen (docs/measured-facts.md) and is read from the file before anything runs.

- *By blocks*: each so many weights in a row have a scale of their own (`BlockwiseQuantization` of TFLite's schema).
  Of LiteRT 2.3 only XNNPACK has kernels for that; the builtin and the reference kernels compute with none of the scales
  (0.5 dB of a digits classifier, and the two err alike), and TensorFlow 2.19 dies.
- tflite-runtime 2.14 takes a dense layer's int8 weights with a scale a channel, beside float values, for ones with a
  single scale (0.5 dB), and reads a convolution's int4 weights as something else (not a number).
- Micro's DEQUANTIZE has one scale (22 dB where all others have 63).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tflite

from harness.artifact import Artifact

from .examine import operator_name, type_name

_BLOCKWISE = 2
"""`BlockwiseQuantization` in the union of a tensor's quantisation details (schema.fbs)."""
_PLACES_NAMED = 4
_HYBRID = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "EMBEDDING_LOOKUP", "BATCH_MATMUL")


def passed_over(runtime: str, resolver: str, artifact: Artifact) -> tuple[str, ...]:
    """Operators whose weights have scales that these kernels pass over, in the form of `unsupported_operators`."""
    if runtime == "tensorflow":
        return by_blocks(artifact, "of which TensorFlow's interpreter dies")
    if runtime == "tflite-runtime":
        blocks = by_blocks(artifact, "whose scales tflite-runtime passes over, so that it computes other numbers")
        return blocks + misread_by_tflite_runtime(artifact)
    if resolver == "AUTO":  # XNNPACK
        return ()
    return by_blocks(artifact, "whose scales LiteRT's kernels but XNNPACK's pass over, so that they compute others")


def by_blocks(artifact: Artifact, why: str) -> tuple[str, ...]:
    """What to say of the operators whose weights have scales by blocks."""
    if artifact.scheme != "dynamic" and "EMBEDDING_LOOKUP" not in artifact.operators:
        return ()
    found = [(name, place) for place, name, _, weights in _weighted(artifact) if is_by_blocks(weights)]
    return _said(found, f"with int4 weights by blocks, {why}")


def misread_by_tflite_runtime(artifact: Artifact) -> tuple[str, ...]:
    """Operators that tflite-runtime 2.14 computes wrongly beside float values, in the form of
    `unsupported_operators`."""
    if artifact.scheme != "dynamic":
        return ()
    beside_floats = [one for one in _weighted(artifact) if type_name(one[2]) == "float32"]
    dense = [
        (name, place)
        for place, name, _, weights in beside_floats
        if name == "FULLY_CONNECTED" and type_name(weights) == "int8" and scales(weights) > 1
    ]
    convolutions = [
        (name, place) for place, name, _, weights in beside_floats if name == "CONV_2D" and type_name(weights) == "int4"
    ]
    return _said(
        dense,
        "with int8 weights of a scale a channel beside float values, of which tflite-runtime takes the first scale for"
        ' all (granularity = "tensor" has one)',
    ) + _said(convolutions, "with int4 weights beside float values, which tflite-runtime misreads")


def dequantised_with_one_scale(content: bytes) -> tuple[str, ...]:
    """What Micro's DEQUANTIZE computes wrongly in a file with this content, in the form of `unsupported_operators`."""
    found = [
        (name, place) for place, name, values, _ in _operators(content) if name == "DEQUANTIZE" and scales(values) > 1
    ]
    return _said(
        found,
        'of values with a scale a channel, of which Micro takes the first scale for all (granularity = "tensor" has'
        " one)",
    )


def _said(found: list[tuple[str, int]], why: str) -> tuple[str, ...]:
    """One phrase for each kind of operator: its places, of many the first ones, and why."""
    places: dict[str, list[str]] = {}
    for name, place in found:
        places.setdefault(name, []).append(str(place))
    return tuple(
        f"{name} (operator{'s' if len(known) > 1 else ''} {', '.join(known[:_PLACES_NAMED])}"
        f"{f' and {len(known) - _PLACES_NAMED} more' if len(known) > _PLACES_NAMED else ''}) {why}"
        for name, known in places.items()
    )


def is_by_blocks(tensor: Any) -> bool:
    parameters = tensor.Quantization()
    return parameters is not None and parameters.DetailsType() == _BLOCKWISE


def scales(tensor: Any) -> int:
    """How many scales a tensor has."""
    parameters = tensor.Quantization()
    return int(parameters.ScaleLength()) if parameters is not None else 0


def _weighted(artifact: Artifact) -> Iterator[tuple[int, str, Any, Any]]:
    """Place, name, values and weights of each operator that has weights."""
    for place, name, first, second in _operators(artifact.path.read_bytes()):
        if name in _HYBRID and second is not None:
            yield place, name, first, second


def _operators(content: bytes) -> Iterator[tuple[int, str, Any, Any]]:
    """Place, name and the first two inputs, the second of which may be None, of each operator that has any."""
    model = tflite.Model.GetRootAsModel(content, 0)
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for place in range(graph.OperatorsLength()):
            operator = graph.Operators(place)
            given = [operator.Inputs(index) for index in range(operator.InputsLength())]
            if not given or given[0] < 0:
                continue
            second = graph.Tensors(given[1]) if len(given) > 1 and given[1] >= 0 else None
            name = operator_name(model.OperatorCodes(operator.OpcodeIndex()))
            yield place, name, graph.Tensors(given[0]), second
