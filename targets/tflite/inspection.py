"""What a `.tflite` says of itself: inputs, outputs, operators, numeric scheme. Runs in the converter's environment."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from .refusals import NoSignature, Refused, Unloadable
from .schema import operator_name, text
from .softmax_scale import too_fine
from .state import state_kept

DAMAGED = re.compile(
    r"not a valid Flatbuffer|must be specified|out of range buffer|elements overflowed|invalidly specified in schema"
    r"|Did not get (?:tensors|operators|opcodes)|Missing registration for opcode_index|required_bytes <= bytes"
)
"""What ai-edge-litert 2.1 says of files whose bytes were cut or flipped. Whatever else it refuses (an operator that it
does not know, a quantised dimension that is too large, another schema version) is no damage, and other runtimes may
take it."""
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")


def inspect(path: Path, signature: str = "") -> dict[str, Any]:
    """Inputs, outputs, operator counts of a `.tflite`, read from the flatbuffer, and notes on what runtimes trip over.

    `signature`: which of its signatures; empty for the only one, or the one that an interpreter runs by itself. Raises
    `Refused` if it is corrupt, `NoSignature` for one that it has not, and `Unloadable` if it reads variables that it
    never assigns.

    The file is opened by ai-edge-litert first: of the interpreters it is the one that refuses corrupt files without
    dying (75 of 75 truncations, none of 360 bit flips crashed it).
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    content = path.read_bytes()
    if len(content) < 8 or content[4:8] != b"TFL3":
        raise Refused(f"{path.name} is not a TFLite file ({len(content)} bytes, no TFL3 mark)")
    try:
        Interpreter(
            model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
    except Exception as error:
        if DAMAGED.search(str(error)):
            said = textwrap.shorten(str(error).splitlines()[0], 200, placeholder="…")
            raise Refused(f"{path.name} is damaged: {said}") from error
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    chosen = choose(model, signature)
    graph = model.subgraphs[chosen.subgraphIndex if chosen is not None else 0]
    operators: dict[str, int] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators or []:
            name = operator_name(model.operatorCodes[operator.opcodeIndex], schema)
            operators[name] = operators.get(name, 0) + 1
    if "READ_VARIABLE" in operators and "ASSIGN_VARIABLE" not in operators:
        # TensorFlow 2.19's interpreter refuses this; 2.21's computes with whatever lies in memory, and says nothing.
        raise Unloadable(
            f"{path.name} has {operators.get('VAR_HANDLE', operators['READ_VARIABLE'])} variables that it reads "
            "(READ_VARIABLE) and never assigns, so its numbers mean nothing: convert it again, from the `.keras` file "
            "or from what `model.export(…)` writes"
        )
    several = [text(one.signatureKey) for one in model.signatureDefs or []]
    return {
        **interface(graph, chosen, schema),
        "signature": text(chosen.signatureKey) if chosen is not None and len(several) > 1 else "",
        "signatures": several,
        "subgraph": int(chosen.subgraphIndex) if chosen is not None else 0,
        "operators": dict(sorted(operators.items())),
        "scheme": scheme(model, schema),
        "notes": too_fine(model, schema),
        "state": state_kept(model, operators, schema),
    }


def choose(model: Any, name: str) -> Any:
    """The signature of that name; without one the first that an interpreter runs by itself (the first subgraph's), and
    None of a file without signatures. Raises `NoSignature`."""
    found = {text(signature.signatureKey): signature for signature in model.signatureDefs or []}
    if name and name not in found:
        has = f"its signatures are {', '.join(sorted(found))}" if found else "it has none at all: leave `signature` out"
        raise NoSignature(f"it has no signature '{name}'; {has}")
    if name:
        return found[name]
    by_itself = [signature for signature in found.values() if signature.subgraphIndex == 0]
    return next(iter([*by_itself, *found.values()]), None)


def interface(graph: Any, signature: Any, schema: Any) -> dict[str, Any]:
    """`inputs`, `outputs` and `open_axes` (by the name of an input), in the order of the first subgraph, or of the
    names in a signature of another one, as `signature.py` has them."""
    found: dict[str, Any] = {}
    order: list[Any] = []
    for side in ("inputs", "outputs"):
        entries = getattr(signature, side) if signature is not None else None
        tensors = getattr(graph, side)
        if signature is not None and signature.subgraphIndex != 0:
            entries = sorted(entries or [], key=lambda entry: text(entry.name))
            tensors = [entry.tensorIndex for entry in entries]
        order = list(tensors) if side == "inputs" else order
        found[side] = tensor_documents(graph, tensors, entries, schema)
    open_axes = {
        document["name"]: [axis for axis, size in enumerate(stated) if size < 0]
        for document, stated in zip(found["inputs"], (signature_shape(graph, index) for index in order), strict=True)
    }
    return {**found, "open_axes": open_axes}


def signature_shape(graph: Any, index: Any) -> list[int]:
    """A tensor's shape, with -1 for an open size."""
    tensor = graph.tensors[int(index)]
    stated = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return [int(size) for size in (stated if stated is not None else [])]


def scheme(model: Any, schema: Any) -> str:
    """The numeric scheme by the types that the weighted operators work on: `int8`, `int16x8`, `dynamic` (float
    activations, integer weights) or `float32`."""
    kinds = schema.TensorType
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            if operator_name(model.operatorCodes[operator.opcodeIndex], schema) not in WEIGHTED:
                continue
            activation, weights = (graph.tensors[int(index)].type for index in operator.inputs[:2])
            if activation == kinds.FLOAT32:
                found.add("float32" if weights in (kinds.FLOAT32, kinds.FLOAT16) else "dynamic")
            else:
                found.add("int16x8" if activation == kinds.INT16 else "int8")
    return next((name for name in ("dynamic", "int8", "int16x8") if name in found), "float32")


def tensor_documents(graph: Any, tensors: Any, entries: Any, schema: Any) -> list[dict[str, Any]]:
    """The inputs or the outputs. A tensor can be several of them, and both at once: each has its own name then."""
    names: dict[int, list[str]] = {}
    for entry in entries or []:
        names.setdefault(int(entry.tensorIndex), []).append(text(entry.name))
    found = []
    for position, index in enumerate(int(tensor) for tensor in tensors):
        waiting = names.get(index, [])
        found.append(tensor_document(graph, index, position, waiting.pop(0) if waiting else "", schema))
    return found


def tensor_document(graph: Any, tensor_index: int, position: int, signature_name: str, schema: Any) -> dict[str, Any]:
    """One input or output in the shape of `harness.artifact.TensorInfo`; named as its tensor without another name."""
    tensor = graph.tensors[tensor_index]
    kinds = {value: key.lower() for key, value in vars(schema.TensorType).items() if not key.startswith("_")}
    dtype = kinds[tensor.type]
    quantisation = None
    parameters = tensor.quantization
    scaled = parameters is not None and parameters.scale is not None and len(parameters.scale) > 0
    if dtype in ("int8", "uint8", "int16") and scaled:
        quantisation = {"scale": float(parameters.scale[0]), "zero_point": int(parameters.zeroPoint[0])}
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    name = text(tensor.name) if tensor.name is not None else ""
    return {
        "name": signature_name or name or f"tensor_{tensor_index}",
        "tensor": name,
        "index": position,
        "shape": [max(1, int(size)) for size in (signature if signature is not None else [])],
        "dtype": dtype,
        "quantisation": quantisation,
    }
