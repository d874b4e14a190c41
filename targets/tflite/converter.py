"""SavedModel to TFLite. Runs in the converter's environment, loaded by the conversion worker; never in the engine."""

from __future__ import annotations

import ctypes
import re
import shutil
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from harness.sizes import joined, stacked

from . import disturbed as disturbance
from . import metadata
from .left_in_float import left_in_float
from .signature import of_signature, value_of
from .softmax_scale import known_crash, too_fine
from .state import state_kept

ENTRY = "model.tflite"
INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
RANGE_SAMPLES = 4
"""Samples that show how large the activations are that are quantised as the model runs."""
REASONS = (
    r"'tf\.\w+' op requires[^\n]*",
    r"Some ops are not supported by the native TFLite runtime",
    r"Some ops in the model are custom ops",
    r"'tf\.\w+' op is neither[^\n]*",
    r"Quantization to 16x8-bit not yet supported for op: [^\n]*",
    r"Max and min for dynamic tensors should be recorded during calibration[^\n]*",
)


DAMAGED = re.compile(
    r"not a valid Flatbuffer|must be specified|out of range buffer|elements overflowed|invalidly specified in schema"
    r"|Did not get (?:tensors|operators|opcodes)|Missing registration for opcode_index|required_bytes <= bytes"
)
"""What ai-edge-litert 2.1 says of files whose bytes were cut or flipped. Whatever else it refuses (an operator that it
does not know, a quantised dimension that is too large, another schema version) is no damage, and other runtimes may
take it."""


class Refused(Exception):
    """The converter cannot do this model; the text is the reason in one line."""

    harness_kind = "unsupported"


class Unloadable(Exception):
    """The converter claims success, and what it wrote cannot be loaded, or cannot compute anything that is right."""

    harness_kind = "failed"


def convert(saved_model: Path, options: dict[str, Any], calibration: dict[str, Any] | None, output: Path) -> str:
    """Convert with TFLiteConverter in process and write `output/model.tflite`; returns the entry's name.

    `options`: those of `format.py` and `harness.conversion.choices`. `calibration`: input name → float array shaped
    (samples, *static shape). Raises `Refused` with the converter's reason in one line.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=["serving_default"])
    scheme = options["scheme"]
    converter.target_spec.supported_ops = operator_sets(scheme, options)
    converter.allow_custom_ops = "custom" in options.get("operators", ())
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if options.get("per_tensor"):
        converter._experimental_disable_per_channel = True
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if scheme in ("int8", "int16x8"):
        if calibration is None:
            raise Refused(f"the variant needs calibration data for scheme {scheme}, and the model has none")
        count = min(len(next(iter(calibration.values()))), options.get("calibration_samples", 1 << 30))

        def representative() -> Any:
            for sample in range(count):
                yield "serving_default", {name: values[sample] for name, values in calibration.items()}

        converter.representative_dataset = representative
        converter.inference_input_type = converter.inference_output_type = getattr(tf, options.get("io", "float32"))
    try:
        content = quantised_in_part(converter, options) if is_partial(options) else converter.convert()
    except (OSError, MemoryError):
        raise  # no answer of the converter: another time it may work
    except Exception as error:
        raise Refused(one_line(error)) from error
    if options.get("integer_only") and scheme in ("int8", "int16x8"):
        refuse_float(content)
    if options.get("metadata"):
        content = metadata.embed(content, options["metadata"], schema_module())
    check_signature(content, schema_module())
    (output / ENTRY).write_bytes(content)
    check_loads(output / ENTRY)
    return ENTRY


def check_loads(path: Path) -> None:
    """TensorFlow's own interpreter runs what the converter wrote, on made-up numbers. Raises `Unloadable` where not.

    A converter can end without an error and leave a graph whose shapes contradict each other (TF 2.19: tf.signal.fft).
    """
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    refusal = ""
    for resolver in (resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES, resolvers.BUILTIN_REF):
        try:
            interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
            interpreter.allocate_tensors()
            for detail in interpreter.get_input_details():
                set_something(interpreter, detail)
            interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            refusal = refusal or one_line(error)
            continue
        return
    if "custom op" not in refusal.lower():  # those are the user's to register
        raise Unloadable(f"the converter reported success and its own interpreter cannot run the result: {refusal}")


def set_something(interpreter: Any, detail: dict[str, Any]) -> None:
    """Give an input numbers: integers are zero, as what an allocation leaves there may be no index of a table; floats
    are drawn, as some operators do not take zeros (the inverse of a matrix)."""
    kind = np.dtype(detail["dtype"])
    if kind.kind == "f":
        drawn = np.random.default_rng(0).standard_normal(detail["shape"])
        interpreter.set_tensor(detail["index"], drawn.astype(kind).reshape(detail["shape"]))
    elif kind.kind in "biuc":
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], kind))


def operator_sets(scheme: str, options: dict[str, Any]) -> list[Any]:
    """The `supported_ops` of a variant: which operators it may have is its explicit choice, builtin ones by default."""
    import tensorflow as tf

    sets = tf.lite.OpsSet
    chosen = options.get("operators", ("builtin",))
    strict = {"int8": sets.TFLITE_BUILTINS_INT8, "int16x8": getattr(sets, INT16X8)}
    found = [strict.get(scheme, sets.TFLITE_BUILTINS)]
    if scheme in strict and not is_whole(scheme, options):
        found.append(sets.TFLITE_BUILTINS)  # what cannot be quantised stays in float
    if "select-tf" in chosen:
        found.append(sets.SELECT_TF_OPS)
    return found


def is_whole(scheme: str, options: dict[str, Any]) -> bool:
    """Whether every operator has to be an integer one: nothing is excluded, and TensorFlow's own are not asked for."""
    others = {"select-tf", "custom"} & set(options.get("operators", ()))
    return scheme in ("int8", "int16x8") and not is_partial(options) and not others


