"""TensorFlow.js in headless browsers as targets: one backend each."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import CaseError, Failed, Unavailable
from harness.installation.packages import install_line
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.process.warm import WarmPool
from harness.target import Footprint, Limits, Loaded, Readiness, Session, Target, Timing, TimingPlan

from . import bundles
from .browser import CHROMIUM, FIREFOX, Browser, ended
from .loader import is_layers

HERE = Path(__file__).parent
WORKER = HERE / "worker.py"
MEASURING_FILES = (WORKER, HERE / "server.py", *sorted((HERE / "page").iterdir()))
DEFAULT_LIMITS = Limits()


class TFJSSession(Session):
    """One model in one page. Everything in `Timing.details` is a string; `software_renderer` is "true" where a
    software rasteriser did the work, whose milliseconds say nothing about a GPU's."""

    def __init__(
        self,
        child: ChildProcess,
        artifact: Artifact,
        limits: Limits,
        profile: Path,
        browser_version: str,
        loaded: Loaded,
    ) -> None:
        self._loaded = loaded
        """`profile`: a folder that the command line of every process of this browser names."""
        self.child = child
        self.artifact = artifact
        self.limits = limits
        self.profile = profile
        self.browser_version = browser_version
        self._sample = {info.name: np.zeros((1, *info.shape), info.dtype) for info in artifact.inputs}
        """What the footprint is taken on: the first sample that came, zeros before."""

    def loaded(self) -> Loaded:
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        own = self._own(samples)
        self._sample = {name: values[:1] for name, values in own.items()}
        _, outputs = self.child.call("infer", own, seconds=self.limits.infer_seconds)
        return outputs

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        reply, arrays = self.child.call(
            "time",
            {name: values[:1] for name, values in self._own(samples).items()},
            seconds=self.limits.infer_seconds + plan.max_seconds,
            plan={
                "minIterations": plan.min_iterations,
                "minSeconds": plan.min_seconds,
                "maxIterations": plan.max_iterations,
                "maxSeconds": plan.max_seconds,
            },
        )
        if not reply["stable"]:
            raise Failed(f"{self.child.what} changed its outputs between the first and the last timed invocation.")
        return Timing(
            samples_ns=arrays["samples_ns"],
            first_ns=round(reply["firstMilliseconds"] * 1e6),
            load_ns=round(reply["loadMilliseconds"] * 1e6),
            clock_resolution_ns=reply["clockMilliseconds"] * 1e6,
            details={**reply["details"], "browser": self.browser_version},
        )

    def footprint(self) -> Footprint:
        """`tensor_bytes`: tensors at rest, which are the weights. `peak_memory_bytes`: tensors at the highest point of
        one invocation on the first sample. Both are counted, not sampled. `wasm_heap_bytes`: the wasm module's memory.
        `details` say which backend did the work."""
        reply, _ = self.child.call("footprint", self._sample, seconds=self.limits.infer_seconds)
        figures = {"artifact_bytes": self.artifact.bytes, **reply["figures"]}
        exact = frozenset({"artifact_bytes", "tensor_bytes", "peak_memory_bytes"})
        return Footprint(figures, exact=exact, details=reply["details"])

    def foreign_requests(self) -> list[str]:
        """Addresses beyond the page's own server that it asked for; all were refused."""
        reply, _ = self.child.call("status", seconds=10)
        return [str(address) for address in reply["foreign"]]

    def _own(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        """The samples that the artifact takes: conversion drops inputs that nothing uses."""
        return {info.name: np.asarray(samples[info.name]) for info in self.artifact.inputs if info.name in samples}


class TFJSTarget(Target):
    """One backend: cpu, wasm, webgl or webgpu. `threaded` is for wasm alone: its binary with threads, of which it
    starts half as many as the machine has logical cores (the number is in `Timing.details`)."""

    format = "tfjs"
    slot = "browser"

    def __init__(
        self,
        name: str,
        backend: str,
        default_variants: tuple[str, ...],
        threaded: bool = False,
        browser: Browser = CHROMIUM,
        program: Path | None = None,
    ) -> None:
        self.name = name
        self.browser = browser
        self.backend = backend
        self.default_variants = default_variants
        self.threaded = threaded
        self.simulated = backend in ("webgl", "webgpu")  # SwiftShader, by the flags that they are started with
        self.program = program
        """Another browser than the usual one, to stand beside it in a comparison."""

    @property
    def flags(self) -> tuple[str, ...]:
        return (*self.browser.flags, *self.browser.backend_flags.get(self.backend, ()))

    def probe(self) -> Readiness:
        details = {"tfjs": bundles.version(), "bundles": "installed" if bundles.installed() else "come on first use"}
        program = self.program or self.browser.executable()
        if program is None:
            return Readiness(False, self.browser.missing(), self.browser.install_line(), details)
        details["browser"] = str(program)
        if no_bundles := bundles.missing():
            return Readiness(False, no_bundles, install_line("npm"), details)
        return Readiness(True, details=details)

    def prepare(self) -> None:
        bundles.install()

    def fingerprint(self) -> dict[str, str]:
        measuring = hashlib.sha256(b"\0".join(path.read_bytes() for path in MEASURING_FILES)).hexdigest()
        return {
            "browser": self.browser.version(self.program),
            "tfjs": bundles.version(),
            "bundles": bundles.digest(),
            "backend": self.backend,
            "threaded": str(self.threaded).lower(),
            "flags": " ".join(self.flags),
            "page": measuring[:16],
        }

    def altered(self, changes: Mapping[str, str]) -> Target:
        """Another browser of the same kind: its path or command. Older bundles are no longer here to be run."""
        wanted = {key: value for key, value in changes.items() if key != "page"}
        named = wanted.pop("browser", None)
        if wanted:
            raise Unavailable(f"{self.name} cannot be had with another {' and '.join(sorted(wanted))}.")
        if named is None:
            return self
        found = shutil.which(named)
        if found is None:
            raise Unavailable(f"The browser '{named}' is not on this machine; name its executable.")
        return TFJSTarget(self.name, self.backend, self.default_variants, self.threaded, self.browser, Path(found))

    def coverage(self, artifact: Artifact) -> tuple[str, ...]:
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

    def forget(self) -> None:
        """A GPU process keeps what it compiled for the page before."""
        program = self.program or self.browser.executable()
        if program is not None and self.backend in ("webgl", "webgpu"):
            _BROWSERS.close(self._launch(program, DEFAULT_LIMITS))

    def _launch(self, program: Path, limits: Limits) -> Launch:
        return Launch(self.browser, str(program), self.flags, limits.open_seconds)

    @contextmanager
    def open(self, artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Iterator[Session]:
        program = self.program or self.browser.executable()
        if program is None:
            raise Unavailable(
                f"{self.name} needs {self.browser.missing()}; install it with `{self.browser.install_line()}`."
            )
        folder = bundles.install()
        with _BROWSERS.borrowed(self._launch(program, limits)) as started:
            started.child.what = self.name
            try:
                said, _ = started.child.call(
                    "open",
                    seconds=limits.open_seconds,
                    bundles=str(folder),
                    directory=str(artifact.directory),
                    inputs=[info.model_dump(mode="json") for info in artifact.inputs],
                    outputs=[info.model_dump(mode="json") for info in artifact.outputs],
                    page={
                        "backend": self.backend,
                        "threaded": self.threaded,
                        "scripts": self.scripts(artifact),
                        "layers": is_layers(artifact.path),
                        "renewed": artifact.renewed,
                        "state": artifact.state,
                        "entry": artifact.entry,
                        "files": [file.model_dump() for file in artifact.files],
                    },
                )
                yield TFJSSession(
                    started.child,
                    artifact,
                    limits,
                    started.profile,
                    self.browser.version(program),
                    Loaded(said["loaded"]["files"], tuple(said["loaded"]["inputs"])),
                )
            except CaseError:
                raise
            except BaseException:
                started.child.kill()  # whatever it was, it was not the page's: nobody knows what is still running
                raise
            finally:
                _close_page(started.child, limits.open_seconds)


@dataclass(frozen=True)
class Launch:
    """All that tells one running browser from another."""

    browser: Browser = field(hash=False)
    program: str
    flags: tuple[str, ...]
    start_seconds: float = field(compare=False)


@dataclass(frozen=True)
class Started:
    """A running browser: the worker that drives it and the folder that holds its profile."""

    child: ChildProcess
    profile: Path


@contextmanager
def _started(launch: Launch) -> Iterator[Started]:
    profile = Path(tempfile.mkdtemp(prefix="harness-browser-"))
    # Playwright makes the browser's own profile in the folder for temporary files.
    place = {"TMPDIR": str(profile)}
    with (
        ended(profile),
        ChildProcess(
            launch.browser.name, Path(sys.executable), WORKER, environment=place, start_seconds=launch.start_seconds
        ) as child,
    ):
        child.call(
            "launch",
            seconds=launch.start_seconds,
            engine=launch.browser.engine,
            executable=launch.program,
            flags=launch.flags,
            preferences=dict(launch.browser.preferences),
        )
        yield Started(child, profile)


def _close_page(child: ChildProcess, seconds: float) -> None:
    """End the page that was open. A browser that cannot is not kept."""
    if child.alive():
        try:
            child.call("close", seconds=seconds)
        except CaseError:
            child.kill()


_BROWSERS: WarmPool[Launch, Started] = WarmPool(_started, lambda started: started.child.alive())


def targets() -> list[Target]:
    """All TensorFlow.js targets; those without default variants run when asked for by name."""
    return [
        TFJSTarget("tfjs/chromium-wasm", "wasm", ("float32", "uint8")),
        TFJSTarget("tfjs/chromium-cpu", "cpu", ()),
        TFJSTarget("tfjs/chromium-webgl", "webgl", ("float32",)),
        TFJSTarget("tfjs/chromium-wasm-threads", "wasm", (), threaded=True),
        TFJSTarget("tfjs/chromium-webgpu", "webgpu", ()),
        TFJSTarget("tfjs/firefox-wasm", "wasm", (), browser=FIREFOX),
    ]
