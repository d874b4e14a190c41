"""Float `.tflite` to quantised `.tflite` with ai-edge-quantizer. Runs in an environment of its own, which has no
TensorFlow, loaded by `harness/conversion/rewriting_worker.py`; never in the engine."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import calibrator, qtyping, quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.algorithms.nonlinear_quantize.float_casting import SUPPORTED_WEIGHT_QUANT_OPS
from ai_edge_quantizer.utils import qsv_utils
from ai_edge_quantizer.utils.tfl_flatbuffer_utils import TFL_OP_CODE_TO_NAME, get_op_scope

from harness.operator_names import by_name
from harness.suggestion import did_you_mean

from . import metadata
from .float_fallback import fallback_operators
from .float_form import Unusable, as_quantiser_input, signature_keys
from .refusals import Mistaken, Refused, Unloadable
from .schema import packed, schema_module, take_in_values

ENTRY = "model.tflite"
SCHEMA = schema_module()
Operation = qtyping.TFLOperationName
WITH_FOUR_BITS = (Operation.FULLY_CONNECTED, Operation.CONV_2D, Operation.BATCH_MATMUL, Operation.EMBEDDING_LOOKUP)
"""Operators whose weights the quantiser may store in 4 bits; which of them in a given way, its policy says."""
WEIGHTS = 1
"""Where the weights stand among the inputs of each of `SUPPORTED_WEIGHT_QUANT_OPS`."""
MOST_IN_OLD_FIELD = 127
"""PLACEHOLDER_FOR_GREATER_OP_CODES of TFLite's schema."""
BLOCK_SIZES = (32, 64, 128, 256)
UPDATES = {"min-max": qsv_utils.min_max_update, "moving-average": qsv_utils.moving_average_update}
"""How the ranges of several samples become one. TFLite's converter takes the least and the largest value of all; the
quantiser's own default is the other."""


def rewrite(path: Path, options: dict[str, Any], calibration: dict[str, Any], signature: str, output: Path) -> str:
    """Quantise the float model at `path` and write `output/model.tflite`; returns the entry's name.

    `options`: those of `format.py` and `harness.conversion.choices`. `calibration`: input name → float array shaped
    (samples, *static shape). `signature`: the key of the one that is meant; empty for the only one, or the first
    subgraph. Raises `Refused` with the quantiser's reason in one line, and `Mistaken`.
    """
    try:
        model = as_quantiser_input(path.read_bytes(), SCHEMA)
    except Unusable as error:
        raise Refused(str(error)) from error
    content = packed(model)
    tool = quantizer.Quantizer(content)
    add_recipe(tool, model, options)
    key = signature or next(iter(signature_keys(model)))
    try:
        ranges = calibrated(tool, content, key, calibration, options) if tool.need_calibration else None
        made = tool.quantize(ranges, enable_progress_bar=False, enable_progress_report=False).quantized_model
    except Refused:
        raise
    except (OSError, MemoryError):
        raise  # no answer of the quantiser: another time it may work
    except Exception as error:
        raise Refused(f"ai-edge-quantizer refuses it: {what_it_says(error)}") from error
    content = bytes(made)
    written = SCHEMA.ModelT.InitFromObj(SCHEMA.Model.GetRootAs(content, 0))
    take_in_values(written, content)
    name_in_both_fields(written)
    content = packed(written)
    if not has_integer_weights(written):
        raise Refused("ai-edge-quantizer finds no operator in it that it could quantise in this way")
    if options.get("integer_only") and (found := fallback_operators(written, SCHEMA)):
        raise Refused(f"the quantiser left {', '.join(found)} in float, and integer_only was chosen")
    if options.get("metadata"):
        content = metadata.embed(content, options["metadata"], SCHEMA)
    (output / ENTRY).write_bytes(content)
    check_runs(output / ENTRY)
    return ENTRY


