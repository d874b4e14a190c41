"""SavedModel to TFLite. Runs in the converter's environment, loaded by the conversion worker; never in the engine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

ENTRY = "model.tflite"


class Refused(Exception):
    """The converter cannot do this model; the text is the reason in one line."""

    harness_kind = "unsupported"


def convert(saved_model: Path, options: dict[str, Any], calibration: dict[str, Any] | None, output: Path) -> str:
    """Convert with TFLiteConverter in process and write `output/model.tflite`; returns the entry's name.

    `calibration`: input name → float array shaped (samples, *static shape). Raises `Refused` with the converter's
    reason in one line.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serving_default"])
    scheme, io = options["scheme"], options.get("io", "float32")
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme in ("int8", "int16x8"):
        if calibration is None:
            raise Refused(f"the variant needs calibration data for scheme {scheme}, and the model has none")
        count = len(next(iter(calibration.values())))

        def representative() -> Any:
            for sample in range(count):
                yield {name: values[sample] for name, values in calibration.items()}

        converter.representative_dataset = lambda: (("serving_default", sample) for sample in representative())
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8
            if scheme == "int8"
            else tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]
        kind = getattr(tf, io)
        converter.inference_input_type = converter.inference_output_type = kind
    try:
        content = converter.convert()
    except Exception as error:
        raise Refused(one_line(error)) from error
    (output / ENTRY).write_bytes(content)
    return ENTRY


def one_line(error: Exception) -> str:
    """The line of a converter's error that says what is wrong: its text is often pages of stack and MLIR."""
    text = str(error)
    for pattern in (
        r"Some ops are not supported by the native TFLite runtime[^\n]*",
        r"Some ops in the model are custom ops[^\n]*",
        r"[^\n]*is neither a custom op nor a flex op[^\n]*",
        r"[^\n]*Quantization not yet supported for op: [^\n]*",
        r"[^\n]*Quantization to 16x8-bit not yet supported for op: [^\n]*",
    ):
        found = re.search(pattern, text)
        if found:
            detail = re.search(r"(?:Flex ops|Custom ops): ([^\n]*)", text)
            return found.group(0).strip() + (f" ({detail.group(0).strip()})" if detail else "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:400] if lines else 'no message'}"


def inspect(path: Path) -> dict[str, Any]:
    """Inputs, outputs and operator counts of a `.tflite`, read from the flatbuffer; raises `Refused` if it is corrupt.

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
        if "op" not in str(error).lower():  # an unknown operator is not corruption; the rest of what it says is
            raise Refused(f"{path.name} is damaged: {str(error).splitlines()[0][:200]}") from error
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    operators: dict[str, int] = {}
    for subgraph in model.subgraphs:
        for operator in subgraph.operators or []:
            name = operator_name(model.operatorCodes[operator.opcodeIndex], schema)
            operators[name] = operators.get(name, 0) + 1
    names: dict[int, str] = {}
    for signature in (model.signatureDefs or [])[:1]:
        for entry in [*(signature.inputs or []), *(signature.outputs or [])]:
            names.setdefault(entry.tensorIndex, text(entry.name))
    return {
        "inputs": [describe(graph, int(t), i, names, schema) for i, t in enumerate(graph.inputs)],
        "outputs": [describe(graph, int(t), i, names, schema) for i, t in enumerate(graph.outputs)],
        "operators": dict(sorted(operators.items())),
    }


def operator_name(code: Any, schema: Any) -> str:
    """The builtin's name, or the custom code (`Flex…` for select TF)."""
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return text(code.customCode)
    known = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    return known.get(builtin, f"BUILTIN_{builtin}")


def text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def describe(graph: Any, tensor_index: int, position: int, names: dict[int, str], schema: Any) -> dict[str, Any]:
    """One input or output in the shape of `harness.artifact.TensorInfo`."""
    tensor = graph.tensors[tensor_index]
    kinds = {value: key.lower() for key, value in vars(schema.TensorType).items() if not key.startswith("_")}
    dtype = kinds[tensor.type]
    quantisation = None
    parameters = tensor.quantization
    if dtype in ("int8", "uint8", "int16") and parameters is not None and parameters.scale is not None:
        quantisation = {"scale": float(parameters.scale[0]), "zero_point": int(parameters.zeroPoint[0])}
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    name = text(tensor.name)
    return {
        "name": names.get(tensor_index, name),
        "tensor": name,
        "index": position,
        "shape": [max(1, int(size)) for size in (signature if signature is not None else [])],
        "dtype": dtype,
        "quantisation": quantisation,
    }


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """Copy a ready `.tflite`; returns its name and what was recognised."""
    shutil.copyfile(path, output / ENTRY)
    return ENTRY, "a ready TFLite file (it carries the TFL3 mark)"


def reference(path: Path, inspected: dict[str, Any], samples: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reference interpreter's name and its outputs: stored types, shaped (samples, *output shape).

    TensorFlow 2.19's reference kernels (BUILTIN_REF) match TensorFlow Lite Micro bit for bit on int8 models, the fused
    LSTM aside, and run select-TF operators. They lack a few newer hybrid operators; its optimised kernels have them.
    """
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    refusal: Exception | None = None
    for resolver in (resolvers.BUILTIN_REF, resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
            for info, detail in zip(inspected["inputs"], interpreter.get_input_details(), strict=True):
                if list(detail["shape"]) != list(info["shape"]):
                    interpreter.resize_tensor_input(detail["index"], info["shape"])
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            refusal = refusal or error
            continue
        return f"TensorFlow {tf.__version__} {resolver.name}", run(interpreter, inspected, samples)
    raise Refused(f"no reference interpreter runs it: {one_line(refusal) if refusal else ''}")


def run(interpreter: Any, inspected: dict[str, Any], samples: dict[str, Any]) -> dict[str, Any]:
    """Every sample through an allocated interpreter."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    collected: dict[str, list[Any]] = {info["name"]: [] for info in inspected["outputs"]}
    for sample in range(len(next(iter(samples.values())))):
        for info, detail in zip(inspected["inputs"], inputs, strict=True):
            interpreter.set_tensor(detail["index"], samples[info["name"]][sample])
        try:
            interpreter.invoke()
        except RuntimeError as error:
            raise Refused(f"the reference interpreter refuses it: {one_line(error)}") from error
        for info, detail in zip(inspected["outputs"], outputs, strict=True):
            collected[info["name"]].append(interpreter.get_tensor(detail["index"]))
    return {name: np.stack(values) for name, values in collected.items()}
