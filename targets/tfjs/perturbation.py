"""The artifact itself with operators that give results off at random, by as much as sound kernels differ.

A graph gets a multiplication by 1 ± k units in the last place behind every operator that rounds, half of the values by
k units: k = 1, for a result is rounded once; 1 + √n/5 where n products are added up (Higham and Mary 2019: see
`targets/tflite/perturbation.py`); 25 for exp, tanh and the like: WGSL and Vulkan ask for exp to within 3 + 2·|x| units,
and |x| is within 11 where its result is more than 10⁻⁵ of the largest. A layers model gets weights that are off so.

Runs in the converter's environment.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

APPROXIMATE_UNITS = 25.0
WEIGHTS = 16
"""A constant of fewer values may be a size, a bound or a step, which no rounding moves."""

_EXACT = """
    Const Placeholder Identity IdentityN NoOp Reshape Transpose ConcatV2 Concat Pad PadV2 MirrorPad Slice StridedSlice
    Split SplitV Gather GatherV2 GatherNd Relu Relu6 MaxPool MaxPool3D Max Min Maximum Minimum Neg Abs Cast Squeeze
    ExpandDims Tile Pack Unpack SpaceToBatchND BatchToSpaceND DepthToSpace ResizeNearestNeighbor Select SelectV2 Where
    Fill Floor Round Ceil Sign OneHot Reverse ReverseV2 TopKV2 Enter Exit Merge Switch NextIteration LoopCond While
    StatelessWhile If StatelessIf BroadcastTo Shape Range ZerosLike OnesLike StopGradient TensorListFromTensor
    TensorListStack TensorListGetItem TensorListSetItem TensorListReserve ScatterNd TensorScatterUpdate
    PartitionedCall StatefulPartitionedCall Empty
"""
EXACT = frozenset(_EXACT.split())
_APPROXIMATE = """
    Exp Expm1 Log Log1p Sigmoid Tanh Sin Cos Tan Asin Acos Atan Atan2 Sinh Cosh Asinh Acosh Atanh Pow Softmax LogSoftmax
    Softplus Elu Selu Erf Rsqrt Sqrt RealDiv Div Reciprocal FusedBatchNorm FusedBatchNormV3 LRN
"""
APPROXIMATE = frozenset(_APPROXIMATE.split())


def perturb_graph(graph_def: Any, generator: np.random.Generator) -> None:
    """Put the multiplications into a GraphDef, in place; in one with loops or functions, whose inside is not seen, the
    constants are off instead."""
    import tensorflow as tf

    if graph_def.library.function or any(node.op == "Enter" for node in graph_def.node):
        for node in graph_def.node:
            if node.op == "Const":
                perturb_constant(node, generator)
        return
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
    added = []
    for node in graph_def.node:
        operation = graph.get_operation_by_name(node.name)
        if node.op in EXACT or len(operation.outputs) != 1 or operation.outputs[0].dtype != tf.float32:
            continue
        shape = fixed_shape(operation.outputs[0])
        name, node.name = node.name, f"{node.name}/undisturbed"
        noise = tf.compat.v1.NodeDef(name=f"{name}/noise", op="Const")
        noise.attr["dtype"].type = tf.float32.as_datatype_enum
        values = factors(tuple(shape), units(operation), generator)
        noise.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values, tf.float32, shape))
        product = tf.compat.v1.NodeDef(name=name, op="Mul", input=[node.name, noise.name])
        product.attr["T"].type = tf.float32.as_datatype_enum
        added += [noise, product]
    graph_def.node.extend(added)


def fixed_shape(tensor: Any) -> list[int]:
    """The tensor's shape, one where it is open: noise is broadcast there."""
    return [size or 1 for size in (tensor.shape.as_list() if tensor.shape.rank else [])]


def perturb_constant(node: Any, generator: np.random.Generator) -> None:
    """Move the float32 weights of a Const node as `perturb_weights` does, in place. Small constants are left as they
    are."""
    import tensorflow as tf

    values = tf.make_ndarray(node.attr["value"].tensor)
    if values.dtype == np.float32 and values.size >= WEIGHTS:
        moved = perturb_weights(values, generator)
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(moved, tf.float32, values.shape))


def perturb_weights(values: NDArray[Any], generator: np.random.Generator) -> NDArray[Any]:
    """Weights that are off by as much as exp, tanh and the like behind them, or the sum that they are for."""
    summed = 1.0 + math.sqrt(math.prod(values.shape[:-1])) / 5.0 if values.ndim > 1 else 1.0
    return (values * factors(values.shape, max(APPROXIMATE_UNITS, summed), generator)).astype(np.float32)


def factors(shape: tuple[int, ...], off: float, generator: np.random.Generator) -> NDArray[Any]:
    """1, or `off` units in the last place more or less than that, for half of the values."""
    ways = generator.choice(np.array([-1, 0, 1], np.int8), shape, p=[0.25, 0.5, 0.25])
    return np.asarray(1.0 + off * 2.0**-23 * ways, np.float32)


def units(operation: Any) -> float:
    """Units in the last place by which sound kernels differ in the result of an operator of a graph."""
    approximate = APPROXIMATE_UNITS if operation.type in APPROXIMATE else 1.0
    return max(approximate, 1.0 + math.sqrt(terms(operation)) / 5.0)


def terms(operation: Any) -> float:
    """How many products or values are added up in one element of a result; 0 where none are."""
    shapes = [
        [size or 1 for size in (tensor.shape.as_list() if tensor.shape.rank else [])] for tensor in operation.inputs
    ]
    if operation.type in ("Conv2D", "Conv2DBackpropInput", "Conv3D") and len(shapes) > 1:
        return float(math.prod(shapes[1][:-1]))
    if operation.type == "DepthwiseConv2dNative":
        return float(math.prod(shapes[1][:2]))
    if operation.type in ("MatMul", "BatchMatMul", "BatchMatMulV2", "Einsum"):
        return float(max(shapes[0][-2:], default=1))
    out = math.prod(fixed_shape(operation.outputs[0]))
    gathered = max((math.prod(shape) for shape in shapes), default=1) / max(1, out)
    return gathered if gathered > 1.0 else 0.0


def count_macs(graph_def: Any) -> int:
    """Multiply-accumulates of one inference, about."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(graph_def, name="")
    total = 0.0
    for operation in graph.get_operations():
        for tensor in operation.outputs[:1]:
            total += math.prod(fixed_shape(tensor)) * max(1.0, terms(operation))
    return int(total)
