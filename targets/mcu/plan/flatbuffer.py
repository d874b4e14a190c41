"""A bounds-checked reader of FlatBuffers tables.

A `.tflite` file is untrusted input. The official Python runtime follows any offset it finds (negative ones wrap around
to the end of the file) and reads vectors of any stated length, so the few primitives needed are here instead; each
raises `Malformed` rather than read outside the file. Layout: https://flatbuffers.dev/internals/.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Malformed(ValueError):
    """The bytes are not what a FlatBuffers file of this schema holds."""


_SCALARS = {code: struct.Struct("<" + code) for code in "bBhHiIqQf"}


def read_scalar(data: bytes, position: int, code: str) -> int | float:
    """The little-endian number at a byte position, of a type named as in `struct`. Raises `Malformed` where it would
    lie outside of the file."""
    layout = _SCALARS[code]
    if position < 0 or position + layout.size > len(data):
        raise Malformed(f"an offset points to byte {position} of {len(data)}")
    return layout.unpack_from(data, position)[0]


def _read_integer(data: bytes, position: int, code: str) -> int:
    return int(read_scalar(data, position, code))


@dataclass(frozen=True)
class Table:
    """One table; `slot` is the index of a field in the schema."""

    data: bytes
    position: int

    @classmethod
    def root(cls, data: bytes, identifier: bytes) -> Table:
        if len(data) < 8 or data[4:8] != identifier:
            raise Malformed(f"the file identifier is not {identifier.decode()}")
        return cls(data, _read_integer(data, 0, "I"))

    def _field(self, slot: int) -> int | None:
        """Position of a field, None where the table leaves it at its default."""
        vtable = self.position - _read_integer(self.data, self.position, "i")
        size = _read_integer(self.data, vtable, "H")
        entry = 4 + 2 * slot
        if entry + 2 > size:
            return None
        offset = _read_integer(self.data, vtable + entry, "H")
        return self.position + offset if offset else None

    def scalar(self, slot: int, code: str, default: float) -> int | float:
        position = self._field(slot)
        return default if position is None else read_scalar(self.data, position, code)

    def integer(self, slot: int, code: str, default: int = 0) -> int:
        return int(self.scalar(slot, code, default))

    def _indirect(self, slot: int) -> int | None:
        position = self._field(slot)
        return None if position is None else position + _read_integer(self.data, position, "I")

    def table(self, slot: int) -> Table | None:
        position = self._indirect(slot)
        if position is None:
            return None
        read_scalar(self.data, position, "i")
        return Table(self.data, position)

    def _vector(self, slot: int, item_bytes: int) -> tuple[int, int] | None:
        position = self._indirect(slot)
        if position is None:
            return None
        count = _read_integer(self.data, position, "I")
        if position + 4 + count * item_bytes > len(self.data):
            raise Malformed(f"a vector of {count} items reaches beyond the end of the file")
        return position + 4, count

    def tables(self, slot: int) -> list[Table]:
        vector = self._vector(slot, 4)
        if vector is None:
            return []
        start, count = vector
        positions = [start + 4 * i for i in range(count)]
        tables = [Table(self.data, p + _read_integer(self.data, p, "I")) for p in positions]
        for table in tables:
            read_scalar(self.data, table.position, "i")
        return tables

    def array(self, slot: int, dtype: str) -> NDArray[Any] | None:
        """A vector of scalars as an array of `dtype` (little-endian), None where it is absent."""
        item = np.dtype(dtype).newbyteorder("<")
        vector = self._vector(slot, item.itemsize)
        if vector is None:
            return None
        start, count = vector
        return np.frombuffer(self.data, item, count, start)

    def text(self, slot: int) -> str:
        return self.optional_text(slot) or ""

    def optional_text(self, slot: int) -> str | None:
        """The field's text. None if the table leaves it out."""
        vector = self._vector(slot, 1)
        if vector is None:
            return None
        start, count = vector
        return self.data[start : start + count].decode("utf-8", "replace")
