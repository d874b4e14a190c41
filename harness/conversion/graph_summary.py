"""The TensorFlow graph of a prepared model, in figures. Runs in the converter's environment only."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from harness.conversion.sources.export import SIGNATURE

PLUMBING = ("Const", "Placeholder", "Identity", "IdentityN", "NoOp")
FLOATS = ("float32", "float64", "float16", "bfloat16", "complex64")


def summarise_graph(saved_model: Path) -> dict[str, Any]:
    """Operators with counts and names of nodes, parameters (elements of float constants of rank one and more), types,
    and how many tensors have an open shape: of the frozen graph, functions included; of the graph as it is where the
    model assigns a variable, which cannot be frozen."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    loaded = tf.saved_model.load(str(saved_model))  # it owns the variables
    function, parameters = loaded.signatures[SIGNATURE], 0
    try:
        function = convert_variables_to_constants_v2(function, lower_control_flow=False)
    except ValueError:
        parameters = sum(
            math.prod(variable.shape) for variable in function.graph.variables if variable.dtype.is_floating
        )
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
    counts: Counter[str] = Counter()
    names: dict[str, list[str]] = {}
    for node in nodes:
        if node.op == "Const":
            shape = [dimension.size for dimension in node.attr["value"].tensor.tensor_shape.dim]
            if shape and tf.dtypes.as_dtype(node.attr["dtype"].type).name in FLOATS:
                parameters += math.prod(shape)
        if node.op in PLUMBING:
            continue
        counts[node.op] += 1
        names.setdefault(node.op, []).append(node.name)
    types: Counter[str] = Counter()
    open_shapes = 0
    for operation in function.graph.get_operations():
        for tensor in operation.outputs:
            types[tensor.dtype.name] += 1
            open_shapes += not tensor.shape.is_fully_defined()
    return {
        "operators": dict(sorted(counts.items())),
        "nodes": names,
        "parameters": parameters,
        "types": dict(types),
        "open_shapes": open_shapes,
    }
