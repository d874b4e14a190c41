"""A loopback HTTP server for one page: its files, one artifact, and tensors as plain bytes.

Only what was named beforehand is served: a request's path is looked up, never joined to a folder. Every path starts
with an unguessable token, and the Host header must be the server's own, so that no other page can reach it.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Buffer

SAMPLES = "samples"
RESULTS = "results"
LARGEST_BODY = 1 << 30
LARGE = 1 << 24
PORT_SECONDS = 30.0
BINARY = "application/octet-stream"
KINDS = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}

# Cross-origin isolation gives the page shared memory and a fine clock; the policy keeps it from asking anyone else.
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:;"
        " connect-src 'self' blob: data:; img-src data:"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class TooLarge(Exception):
    """Tensors that go beyond what one exchange may hold."""

    harness_kind = "failed"


class PortTaken(Exception):
    """The port on which a page is to reach this machine is not to be had."""

    harness_kind = "failed"


class Ended(Exception):
    """Takes a server out of its loop."""


class PageServer(ThreadingHTTPServer):
    """Serves until `end`, which does not wait for half a second without a request, as `shutdown` would."""

    daemon_threads = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._is_ending = False
        self._thread = threading.Thread(target=self._serve, name="page server", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(Ended):
            self.serve_forever()

    def service_actions(self) -> None:
        """Runs after each request, and now and then without one."""
        if self._is_ending:
            raise Ended

    def end(self) -> None:
        self._is_ending = True
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.server_port), timeout=1).close()
        self._thread.join(timeout=5)
        self.server_close()


class Server:
    """Serves `files` (path below the token → file) on 127.0.0.1, on `port`, or on one of the system's choice.

    `offer_samples` sets the bytes that `GET samples` answers with; `POST results` keeps the bytes that `take_results`
    gives back.
    """

    def __init__(self, files: Mapping[str, Path], largest_body: int = LARGEST_BODY, port: int = 0) -> None:
        self.files = dict(files)
        self.largest_body = largest_body
        self.token = secrets.token_urlsafe(32)
        self._samples: list[memoryview] = []
        self._results: memoryview | None = None
        self._server = _bound(port, type("Handler", (_Handler,), {"owner": self}))

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def url(self, path: str) -> str:
        """The address of a served path."""
        return f"{self.origin}/{self.token}/{path}"

    def offer_samples(self, samples: Sequence[Buffer]) -> None:
        """What the page gets as samples: these bytes, one after another, from where they are. Raises `TooLarge`."""
        views = [memoryview(part).cast("B") for part in samples]
        size = sum(len(view) for view in views)
        if size > self.largest_body:
            raise TooLarge(f"the samples are {size} bytes, more than the {self.largest_body} of one exchange.")
        self._samples = views
        self._results = None

    def samples(self) -> list[memoryview]:
        return self._samples

    def drop_large_samples(self) -> None:
        """Large samples went to the page, which asks once: they are not held in both places."""
        if sum(len(view) for view in self._samples) > LARGE:
            self._samples = []

    def store_results(self, results: memoryview) -> None:
        self._results = results

    def take_results(self) -> memoryview:
        """What the page posted since `offer_samples`, writable; empty if nothing."""
        results, self._results, self._samples = self._results, None, []
        return memoryview(bytearray()) if results is None else results

    def close(self) -> None:
        self._server.end()


def _bound(port: int, handler: type[BaseHTTPRequestHandler]) -> PageServer:
    """A server on a port that another page of this harness may still have for a while. Raises `PortTaken`."""
    deadline = time.monotonic() + PORT_SECONDS
    while True:
        try:
            return PageServer(port, handler)
        except OSError as error:
            if time.monotonic() > deadline:
                raise PortTaken(f"port {port} of 127.0.0.1 is taken ({error.strerror}); name another one.") from error
            time.sleep(0.1)


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[Server]
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        name = self._name()
        if name == SAMPLES:
            parts = self.owner.samples()
            self._start(200, sum(len(part) for part in parts), BINARY)
            for part in parts:
                self.wfile.write(part)
            self.owner.drop_large_samples()
            return
        file = self.owner.files.get(name) if name is not None else None
        if file is None or not file.is_file():
            self._refuse(404)
            return
        with file.open("rb") as stream:
            self._start(200, file.stat().st_size, KINDS.get(file.suffix, BINARY))
            shutil.copyfileobj(stream, self.wfile)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self._name() != RESULTS:
            self._refuse(404)
        elif not length.isascii() or not length.isdigit():
            self._refuse(411)
        elif int(length) > self.owner.largest_body:
            self._refuse(413)
        else:
            content = memoryview(bytearray(int(length)))
            if self._read_into(content):
                self.owner.store_results(content)
                self._start(204, 0, BINARY)

    def _read_into(self, content: memoryview) -> bool:
        """Fill `content` from the request's body; whether all of it came."""
        rest = content
        while len(rest):
            count = self.rfile.readinto(rest)  # type: ignore[attr-defined]  # typeshed: a BufferedIOBase has it
            if not count:
                return False
            rest = rest[count:]
        return True

    def _name(self) -> str | None:
        """The path below the token; None where the token or the host is not ours."""
        token, _, name = self.path.removeprefix("/").partition("/")
        ours = hmac.compare_digest(token.encode(), self.owner.token.encode())
        return name if ours and self.headers.get("Host") == self.owner.host else None

    def _start(self, status: int, length: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _refuse(self, status: int) -> None:
        self.close_connection = True  # a body that was not read would be taken for the next request
        self._start(status, 0, "text/plain")

    def log_message(self, format: str, *args: object) -> None:
        """Silent: one line a request would bury the browser's own messages."""