def refuse_float(content: bytes) -> None:
    """Raise `Refused`, naming the operators, for a model that is not integer throughout."""
    schema = schema_module()
    found = left_in_float(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)), schema)
    if found:
        raise Refused(f"the int8 quantiser left {', '.join(found)} in float, and integer_only was chosen")


def is_partial(options: dict[str, Any]) -> bool:
    """Whether some nodes or operators are to be left in float."""
    return bool(options.get("excluded_nodes") or options.get("excluded_operators"))


def quantised_in_part(converter: Any, options: dict[str, Any]) -> bytes:
    """Quantised, the excluded nodes and operators left in float. Raises `Refused` where the scheme has no such way."""
    import tensorflow as tf

    if options["scheme"] not in ("int8", "int16x8"):
        raise Refused("excluded nodes and operators need a scheme that is calibrated: int8 or int16x8")
    samples = converter.representative_dataset
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=lambda: (list(inputs.values()) for _, inputs in samples()),
        debug_options=tf.lite.experimental.QuantizationDebugOptions(
            denylisted_nodes=list(options.get("excluded_nodes", ())),
            denylisted_ops=list(options.get("excluded_operators", ())),
        ),
    )
    return bytes(debugger.get_nondebug_quantized_model())


def schema_module() -> Any:
    """The generated module of TFLite's schema, from whichever package has it."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        from tensorflow.lite.python import schema_py_generated as schema
    return schema


def one_line(error: Exception) -> str:
    """The line of a converter's error that says what is wrong: its text is often pages of stack and MLIR."""
    found = str(error)
    for pattern in REASONS:
        match = re.search(pattern, found)
        if match:
            detail = re.search(r"(?:TF Select ops|Flex ops|Custom ops): [^\n]*", found)
            return match.group(0).strip() + (f" ({detail.group(0).strip()})" if detail else "")
    lines = [line.strip() for line in found.splitlines() if line.strip()]
    return f"{type(error).__name__}: {textwrap.shorten(lines[0], 400, placeholder='…') if lines else 'no message'}"


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


