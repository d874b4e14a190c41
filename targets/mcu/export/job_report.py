"""Keywords for the suite beside this file: reads what the firmware reported and holds it against what was expected.

Standard library only: it runs in the Python of `renode-test`.
"""

from __future__ import annotations

import zlib
from pathlib import Path


class job_report:
    """The report of one run of the firmware: lines `@KIND fields *CRC32`, all fields hexadecimal. Robot Framework takes
    the class that is called as its file."""

    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.outputs: dict[tuple[int, int], bytearray] = {}
        self.instructions: dict[int, int] = {}
        self.problems: list[str] = []
        self.complete = False

    def read_report(self, path: str) -> None:
        """Reads the serial port's output. A damaged line is a problem, like a fault that the firmware reports."""
        self._clear()
        frames = 0
        for line in Path(path).read_text("ascii", "replace").replace("\r", "").split("\n"):
            if not line.startswith("@"):
                continue
            words = self._words(line)
            if words is None:
                if not self.complete:
                    self.problems.append(f"damaged line: {line[:80]}")
            elif words[0] == "END":
                self.complete = int(words[1], 16) == frames
                return
            else:
                frames += 1
                self._take(words)

    @staticmethod
    def _words(line: str) -> list[str] | None:
        text, mark, checksum = line[1:].rpartition(" *")
        try:
            sound = bool(mark) and zlib.crc32(text.encode("ascii")) == int(checksum, 16)
        except ValueError:
            return None
        return text.split(" ") if sound else None

    def _take(self, words: list[str]) -> None:
        kind = words[0]
        if kind == "OUT":
            key = (int(words[1], 16), int(words[2], 16))
            self.outputs.setdefault(key, bytearray()).extend(bytes.fromhex(words[4]))
        elif kind == "RUN":
            taken = int(words[4], 16) - int(words[3], 16)
            sample = int(words[1], 16)
            self.instructions[sample] = max(taken, self.instructions.get(sample, 0))
        elif kind in ("FAULT", "ERROR"):
            self.problems.append(" ".join(words))

    def report_should_be_whole(self) -> None:
        """Raises unless the report is whole: no fault, no refusal, no damaged line, and the last line has come."""
        if self.problems:
            raise AssertionError("The firmware reported: " + "; ".join(self.problems))
        if not self.complete:
            raise AssertionError("The firmware's report has no end, or lines are missing.")

    def outputs_should_equal(self, path: str) -> None:
        """Raises unless every byte of every output of every sample is equal. The file has a line `sample output
        bytes` for each."""
        expected = {}
        for line in Path(path).read_text("ascii").splitlines():
            if line.strip() and not line.startswith("#"):
                sample, output, text = line.split()
                expected[int(sample), int(output)] = bytes.fromhex(text)
        if not expected:
            raise AssertionError(f"{path} expects nothing.")
        for key in sorted(expected.keys() | self.outputs.keys()):
            self._compare(key, expected.get(key), self.outputs.get(key))

    @staticmethod
    def _compare(key: tuple[int, int], expected: bytes | None, actual: bytearray | None) -> None:
        where = f"sample {key[0]}, output {key[1]}"
        if expected is None or actual is None:
            raise AssertionError(f"{where}: {'not expected' if expected is None else 'did not come'}.")
        if len(expected) != len(actual):
            raise AssertionError(f"{where}: {len(actual)} bytes came where {len(expected)} were expected.")
        different = [i for i in range(len(expected)) if expected[i] != actual[i]]
        if different:
            first = different[0]
            raise AssertionError(
                f"{where}: {len(different)} of {len(expected)} bytes differ, first byte {first}:"
                f" {actual[first]:#04x} came where {expected[first]:#04x} was expected."
            )

    def instructions_should_be_at_most(self, budget: str) -> None:
        """The sample that takes the most instructions stays within the budget."""
        if not self.instructions:
            raise AssertionError("The firmware reported no run.")
        sample = max(self.instructions, key=lambda one: self.instructions[one])
        if self.instructions[sample] > int(budget):
            raise AssertionError(
                f"sample {sample}: an inference took {self.instructions[sample]} instructions, which is"
                f" {self.instructions[sample] - int(budget)} over the budget of {int(budget)}."
            )
