"""LiteRT.js in headless browsers as targets: the `.tflite` of the phone, byte for byte, in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.reproduction import Reproduction
from harness.target import Target

from ..browser.browsers import FIREFOX, WEBKIT
from ..browser.reproduction import reproduction
from ..browser.target import BrowserTarget
from .bundles import BUNDLE, COMPATIBLE, PLAIN, SUSPENDING, THREADED
from .reproduction import library

TYPES = ("float32", "int32", "uint8")
"""What LiteRT.js 2.5 has tensors of (`DATATYPES` of its `datatypes.ts`)."""


class LiteRTJSTarget(BrowserTarget):
    """One accelerator: wasm or webgpu. On webgpu floats are computed in float32 (`gpuOptions.precision`), and the wasm
    module is the one that can wait for the GPU (JSPI), where the browser has that."""

    format = "tflite"
    library = "litertjs"
    bundle = BUNDLE
    page = Path(__file__).with_name("page")
    predicted_by = "tflite/litert-xnnpack"
    """Target that predicts this one. Its kernels are XNNPACK's, and what a GPU cannot do is done by those."""

    @property
    def uses_jspi(self) -> bool:
        """Whether the wasm module is the one with JSPI, which Firefox does not have."""
        return self.backend == "webgpu" and self.browser.engine == "chromium"

    def wasm_file(self) -> str:
        if self.browser.engine == "webkit":  # which has no relaxed SIMD
            return f"{COMPATIBLE}.wasm"
        return f"{SUSPENDING if self.uses_jspi else THREADED if self.threaded else PLAIN}.wasm"

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """Types of inputs and outputs that no tensor of LiteRT.js has, and operators that are not TFLite's own; kernels
        of the others are left to the run itself."""
        foreign = [name for name in artifact.operators if name.startswith("Flex")]
        types = dict.fromkeys(info.dtype for info in (*artifact.inputs, *artifact.outputs) if info.dtype not in TYPES)
        return (
            *(f"{name} (TensorFlow's, for which LiteRT.js has no delegate)" for name in foreign),
            *(f"tensors of type {dtype} as inputs or outputs (LiteRT.js has {', '.join(TYPES)})" for dtype in types),
        )

    def reproduction(self, artifact: Artifact) -> Reproduction:
        """A page of the library alone: without threads, which a page served by a plain server has not."""
        self.bundle.install()
        return reproduction(library(artifact, self.backend, self.uses_jspi), self.show, self.browser_version())

    def request(self, artifact: Artifact) -> dict[str, Any]:
        return {"signature": artifact.signature, "waits": self.uses_jspi, "version": self.bundle.version()}


def targets() -> list[Target]:
    """All LiteRT.js targets; those without default variants run when asked for by name."""
    return [
        LiteRTJSTarget("litertjs/chromium-wasm", "wasm", ()),
        LiteRTJSTarget("litertjs/chromium-wasm-threads", "wasm", (), threaded=True),
        LiteRTJSTarget("litertjs/chromium-webgpu", "webgpu", ()),
        LiteRTJSTarget("litertjs/firefox-wasm", "wasm", (), browser=FIREFOX),
        LiteRTJSTarget("litertjs/webkit-wasm", "wasm", (), browser=WEBKIT),
    ]
