"""What can become of a line to a board, as outcomes of a case."""

from __future__ import annotations

from harness.errors import Crashed, TimedOut, Unavailable


class LineUnavailable(Unavailable):
    """The port is not there, may not be opened, or is somebody else's."""


class LineLost(Crashed):
    """The port went away in the middle: a cable was pulled, an adapter was reset."""


class BoardReset(Crashed):
    """The board started anew in the middle of a job."""


class BoardSilent(TimedOut):
    """The board sends nothing."""


class LineGarbled(Crashed):
    """What comes is no frame, or none of ours."""


class BoardBusy(TimedOut):
    """The board did not finish in time."""


class FlashFailed(Crashed):
    """The user's tool did not flash the board."""
