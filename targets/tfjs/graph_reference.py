"""The reference interpreter of graph models: TensorFlow's own kernels on the artifact's graph and weights.

Runs in the converter's environment, beside `converter.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ragged import stack_samples

from .graph_signature import tensor_name
from .model_json import decoded_weights, read_model
from .problems import Broken, Refused, one_line

# Operators that the converter makes and TensorFlow either lacks or runs differently: the operator each is made of.
FUSED = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative", "_FusedMatMul": "MatMul"}
KEPT_ATTRIBUTES = {
    "Conv2D": ("T", "strides", "padding", "explicit_paddings", "data_format", "dilations"),
    "DepthwiseConv2dNative": ("T", "strides", "padding", "explicit_paddings", "data_format", "dilations"),
    "MatMul": ("T", "transpose_a", "transpose_b"),
}
ACTIVATIONS = ("Relu", "Relu6", "Elu", "Sigmoid", "Tanh")


def reference(
    path: Path,
    inspected: dict[str, Any],
    samples: dict[str, NDArray[Any]],
    change: Callable[[Any], None] | None = None,
) -> tuple[str, dict[str, NDArray[Any]]]:
    """TensorFlow's own kernels on the graph and the weights of the artifact itself.

    Weights are restored from the shards as TensorFlow.js restores them; fused operators run as what they are made of,
    and the graph is not optimised again. `samples`: input name → (samples, *shape) of the artifact's dtype; returns
    the interpreter's name and output name → (samples, *output shape) likewise. Raises `Refused` naming an operator
    that TensorFlow cannot run. `change` is made to the graph before it runs.
    """
    import tensorflow as tf

    graph = graph_of(read_model(path), path.parent, change)
    options = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    feeds = [(info["name"], graph.get_tensor_by_name(tensor_name(info["tensor"]))) for info in inspected["inputs"]]
    fetches = [graph.get_tensor_by_name(tensor_name(info["tensor"])) for info in inspected["outputs"]]
    rows: list[list[NDArray[Any]]] = []
    with tf.compat.v1.Session(graph=graph, config=options) as session:
        for index in range(len(next(iter(samples.values())))):
            feed = {tensor: samples[name][index].astype(tensor.dtype.as_numpy_dtype) for name, tensor in feeds}
            try:
                rows.append(session.run(fetches, feed))
            except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
                raise Refused(f"TensorFlow cannot run this graph: {one_line(error)}") from error
    outputs: dict[str, NDArray[Any]] = {}
    for info, column in zip(inspected["outputs"], zip(*rows, strict=True), strict=True):
        outputs |= stack_samples(info["name"], [np.asarray(value).astype(info["dtype"]) for value in column])
    return f"TensorFlow {tf.__version__} on the artifact's own graph", outputs


def graph_of(model: Mapping[str, Any], folder: Path, change: Callable[[Any], None] | None = None) -> Any:
    """The artifact's graph, imported into TensorFlow. Raises `Refused`."""
    import tensorflow as tf

    graph_def = restored_graph(model, decoded_weights(model, folder))
    if change is not None:
        change(graph_def)
    with tf.Graph().as_default() as graph:
        try:
            tf.graph_util.import_graph_def(graph_def, name="")
        except ValueError as error:
            raise Refused(f"TensorFlow cannot run this graph: {one_line(error)}") from error
    return graph


def restored_graph(model: Mapping[str, Any], weights: Mapping[str, NDArray[Any]]) -> Any:
    """The GraphDef that `model.json` carries, its constants filled in and its fused operators taken apart."""
    import tensorflow as tf
    from google.protobuf.json_format import ParseDict

    graph_def = ParseDict(model["modelTopology"], tf.compat.v1.GraphDef(), ignore_unknown_fields=True)
    restore_nodes(graph_def.node, weights)
    for function in graph_def.library.function:
        made = restore_nodes(function.node_def, weights)
        # Inside a function a reference says which output of an operator it means, by that operator's name for it.
        for node in function.node_def:
            node.input[:] = [function_reference(name, made) for name in node.input]
        for name, tensor in function.ret.items():
            function.ret[name] = function_reference(tensor, made)
    return graph_def


