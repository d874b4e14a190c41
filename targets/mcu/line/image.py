"""What is flashed: the firmware and, in the upper part of the flash, the job with the plan and no inputs. Intel HEX, as
every flashing tool takes it (Intel, Hexadecimal Object File Format Specification, 1988)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from elftools.elf.elffile import ELFFile

from ..boards import Board
from ..job import DoesNotFit, check_fit, job_range, pack_job
from ..plan import Plan
from ..toolchain import Firmware

_RECORD_BYTES = 32


@dataclass(frozen=True)
class Image:
    """Bytes by the address that they lie at, and the checksums by which a board that holds them is known."""

    parts: tuple[tuple[int, bytes], ...]
    image_checksum: int
    job_checksum: int

    def intel_hex(self) -> str:
        lines = [line for address, content in self.parts for line in _records(address, content)]
        return "\n".join([*lines, _record(1, 0, b""), ""])


def make_image(board: Board, firmware: Firmware, plan: Plan) -> Image:
    """The image of a model for a board. Raises `DoesNotFit`."""
    check_fit(board, firmware, plan.size)
    job = pack_job(plan, (), 1)
    start, end = job_range(board, firmware)
    missing = len(job) - (end - start)
    if missing > 0:
        raise DoesNotFit(f"The model does not fit {board.name}: {missing} bytes of flash are missing for it.", missing)
    with firmware.elf.open("rb") as stream:
        segments = sorted(
            (segment["p_paddr"], segment.data())
            for segment in ELFFile(stream).iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_filesz"] > 0
        )
    content = b"".join(data for _, data in segments)  # data's first values follow the code without a gap
    return Image((*segments, (start, job)), zlib.crc32(content), zlib.crc32(job))


def _record(kind: int, offset: int, content: bytes) -> str:
    body = bytes([len(content), *offset.to_bytes(2, "big"), kind]) + content
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}"


def _records(address: int, content: bytes) -> Iterator[str]:
    """Data records, and one for the upper half of an address wherever that changes."""
    upper = -1
    place = 0
    while place < len(content):
        here = address + place
        if here >> 16 != upper:
            upper = here >> 16
            yield _record(4, 0, upper.to_bytes(2, "big"))
        count = min(_RECORD_BYTES, len(content) - place, 0x10000 - (here & 0xFFFF))
        yield _record(0, here & 0xFFFF, content[place : place + count])
        place += count
