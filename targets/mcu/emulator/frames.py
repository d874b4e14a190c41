"""Reads the firmware's result frames; the sending side is firmware/frames.h and firmware/job.c."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from .job_result import FirmwareFault, JobRefused, ProtocolBroken

JOB_ERRORS = {
    1: "the job is truncated",
    2: "it is not a job",
    3: "the job is of another version than the firmware",
    4: "the job's checksum is wrong",
    5: "the inputs are not of the size that the plan asks for",
    6: "the plan was refused",
    7: "a step of the plan failed",
    8: "it asks for more than 10000 inferences",
}
PLAN_ERRORS = {
    1: "it is truncated",
    2: "it is not a plan",
    3: "it is of another version than the firmware",
    4: "its checksum is wrong",
    5: "the board has too little RAM for its arena",
    6: "it has a malformed step, or one that this image has no kernel for",
    7: "a step reaches outside the arena or the constants",
    8: "a step has an impossible geometry",
    9: "it is misaligned",
    10: "its loops took more turns than the 262144 of one inference",
}
_EXCEPTIONS = {3: "hard fault", 4: "memory fault", 5: "bus fault", 6: "usage fault"}


@dataclass
class Report:
    """All that one start of the firmware said. Ticks are as counted on the board; a run has those around it."""

    arena_limit: int = 0
    arena_bytes: int = 0
    outputs: dict[int, dict[int, bytearray]] = field(default_factory=dict)
    output_crc: dict[int, int] = field(default_factory=dict)
    run_ticks: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    operator_ticks: dict[int, list[int]] = field(default_factory=dict)
    stack_used: int = 0
    stack_size: int = 0

    @property
    def inputs_done(self) -> int:
        """How many inputs, from the first, have all that is sent of them."""
        return len(self.output_crc)

    def output(self, index: int) -> bytes:
        tensors = self.outputs.get(index, {})
        return b"".join(bytes(tensors[i]) for i in sorted(tensors))


def split_frame(line: str) -> list[str] | None:
    """The words of a sound frame, None for anything else."""
    if not line.startswith("@") or len(line) < 12 or line[-10:-8] != " *":
        return None
    text = line[1:-10]
    try:
        sound = zlib.crc32(text.encode("ascii")) == int(line[-8:], 16)
    except ValueError:
        return None
    return text.split(" ") if sound else None


def _fault_text(fields: list[int]) -> str:
    overflowed, exception, pc, sp, status, hard_status, address = fields[:7]
    kind = _EXCEPTIONS.get(exception, f"exception {exception}")
    if overflowed:
        return f"The firmware's stack overflowed ({kind}, stack pointer {sp:#010x})."
    return (
        f"The firmware stopped with a {kind} at {pc:#010x} (fault status {status:#x}, hard fault status"
        f" {hard_status:#x}, address {address:#x})."
    )


def take_frame(report: Report, kind: str, words: list[str]) -> None:
    """Put down what a frame says. Raises as `parse_report`, and `ValueError` or `IndexError` for fields of no sense."""
    if kind == "OUT":
        inference, tensor, offset = (int(word, 16) for word in words[:3])
        values = report.outputs.setdefault(inference, {}).setdefault(tensor, bytearray())
        if offset != len(values):
            raise ProtocolBroken(f"Output bytes arrived at {offset} where {len(values)} was next.")
        values.extend(bytes.fromhex(words[3]))
        return
    numbers = [int(word, 16) for word in words]
    if kind == "HELLO":
        report.arena_limit = numbers[2]
    elif kind == "JOB":
        report.arena_bytes = numbers[2]
    elif kind == "RUN":
        report.run_ticks.setdefault(numbers[0], []).append((numbers[2], numbers[3]))
    elif kind == "OP":
        report.operator_ticks.setdefault(numbers[0], []).append(numbers[2])
    elif kind == "CRC":
        report.output_crc[numbers[0]] = numbers[1]
    elif kind == "STACK":
        report.stack_used, report.stack_size = numbers[:2]
    elif kind == "FAULT":
        raise FirmwareFault(_fault_text(numbers), stack_overflow=bool(numbers[0]))
    elif kind == "ERROR":
        reason = JOB_ERRORS.get(numbers[0], f"error {numbers[0]}")
        detail = f": {PLAN_ERRORS.get(numbers[1], numbers[1])}" if numbers[0] in (6, 7) else ""
        raise JobRefused(f"The firmware refused the job: {reason}{detail}.", *numbers[:2])
    else:
        raise ProtocolBroken(f"The firmware sent a frame of the unknown kind {kind}.")


def parse_report(text: str, *, whole: bool = True) -> Report | None:
    """The report, None where it has no end: the firmware stopped in the middle, or never began. Where it need not be
    `whole`, what it has so far. A last line without its end is still being written: it is no damage.

    Raises what the firmware reported (`FirmwareFault`, `JobRefused`) or `ProtocolBroken`.
    """
    report = Report()
    frames = 0
    *lines, unfinished = text.replace("\r", "").split("\n")
    if whole and split_frame(unfinished) is not None:
        lines.append(unfinished)
    for line in lines:
        if not line.startswith("@"):
            continue
        words = split_frame(line)
        if words is None:
            raise ProtocolBroken(f"A frame is damaged: {line[:60]}")
        if words[0] == "END":
            if int(words[1], 16) != frames:
                raise ProtocolBroken(f"{frames} frames arrived of {int(words[1], 16)}.")
            check_outputs(report)
            return report
        frames += 1
        try:
            take_frame(report, words[0], words[1:])
        except (ValueError, IndexError):
            raise ProtocolBroken(f"A frame makes no sense: {line[:60]}") from None
    if whole:
        return None
    check_outputs(report)
    return report


def check_outputs(report: Report) -> None:
    """Raises `ProtocolBroken` where the bytes of an output are not those that the firmware has a checksum of."""
    for index, crc in report.output_crc.items():
        if zlib.crc32(report.output(index)) != crc:
            raise ProtocolBroken(f"The outputs of input {index} are not those that the firmware computed.")