def add_recipe(tool: quantizer.Quantizer, model: Any, options: dict[str, Any]) -> None:
    """The quantiser's recipe for these options: a rule for all operators, then, in the order in which later rules take
    the place of earlier ones, what differs from it. Raises `Mistaken`."""
    method, bits = options["method"], options["weight_bits"]
    check_options(options)
    granularity = "tensor" if options.get("per_tensor") else options.get("granularity", "channel")
    by_channel, weights = Granularity.CHANNELWISE, granularity_of(granularity)
    usual = by_channel if is_block(granularity) else weights
    add(tool, ".*", Operation.ALL_SUPPORTED, method, 8, usual, options)
    if bits == 4:  # what has no form of 4 bits keeps 8
        for operation in WITH_FOUR_BITS:
            micro = method == "static" and operation == Operation.FULLY_CONNECTED and "granularity" not in options
            with contextlib.suppress(ValueError):
                # Micro's int4 dense layers have one scale alone.
                add(tool, ".*", operation, method, 4, Granularity.TENSORWISE if micro else usual, options)
    if is_block(granularity):
        for operation, scope in with_whole_blocks(model, int(granularity)):
            with contextlib.suppress(ValueError):
                add(tool, exactly(scope), operation, method, bits, weights, options)
    if method == "static" and options.get("io", "float32") == "float32":
        for operation in (Operation.INPUT, Operation.OUTPUT):
            leave(tool, ".*", operation)
    for name in options.get("excluded_operators", ()):
        if name not in Operation.__members__:
            raise Mistaken(
                f"The quantiser knows no operator '{name}'; correct `excluded_operators`."
                f"{did_you_mean(name, Operation.__members__)}"
            )
        leave(tool, ".*", Operation[name])
    chosen = (*options.get("float_operators", ()), *options.get("excluded_nodes", ()))
    scopes = [(operator_scope(graph, operator), graph, operator) for graph, operator in operators(model)]
    names = [first_output(graph, operator) for _, graph, operator in scopes]
    in_float = set(by_name(chosen, names, Mistaken))
    for index, (scope, graph, operator) in enumerate(scopes):
        kind = operation_of(model, operator)
        if index in in_float:
            leave(tool, exactly(scope), Operation.ALL_SUPPORTED)
        elif kind is None or kind.name not in options.get("excluded_operators", ()):
            continue
        if options.get("float_weights") == "float16" and fits_halves(model, graph, operator):
            halves = AlgorithmName.FLOAT_CASTING
            tool.add_weight_only_config(exactly(scope), kind, 16, Granularity.TENSORWISE, halves)


Granularity = qtyping.QuantGranularity


def check_options(options: dict[str, Any]) -> None:
    """Raise `Mistaken` for choices that contradict each other."""
    method, io = options["method"], options.get("io", "float32")
    if io not in {"float32"} | ({f"int{options.get('activation_bits')}"} if method == "static" else set()):
        has = f"float32 or int{options['activation_bits']}" if method == "static" else "float32"
        raise Mistaken(f"Inputs and outputs of this variant are {has}, not {io}; correct `io`.")
    granularity = options.get("granularity", "channel")
    if is_block(granularity) and (method, options["weight_bits"]) != ("dynamic", 4):
        raise Mistaken(
            f"Blocks of {granularity} values are for weights of 4 bits beside activations quantised as the model runs"
            ' (int4-blocks, int4-dynamic); set `granularity` to "channel" or "tensor".'
        )
    if options.get("calibration_ranges", "min-max") not in UPDATES:
        raise Mistaken(f"`calibration_ranges` is one of {', '.join(UPDATES)}.")


def is_block(granularity: Any) -> bool:
    return granularity in BLOCK_SIZES


def granularity_of(name: Any) -> Any:
    """The quantiser's word for a granularity of `harness.conversion.choices`."""
    if is_block(name):
        return Granularity[f"BLOCKWISE_{name}"]
    return {"tensor": Granularity.TENSORWISE, "channel": Granularity.CHANNELWISE}[name]


def add(
    tool: quantizer.Quantizer,
    scope: str,
    operation: Any,
    method: str,
    bits: int,
    granularity: Any,
    options: dict[str, Any],
) -> None:
    """One rule of the recipe. Raises ValueError where the quantiser has no such form of that operator."""
    if method == "weights":
        tool.add_weight_only_config(scope, operation, bits, granularity)
    elif method == "dynamic":
        tool.add_dynamic_config(scope, operation, bits, granularity)
    else:
        tool.add_static_config(scope, operation, options["activation_bits"], bits, granularity)


def leave(tool: quantizer.Quantizer, scope: str, operation: Any) -> None:
    """Leave these operators in float."""
    tool.update_quantization_recipe(scope, operation, None, AlgorithmName.NO_QUANTIZE)


def exactly(scope: str) -> str:
    """The pattern of one scope and no other."""
    return f"^{re.escape(scope)}$"


