"""Downloading one file of a known SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, TypeVar

CONNECT_SECONDS = 5.0
"""Seconds until the first answer, looking up the name included. Longer helps nobody who waits for a set-up."""
STALL_SECONDS = 20.0
"""Seconds after which a download that stands still has ended."""
LARGEST_BYTES = 1 << 30
"""Bytes of a download at most: no release is larger, and a disk has an end."""
_CHUNK = 1 << 18

Result = TypeVar("Result")


class NotFetched(Exception):
    """Why there is no archive, as a part of a sentence."""


def download(address: str, target: Path, sha256: str) -> None:
    """Write what is at `address` (over HTTP; redirects are followed) to `target`.

    Raises `NotFetched` where it cannot be had or is not what `sha256` says, and `OSError` where it cannot be written.
    """
    opener = urllib.request.build_opener(_StaysSecure())
    try:
        response: HTTPResponse = _within(CONNECT_SECONDS, lambda: opener.open(address, timeout=STALL_SECONDS))
        with response, target.open("wb") as file:
            expected = response.headers.get("Content-Length")
            digest = _transfer(response, file)
            if expected and file.tell() != int(expected):
                raise NotFetched(f"the download was cut after {file.tell()} of {expected} bytes")
    except urllib.error.HTTPError as error:
        raise NotFetched(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise NotFetched(_words(error.reason)) from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise NotFetched(f"the download ended early ({_words(error)})") from error
    _check(digest, sha256)


def copy(source: Path, target: Path, sha256: str) -> None:
    """Same as `download`, for a file that is already on this machine. The file is copied, so that the checked copy is
    the one that is used."""
    try:
        opened = source.open("rb")
    except OSError as error:
        raise NotFetched(f"it cannot be read ({error.strerror})") from error
    with opened, target.open("wb") as file:
        _check(_transfer(opened, file), sha256)


def _check(digest: str, sha256: str) -> None:
    if digest != sha256:
        raise NotFetched(f"its SHA-256 is {digest}, which is not the release's {sha256}")


def _transfer(source: IO[bytes], target: IO[bytes]) -> str:
    """Copy all of it; returns its SHA-256."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
        if target.tell() > LARGEST_BYTES:
            raise NotFetched(f"it is larger than {LARGEST_BYTES} bytes")
    return digest.hexdigest()


class _StaysSecure(urllib.request.HTTPRedirectHandler):
    """Follows redirects, as releases have them, but not from https to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and scheme != urllib.parse.urlsplit(req.full_url).scheme:
            raise urllib.error.URLError(f"the server leads from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _within(seconds: float, call: Callable[[], Result]) -> Result:
    """The result of `call`. Looking up a name cannot be given a time limit, so it is done in a thread, which is left to
    itself after `seconds`."""
    answer: list[Result] = []
    problem: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:
            problem.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if problem:
        raise problem[0]
    if not answer:
        raise NotFetched(f"there was no answer within {seconds:g} s")
    return answer[0]


def _words(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
