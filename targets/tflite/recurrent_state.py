"""A quantised LSTM whose output has other scales than its hidden state. Micro writes its results with the state's, and
they are read with the output's: numbers off by the difference of their zero points, without an error (2 dB where its
values, read with the state's scale, have 38). TensorFlow 2.19's converter calibrates the two apart where a layer's
direction is reversed (Keras 2's Bidirectional), and alike otherwise."""

from __future__ import annotations

from typing import Any

import tflite

from .examine import operator_name

_LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_HIDDEN = 18
"""Where its hidden state stands among its inputs."""
WHY = "its output has another scale than its hidden state, with which Micro writes it, so that other numbers are read"


def lstm_scale_problems(content: bytes) -> tuple[str, ...]:
    """Phrases on what Micro computes wrongly in a file with this content, in the form of `unsupported_operators`: one
    phrase for all operators."""
    model = tflite.Model.GetRootAsModel(content, 0)
    found = [
        str(place)
        for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength()))
        for place in range(graph.OperatorsLength())
        if operator_name(model.OperatorCodes((operator := graph.Operators(place)).OpcodeIndex())) == _LSTM
        and operator.InputsLength() > _HIDDEN
        and operator.Inputs(_HIDDEN) >= 0
        and _scale(graph.Tensors(operator.Inputs(_HIDDEN))) != _scale(graph.Tensors(operator.Outputs(0)))
    ]
    return (f"{_LSTM} (operator{'s' if len(found) > 1 else ''} {', '.join(found)}): {WHY}",) if found else ()


def _scale(tensor: Any) -> tuple[float, int] | None:
    """A tensor's scale and zero point; None for floats."""
    parameters = tensor.Quantization()
    if parameters is None or not parameters.ScaleLength():
        return None
    return float(parameters.Scale(0)), int(parameters.ZeroPoint(0)) if parameters.ZeroPointLength() else 0