def operators(model: Any) -> Iterator[tuple[Any, Any]]:
    """Every operator with its subgraph."""
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            yield graph, operator


def operator_scope(graph: Any, operator: Any) -> str:
    return str(get_op_scope(operator, graph.tensors))


def first_output(graph: Any, operator: Any) -> str:
    """The name of an operator's first output; empty where it has none."""
    written = [int(index) for index in operator.outputs if index >= 0] if operator.outputs is not None else []
    return (graph.tensors[written[0]].name or b"").decode(errors="replace") if written else ""


def operation_of(model: Any, operator: Any) -> Any:
    """The quantiser's word for an operator's kind; None where it has none."""
    code = model.operatorCodes[operator.opcodeIndex]
    return TFL_OP_CODE_TO_NAME.get(max(code.builtinCode, code.deprecatedBuiltinCode))


def fits_halves(model: Any, graph: Any, operator: Any) -> bool:
    """Whether the quantiser can store an operator's weights as float16, and none of them is beyond what that holds."""
    if operation_of(model, operator) not in SUPPORTED_WEIGHT_QUANT_OPS:
        return False
    data = model.buffers[graph.tensors[int(operator.inputs[WEIGHTS])].buffer].data
    if data is None or not len(data):
        return False
    values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), np.float32)
    return bool(np.all(np.abs(values) <= np.finfo(np.float16).max))


def with_whole_blocks(model: Any, size: int) -> Iterator[tuple[Any, str]]:
    """Operation and scope of each operator whose weights divide into blocks of `size`: the quantiser ends at the first
    that do not. They run along the last axis."""
    kinds = {Operation.FULLY_CONNECTED: 1, Operation.EMBEDDING_LOOKUP: 1}
    for graph, operator in operators(model):
        operation = operation_of(model, operator)
        if operation in kinds and len(operator.inputs) > kinds[operation]:
            shape = graph.tensors[int(operator.inputs[kinds[operation]])].shape
            if shape is not None and len(shape) and int(shape[-1]) % size == 0:
                yield operation, operator_scope(graph, operator)


def calibrated(
    tool: quantizer.Quantizer, content: bytes, key: str, calibration: dict[str, Any], options: dict[str, Any]
) -> Any:
    """The range of every tensor over the calibration samples. One thread: sums are then the same at every run."""
    if not calibration:
        raise Refused("the variant needs calibration data, and the model has none")
    count = min(len(next(iter(calibration.values()))), options.get("calibration_samples", 1 << 30))
    details = Interpreter(model_content=content).get_signature_runner(key).get_input_details()
    given = {name: values.astype(details[name]["dtype"]) for name, values in calibration.items() if name in details}
    if missing := sorted(set(details) - set(given)):
        raise Refused(f"there is no calibration data for the inputs {', '.join(missing)}")
    gathering = calibrator.Calibrator(
        content,
        num_threads=1,
        mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        qsv_update_func=UPDATES[options.get("calibration_ranges", "min-max")],
    )
    samples = ({name: values[index] for name, values in given.items()} for index in range(count))
    gathering.calibrate({key: list(samples)}, tool._recipe_manager)
    return gathering.get_model_qsvs()


def name_in_both_fields(model: Any) -> None:
    """Name operators in the older field of their code as well, up to 127, as TFLite's own converter does: what reads
    that one alone takes the quantiser's DEQUANTIZE for an ADD."""
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = min(code.builtinCode, MOST_IN_OLD_FIELD)


def has_integer_weights(model: Any) -> bool:
    """Whether any constant is a quantised one."""
    kinds = (SCHEMA.TensorType.INT4, SCHEMA.TensorType.INT8, SCHEMA.TensorType.INT16)
    return any(
        (tensor.type in kinds and tensor.quantization is not None and tensor.quantization.scale is not None)
        or (tensor.quantization is not None and tensor.quantization.details is not None)
        for graph in model.subgraphs
        for tensor in graph.tensors
    )


def check_runs(path: Path) -> None:
    """LiteRT runs what the quantiser wrote, on zeros. Raises `Unloadable` where not."""
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        said = what_it_says(error)
        if "custom op" in said:  # those are the user's to register
            return
        raise Unloadable(f"ai-edge-quantizer reported success and LiteRT cannot run the result: {said}") from error


def what_it_says(error: Exception) -> str:
    """What an error says, in one line."""
    return textwrap.shorten(" ".join(str(error).split()) or type(error).__name__, 400, placeholder="…").rstrip(".")
