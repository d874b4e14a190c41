"""SavedModel to TensorFlow.js graph model. Runs in the converter's environment, never in the engine.

Loaded from its file, alone: it imports nothing of this project. TensorFlow is imported inside the functions.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENTRY = "model.json"
METADATA = "harness"
SIGNATURE = "serving_default"
DEFAULT_SHARD_BYTES = 4 * 1024 * 1024

# What TensorFlow.js holds a TensorFlow type in (`parseDtypeParam` of its operation mapper).
PAGE_TYPES = {
    "DT_FLOAT": "float32",
    "DT_HALF": "float32",
    "DT_DOUBLE": "float32",
    "DT_INT8": "int32",
    "DT_UINT8": "int32",
    "DT_INT32": "int32",
    "DT_INT64": "int32",
    "DT_BOOL": "bool",
}
STORED_BYTES = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8, "uint8": 1, "uint16": 2, "float16": 2}

# Operators that the converter makes and TensorFlow either lacks or runs differently: the operator each is made of.
FUSED = {"_FusedConv2D": "Conv2D", "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative", "_FusedMatMul": "MatMul"}
KEPT_ATTRIBUTES = {
    "Conv2D": ("T", "strides", "padding", "explicit_paddings", "data_format", "dilations"),
    "DepthwiseConv2dNative": ("T", "strides", "padding", "explicit_paddings", "data_format", "dilations"),
    "MatMul": ("T", "transpose_a", "transpose_b"),
}
ACTIVATIONS = ("Relu", "Relu6", "Elu", "Sigmoid", "Tanh")


class Refused(Exception):
    """The converter or the reference interpreter cannot do this model; the text is the reason in one line."""

    harness_kind = "unsupported"


class Broken(Exception):
    """The files are not what they should be; the text says which and why."""

    harness_kind = "failed"


def convert(
    saved_model: Path, options: dict[str, Any], calibration: dict[str, NDArray[Any]] | None, output: Path
) -> str:
    """Convert through tensorflowjs in process, write `output/model.json` and its shards; returns the entry's name.

    `options`: `weights` (float32, float16, uint8, uint16: how weights are stored) and `shard_bytes`. `calibration` is
    not needed: activations are never quantised. Raises `Refused` with the converter's reason in one line, `Broken`
    where it claims success and the files say otherwise.
    """
    if options.get("form") == "layers":
        from . import layers

        shard_bytes = options.get("shard_bytes", DEFAULT_SHARD_BYTES)
        layers.convert(saved_model.parent / "keras.h5", options, shard_bytes, output)
        check_weights(output / ENTRY)
        return ENTRY
    import tensorflow as tf

    conversion = conversion_module()
    stored = options["weights"]
    function = tf.saved_model.load(str(saved_model)).signatures[SIGNATURE]
    try:
        conversion.convert_tf_saved_model(
            str(saved_model),
            str(output),
            signature_def=SIGNATURE,
            quantization_dtype_map=None if stored == "float32" else {stored: "*"},
            weight_shard_size_bytes=options.get("shard_bytes", DEFAULT_SHARD_BYTES),
            # Loops stay functions: lowered to Enter and Exit, tensorflowjs writes recurrent networks whose outputs
            # its own executor then cannot reach (tensorflow/tfjs#4579).
            control_flow_v2=True,
            metadata={METADATA: canonical_names(function)},
        )
    except Exception as error:
        raise Refused(one_line(error)) from error
    check_weights(output / ENTRY)
    return ENTRY


def conversion_module() -> Any:
    """tensorflowjs's SavedModel converter.

    It imports TensorFlow Decision Forests (to load such models, which graph models cannot carry without another
    runtime) and TensorFlow Hub (which needs a `pkg_resources` that newer setuptools lack). Neither takes part here, and
    either breaks the import where its versions drift, so both are replaced by empty modules.
    """
    for name in ("tensorflow_decision_forests", "tensorflow_hub"):
        sys.modules.setdefault(name, ModuleType(name))
    from tensorflowjs.converters import tf_saved_model_conversion_v2

    return tf_saved_model_conversion_v2


def canonical_names(function: Any) -> dict[str, dict[str, str]]:
    """Signature key → graph tensor, for inputs and outputs of a loaded signature.

    Kept in the artifact because tensorflowjs guesses its own signature from types and shapes, and gives up where two
    tensors are alike.
    """
    placeholders = {tensor.name.split(":")[0]: tensor.name for tensor in function.inputs}
    specs = function.structured_input_signature[1]
    outputs = zip(sorted(function.structured_outputs), function.outputs, strict=True)
    return {
        "inputs": {key: placeholders[spec.name] for key, spec in specs.items()},
        "outputs": {key: tensor.name for key, tensor in outputs},
    }


def one_line(error: Exception) -> str:
    """The reason in tensorflowjs's words, on one line, the same at every run (it prints sets of operators)."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if lines[0].startswith("Unsupported Ops") and len(lines) > 1:
        return f"{lines[0]}: {', '.join(sorted(lines[1].split(', ')))}"
    return " ".join(lines)[:500]


