"""What all targets have in common whose runtime is a library in a page of a headless browser."""

from __future__ import annotations

import abc
import copy
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.errors import CaseError, Failed, Unavailable, Unsupported
from harness.installation.packages import install_line
from harness.reproduction import SECONDS as REPEAT_SECONDS
from harness.reproduction import Repeated
from harness.target import DEFAULT_LIMITS, Loaded, Readiness, Session, SessionTimeouts, Target

from . import devtools_address, display, gpu
from .browsers import CHROMIUM, Browser
from .gpu import Gpu
from .launch import BROWSERS, WORKER, Launch, close_page, renderer
from .npm import Bundle
from .session import BrowserSession

PAGE = Path(__file__).with_name("page")
MEASURING_FILES = (WORKER, WORKER.with_name("server.py"), *sorted(PAGE.iterdir()))
"""Files that decide what is measured, apart from the browser's driver."""
ON_GPU = ("webgl", "webgpu")


_SETTLED: dict[tuple[str, ...], Gpu] = {}
_SETTLING = threading.Lock()


def gpu_of(browser: Browser, program: str, backend: str) -> Gpu:
    """What a backend of a browser runs on; tried once in the life of this process, whoever asks."""

    def ask(flags: tuple[str, ...]) -> str:
        launch = Launch(browser, program, (*browser.flags, *flags), start_seconds=gpu.TRIAL_SECONDS)
        return renderer(launch, backend)

    key = (browser.name, program, backend, gpu.wanted_gpu())
    with _SETTLING:
        if key not in _SETTLED:
            _SETTLED[key] = gpu.select_gpu(backend, browser.backend_flags.get(backend, ()), ask)
        return _SETTLED[key]


