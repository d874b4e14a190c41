"""The HTTP server around the interface: GET alone, on the loopback address alone."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.errors import HarnessError
from harness.serve.interface import Interface

ADDRESS = "127.0.0.1"
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)


class _Handler(BaseHTTPRequestHandler):
    interface: ClassVar[Interface]
    server_version = "harness"
    sys_version = ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        # A page of another site could make a browser ask here under its own name (DNS rebinding).
        if not _OWN_HOST.fullmatch(self.headers.get("Host", "")):
            self.send_error(421, "Ask as 127.0.0.1 or localhost")
            return
        parts = urlsplit(self.path)
        answer = self.interface.answer(unquote(parts.path), dict(parse_qsl(parts.query)))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not logged: there is one reader, and it is you."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def make_server(interface: Interface, port: int) -> ThreadingHTTPServer:
    """A server that listens on 127.0.0.1:`port` (0 takes a free one) and has not begun to answer.

    Raises `HarnessError` where the port is taken.
    """
    try:
        return _Server((ADDRESS, port), type("Handler", (_Handler,), {"interface": interface}))
    except OSError as error:
        raise HarnessError(f"Port {port} cannot be had ({error.strerror}); name another with --port.") from error
    except OverflowError as error:
        raise HarnessError(f"{port} is no port: take one from 0 to 65535.") from error