def stored_bytes(weight: Mapping[str, Any]) -> int:
    """Bytes of one weight in its shards. Raises `Broken` for a type that cannot be sized."""
    stored = weight.get("quantization", weight)["dtype"]
    if stored not in STORED_BYTES:
        raise Broken(f"weight '{weight['name']}' is stored as {stored}, which is not supported.")
    return int(math.prod(weight["shape"])) * STORED_BYTES[stored]


def check_weights(path: Path) -> None:
    """Every shard is there and together they are as long as the weights. Raises `Broken`.

    tensorflowjs can report success having written `model.json` alone.
    """
    for group in read_model(path)["weightsManifest"]:
        missing = [name for name in group["paths"] if not (path.parent / name).is_file()]
        if missing:
            raise Broken(f"the converter wrote no {', '.join(missing)}.")
        expected = sum(stored_bytes(weight) for weight in group["weights"])
        found = sum((path.parent / name).stat().st_size for name in group["paths"])
        if found != expected:
            raise Broken(f"the shards {', '.join(group['paths'])} hold {found} bytes, the weights take {expected}.")


def read_model(path: Path) -> dict[str, Any]:
    """`model.json` as written. Raises `Broken`."""
    try:
        model = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Broken(f"{path.name} cannot be read as JSON ({error}).") from error
    if not isinstance(model, dict) or not isinstance(model.get("modelTopology"), dict):
        raise Broken(f"{path.name} is not a TensorFlow.js model.")
    if is_layers(model) and isinstance(model.get("weightsManifest"), list):
        return model
    if model.get("format") != "graph-model":
        raise Broken(f"{path.name} is not a TensorFlow.js graph model.")
    if not isinstance(model.get("weightsManifest"), list) or not isinstance(model.get("signature"), dict):
        raise Broken(f"{path.name} has no weights manifest or no signature.")
    return model


def is_layers(model: Mapping[str, Any]) -> bool:
    """Whether a `model.json` is a layers model, which Keras' topology marks."""
    return model.get("format") == "layers-model" or "model_config" in model["modelTopology"]


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """A ready model, copied: see `ready.py`."""
    from . import ready

    return ready.take_ready(path, output)


def inspect(path: Path) -> dict[str, Any]:
    """Inputs, outputs and operators of the graph model at `path`.

    `inputs` and `outputs`: dicts that fit `harness.artifact.TensorInfo` (an open dimension is 1; `dtype` is the one
    that TensorFlow.js computes in). `operators`: name → count, functions included, constants and placeholders left out.
    An input that conversion removed because nothing uses it is not listed. Raises `Broken`, `Refused`.
    """
    model = read_model(path)
    if is_layers(model):
        from . import layers

        return layers.inspect(path)
    nodes = list(all_nodes(model["modelTopology"]))
    present = {node["name"] for node in nodes}
    operators: dict[str, int] = {}
    for node in nodes:
        if node["op"] not in ("Const", "Placeholder"):
            operators[node["op"]] = operators.get(node["op"], 0) + 1
    inputs = [info for info in tensor_infos(model, "inputs") if info["tensor"].split(":")[0] in present]
    for index, info in enumerate(inputs):
        info["index"] = index
    return {"inputs": inputs, "outputs": tensor_infos(model, "outputs"), "operators": operators}


