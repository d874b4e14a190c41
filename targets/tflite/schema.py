"""TFLite's schema, as flatc generated it for Python, and the names in it. Runs in the converter's environment."""

from __future__ import annotations

from typing import Any


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
