"""`harness export-c`: a model as a C array, with the op resolver that it needs and an estimate of its arena."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

from harness.artifact import TensorInfo
from harness.errors import HarnessError
from harness.store.runs import write_atomically

from ..micro.resolver import usual_method
from ..plan import PlanRefused, variables_in
from ..plan.model import operator_names
from .golden_vectors import Converted, convert_model, file_name, least_arena_bytes

_BYTES_A_LINE = 16
ARENA_MARGIN_PERCENT = 10
ARENA_UNIT = 1024
_CUSTOM = "CUSTOM "


def export_c(model: str, variant: str, output: str | None) -> int:
    """Write the files and say where they are; 0. Raises `HarnessError`."""
    found = convert_model(model, variant)
    name = file_name(f"{found.artifact.model}_{found.artifact.variant}")
    folder = Path(output) if output else Path.cwd() / name
    try:
        operators, variables = operator_names(found.content), len(variables_in(found.content))
    except PlanRefused as error:
        raise HarnessError(str(error)) from error
    files = {
        f"{name}.h": header(name, found, least_arena_bytes(found.artifact)),
        f"{name}.c": source(name, found.content),
        f"{name}_operators.h": operators_snippet(name, operators, variables),
    }
    try:
        for file, text in files.items():
            write_atomically(folder / file, text)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be written: {error.strerror}.") from error
    print(f"Wrote {', '.join(files)} to {folder}: {len(found.content)} bytes of model.")
    return 0


def arena_estimate(measured: int) -> int:
    """What to reserve: the least arena of Micro's reference kernels on a 64-bit host and a margin, rounded up."""
    with_margin = -(-measured * (100 + ARENA_MARGIN_PERCENT) // 100)
    return -(-with_margin // ARENA_UNIT) * ARENA_UNIT


def _tensor_lines(kind: str, infos: tuple[TensorInfo, ...]) -> list[str]:
    lines = []
    for position, info in enumerate(sorted(infos, key=lambda one: one.index)):
        shape = "x".join(map(str, info.shape)) or "scalar"
        scheme = info.quantisation
        real = f", real = {scheme.scale:.9g} * (stored - {scheme.zero_point})" if scheme is not None else ""
        lines.append(f" *   {kind}({position}), {_shown(info.name)}: {info.dtype} {shape}{real}")
    return lines


def _shown(name: str) -> str:
    """A tensor's name, in a comment that it cannot end."""
    return ascii(name).replace("*/", "* /").replace("/*", "/ *")


def _comment(text: str) -> list[str]:
    lines = textwrap.wrap(text, 110)
    return [f"{' *' if position else '/*'} {line}" for position, line in enumerate(lines[:-1])] + [f" * {lines[-1]} */"]


def header(name: str, converted: Converted, least_arena: int) -> str:
    """Length, hash, arena and the declaration; inputs and outputs as the interpreter numbers them."""
    upper, content, artifact = name.upper(), converted.content, converted.artifact
    tensors = [*_tensor_lines("input", artifact.inputs), *_tensor_lines("output", artifact.outputs)]
    return "\n".join(
        [
            f"/* Made by `harness export-c`: model {file_name(artifact.model)}, variant {artifact.variant}.",
            *tensors,
            " */",
            f"#ifndef {upper}_H",
            f"#define {upper}_H",
            "",
            f"#define {upper}_BYTES {len(content)}u",
            f'#define {upper}_SHA256 "{hashlib.sha256(content).hexdigest()}"',
            "",
            *_comment(
                f"{least_arena} bytes are the least in which TensorFlow Lite Micro's reference kernels ran on a 64-bit"
                " host, found by trying; pointers of 32 bits need less."
                f" {ARENA_MARGIN_PERCENT} % on top are for the scratch buffers of optimised kernels, rounded up to"
                f" {ARENA_UNIT}. Where that is too little, `AllocateTensors()` fails. `arena_used_bytes()` is no"
                " measure of it: more is in use while tensors are allocated."
            ),
            f"#define {upper}_ARENA_BYTES {arena_estimate(least_arena)}u",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            "/* Aligned to 16 bytes. */",
            f"extern const unsigned char {name}[{upper}_BYTES];",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            "#endif",
            "",
        ]
    )


def source(name: str, content: bytes) -> str:
    """The array. It compiles as C11 and as C++11."""
    lines = [
        "    " + ", ".join(f"0x{byte:02x}" for byte in content[start : start + _BYTES_A_LINE]) + ","
        for start in range(0, len(content), _BYTES_A_LINE)
    ]
    return "\n".join(
        [
            f'#include "{name}.h"',
            "",
            "#ifdef __cplusplus",
            "#define ALIGNED_16 alignas(16)",
            "#else",
            "#define ALIGNED_16 _Alignas(16)",
            "#endif",
            "",
            f"ALIGNED_16 const unsigned char {name}[{name.upper()}_BYTES] = {{",
            *lines,
            "};",
            "",
        ]
    )


def operators_snippet(name: str, operators: list[str], variables: int) -> str:
    """A `MicroMutableOpResolver` with just these operators, and the resource variables that are needed beside it."""
    kinds = list(dict.fromkeys(operators))
    camel = "".join(part.capitalize() for part in name.split("_"))
    additions = []
    for kind in kinds:
        if kind.startswith(_CUSTOM):
            shown = file_name(kind.removeprefix(_CUSTOM))
            additions.append(f"    /* A custom operator, {shown}: resolver.AddCustom(its name, its registration). */")
        else:
            additions.append(f"    TF_LITE_ENSURE_STATUS(resolver.{usual_method(kind)}());")
    return "\n".join(
        [
            f"/* The operators of {name}, for TensorFlow Lite Micro; made by `harness export-c`. */",
            f"#ifndef {name.upper()}_OPERATORS_H",
            f"#define {name.upper()}_OPERATORS_H",
            "",
            '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"',
            "",
            f"using {camel}Resolver = tflite::MicroMutableOpResolver<{len(kinds)}>;",
            "",
            f"inline TfLiteStatus Add{camel}Operators({camel}Resolver& resolver) {{",
            *additions,
            "    return kTfLiteOk;",
            "}",
            "",
            *_variables_lines(camel, variables),
            "#endif",
            "",
        ]
    )


def _variables_lines(camel: str, variables: int) -> list[str]:
    """The interpreter of a model that keeps state in resource variables; nothing for any other."""
    if variables == 0:
        return []
    return [
        '#include "tensorflow/lite/micro/micro_allocator.h"',
        '#include "tensorflow/lite/micro/micro_resource_variable.h"',
        "",
        "/* The model keeps state in resource variables, which the interpreter must be given:",
        " *   tflite::MicroAllocator* allocator = tflite::MicroAllocator::Create(arena, arena_bytes);",
        f" *   tflite::MicroResourceVariables* variables = Create{camel}Variables(allocator);",
        " *   tflite::MicroInterpreter interpreter(model, resolver, allocator, variables);",
        " * `Reset()` makes zeros of them and does not run CALL_ONCE again: for the first state, make it anew.",
        " */",
        f"inline tflite::MicroResourceVariables* Create{camel}Variables(tflite::MicroAllocator* allocator) {{",
        f"    return tflite::MicroResourceVariables::Create(allocator, {variables});",
        "}",
        "",
    ]
