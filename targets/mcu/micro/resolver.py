"""The op resolver that holds a model's operators and no others, as Micro's `MicroMutableOpResolver` takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.errors import Unavailable, Unsupported

RESOLVER_HEADER = Path("tensorflow/lite/micro/micro_mutable_op_resolver.h")
_CUSTOM = "CUSTOM "
_METHOD = re.compile(r"TfLiteStatus\s+(Add\w+)\s*\((.*?)\)\s*\{(.*?)\n  \}", re.DOTALL)
_BUILTIN = re.compile(r"AddBuiltin\(\s*(?:tflite::)?BuiltinOperator_(\w+)")
_CUSTOM_NAME = re.compile(r"AddCustom\(\s*\"([^\"]+)\"")
# Where Micro's method is not the operator's name in capitals.
_IRREGULAR = {
    "RELU_0_TO_1": "AddRelu0To1",
    "RELU_N1_TO_1": "AddReluN1To1",
    "BATCH_MATMUL": "AddBatchMatMul",
    "PADV2": "AddPadV2",
    "CUMSUM": "AddCumSum",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
}


def methods_of(headers: Path) -> dict[str, str]:
    """Operator to the method that adds it, as these headers have them."""
    try:
        text = (headers / RESOLVER_HEADER).read_text("utf-8", "replace")
    except OSError as error:
        raise Unavailable(f"{headers / RESOLVER_HEADER} cannot be read: {error.strerror}.") from error
    found: dict[str, str] = {}
    for name, _, body in _METHOD.findall(text):
        if builtin := _BUILTIN.search(body):
            found[builtin.group(1)] = name
        elif custom := _CUSTOM_NAME.search(body):
            found[_CUSTOM + custom.group(1)] = name
    return found


def usual_method(operator: str) -> str:
    """The method as Micro names it, without its headers at hand: DEPTHWISE_CONV_2D is AddDepthwiseConv2D."""
    if operator in _IRREGULAR:
        return _IRREGULAR[operator]
    return "Add" + "".join(part if part[0].isdigit() else part.capitalize() for part in operator.split("_"))


def additions(operators: Iterable[str], methods: Mapping[str, str]) -> list[str]:
    """The methods to call, each once, in the order of first use. Raises `Unsupported` for an operator without one."""
    wanted = list(dict.fromkeys(operators))
    for operator in wanted:
        if operator not in methods:
            raise Unsupported(f"{operator} has no kernel in the TensorFlow Lite Micro that TFLM_INCLUDE names.")
    return [methods[operator] for operator in wanted]
