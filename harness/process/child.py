"""A child process that holds a converter or a runtime, seen from the engine.

Whatever the child does (dies, hangs, writes rubbish) ends in one of the engine's own exceptions, and the child with all
its descendants is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from harness.errors import BadInput, CaseError, Crashed, Failed, TimedOut, Unavailable, Unsupported, shortened
from harness.process.protocol import ProtocolError, read_frame, write_frame

SERVE = Path(__file__).with_name("serve.py")
SCRATCH_VARIABLE = "HARNESS_SCRATCH"
"""Names the child's own folder for temporary files to `serve.py`, which removes it if the engine is killed."""
WATCH_VARIABLE = "HARNESS_WATCH"
"""`alarm` where the child may have no thread but its own: see `serve.py`."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's own linear algebra starts a thread a core when NumPy is imported, each of which spins for some 80 ms: as much
as all the rest of a worker's start. No runtime computes with it, and a sum no longer depends on the number of cores."""
LOG_TAIL_BYTES = 16_384


class Killable(Protocol):
    """What somebody may be waiting for."""

    def kill(self) -> None:
        """End it at once: whoever waits for it gets `Crashed`."""


_ALIVE: weakref.WeakSet[Killable] = weakref.WeakSet()


def end_all() -> None:
    """Kill every child there is: whoever waits for one gets `Crashed`. For an interrupted run."""
    for child in list(_ALIVE):
        child.kill()


def end_with_all(thing: Killable) -> None:
    """Have `end_all` end `thing` as well, which is no child of this process."""
    _ALIVE.add(thing)


class _TimedReader:
    """Reads exactly what is asked from a pipe, until a deadline (`time.monotonic()` seconds)."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.deadline = 0.0

    def read(self, count: int) -> bytes:
        content = bytearray(count)
        rest = memoryview(content)
        while len(rest):
            found = self.readinto(rest)
            if not found:
                return bytes(content[: count - len(rest)])
            rest = rest[found:]
        return bytes(content)

    def readinto(self, buffer: memoryview) -> int:
        """What is there, once something is; 0 at the end."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
            raise TimeoutError
        return os.readv(self.descriptor, [buffer])


class ChildProcess:
    """A worker under `harness/process/serve.py`, as a context manager.

    `what` is what error messages call it ("tflite/litert-xnnpack"). Raises `Crashed`, `TimedOut`, `Unavailable`.

    It gets a folder of its own for temporary files, removed with it: converters leave theirs behind.
    """

    def __init__(
        self,
        what: str,
        python: Path,
        worker: Path,
        *,
        packages: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
        start_seconds: float = 120.0,
        launcher: Sequence[str] = (),
        inherits: bool = True,
    ) -> None:
        """`launcher`: a program and its arguments that `python` is run by (an emulator); `inherits`: whether the child
        sees this process's environment variables beside those of `environment`."""
        self.what = what
        self._call_log_start = 0
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._scratch = Path(tempfile.mkdtemp(prefix="harness-"))
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        named = [f"{name}={folder}" for name, folder in (packages or {}).items()]
        try:
            self._process = subprocess.Popen(
                [*launcher, str(python), "-I", str(SERVE), str(request_read), str(reply_write), str(worker), *named],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(request_read, reply_write),
                start_new_session=True,
                env={
                    **(os.environ if inherits else {}),
                    **ONE_THREAD,
                    "TMPDIR": str(self._scratch),
                    SCRATCH_VARIABLE: str(self._scratch),
                    **(environment or {}),
                },
            )
        except OSError as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            for descriptor in (request_write, reply_read):
                os.close(descriptor)
            program = launcher[0] if launcher else python
            raise Unavailable(f"{what}: {program} cannot be started ({error.strerror}); run `make setup`.") from error
        finally:
            os.close(request_read)
            os.close(reply_write)
        _ALIVE.add(self)
        self._requests = os.fdopen(request_write, "wb")
        self._reader = _TimedReader(reply_read)
        try:
            self._receive(start_seconds, "start")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ChildProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(
        self, operation: str, tensors: dict[str, Any] | None = None, *, seconds: float, **fields: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One request, one reply: header and tensors. Raises `Crashed`, `TimedOut`, `Unsupported`, `Failed`."""
        self._call_log_start = os.fstat(self._log.fileno()).st_size
        try:
            write_frame(self._requests, {"op": operation, **fields}, tensors)
        except OSError as error:
            raise self._crashed(operation) from error
        return self._receive(seconds, operation)

    def _receive(self, seconds: float, operation: str) -> tuple[dict[str, Any], dict[str, Any]]:
        self._reader.deadline = time.monotonic() + seconds
        try:
            header, tensors = read_frame(self._reader)
        except TimeoutError as error:
            self.kill()
            message = f"{self.what} did not answer '{operation}' within {seconds:g} s and was killed."
            raise TimedOut(message, self.log()) from error
        except EOFError as error:
            raise self._crashed(operation) from error
        except ProtocolError as error:  # a sound process that writes rubbish would not end by itself
            raise self._crashed(operation, seconds=1.0) from error
        problem = header.get("error")
        if problem is None:
            return header, tensors
        raise self.failure(problem, operation)

    def failure(self, problem: Mapping[str, str], operation: str) -> CaseError:
        """The engine's exception for an error that the worker reported: `kind` decides the type."""
        log = self.log()
        if problem["kind"] == "unsupported":
            return Unsupported(problem["message"], log)
        if problem["kind"] == "crashed":
            return Crashed(problem["message"], log)
        lines = problem["message"].strip().splitlines() or ["no message"]
        if problem["kind"] == "bad_input":
            return BadInput(shortened(lines[0], 500), log)
        if problem["kind"] == "failed":
            failed = Failed(shortened(lines[0], 500), log)
            failed.lasting = True  # the worker looked, and says so itself
            return failed
        return Failed(f"{self.what} failed during '{operation}': {problem['type']}: {shortened(lines[0], 400)}", log)

    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def _crashed(self, operation: str, seconds: float = 5.0) -> Crashed:
        """What the process died of; it may take so many seconds to end, and is killed then."""
        try:
            code = self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return Crashed(f"{self.what} broke the protocol during '{operation}' and was killed.", self.log())
        log = self.log()
        if code < 0:
            with contextlib.suppress(ValueError):
                return Crashed(f"{self.what} died of {signal.Signals(-code).name} during '{operation}'.", log)
        last = log.strip().splitlines()
        ending = f": {shortened(last[-1], 300)}" if last else ""
        return Crashed(f"{self.what} ended with exit code {code} during '{operation}'{ending}.", log)

    def log(self) -> str:
        """The last part of what the child printed on either stream since the last call began."""
        if self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        start = max(self._call_log_start, size - LOG_TAIL_BYTES)
        return os.pread(self._log.fileno(), LOG_TAIL_BYTES, start).decode(errors="replace")

    def kill(self) -> None:
        """End the child and its descendants at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the child and its descendants; safe to call twice."""
        if self._log.closed:
            return
        with contextlib.suppress(OSError):
            self._requests.close()
        # A worker ends by itself when its requests end; one that does not is not worth waiting for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        self.kill()
        shutil.rmtree(self._scratch, ignore_errors=True)
        os.close(self._reader.descriptor)
        self._log.close()
