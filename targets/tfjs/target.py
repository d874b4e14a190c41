"""TensorFlow.js in headless browsers as targets: one backend each."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.artifact import Artifact
from harness.reproduction import Reproduction
from harness.target import Target

from ..browser.browsers import FIREFOX, WEBKIT
from ..browser.reproduction import reproduction
from ..browser.target import BrowserTarget
from . import bundles
from .loader import is_layers
from .reproduction import library


class TFJSTarget(BrowserTarget):
    """One backend: cpu, wasm, webgl or webgpu. `threaded`: wasm starts half as many threads as the machine has logical
    cores (the number is in `Timing.details`)."""

    format = "tfjs"
    library = "tfjs"
    bundle = bundles.BUNDLE
    page = Path(__file__).with_name("page")

    environment_flags: Mapping[str, bool | int | float | str] = MappingProxyType({})
    """TensorFlow.js's own (`tf.env().set`), as WEBGL_FORCE_F16_TEXTURES."""

    def configured(self, name: str, flags: Mapping[str, bool | int | float | str]) -> Target:
        other = copy.copy(self)
        other.name, other.default_variants, other.environment_flags = name, (), dict(flags)
        return other

    def fingerprint(self) -> dict[str, str]:
        flags = " ".join(f"{name}={json.dumps(value)}" for name, value in sorted(self.environment_flags.items()))
        return {**super().fingerprint(), **({"environment_flags": flags} if flags else {})}

    def wasm_file(self) -> str:
        """TensorFlow.js chooses it by what the browser can do."""
        if self.backend != "wasm":
            return ""
        _, simd, threads = bundles.WASM_BINARIES
        return threads if self.threaded else simd

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """Operators whose one kernel this backend does not register, as the installed packages say; operators that
        come down to several kernels, and layers, are left to the run itself."""
        if is_layers(artifact.path):
            return ()
        kernels, registered = bundles.kernels(self.backend)
        return tuple(
            f"{operator} (the {self.backend} backend of TensorFlow.js has no kernel {kernels[operator]})"
            for operator in artifact.operators
            if operator in kernels and kernels[operator] not in registered
        )

    def scripts(self, artifact: Artifact) -> list[str]:
        """The bundles that the page loads, in their order: of the backends this one alone, so that none can step in."""
        library = bundles.LAYERS if is_layers(artifact.path) else bundles.GRAPH
        return [bundles.CORE, library, bundles.BACKENDS[self.backend]]

    def reproduction(self, artifact: Artifact) -> Reproduction:
        """A page of the library alone: without threads, which a page served by a plain server has not."""
        return reproduction(library(artifact, self.backend, self.environment_flags), self.show, self.browser_version())

    def request(self, artifact: Artifact) -> dict[str, Any]:
        return {
            "scripts": self.scripts(artifact),
            "layers": is_layers(artifact.path),
            "environmentFlags": dict(self.environment_flags),
        }


def targets() -> list[Target]:
    """All TensorFlow.js targets; those without default variants run when asked for by name."""
    return [
        TFJSTarget("tfjs/chromium-wasm", "wasm", ("float32", "uint8")),
        TFJSTarget("tfjs/chromium-cpu", "cpu", ()),
        TFJSTarget("tfjs/chromium-webgl", "webgl", ("float32",)),
        TFJSTarget("tfjs/chromium-wasm-threads", "wasm", (), threaded=True),
        TFJSTarget("tfjs/chromium-webgpu", "webgpu", ()),
        TFJSTarget("tfjs/firefox-wasm", "wasm", (), browser=FIREFOX),
        TFJSTarget("tfjs/firefox-cpu", "cpu", (), browser=FIREFOX),
        TFJSTarget("tfjs/firefox-webgl", "webgl", (), browser=FIREFOX),
        TFJSTarget("tfjs/webkit-wasm", "wasm", (), browser=WEBKIT),
        TFJSTarget("tfjs/webkit-cpu", "cpu", (), browser=WEBKIT),
        TFJSTarget("tfjs/webkit-webgl", "webgl", (), browser=WEBKIT),
    ]
