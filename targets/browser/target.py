"""What all targets have in common whose runtime is a library in a page of a headless browser."""

from __future__ import annotations

import abc
import copy
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.errors import CaseError, Unavailable
from harness.installation.packages import install_line
from harness.target import DEFAULT_LIMITS, Limits, Loaded, Readiness, Session, Target

from .browsers import CHROMIUM, Browser
from .launch import BROWSERS, WORKER, Launch, close_page
from .npm import Bundle
from .session import BrowserSession

PAGE = Path(__file__).with_name("page")
MEASURING_FILES = (WORKER, WORKER.with_name("server.py"), *sorted(PAGE.iterdir()))
ON_GPU = ("webgl", "webgpu")


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
        self.simulated = backend in ON_GPU  # SwiftShader, by the flags that they are started with
        self.program = program
        """Another browser than the usual one, to stand beside it in a comparison."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Of the browser's command line."""
        return (*self.browser.flags, *self.browser.backend_flags.get(self.backend, ()))

    @abc.abstractmethod
    def request(self, artifact: Artifact) -> dict[str, Any]:
        """What the family's `runtime.mjs` needs to know of an artifact beside its files and its signature."""

    def wasm_file(self) -> str:
        """The WebAssembly file that the page has to load; empty where none is asked for."""
        return ""

    def probe(self) -> Readiness:
        details = {
            self.library: self.bundle.version(),
            "bundles": "installed" if self.bundle.installed() else "come on first use",
        }
        program = self.program or self.browser.executable()
        if program is None:
            return Readiness(False, self.browser.missing(), self.browser.install_line(), details)
        details["browser"] = str(program)
        if no_bundles := self.bundle.missing():
            return Readiness(False, no_bundles, install_line("npm"), details)
        return Readiness(True, details=details)

    def prepare(self) -> None:
        self.bundle.install()

    def fingerprint(self) -> dict[str, str]:
        files = (*MEASURING_FILES, *sorted(self.page.iterdir()))
        measuring = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
        wasm_file = self.wasm_file()
        return {
            "browser": self.browser.version(self.program),
            self.library: self.bundle.version(),
            "bundles": self.bundle.digest(),
            "backend": self.backend,
            "threaded": str(self.threaded).lower(),
            "flags": " ".join(self.flags),
            "page": measuring[:16],
            **({"wasm_file": wasm_file} if wasm_file else {}),
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
        other = copy.copy(self)
        other.program = Path(found)
        return other

    def forget(self) -> None:
        """A GPU process keeps what it compiled for the page before."""
        program = self.program or self.browser.executable()
        if program is not None and self.backend in ON_GPU:
            BROWSERS.close(self._launch(program, DEFAULT_LIMITS))

    def _launch(self, program: Path, limits: Limits) -> Launch:
        return Launch(self.browser, str(program), self.flags, limits.open_seconds)

    @contextmanager
    def open(self, artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Iterator[Session]:
        program = self.program or self.browser.executable()
        if program is None:
            raise Unavailable(
                f"{self.name} needs {self.browser.missing()}; install it with `{self.browser.install_line()}`."
            )
        folder = self.bundle.install()
        with BROWSERS.borrowed(self._launch(program, limits)) as started:
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
                        "renewed": artifact.renewed,
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
                    self.browser.version(program),
                    Loaded(said["loaded"]["files"], tuple(said["loaded"]["inputs"])),
                )
            except CaseError:
                raise
            except BaseException:
                started.child.kill()  # whatever it was, it was not the page's: nobody knows what is still running
                raise
            finally:
                close_page(started.child, limits.open_seconds)
