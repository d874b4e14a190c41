"""What can go wrong, as types.

A `HarnessError` is a user's mistake or a missing thing: its text is one sentence that says what is wrong, where, and
what to do. The command line prints it without a traceback and exits with 2.
"""


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


class Unavailable(CaseError):
    """A part is missing: the message names it and the one line that installs it."""


class Crashed(CaseError):
    """The process that held the runtime died or broke its protocol."""


class TimedOut(CaseError):
    """The process that held the runtime did not answer in time and was killed."""
