"""Says of each operator of the source what TFLite makes of it, and which TensorFlow.js backends have its kernel."""

from __future__ import annotations

import re
from typing import Any

from harness.assess.assessment import OperatorRow
from harness.assess.trials import FLOATING, Trials
from harness.errors import CaseError

BACKENDS = ("cpu", "wasm", "webgl", "webgpu")
TF_OPS = re.compile(r"(?:TF Select ops|Flex ops|Custom ops): ([\w, ]+)")


def operator_rows(graph: dict[str, Any] | None, trials: Trials) -> tuple[OperatorRow, ...]:
    """One row for each kind of operator in the TensorFlow graph, or in the artifact where that was given ready."""
    if graph is None:
        ready = trials.artifact("tflite", "ready") or trials.artifact("tfjs", "ready")
        counts = ready.operators if ready else {}
        names: dict[str, list[str]] = {}
    else:
        counts, names = graph["operators"], graph["nodes"]
    return tuple(
        OperatorRow(
            operator=operator,
            count=count,
            tflite=tflite_support(operator, names.get(operator, []), trials),
            tfjs={backend: tfjs_support(operator, backend, trials) for backend in BACKENDS},
        )
        for operator, count in counts.items()
    )


def tflite_support(operator: str, nodes: list[str], trials: Trials) -> str:
    """What the converter makes of an operator. This follows from the artifact's operators and from its tensors, which
    keep the names of the source's nodes: a fused one those of several."""
    artifact = trials.artifact("tflite", *FLOATING)
    examination = trials.examination("tflite", *FLOATING)
    refused = trials.artifacts.get(("tflite", "float32"))
    needed = re.findall(r"\w+", " ".join(TF_OPS.findall(f"{refused}"))) if isinstance(refused, CaseError) else []
    if artifact is None or examination is None:
        return "not converted" if ("tfjs", "ready") not in trials.artifacts else "not a TFLite model"
    if f"Flex{operator}" in artifact.operators or (operator.startswith("Flex") and artifact.variant == "ready"):
        return "select TF"
    if artifact.variant == "ready":
        return "builtin" if operator.isupper() else "custom"
    if operator in artifact.operators and not operator.isupper():
        return "custom"
    if operator in needed:
        return "select TF"
    ends = {plain_node_name(node) for node in nodes}
    counterpart = builtin_name(operator)
    for step in examination.steps:
        for tensor in step.outputs:
            parts = [plain_node_name(part) for part in tensor.split(";") if part]
            if ends & set(parts):
                alone = parts == [parts[0]] or step.operator == counterpart
                return f"{'builtin' if alone else 'fused into'} {step.operator}"
    for name in (counterpart, counterpart.removesuffix("_V2")):
        if name in artifact.operators:  # a result of the model, whose tensor has lost its name
            return f"builtin {name}"
    return "removed, fused or rewritten"


COUNTERPARTS = {
    "MatMul": "FULLY_CONNECTED",
    "DepthwiseConv2dNative": "DEPTHWISE_CONV_2D",
    "ConcatV2": "CONCATENATION",
    "MaxPool": "MAX_POOL_2D",
    "AvgPool": "AVERAGE_POOL_2D",
    "Sigmoid": "LOGISTIC",
    "GatherV2": "GATHER",
    "PadV2": "PADV2",
    "RealDiv": "DIV",
    "Relu6": "RELU6",
    "TopKV2": "TOPK_V2",
    "SelectV2": "SELECT_V2",
    "ReverseV2": "REVERSE_V2",
    "Max": "REDUCE_MAX",
    "Min": "REDUCE_MIN",
    "Prod": "REDUCE_PROD",
    "All": "REDUCE_ALL",
    "Any": "REDUCE_ANY",
    "Atan2": "ATAN2",
    "LRN": "LOCAL_RESPONSE_NORMALIZATION",
    "Conv2DBackpropInput": "TRANSPOSE_CONV",
    "Conv3DBackpropInputV2": "CONV_3D_TRANSPOSE",
    "StatelessIf": "IF",
    "StatelessWhile": "WHILE",
    "NonMaxSuppressionV4": "NON_MAX_SUPPRESSION_V4",
    "NonMaxSuppressionV5": "NON_MAX_SUPPRESSION_V5",
    "HashTableV2": "HASHTABLE",
    "LookupTableFindV2": "HASHTABLE_FIND",
    "LookupTableImportV2": "HASHTABLE_IMPORT",
    "LookupTableSizeV2": "HASHTABLE_SIZE",
}


def builtin_name(operator: str) -> str:
    """TFLite's name of the operator that does the same: `Conv2D` → `CONV_2D`, `BatchMatMulV2` → `BATCH_MATMUL`."""
    plain = re.sub(r"V\d$", "", operator)
    return COUNTERPARTS.get(
        operator, re.sub(r"(?<=[a-z])(?=[A-Z\d])", "_", plain).upper().replace("_MAT_MUL", "_MATMUL")
    )


def plain_node_name(node: str) -> str:
    """A node's name without the functions it was inlined from, and without an output's number."""
    plain = re.sub(r"@.*$|:\d+$", "", node)
    return re.sub(r"^(?:(?:Stateful)?PartitionedCall(?:_\d+)?/)+", "", plain)


def tfjs_support(operator: str, backend: str, trials: Trials) -> str:
    """Whether a backend has its kernel; what conversion folded away needs none."""
    result = trials.artifacts.get(("tfjs", "float32"), trials.artifacts.get(("tfjs", "ready")))
    if result is None:
        return "not a TF.js model"
    if isinstance(result, CaseError):
        return "no" if re.search(rf"Unsupported Ops.*\b{re.escape(operator)}\b", str(result)) else "not converted"
    examination = trials.examinations.get(("tfjs", result.variant))
    fused = [name for name in result.operators if "Fused" in name and operator in name]
    if operator not in result.operators and not fused:
        return "folded"
    name = operator if operator in result.operators else fused[0]
    answer = examination.kernels.get(name, {}).get(backend) if examination else None
    if answer is None:
        return "not known"
    return "yes" if answer else "no"