class BrowserTarget(Target):
    """A library in a browser, on one backend. `threaded` is for wasm alone: its binary with threads."""

    slot = "browser"
    bundle: Bundle
    library: str
    """The name of the library in details and fingerprints."""
    page: Path
    """The folder with the family's `runtime.mjs`."""

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
        self.program = program
        """Another browser than the usual one, to stand beside it in a comparison."""

    @property
    def chosen_gpu(self) -> Gpu | None:
        """What the backend runs on, found out when it is first asked for; None of one that needs no GPU, and of a
        browser that is started as it is."""
        if self.backend not in ON_GPU or self.browser.engine != "chromium" or self._address():
            return None
        return gpu_of(self.browser, str(self.program or self.browser.executable() or ""), self.backend)

    @property
    def simulated(self) -> bool:  # type: ignore[override]
        """Whether a software renderer is expected. What a page then says of itself decides for its case."""
        if self.backend not in ON_GPU:
            return False
        if self.browser.engine != "chromium" or gpu.wanted_gpu() == gpu.SOFTWARE:
            return True
        if os.environ.get(devtools_address.VARIABLE) and self.program is None:
            return False
        return bool(gpu.missing_part(self.backend)) or not (self.chosen_gpu and self.chosen_gpu.hardware)

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags of the browser's command line."""
        found = self.chosen_gpu
        return (*self.browser.flags, *(found.flags if found else self.browser.backend_flags.get(self.backend, ())))

    @abc.abstractmethod
    def request(self, artifact: Artifact) -> dict[str, Any]:
        """What the family's `runtime.mjs` needs to know of an artifact beside its files and its signature."""

    def wasm_file(self) -> str:
        """The WebAssembly file that the page has to load; empty if none is needed."""
        return ""

    def probe(self) -> Readiness:
        details = {
            self.library: self.bundle.version(),
            "bundles": "installed" if self.bundle.installed() else "come on first use",
        }
        try:
            if elsewhere := self._address():
                details["browser"] = f"{devtools_address.version(elsewhere)} at {elsewhere}"
            elif lacking := self._lacking():
                return Readiness(False, lacking, self.browser.install_line(), details)
            else:
                details["browser"] = str(self._executable())
                details |= self._expected_gpu()
                if self.browser.own_driver(self.program):
                    details["sandbox"] = "off"
        except devtools_address.NoBrowser as none:
            return Readiness(False, none.missing, none.remedy, details)
        if self._needs_display and (no_display := display.missing()):
            return Readiness(False, no_display, install_line(display.PROGRAM), details)
        if no_bundles := self.bundle.missing():
            return Readiness(False, no_bundles, install_line("npm"), details)
        return Readiness(True, details=details)

    def _executable(self) -> Path | None:
        """The browser. Where no GPU is available it is one without windows, which is the quicker one."""
        if self.program is not None:
            return self.program
        on_gpu = self.backend in ON_GPU and gpu.wanted_gpu() != gpu.SOFTWARE and not gpu.missing_part(self.backend)
        return (self.browser.executable() if on_gpu else None) or self.browser.windowless_executable()

    def _expected_gpu(self) -> dict[str, str]:
        """Which of a GPU and the software renderer it will be, and why, as far as no browser has to be started."""
        if self.backend not in ON_GPU or self.browser.engine != "chromium":
            return {}
        if gpu.wanted_gpu() == gpu.SOFTWARE:
            return {"gpu": f"software renderer: {gpu.GPU_VARIABLE}={gpu.SOFTWARE}"}
        if missing := gpu.missing_part(self.backend):
            asked = "" if gpu.wanted_gpu() == gpu.AUTO else f"{gpu.GPU_VARIABLE}={gpu.wanted_gpu()} cannot be had: "
            return {"gpu": f"{asked or 'software renderer: '}{missing}"}
        return {"gpu": f"{gpu.gpu_device()}, tried at the first start"}

    def _lacking(self) -> str:
        """What is missing of the browser; empty where somebody else started it, or a comparison names it."""
        return "" if self._address() or self.program else self.browser.missing()

    def _address(self) -> str:
        """Where its browser is, if somebody else started it. Raises `Unavailable`."""
        return devtools_address.address() if self.browser.engine == "chromium" and self.program is None else ""

    def prepare(self) -> None:
        self.bundle.install()

    def fingerprint(self) -> dict[str, str]:
        files = (*MEASURING_FILES, self.browser.driver_file(self.program), *sorted(self.page.iterdir()))
        measuring = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
        wasm_file = self.wasm_file()
        found, elsewhere = self.chosen_gpu, self._address()
        own = {"renderer": found.renderer, "driver": found.driver} if found and found.hardware else {}
        if found and found.problem:  # a failure, which what the software renderer gave before does not answer
            own = {"gpu_not_got": gpu.wanted_gpu()}
        return {
            "browser": devtools_address.version(elsewhere) if elsewhere else self.browser.version(self._executable()),
            self.library: self.bundle.version(),
            "bundles": self.bundle.digest(),
            "backend": self.backend,
            "threaded": str(self.threaded).lower(),
            "flags": f"as it was started, at {elsewhere}" if elsewhere else " ".join(self.flags),
            "page": measuring[:16],
            **({"wasm_file": wasm_file} if wasm_file else {}),
            **{key: value for key, value in own.items() if value},
        }

    def with_fingerprint(self, changes: Mapping[str, str]) -> Target:
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
        other = copy.copy(self)
        other.program = Path(found)
        return other

    def end_leftovers(self) -> None:
        """A GPU process keeps what it compiled for the page before."""
        program = self._executable()
        if (program is not None or self._address()) and self.backend in ON_GPU:
            BROWSERS.close(
                self._launch(program, DEFAULT_LIMITS, devtools_address.page_port() if self._address() else 0)
            )

    @property
    def _needs_display(self) -> bool:
        if self.browser.own_driver(self.program):
            return True
        return self.browser.engine == "firefox" and self.backend in ON_GPU

    def _launch(self, program: Path | None, limits: SessionTimeouts, port: int = 0) -> Launch:
        if elsewhere := self._address():
            return Launch(self.browser, "", (), elsewhere, port, start_seconds=limits.open_seconds)
        return Launch(
            self.browser,
            str(program),
            self.flags,
            with_display=self._needs_display,
            driver=self.browser.own_driver(program),
            start_seconds=limits.open_seconds,
        )

    def browser_version(self) -> dict[str, str]:
        """What the browser calls itself, and its version."""
        elsewhere = self._address()
        version = devtools_address.version(elsewhere) if elsewhere else self.browser.version(self._executable())
        return {self.browser.name: version.removeprefix(self.browser.name).strip()}

    def show(self, page: str, files: Mapping[str, Path]) -> Repeated:
        """Open the address `page` in the browser, with `files` in place of what stands at those addresses, and give the
        `verdict` that it sets. Raises a `CaseError`."""
        program, limits = self._executable(), DEFAULT_LIMITS
        if self._address() or program is None:
            raise Unsupported(f"{self.name} is repeated by a browser of this machine, and there is none")
        with BROWSERS.borrowed(self._launch(program, limits)) as started:
            started.child.what = self.name
            try:
                said, _ = started.child.call(
                    "verdict",
                    seconds=REPEAT_SECONDS,
                    page=page,
                    files={where: str(path) for where, path in files.items()},
                )
            finally:
                close_page(started.child, limits.open_seconds)
        return Repeated(int(said["status"]), str(said["text"]))

    @contextmanager
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> Iterator[Session]:
        program, elsewhere = self._executable(), self._address()
        if lacking := self._lacking():
            raise Unavailable(f"{self.name} needs {lacking}; install it with `{self.browser.install_line()}`.")
        folder, found = self.bundle.install(), self.chosen_gpu
        if found is not None and found.problem:
            raise Failed(found.problem)
        own_port = devtools_address.port_of_page() if elsewhere else nullcontext(0)
        with own_port as port, BROWSERS.borrowed(self._launch(program, limits, port)) as started:
            started.child.what = self.name
            try:
                said, _ = started.child.call(
                    "open",
                    seconds=limits.open_seconds,
                    bundles=str(folder),
                    runtime=str(self.page),
                    directory=str(artifact.directory),
                    page={
                        "backend": self.backend,
                        "threaded": self.threaded,
                        "state_to_reset": artifact.state_to_reset,
                        "state": artifact.state,
                        "entry": artifact.entry,
                        "files": [file.model_dump() for file in artifact.files],
                        "inputs": [info.model_dump(mode="json") for info in artifact.inputs],
                        "outputs": [info.model_dump(mode="json") for info in artifact.outputs],
                        **self.request(artifact),
                    },
                )
                yield BrowserSession(
                    started.child,
                    artifact,
                    limits,
                    started.profile,
                    devtools_address.version(elsewhere) if elsewhere else self.browser.version(program),
                    Loaded(said["loaded"]["files"], tuple(said["loaded"]["inputs"])),
                )
            except CaseError:
                raise
            except BaseException:
                started.child.kill()  # whatever it was, it was not the page's: nobody knows what is still running
                raise
            finally:
                close_page(started.child, limits.open_seconds)
