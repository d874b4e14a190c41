"""TFLiteConverter's int8 with some operators left in float. Runs in the converter's environment.

TensorFlow's QuantizationDebugger does it as well, and has neither the variant's types of inputs and outputs (they come
out as float32) nor 16-bit activations (they come out as 8): so its two steps are made here.
"""

from __future__ import annotations

from typing import Any

from harness.operator_names import by_name

from .refusals import Mistaken, Refused, Unloadable
from .schema import schema_module, text


def is_partial(options: dict[str, Any]) -> bool:
    """Whether some nodes or operators are to be left in float."""
    return any(options.get(name) for name in ("excluded_nodes", "excluded_operators", "float_operators"))


def quantise_selectively(converter: Any, options: dict[str, Any]) -> bytes:
    """Quantised by a TFLiteConverter that was set up for it, what was named left in float. Raises `Refused` where the
    scheme has no such way, and `Mistaken`."""
    from tensorflow.lite.python.convert import mlir_quantize

    if options["scheme"] != "int8":
        raise Refused(
            "nodes and operators can be left in float by int8 alone: TensorFlow would make int8 of"
            f" {options['scheme']} in silence (int16-static, which ai-edge-quantizer makes, leaves operators in float)"
        )
    converter._experimental_calibrate_only = True
    calibrated = converter.convert()
    names = first_outputs(calibrated)
    chosen = [names[place] for place in by_name(options.get("float_operators", ()), names, Mistaken)]
    content = bytes(
        mlir_quantize(
            calibrated,
            converter._experimental_disable_per_channel,
            input_data_type=converter.inference_input_type,
            output_data_type=converter.inference_output_type,
            denylisted_ops=list(options.get("excluded_operators", ())),
            denylisted_nodes=[*options.get("excluded_nodes", ()), *chosen],
            disable_per_channel_for_dense_layers=converter._experimental_disable_per_channel_quantization_for_dense_layers,
        )
    )
    check_float_operators(content, chosen)
    return content


def first_outputs(content: bytes) -> list[str]:
    """The names of the operators' first outputs, in the order of execution."""
    return [name for name, _ in first_output_types(content)]


def check_float_operators(content: bytes, chosen: list[str]) -> None:
    """Raise `Unloadable` where the quantiser passed over one that was to stay in float: no result of its name is."""
    schema = schema_module()
    floats = {name for name, kind in first_output_types(content) if kind == schema.TensorType.FLOAT32}
    for name in chosen:
        if not any(found == name or (found.startswith(name) and found[len(name) :].isdigit()) for found in floats):
            raise Unloadable(f"TensorFlow's quantiser was to leave '{name}' in float, and did not")


def first_output_types(content: bytes) -> list[tuple[str, int]]:
    """Name and type of each operator's first output."""
    schema = schema_module()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    tensors = [
        graph.tensors[int(operator.outputs[0])]
        for graph in model.subgraphs
        for operator in graph.operators or []
        if operator.outputs is not None and len(operator.outputs) and operator.outputs[0] >= 0
    ]
    return [(text(tensor.name), int(tensor.type)) for tensor in tensors]
