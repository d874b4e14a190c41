"""Frames between the engine and a child process: a JSON header and raw tensors, over a private pair of pipes.

Layout of a frame, little-endian: magic `MLRH`, header length (u32), payload length (u64), header (UTF-8 JSON), payload.
The header's `"tensors"` lists name, dtype and shape; the payload is their C-order bytes one after another. A child's
standard output is never part of the protocol, so a runtime that prints cannot break it.

Runs in the engine and in every child's environment: standard library and NumPy (1.24 or later) only.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

MAGIC = b"MLRH"
PREFIX = struct.Struct("<4sIQ")
LARGEST_HEADER = 64 * 1024 * 1024
LARGEST_PAYLOAD = 8 * 1024 * 1024 * 1024


class Stream(Protocol):
    """What a frame is read from."""

    def read(self, count: int, /) -> bytes:
        """Exactly `count` bytes; fewer only at the end."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Some bytes into the beginning of `buffer`; how many, 0 at the end."""


class ProtocolError(Exception):
    """The other side sent something that is not a frame, or ended in the middle of one."""


def write_frame(stream: BinaryIO, header: dict[str, Any], tensors: dict[str, Any] | None = None) -> None:
    """Write one frame and flush. `tensors`: name → array; any C-order convertible dtype without objects."""
    arrays = {name: np.ascontiguousarray(value).reshape(np.shape(value)) for name, value in (tensors or {}).items()}
    described = [{"name": n, "dtype": a.dtype.str, "shape": list(a.shape)} for n, a in arrays.items()]
    encoded = json.dumps({**header, "tensors": described}).encode()
    stream.write(PREFIX.pack(MAGIC, len(encoded), sum(a.nbytes for a in arrays.values())))
    stream.write(encoded)
    for array in arrays.values():
        if array.nbytes:
            stream.write(array.reshape(-1).view(np.uint8).data)  # the array itself: tensors may be large
    stream.flush()


def read_frame(stream: Stream) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read one frame: header (without `"tensors"`) and tensors. Raises EOFError at a clean end, else ProtocolError."""
    prefix = stream.read(PREFIX.size)
    if not prefix:
        raise EOFError
    if len(prefix) < PREFIX.size:
        raise ProtocolError("the stream ended inside a frame's prefix")
    magic, header_length, payload_length = PREFIX.unpack(prefix)
    if magic != MAGIC or header_length > LARGEST_HEADER or payload_length > LARGEST_PAYLOAD:
        raise ProtocolError("what came is not a frame")
    encoded = stream.read(header_length)
    if len(encoded) < header_length:
        raise ProtocolError("the stream ended inside a frame")
    try:
        header = json.loads(encoded)
        tensors = {entry["name"]: _empty(entry) for entry in header.pop("tensors")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"a frame that cannot be read: {error}") from error
    if sum(array.nbytes for array in tensors.values()) != payload_length:
        raise ProtocolError("a frame whose tensors are not as long as its payload")
    for array in tensors.values():
        _fill(stream, array)
    return header, tensors


def _empty(described: dict[str, Any]) -> NDArray[Any]:
    """An array of the described dtype and shape, its memory untouched."""
    dtype = np.dtype(described["dtype"])
    if dtype.hasobject:
        raise ProtocolError("a tensor of Python objects is refused")
    if int(np.prod(described["shape"], dtype=np.float64)) * dtype.itemsize > LARGEST_PAYLOAD:
        raise ProtocolError("a tensor larger than a frame may be")
    return np.empty(described["shape"], dtype)


def _fill(stream: Stream, array: NDArray[Any]) -> None:
    """Read an array's bytes to where they stay: one copy of the payload is in memory, not three."""
    if not array.nbytes:
        return
    rest = array.reshape(-1).view(np.uint8).data
    while len(rest):
        count = stream.readinto(rest)
        if not count:
            raise ProtocolError("the stream ended inside a frame")
        rest = rest[count:]
