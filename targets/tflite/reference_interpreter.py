"""TensorFlow's interpreter as the reference of TFLite files. Runs in the converter's environment."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.ragged import stack_samples

from .blocks import NOTE, has_blocks, without_blocks_at
from .refusals import Refused, one_line
from .schema import schema_module
from .signature import of_signature, value_of
from .softmax_scale import known_crash

Runner = Callable[[Path, dict[str, Any], dict[str, Any]], tuple[str, dict[str, Any]]]
"""A file, what was inspected of it and samples → the interpreter's name and its outputs."""


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
    """The undisturbed outputs. Where TensorFlow's optimised kernels have every operator they take a tenth of the time
    of `reference`. They have next to none for int16; then the outputs of the reference's kernels are already known.

    Of what moves an output here the same kernels give both sides, so that their own rounding, and XNNPACK's where no
    other kernel has an operator, does not count: how a model answers to noise is seen with any of them
    (docs/limits.md)."""
    return undisturbed_runner(path, inspected)(path, inspected, samples)


def undisturbed_runner(path: Path, inspected: dict[str, Any]) -> Runner:
    """What runs a file as `undisturbed` does, and others whose tensors have the same types."""
    import tensorflow as tf

    resolvers = tf.lite.experimental.OpResolverType
    usual = () if known_crash(inspected.get("notes", ())) else (resolvers.BUILTIN_REF,)
    optimised = (resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,)
    content, schema = path.read_bytes(), schema_module()
    first = (*usual, *optimised) if has_int16(content, schema) else (*optimised, *usual)
    run_by = first_that_runs if has_blocks(content, schema) else first_that_takes
    return functools.partial(run_by, resolvers=(*first, resolvers.AUTO))


def has_int16(content: bytes, schema: Any) -> bool:
    """Whether some tensor of the file is of int16: a file that is quantised to it has hundreds."""
    graphs = schema.Model.GetRootAs(content, 0)
    found = (graphs.Subgraphs(number) for number in range(graphs.SubgraphsLength()))
    return any(
        graph.Tensors(index).Type() == schema.TensorType.INT16
        for graph in found
        for index in range(graph.TensorsLength())
    )


def first_that_runs(
    path: Path, inspected: dict[str, Any], samples: dict[str, Any], resolvers: tuple[Any, ...]
) -> tuple[str, dict[str, Any]]:
    """What TensorFlow's interpreter gives with the first of the resolvers that takes the file. Raises `Refused`."""
    with without_blocks_at(path, schema_module()) as usable:
        name, outputs = first_that_takes(usable, inspected, samples, resolvers)
    return name if usable == path else f"{name}, {NOTE}", outputs


def first_that_takes(
    path: Path, inspected: dict[str, Any], samples: dict[str, Any], resolvers: tuple[Any, ...]
) -> tuple[str, dict[str, Any]]:
    """What TensorFlow's interpreter gives for a file that it can hold, with the first resolver that takes it. Raises
    `Refused`."""
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
    state_to_reset = inspected.get("state_to_reset", "none")
    for sample in range(len(next(iter(samples.values())))):
        if sample > 0 and state_to_reset == "resources":
            interpreter = again()
        elif sample > 0 and state_to_reset == "variables":
            interpreter.reset_all_variables()
        for info, detail in zip(inspected["inputs"], interpreter.get_input_details(), strict=True):
            interpreter.set_tensor(detail["index"], samples[info["name"]][sample])
        try:
            interpreter.invoke()
        except RuntimeError as error:
            raise Refused(f"the reference interpreter refuses it: {one_line(error)}") from error
        for info, detail in zip(inspected["outputs"], interpreter.get_output_details(), strict=True):
            collected[info["name"]].append(value_of(interpreter, detail["index"]))
    return {key: array for name, values in collected.items() for key, array in stack_samples(name, values).items()}
