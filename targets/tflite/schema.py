"""TFLite's schema, as flatc generated it for Python, and the names in it. Runs in the converter's environment."""

from __future__ import annotations

from typing import Any

import numpy as np


def schema_module() -> Any:
    """The generated module of TFLite's schema, from whichever package has it."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        from tensorflow.lite.python import schema_py_generated as schema
    return schema


def operator_name(code: Any, schema: Any) -> str:
    """The builtin's name, or the custom code (`Flex…` for select TF)."""
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    if builtin == schema.BuiltinOperator.CUSTOM:
        return text(code.customCode)
    known = {value: key for key, value in vars(schema.BuiltinOperator).items() if not key.startswith("_")}
    return str(known.get(builtin, f"BUILTIN_{builtin}"))


def text(value: Any) -> str:
    """A string of the schema, which flatc gives as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def take_in_values(model: Any, content: bytes) -> None:
    """Take into a `ModelT` what its file has behind the flatbuffer, as large ones do and the quantiser's from 256 KB:
    Micro and runtimes of before 2024 read nothing there."""
    for buffer in model.buffers:
        if getattr(buffer, "offset", 0) > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def packed(model: Any) -> bytes:
    """A model, a `ModelT`, as the bytes of a file. Values begin at multiples of 16 bytes, as the schema asks, which the
    generated classes pass over."""
    import flatbuffers

    class Builder(flatbuffers.Builder):  # type: ignore[misc]  # its package has no types
        def StartVector(self, size: int, count: int, alignment: int) -> Any:
            return super().StartVector(size, count, 16 if size == 1 else alignment)

    builder = Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