def check_signature(content: bytes, schema: Any) -> None:
    """What the converter wrote can be called by the names of its signature. Raises `Unloadable`.

    TensorFlow 2.19 takes for one tensor what the model hands on unchanged or gives twice: of an integer file, whose
    inputs and outputs get operators of their own, the signature then names the wrong ends of these.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for signature in model.signatureDefs or []:
        graph = model.subgraphs[signature.subgraphIndex]
        for side in ("inputs", "outputs"):
            own = {int(index) for index in getattr(graph, side)}
            named: dict[int, list[str]] = {}
            for entry in getattr(signature, side) or []:
                named.setdefault(int(entry.tensorIndex), []).append(text(entry.name))
            for index, names in named.items():
                if index not in own:
                    tensor = text(graph.tensors[index].name)
                    raise Unloadable(
                        f"the converter reported success, and the file's signature calls '{tensor}' its {side[:-1]}"
                        f" '{names[0]}', which is none of its {side}: calls by name compute nonsense; do not hand an"
                        " input on as an output, or let an operator make a copy of it (x * 1.0)"
                    )
            if own - set(named) and any(len(names) > 1 for names in named.values()):
                names = next(names for names in named.values() if len(names) > 1)
                raise Unloadable(
                    f"the converter reported success, and the file has {len(own)} {side} whose signature maps"
                    f" {' and '.join(sorted(names))} to one of them, so that nobody can tell which is which; give each"
                    " value once"
                )


class NoSignature(Exception):
    """The file has no signature of that name; the text is one sentence."""

    harness_kind = "bad_input"


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


WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")


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


def operator_name(code: Any, schema: Any) -> str:
    """The builtin's name, or the custom code (`Flex…` for select TF)."""
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return text(code.customCode)
    known = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    return str(known.get(builtin, f"BUILTIN_{builtin}"))


def text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


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


def take_ready(path: Path, output: Path) -> tuple[str, str]:
    """Copy a ready `.tflite`; returns its name and what was recognised."""
    shutil.copyfile(path, output / ENTRY)
    return ENTRY, "a ready TFLite file (it carries the TFL3 mark)"


