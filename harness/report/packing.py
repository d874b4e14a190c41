"""Packs the parts of a page that are read when a reader opens them. They are compressed, because a page of ten thousand
cases repeats its words, and encoded in base64, which cannot be taken for markup."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

LEVEL = 6


def pack(text: str) -> str:
    """`text` in UTF-8, deflated without a header, in base64: what `DecompressionStream("deflate-raw")` reads."""
    deflated = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflated.compress(text.encode("utf-8")) + deflated.flush()).decode("ascii")


def unpack(packed: str) -> str:
    """The text again. Raises `ValueError` or `zlib.error` for what `pack` did not write."""
    return zlib.decompress(base64.b64decode(packed, validate=True), -zlib.MAX_WBITS).decode("utf-8")


def to_json(value: Any) -> str:
    """Compact JSON. A figure that is not finite becomes null: a browser reads no NaN, and would show nothing at all."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value
