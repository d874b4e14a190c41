"""`harness export-c`: a model as a C array, with the op resolver that it needs and an estimate of its arena."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

from harness.artifact import TensorInfo
from harness.errors import HarnessError
from harness.store.runs import write_atomically

from ..micro.resolver import usual_method
from ..plan import PlanRefused
from ..plan.model import operator_names
from .material import Material, artifact_and_material, file_name

_BYTES_A_LINE = 16
ARENA_MARGIN_PERCENT = 10
ARENA_UNIT = 1024
_CUSTOM = "CUSTOM "


def export_c(model: str, variant: str, output: str | None) -> int:
    """Write the files and say where they are; 0. Raises `HarnessError`."""
    material = artifact_and_material(model, variant, 1)
    name = file_name(f"{material.artifact.model}_{material.artifact.variant}")
    folder = Path(output) if output else Path.cwd() / name
    try:
        operators = operator_names(material.content)
    except PlanRefused as error:
        raise HarnessError(str(error)) from error
    files = {
        f"{name}.h": header(name, material),
        f"{name}.c": source(name, material.content),
        f"{name}_operators.h": operators_snippet(name, operators),
    }
    try:
        for file, text in files.items():
            write_atomically(folder / file, text)
    except OSError as error:
        raise HarnessError(f"{folder} cannot be written: {error.strerror}.") from error
    print(f"Wrote {', '.join(files)} to {folder}: {len(material.content)} bytes of model.")
    return 0


def arena_estimate(measured: int) -> int:
    """What to reserve: the arena of Micro's reference kernels on a 64-bit host and a margin, rounded up."""
    with_margin = -(-measured * (100 + ARENA_MARGIN_PERCENT) // 100)
    return -(-with_margin // ARENA_UNIT) * ARENA_UNIT


def _tensor_lines(kind: str, infos: tuple[TensorInfo, ...]) -> list[str]:
    lines = []
    for position, info in enumerate(sorted(infos, key=lambda one: one.index)):
        shape = "x".join(map(str, info.shape)) or "scalar"
        scheme = info.quantisation
        real = f", real = {scheme.scale:.9g} * (stored - {scheme.zero_point})" if scheme is not None else ""
        lines.append(f" *   {kind} {position}: {info.dtype} {shape}{real}")
    return lines


def _comment(text: str) -> list[str]:
    lines = textwrap.wrap(text, 110)
    return [f"{' *' if position else '/*'} {line}" for position, line in enumerate(lines[:-1])] + [f" * {lines[-1]} */"]


def header(name: str, material: Material) -> str:
    """Length, hash, arena and the declaration."""
    upper, content = name.upper(), material.content
    artifact = material.artifact
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
                f"An estimate: {material.arena_bytes} bytes, as TensorFlow Lite Micro's reference kernels took on a"
                f" 64-bit host, and {ARENA_MARGIN_PERCENT} % on top, rounded up to {ARENA_UNIT}. Pointers of 32 bits"
                " need less, scratch buffers of optimised kernels may need more: `arena_used_bytes()` on the device"
                " has the last word."
            ),
            f"#define {upper}_ARENA_BYTES {arena_estimate(material.arena_bytes)}u",
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


def operators_snippet(name: str, operators: list[str]) -> str:
    """A `MicroMutableOpResolver` with just these operators."""
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
            "#endif",
            "",
        ]
    )
