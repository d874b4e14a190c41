"""The LiteRT.js files that the page loads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.errors import Unavailable

from ..browser.npm import Bundle, Run

HERE = Path(__file__).parent
CORE = "@litertjs/core"
WASM_UTILS = "@litertjs/wasm-utils"
MODULE = "litertjs.mjs"
UTILITIES = "wasm-utils.mjs"

PLAIN = "litert_wasm_internal"
THREADED = "litert_wasm_threaded_internal"
SUSPENDING = "litert_wasm_jspi_internal"
COMPATIBLE = "litert_wasm_compat_internal"
_FILES = {
    CORE: (
        "dist/index.js",
        *(f"wasm/{name}.{kind}" for name in (PLAIN, THREADED, SUSPENDING, COMPATIBLE) for kind in ("js", "wasm")),
    ),
    WASM_UTILS: ("dist/bundle.js",),
}


def _link(kept: Path, _: Run) -> None:
    """Name the second package by its file: a page finds no packages, and its policy forbids an import map within it.

    Raises `Unavailable` where the library does not import it as it did when this was written.
    """
    module = (kept / "index.js").read_text(encoding="utf-8")
    if module.count(f'from "{WASM_UTILS}"') != 1:
        raise Unavailable(f"LiteRT.js {BUNDLE.version()} does not import {WASM_UTILS} once, so no page can load it.")
    linked = module.replace(f'from "{WASM_UTILS}"', f'from "./{UTILITIES}"')
    (kept / MODULE).write_text(linked, encoding="utf-8")
    (kept / "index.js").unlink()
    (kept / "bundle.js").rename(kept / UTILITIES)


def _decisive() -> Sequence[bytes]:
    return (json.dumps(_FILES).encode(), f"{MODULE} {UTILITIES}".encode())


BUNDLE = Bundle("LiteRT.js", "litertjs", HERE, CORE, _FILES, _decisive, _link)
