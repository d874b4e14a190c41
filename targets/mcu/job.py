"""The job blob: a plan, its inputs and the number of runs, as firmware/job.h lays it out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from enum import IntEnum

from .boards import Board
from .plan import Plan, PlanRefused, PlanSize
from .toolchain import Firmware

MAGIC = 0x424F4A48
VERSION = 1
INFERENCES_LIMIT = 10_000
_HEADER = struct.Struct("<12I")


class SelfTest(IntEnum):
    """What the firmware does instead of running the plan, to show that a failure is reported."""

    NONE = 0
    FAULT = 1
    STACK_OVERFLOW = 2
    HANG = 3


class DoesNotFit(PlanRefused):
    """The board has too little memory; `missing_bytes` says how much."""

    def __init__(self, message: str, missing_bytes: int) -> None:
        super().__init__(message)
        self.missing_bytes = missing_bytes


def pack_job(
    plan: Plan,
    inputs: Sequence[bytes],
    runs: int,
    self_test: SelfTest = SelfTest.NONE,
    *,
    sequence: bool = False,
) -> bytes:
    """`inputs` holds, for each inference, the bytes of the model's inputs one after the other; `sequence`: they are one
    stream, so that state is kept from each to the next."""
    if len(inputs) * runs > INFERENCES_LIMIT:
        raise PlanRefused(f"{len(inputs)} inputs of {runs} runs are more than the {INFERENCES_LIMIT} of one job.")
    for index, values in enumerate(inputs):
        if len(values) != plan.input_bytes:
            raise PlanRefused(f"Input {index} has {len(values)} bytes where the model takes {plan.input_bytes}.")
    plan_offset = -(-_HEADER.size // 16) * 16
    inputs_offset = plan_offset + len(plan.blob)
    body = b"".join(inputs)
    total = inputs_offset + len(body)
    flags = int(self_test), int(sequence)
    checked = struct.pack(
        "<8I", plan_offset, len(plan.blob), inputs_offset, plan.input_bytes, len(inputs), runs, *flags
    )
    head = struct.pack("<4I", MAGIC, VERSION, total, zlib.crc32(body, zlib.crc32(checked))) + checked
    return head + bytes(plan_offset - len(head)) + plan.blob + body


def job_range(board: Board, firmware: Firmware) -> tuple[int, int]:
    """The addresses from and to which a job may lie."""
    if board.job_address is not None:
        return board.job_address, board.job_address + board.job_bytes
    assert firmware.job_range is not None  # the board's linker script says where
    return firmware.job_range


def check_fit(board: Board, firmware: Firmware | None, plan: PlanSize) -> None:
    """Raises `DoesNotFit` with the bytes that are missing: of the flash for the firmware and the plan, which are what a
    product has, or of the RAM for the arena. Without a firmware: of the bare board. A model that is beyond that
    needs no firmware to be built."""
    own_bytes = firmware.flash_bytes if firmware is not None else 0
    room = board.flash_bytes - own_bytes if board.job_address is None else board.job_bytes
    ram_room = firmware.arena_room if firmware is not None else board.ram_bytes
    beside = "beside the firmware" if firmware is not None else "alone"
    for memory, missing, what in (
        ("flash", plan.blob_bytes - room, f"its plan of {plan.blob_bytes} {beside}"),
        ("RAM", plan.arena_bytes - ram_room, f"its arena of {plan.arena_bytes}"),
    ):
        if missing > 0:
            raise DoesNotFit(
                f"The model does not fit {board.name}: {missing} bytes of {memory} are missing for {what}.", missing
            )


def inputs_that_fit(board: Board, firmware: Firmware, plan: PlanSize) -> int:
    """How many inputs one job can hold; raises `DoesNotFit` where not even one does."""
    start, end = job_range(board, firmware)
    room = end - start - -(-_HEADER.size // 16) * 16 - plan.blob_bytes
    if room < plan.input_bytes:
        raise DoesNotFit(
            f"The model fits {board.name}, but cannot be tried there: {plan.input_bytes - room} bytes are missing for a"
            " test input beside it.",
            plan.input_bytes - room,
        )
    return room // max(1, plan.input_bytes)
