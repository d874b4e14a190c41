"""The flashing tool of a board that is a program: `flash_files.py IMAGE.hex FOLDER` writes the firmware and the job as
files, as `job-server` reads them."""

from __future__ import annotations

import sys
from pathlib import Path

JOB_BEGINS = b"HJOB\1\0\0\0"
"""Its magic number and version, where nothing of the firmware is aligned so."""


def memory_of(text: str) -> dict[int, int]:
    """Bytes by address. Raises ValueError for a record whose checksum is wrong."""
    memory: dict[int, int] = {}
    upper = 0
    for line in text.splitlines():
        record = bytes.fromhex(line[1:])
        if sum(record) & 0xFF or line[0] != ":":
            raise ValueError(line)
        count, offset, kind, content = record[0], int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == 4:
            upper = int.from_bytes(content, "big") << 16
        elif kind == 0:
            assert len(content) == count
            memory |= {upper + offset + index: value for index, value in enumerate(content)}
    return memory


def job_address(memory: dict[int, int]) -> int:
    """Where the job begins, which is behind the firmware."""
    places = (a for a in sorted(memory) if a % 16 == 0)
    return next(a for a in places if bytes(memory.get(a + i, 0) for i in range(8)) == JOB_BEGINS)


if __name__ == "__main__":
    found = memory_of(Path(sys.argv[1]).read_text("ascii"))
    folder = Path(sys.argv[2])
    job = job_address(found)
    (folder / "firmware").write_bytes(bytes(found[a] for a in sorted(found) if a < job))
    (folder / "job").write_bytes(bytes(found[a] for a in sorted(found) if a >= job))
    with (folder / "flashed").open("a", encoding="ascii") as log:
        log.write("once\n")