def all_nodes(topology: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of the graph and of its functions, as JSON."""
    yield from topology["node"]
    for function in topology.get("library", {}).get("function", []):
        yield from function.get("nodeDef", [])


def tensor_infos(model: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    """The `TensorInfo`s of one side of the signature, ordered by canonical name."""
    by_tensor = {described["name"]: described for described in model["signature"].get(side, {}).values()}
    guessed = {key: described["name"] for key, described in model["signature"].get(side, {}).items()}
    canonical = (model.get("userDefinedMetadata") or {}).get(METADATA, {}).get(side, guessed)
    infos: list[dict[str, Any]] = []
    for name, tensor in sorted(canonical.items()):
        if tensor not in by_tensor:  # a variable or constant that freezing took out of the signature
            continue
        described = by_tensor[tensor]
        if described.get("dtype") not in PAGE_TYPES:
            raise Refused(f"{side[:-1]} '{name}' is {described.get('dtype')}, which a page cannot exchange as a tensor")
        sizes = [int(size.get("size", 0)) for size in described.get("tensorShape", {}).get("dim", [])]
        infos.append(
            {
                "name": name,
                "tensor": tensor,
                "index": len(infos),
                "shape": [1 if size < 0 else size for size in sizes],
                "dtype": PAGE_TYPES[described["dtype"]],
                "quantisation": None,
            }
        )
    return infos


def reference(
    path: Path, inspected: dict[str, Any], samples: dict[str, NDArray[Any]]
) -> tuple[str, dict[str, NDArray[Any]]]:
    """TensorFlow's own kernels on the graph and the weights of the artifact itself.

    Weights are restored from the shards as TensorFlow.js restores them; fused operators run as what they are made of,
    and the graph is not optimised again. `samples`: input name → (samples, *shape) of the artifact's dtype; returns
    the interpreter's name and output name → (samples, *output shape) likewise. Raises `Refused` naming an operator
    that TensorFlow cannot run.
    """
    import tensorflow as tf

    model = read_model(path)
    if is_layers(model):
        from . import layers

        return layers.reference(path, inspected, samples)
    if model.get("modelInitializer"):
        raise Refused("the model needs its initializer graph (a hash table), which the reference interpreter has not")
    graph_def = restored_graph(model, decoded_weights(model, path.parent))
    with tf.Graph().as_default() as graph:
        try:
            tf.graph_util.import_graph_def(graph_def, name="")
        except ValueError as error:
            raise Refused(f"TensorFlow cannot run this graph: {one_line(error)}") from error
    options = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    options.graph_options.rewrite_options.disable_meta_optimizer = True
    feeds = [(info["name"], graph.get_tensor_by_name(info["tensor"])) for info in inspected["inputs"]]
    fetches = [graph.get_tensor_by_name(info["tensor"]) for info in inspected["outputs"]]
    rows: list[list[NDArray[Any]]] = []
    with tf.compat.v1.Session(graph=graph, config=options) as session:
        for index in range(len(next(iter(samples.values())))):
            feed = {tensor: samples[name][index].astype(tensor.dtype.as_numpy_dtype) for name, tensor in feeds}
            try:
                rows.append(session.run(fetches, feed))
            except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
                raise Refused(f"TensorFlow cannot run this graph: {one_line(error)}") from error
    outputs = {
        info["name"]: np.stack(column).astype(info["dtype"])
        for info, column in zip(inspected["outputs"], zip(*rows, strict=True), strict=True)
    }
    return f"TensorFlow {tf.__version__} on the artifact's own graph", outputs


def decoded_weights(model: Mapping[str, Any], folder: Path) -> dict[str, NDArray[Any]]:
    """Weight name → array, restored exactly as TensorFlow.js does: affine ones in double precision, then rounded to
    float32; float16 widened. Raises `Broken` on missing or short shards."""
    check_weights(folder / ENTRY)
    weights: dict[str, NDArray[Any]] = {}
    for group in model["weightsManifest"]:
        content = b"".join((folder / name).read_bytes() for name in group["paths"])
        offset = 0
        for weight in group["weights"]:
            size = stored_bytes(weight)
            quantised = weight.get("quantization")
            stored = np.dtype((quantised or weight)["dtype"]).newbyteorder("<")
            values = np.frombuffer(content[offset : offset + size], stored).reshape(weight["shape"])
            offset += size
            if quantised and quantised["dtype"] != "float16":
                values = values.astype(np.float64) * float(quantised["scale"]) + float(quantised["min"])
            weights[weight["name"]] = values.astype(weight["dtype"])
    return weights


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