def restore_nodes(nodes: Any, weights: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Fill in the constants and take fused operators apart, in place; name → operator of the nodes made."""
    made: dict[str, str] = {}
    restored = []
    for node in nodes:
        parts = unfused(filled(node, weights))
        restored.extend(parts)
        if node.op == "AddV2" or len(parts) > 1:
            made.update((part.name, part.op) for part in parts)
    del nodes[:]
    nodes.extend(restored)
    return made


def function_reference(reference: str, made: Mapping[str, str]) -> str:
    """A reference inside a function, put right where it means a node made here (each of which has one output)."""
    from tensorflow.python.framework import op_def_registry

    name = reference.split(":")[0]
    if name not in made:
        return reference
    return f"{name}:{op_def_registry.get(made[name]).output_arg[0].name}:0"


def filled(node: Any, weights: Mapping[str, NDArray[Any]]) -> Any:
    """A constant with its value put back (in the graph's own type, which shards narrow); other nodes as they are."""
    import tensorflow as tf

    if node.op == "Const":
        if node.name not in weights:
            raise Broken(f"the shards have no weight for the constant '{node.name}'.")
        kind = tf.dtypes.as_dtype(node.attr["dtype"].type)
        value = weights[node.name].astype(kind.as_numpy_dtype)
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, kind, value.shape))
    return node


def unfused(node: Any) -> list[Any]:
    """The TensorFlow operators that a fused one stands for; the last has its name. Raises `Refused`."""
    import tensorflow as tf

    if node.op == "BiasAdd":
        return [broadcast_bias(node)]
    if node.op not in FUSED and node.op != "Prelu":
        return [node]
    parts: list[Any] = []

    def add(operator: str, inputs: list[str]) -> str:
        part = tf.compat.v1.NodeDef(name=f"{node.name}/part{len(parts)}", op=operator, input=inputs)
        if operator in KEPT_ATTRIBUTES:
            for name in KEPT_ATTRIBUTES[operator]:
                if name in node.attr:
                    part.attr[name].CopyFrom(node.attr[name])
        else:
            part.attr["T"].type = tf.float32.as_datatype_enum
        parts.append(part)
        return str(part.name)

    def add_prelu(value: str, slope: str) -> str:
        negative = add("Relu", [add("Neg", [value])])
        return add("Sub", [add("Relu", [value]), add("Mul", [slope, negative])])

    data = [name for name in node.input if not name.startswith("^")]
    control = [name for name in node.input if name.startswith("^")]
    if node.op == "Prelu":
        add_prelu(data[0], data[1])
    else:
        value, arguments = add(FUSED[node.op], data[:2]), iter(data[2:])
        for step in (name.decode() for name in node.attr["fused_ops"].list.s):
            if step == "BiasAdd":
                value = add("BiasAdd", [value, next(arguments)])
                if "data_format" in node.attr:
                    parts[-1].attr["data_format"].CopyFrom(node.attr["data_format"])
                broadcast_bias(parts[-1])
            elif step == "Prelu":
                value = add_prelu(value, next(arguments))
            elif step == "LeakyRelu":
                value = add("LeakyRelu", [value])
                parts[-1].attr["alpha"].f = node.attr["leakyrelu_alpha"].f
            elif step in ACTIVATIONS:
                value = add(step, [value])
            elif step != "NoOp":
                raise Refused(f"the reference interpreter cannot run {node.op} with {step} (node '{node.name}')")
    parts[0].input.extend(control)
    parts[-1].name = node.name
    return parts


def broadcast_bias(node: Any) -> Any:
    """A BiasAdd as the broadcasting addition that TensorFlow.js makes of it: its converter also writes BiasAdd for
    additions of whole matrices (a recurrent cell's), which TensorFlow's own BiasAdd refuses."""
    if node.attr["data_format"].s != b"NCHW":
        node.op = "AddV2"
        del node.attr["data_format"]
    return node
