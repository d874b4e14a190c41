"""Notes which kernels of TensorFlow.js compute something else without an error, for each model that uses them.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

WRONG = {
    "MaxPool3D": "TensorFlow.js 4.22's wasm backend takes 1.2e-38 for the maximum of a window of negative numbers",
}
"""Operator of a graph → what is wrong, as seen by calling the kernel: `tf.maxPool3d` of -1 … -8 is -1 on cpu."""
LAYERS = {"MaxPooling3D": "MaxPool3D"}
"""Layer → the operator that it computes with."""


def notes(operators: Iterable[str]) -> list[str]:
    """What is known to be wrong with any of a model's operators or layers."""
    found = dict.fromkeys(LAYERS.get(operator, operator) for operator in operators)
    return [
        f"{operator}: {WRONG[operator]}; put a ReLU before it, or pool in two dimensions"
        for operator in found
        if operator in WRONG
    ]
