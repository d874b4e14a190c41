"""What can go wrong, as types.

A `HarnessError` is a user's mistake or a missing thing: its text is one sentence that says what is wrong, where, and
what to do. The command line prints it without a traceback and exits with 2.
"""

from __future__ import annotations

import errno
import threading
import traceback
from pathlib import Path

LONGEST_ERROR_TEXT = 300
"""Characters of a foreign error's own text that a sentence repeats."""


ANY_ERROR = (Exception, SystemExit)
"""All that a step may raise, and a package of somebody else's that ends its process; Ctrl-C is not among it."""


PARSING = threading.Lock()
"""CPython 3.11's `ast.parse` is not safe beside itself in two threads (SystemError: recursion depth mismatch), and a
traceback's text is made with it."""


class HarnessError(Exception):
    """One sentence for a person: what is wrong, where, what to do."""


class CaseError(HarnessError):
    """Ends one case and nothing else; each subclass is one outcome of a case. `log` is all that the process printed."""

    lasting = False
    """Whether it is a finding, which the same input would only bring about again, and no accident."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class Failed(CaseError):
    """A step that should have worked did not: the message says which and why."""


class BadInput(Failed):
    """The user's model or data cannot be used at all: a mistake of the input, not of a converter or runtime."""


class Unsupported(CaseError):
    """The runtime or converter cannot do this model: the message names the op, type or limit."""

    lasting = True


class NoClock(Unsupported):
    """What was to be timed has no clock to time it by: its outputs and sizes stand, and it has no milliseconds."""


class Unavailable(CaseError):
    """A part is missing: the message names it and the one line that installs it."""


class PlaceLost(Unavailable):
    """The machine elsewhere that was to measure is gone: what it measured before stands."""


class Crashed(CaseError):
    """The process that held the runtime died or broke its protocol."""


class TimedOut(CaseError):
    """The process that held the runtime did not answer in time and was killed."""


class UnexpectedError(Crashed):
    """A step raised an error that nobody foresaw: a fault of the harness or of a plug-in. `log` is its traceback."""


def as_case_error(error: BaseException, doing: str) -> CaseError:
    """What ends one case, whatever was raised. `doing` names the step, as `Comparing outputs`.

    A `CaseError` is taken as it is; any other `HarnessError` is a failure in its own words, and a full disk in ours;
    everything else is `UnexpectedError`, with the traceback as its log.
    """
    if isinstance(error, CaseError):
        return error
    try:
        with PARSING:
            log = "".join(traceback.format_exception(error))
    except SystemError:  # of the parser, see above: without the marks below its lines
        log = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__))) + repr(error)
    if isinstance(error, HarnessError):
        return Failed(str(error), log)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" below {Path(error.filename).parent}" if isinstance(error.filename, str) else ""
        return Failed(f"{doing} failed because the disk is full{where}; free some space there and run it again.", log)
    return UnexpectedError(f"{doing} raised {error_text(error)}, which the harness did not foresee.", log)


def error_text(error: BaseException) -> str:
    """`KeyError: 'x' (artifact.py, line 103)`: type, first line and place of an error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = type(error).__name__ + (f": {shortened(lines[0], LONGEST_ERROR_TEXT).rstrip('.')}" if lines else "")
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else said


def shortened(text: str, most: int) -> str:
    """`text` of at most `most` characters, cut between two words where it is longer, with … in place of the rest."""
    if len(text) <= most:
        return text
    parts = text[:most].rsplit(None, 1)
    kept = parts[0] if len(parts) > 1 else text[: most - 1]
    return f"{kept.rstrip(' ,;:')}…"