def reference(path: Path, inspected: dict[str, Any], samples: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reference interpreter's name and its outputs: stored types, shaped (samples, *output shape).

    TensorFlow 2.19's reference kernels (BUILTIN_REF) match TensorFlow Lite Micro bit for bit on int8 models, the fused
    LSTM aside, and run select-TF operators. They lack a few newer hybrid operators and die of a softmax whose input has
    too fine a scale; its optimised kernels take both.
    """
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    usual = () if known_crash(inspected.get("notes", ())) else (resolvers.BUILTIN_REF,)
    return first_that_runs(path, inspected, samples, (*usual, resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES))


def undisturbed(path: Path, inspected: dict[str, Any], samples: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """As `reference`, where need be with XNNPACK, which has operators that no other kernel is for: no reference, as it
    is judged itself, but its answer to noise says what the model makes of noise."""
    import tensorflow as tf

    try:
        return reference(path, inspected, samples)
    except Refused:
        return first_that_runs(path, inspected, samples, (tf.lite.experimental.OpResolverType.AUTO,))


def first_that_runs(
    path: Path, inspected: dict[str, Any], samples: dict[str, Any], resolvers: tuple[Any, ...]
) -> tuple[str, dict[str, Any]]:
    """What TensorFlow's interpreter gives with the first of the resolvers that takes the file. Raises `Refused`."""
    import tensorflow as tf

    refusal: Exception | None = None
    for resolver in resolvers:
        try:
            interpreter = allocated(path, resolver, inspected)
        except (RuntimeError, ValueError, OSError) as error:
            refusal = refusal or error
            continue

        def again(resolver: Any = resolver) -> Any:
            return allocated(path, resolver, inspected)

        return f"TensorFlow {tf.__version__} {resolver.name}", run(interpreter, again, inspected, samples)
    raise Refused(f"no reference interpreter runs it: {one_line(refusal) if refusal else ''}")


def allocated(path: Path, resolver: Any, inspected: dict[str, Any]) -> Any:
    """TensorFlow's interpreter with its tensors allocated, each input in its static shape."""
    opened = open_interpreter(path, resolver, inspected.get("custom_operators"))
    interpreter = of_signature(opened, inspected.get("signature", ""))
    for info, detail in zip(inspected["inputs"], interpreter.get_input_details(), strict=True):
        if list(detail["shape"]) != list(info["shape"]):
            interpreter.resize_tensor_input(detail["index"], info["shape"])
    interpreter.allocate_tensors()
    return interpreter


def open_interpreter(path: Path, resolver: Any, custom: dict[str, Any] | None) -> Any:
    """TensorFlow's interpreter, with the user's custom operators where there are any."""
    from tensorflow.lite.python import interpreter

    if custom is None:
        return interpreter.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
    ctypes.CDLL(custom["library"], mode=ctypes.RTLD_GLOBAL)
    return interpreter.InterpreterWithCustomOps(
        custom_op_registerers=[custom["registerer"]],
        model_path=str(path),
        experimental_op_resolver_type=resolver,
    )


def run(interpreter: Any, again: Any, inspected: dict[str, Any], samples: dict[str, Any]) -> dict[str, Any]:
    """Every sample through an allocated interpreter, from fresh state where `inspected` asks for it: `again()` gives
    another one like it."""
    collected: dict[str, list[Any]] = {info["name"]: [] for info in inspected["outputs"]}
    renewed = inspected.get("renewed", "none")
    for sample in range(len(next(iter(samples.values())))):
        if sample > 0 and renewed == "resources":
            interpreter = again()
        elif sample > 0 and renewed == "variables":
            interpreter.reset_all_variables()
        for info, detail in zip(inspected["inputs"], interpreter.get_input_details(), strict=True):
            interpreter.set_tensor(detail["index"], samples[info["name"]][sample])
        try:
            interpreter.invoke()
        except RuntimeError as error:
            raise Refused(f"the reference interpreter refuses it: {one_line(error)}") from error
        for info, detail in zip(inspected["outputs"], interpreter.get_output_details(), strict=True):
            collected[info["name"]].append(value_of(interpreter, detail["index"]))
    return {key: array for name, values in collected.items() for key, array in stacked(name, values).items()}


def work(path: Path) -> int:
    """Multiply-accumulates of one inference, about."""
    return disturbance.work(path, schema_module())


def steps(path: Path, inspected: dict[str, Any]) -> dict[str, float]:
    """Outputs that are floats and take multiples of a step alone: name → step."""
    if inspected.get("signature"):  # its outputs may be another subgraph's
        return {}
    found = disturbance.steps(path, schema_module())
    return {info["name"]: found[place] for place, info in enumerate(inspected["outputs"]) if place in found}


def disturbed(
    path: Path, inspected: dict[str, Any], samples: dict[str, Any], generator: np.random.Generator
) -> tuple[str, dict[str, Any]]:
    """As `undisturbed`, of copies whose operators give results that are off by what sound kernels differ by: one copy
    for all samples, or one for each of several portions of them."""
    content, schema = path.read_bytes(), schema_module()
    with tempfile.TemporaryDirectory(prefix="harness-disturbed-") as folder:
        other = Path(folder) / path.name
        whole = disturbance.Copy(content, schema, generator)
        tensors = disturbance.quantised_as_it_runs(whole)
        largest: dict[int, float] = {}
        if tensors and inspected.get("signature"):
            raise disturbance.Unmeasured("what a signature of several quantises as it runs cannot be looked at")
        if tensors:
            other.write_bytes(disturbance.showing(content, schema, tensors))
            shown = [{"name": f"tensor {tensor}"} for tensor in tensors]
            few = {name: values[:RANGE_SAMPLES] for name, values in samples.items()}
            _, found = undisturbed(other, {**inspected, "outputs": [*inspected["outputs"], *shown]}, few)
            largest = {tensor: float(np.abs(found[f"tensor {tensor}"]).max(initial=0.0)) for tensor in tensors}
        count = len(next(iter(samples.values())))
        # A stream's samples share state, and so one interpreter.
        portions = 1 if inspected.get("sequence") else disturbance.portions(whole, count, len(content))
        interpreter, parts = "", []
        for chosen in np.array_split(np.arange(count), portions):
            other.write_bytes(disturbance.disturbed_copy(content, schema, generator, largest, portions))
            portion = {name: values[chosen] for name, values in samples.items()}
            interpreter, part = undisturbed(other, inspected, portion)
            parts.append(part)
        return interpreter, joined(parts)
