"""What a page loads of LiteRT.js to repeat a fault: its two public packages, and the `.tflite`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.artifact import Artifact

from ..browser.reproduction import SCRIPT, Library, encoded
from . import bundles

CORE, UTILITIES = f"node_modules/{bundles.CORE}/", f"node_modules/{bundles.WASM_UTILS}/"


def library(artifact: Artifact, accelerator: str, waits: bool) -> Library:
    """The library with one accelerator, without threads. `waits`: whether it uses the module that suspends (JSPI) while
    the GPU works."""
    kept, version = bundles.BUNDLE.directory(), bundles.BUNDLE.version()
    imports = {bundles.CORE: f"./{CORE}dist/index.js", bundles.WASM_UTILS: f"./{UTILITIES}dist/bundle.js"}
    setting: dict[str, Any] = {"accelerator": accelerator, "waits": waits, "wasm": f"{CORE}wasm/", "version": version}
    return Library(
        called=f"LiteRT.js {version} ({accelerator})",
        packages={bundles.CORE: version},
        npm=(f"{bundles.CORE}@{version}", f"{bundles.WASM_UTILS}@{bundles.BUNDLE.version(bundles.WASM_UTILS)}"),
        tags=f'<script type="importmap">{json.dumps({"imports": imports})}</script>',
        script=Path(__file__).with_name("repeat") / SCRIPT,
        setting=setting,
        model=lambda folder: {"model": encoded((folder / artifact.entry).read_bytes())},
        installed={
            f"{CORE}dist/index.js": kept / bundles.MODULE,
            # Here the first package names the second by its file; as npm brings it, the page does.
            f"{CORE}dist/{bundles.UTILITIES}": kept / bundles.UTILITIES,
            f"{UTILITIES}dist/bundle.js": kept / bundles.UTILITIES,
            **{f"{CORE}wasm/{file.name}": file for file in kept.glob("litert_wasm_*")},
        },
    )
