"""How fast a board's core counts: what its registers say, held against this machine's clock."""

from __future__ import annotations

import time

from harness.errors import NoClock

from ..emulator.job_result import ProtocolBroken
from .line import BoardIdentity, Line

TOLERANCE = 0.02
"""How far a clock that was read back may be from what this machine's clock sees of it: an internal oscillator is true
to 1 % (datasheets of both chips), and what is seen has to be as sure as that."""
_WAITS = (0.5, 3.0, 8.0)
"""Seconds between two questions, longer where answers took long. In all less than the 25 s in which 168 MHz count
2³² cycles."""


def checked_clock(line: Line, target: str) -> int:
    """Hertz, as the board's registers tell. Raises `NoClock` where there is nothing that counts, or nothing that says
    how fast, or where it is seen to count otherwise, or cannot be seen well enough."""
    before = _asked(line)
    if not before.counts_cycles:
        raise NoClock(f"the core of {target} has no cycle counter that counts.")
    if before.clock_hz == 0:
        raise NoClock(f"the clock of {target} could not be read back, and cycles alone are no time.")
    for wait in _WAITS:
        time.sleep(wait)
        later = _asked(line)
        # The counter was read at some time between a question and its answer.
        shortest, longest = later.asked - before.answered, later.answered - before.asked
        if longest <= shortest * (1 + TOLERANCE):
            break
    else:
        raise NoClock(f"answers over the line to {target} take too long for its clock to be seen.")
    cycles = (later.cycles - before.cycles) & 0xFFFFFFFF
    least, most = cycles / longest, cycles / shortest
    if not least / (1 + TOLERANCE) <= before.clock_hz <= most * (1 + TOLERANCE):
        raise NoClock(
            f"the registers of {target} say {before.clock_hz} Hz, and by this machine's clock it counts"
            f" {least:.0f} to {most:.0f} cycles a second."
        )
    return before.clock_hz


def _asked(line: Line) -> BoardIdentity:
    found = line.identify()
    if not isinstance(found, BoardIdentity):
        raise ProtocolBroken(f"The board on {line.name} no longer says who it is.")
    return found
