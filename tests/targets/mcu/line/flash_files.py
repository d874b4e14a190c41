"""The flashing tool of a board that is a program: `flash_files.py IMAGE.hex FOLDER` writes the firmware and the job as
files, as `job-server` reads them."""

from __future__ import annotations

import sys
from pathlib import Path

JOB_ADDRESS = 0x08020000


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
            memory |= {upper + offset + place: value for place, value in enumerate(content)}
    return memory


if __name__ == "__main__":
    found = memory_of(Path(sys.argv[1]).read_text("ascii"))
    folder = Path(sys.argv[2])
    (folder / "firmware").write_bytes(bytes(found[a] for a in sorted(found) if a < JOB_ADDRESS))
    (folder / "job").write_bytes(bytes(found[a] for a in sorted(found) if a >= JOB_ADDRESS))
    with (folder / "flashed").open("a", encoding="ascii") as log:
        log.write("once\n")
