"""A clock that a board reads back counts once this machine's clock has seen it count so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.errors import NoClock
from harness_targets.mcu.line import clock
from harness_targets.mcu.line.clock import checked_clock
from harness_targets.mcu.line.line import BoardIdentity, Line

REGISTERS = 168_000_000


class Board(Line):
    """Counts at `hertz`; how long it takes to answer, in seconds and from the first question on, is given."""

    def __init__(self, hertz: float, answers: Iterator[float]) -> None:
        self.name, self.hertz, self.answers, self.now = "/dev/x", hertz, answers, 7.0

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def identify(self) -> BoardIdentity:
        asked, takes = self.now, next(self.answers)
        self.now += takes
        # As late as can be the first time and as soon as can be later: the least that it can seem to count.
        seen = self.now if asked == 7.0 else asked
        return BoardIdentity(1, 1, 0, 0, 0, REGISTERS, True, True, int(seen * self.hertz) % 2**32, asked, self.now)


def checked(board: Board, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(clock.time, "sleep", board.wait)
    return checked_clock(board, "mcu/serial-x")


@pytest.mark.parametrize("share", [0.99, 1.0, 1.01])
@pytest.mark.parametrize("answers", [(0.002,) * 2, (0.015,) * 3, (0.06,) * 4], ids=["at once", "soon", "slowly"])
def test_a_clock_within_an_oscillators_tolerance_is_taken(
    share: float, answers: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
):
    board = Board(share * REGISTERS, iter(answers))
    assert checked(board, monkeypatch) == REGISTERS
    assert next(board.answers, None) is None, "it is asked as often as need be"


@pytest.mark.parametrize("share", [0.94, 1.06, 5.6])
@pytest.mark.parametrize("answers", [(0.002,) * 2, (0.015,) * 3, (0.06,) * 4], ids=["at once", "soon", "slowly"])
def test_one_that_counts_otherwise_is_no_clock(
    share: float, answers: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(NoClock, match=r"say 168000000 Hz, and by this machine's clock it counts \d+ to \d+ cycles"):
        checked(Board(share * REGISTERS, iter(answers)), monkeypatch)


def test_a_board_whose_first_answer_takes_seconds_is_not_seen_well_enough(monkeypatch: pytest.MonkeyPatch):
    """As one that has just been flashed: a clock five times as fast would pass for the one that it says."""
    with pytest.raises(NoClock, match="answers over the line to mcu/serial-x take too long for its clock to be seen"):
        checked(Board(5.6 * REGISTERS, iter((3.0, 0.01, 0.01, 0.01))), monkeypatch)
