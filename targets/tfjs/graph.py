"""SavedModel to TensorFlow.js graph model, and reading one back.

Runs in the converter's environment, beside `converter.py`. TensorFlow is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from . import wrong_kernels
from .free_memory import check_free_memory
from .function_returns import restore_returns, returns_of_nothing
from .graph_reference import graph_of
from .graph_signature import Entry, node_name, signature_of, tensor_name
from .model_json import ENTRY, METADATA, check_ranges, harness_metadata, read_model
from .problems import Broken, Refused, one_line
from .unused_imports import without_unused_imports

SIGNATURE = "serving_default"

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


TYPE_NAMES = {"float32": "FLOAT", "float16": "HALF", "float64": "DOUBLE"}
"""TensorFlow's own name of a type → what the same type is called in a graph, where it is another word."""


def convert(saved_model: Path, options: Mapping[str, Any], shard_bytes: int, output: Path) -> None:
    """Convert through tensorflowjs in process; writes `output/model.json` and its shards.

    `options`: `weights` (float32, float16, uint8, uint16: how weights are stored) and `skip_operator_check` (write the
    files whatever operators there are). Raises `Refused` with the converter's reason in one line, `Broken` where the
    files that it wrote without its check would not run, `MemoryError` where there is no room for it.
    """
    import tensorflow as tf

    conversion, errors = conversion_module(), tf.errors
    stored = options["weights"]
    loaded = tf.saved_model.load(str(saved_model))
    function = loaded.signatures[SIGNATURE]
    check_free_memory(sum(variable.shape.num_elements() * variable.dtype.size for variable in function.variables))
    try:
        # It would load the model anew: a third of the time that a small one takes.
        with mock.patch.object(conversion, "_load_model", return_value=loaded):
            conversion.convert_tf_saved_model(
                str(saved_model),
                str(output),
                signature_def=SIGNATURE,
                skip_op_check=options.get("skip_operator_check", False),
                quantization_dtype_map=None if stored == "float32" else {stored: "*"},
                weight_shard_size_bytes=shard_bytes,
                # Loops stay functions: lowered to Enter and Exit, tensorflowjs writes recurrent networks whose outputs
                # its own executor then cannot reach (tensorflow/tfjs#4579).
                control_flow_v2=True,
                metadata={METADATA: canonical_names(function)},
            )
    except (OSError, MemoryError, errors.NotFoundError, errors.PermissionDeniedError, errors.ResourceExhaustedError):
        raise  # no answer of the converter: another time there may be room
    except Exception as error:
        raise Refused(one_line(error)) from error
    check_ranges(output / ENTRY)
    restore_returns(output / ENTRY)
    if options.get("skip_operator_check"):
        unknown = unknown_operators(output / ENTRY)
        if unknown:
            raise Broken(f"the converter reported success, and TensorFlow.js has no operator {', '.join(unknown)}.")


def unknown_operators(path: Path) -> list[str]:
    """The operators of a graph model that tensorflowjs says TensorFlow.js has not."""
    nodes = [SimpleNamespace(op=node["op"]) for node in all_nodes(read_model(path)["modelTopology"])]
    graph = SimpleNamespace(node=nodes, library=SimpleNamespace(function=[]))
    return sorted(conversion_module().validate(graph, False, False))


def conversion_module() -> Any:
    """tensorflowjs's SavedModel converter."""
    without_unused_imports()
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


def inspect(path: Path) -> dict[str, Any]:
    """Inputs, outputs and operators of the graph model at `path`.

    `inputs` and `outputs`: dicts that fit `harness.artifact.TensorInfo` (an open dimension is 1; `dtype` is the one
    that TensorFlow.js computes in). `operators`: name → count, functions included, constants and placeholders left out.
    An input that conversion removed because nothing uses it is not listed. Raises `Broken`, `Refused`; a graph with an
    initializer, a second graph that fills its tables, is among what is refused. `notes`: kernels known to be wrong.
    """
    model = read_model(path)
    if model.get("modelInitializer"):
        raise Refused(
            "the model looks up in a hash table, whose initializer graph the reference interpreter does not run"
        )
    nodes = list(all_nodes(model["modelTopology"]))
    weights = {weight["name"] for group in model["weightsManifest"] for weight in group["weights"]}
    for node in nodes:
        if node["op"] == "Const" and node["name"] not in weights:
            raise Broken(f"the shards have no weight for the constant '{node['name']}'.")
    for function, _, reference in returns_of_nothing(model["modelTopology"]):
        raise Broken(
            f"the function {function['signature']['name']} returns '{reference}', which it does not have: its other"
            " outputs would take that place; convert the model again, or have the branch compute what it returns."
        )
    present = {node["name"] for node in nodes}
    operators: dict[str, int] = {}
    for node in nodes:
        if node["op"] not in ("Const", "Placeholder"):
            operators[node["op"]] = operators.get(node["op"], 0) + 1
    signature = signature_of(model)
    inputs = [info for info in tensor_infos(model, signature, "inputs") if node_name(info["tensor"]) in present]
    for index, info in enumerate(inputs):
        info["index"] = index
    unsaid = [entry for entry in signature["outputs"].values() if not entry["dtype"] and entry["name"]]
    if unsaid:
        fill_in_types(unsaid, model, path.parent)
    outputs = tensor_infos(model, signature, "outputs")
    return {
        "inputs": inputs,
        "open_axes": {key: open_axes(entry) for key, entry in signature["inputs"].items()},
        "outputs": outputs,
        "operators": operators,
        "notes": wrong_kernels.notes(operators),
    }


def open_axes(entry: Entry) -> list[int]:
    """The axes whose size the signature leaves open."""
    sizes = [int(size.get("size", 0)) for size in entry["tensorShape"].get("dim", [])]
    return [axis for axis, size in enumerate(sizes) if size < 0]


def fill_in_types(entries: list[Entry], model: Mapping[str, Any], folder: Path) -> None:
    """Fill in the types of tensors that the file does not say, as TensorFlow finds them when it reads the same graph.
    Raises `Refused`."""
    graph = graph_of(model, folder)
    for entry in entries:
        try:
            tensor = graph.get_tensor_by_name(tensor_name(entry["name"]))
        except (KeyError, ValueError) as error:
            raise Refused(f"the signature names '{entry['name']}', which the graph does not have") from error
        entry["dtype"] = f"DT_{TYPE_NAMES.get(tensor.dtype.name, tensor.dtype.name.upper())}"


def all_nodes(topology: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of the graph and of its functions, as JSON."""
    yield from topology["node"]
    for function in topology.get("library", {}).get("function", []):
        yield from function.get("nodeDef", [])


def tensor_infos(model: Mapping[str, Any], signature: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    """The `TensorInfo`s of one side of the signature, ordered by canonical name."""
    by_tensor = {described["name"]: described for described in signature[side].values()}
    guessed = {key: described["name"] for key, described in signature[side].items()}
    canonical = harness_metadata(model).get(side, guessed)
    infos: list[dict[str, Any]] = []
    for name, tensor in sorted(canonical.items()):
        if tensor not in by_tensor:  # a variable or constant that freezing took out of the signature
            continue
        described = by_tensor[tensor]
        if described["dtype"] not in PAGE_TYPES:
            kind = described["dtype"] or "of a type that the file does not say"
            raise Refused(f"{side[:-1]} '{name}' is {kind}, which a page cannot exchange as a tensor")
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
