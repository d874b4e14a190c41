"""One sentence for an error that ended a command or a case, with the path of a log below the cache."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

from harness.errors import BadInput, HarnessError, error_text


def sentence_with_log(error: BaseException) -> str:
    """One sentence for an error, with the path of a log where there is one.

    The log holds what the child process of a `CaseError` printed, or the traceback of an error that nobody foresaw."""
    if not isinstance(error, HarnessError):
        kept = write_error_log("".join(traceback.format_exception(error)))
        return f"{error_text(error)}; the traceback is in {kept}." if kept else f"{error_text(error)}."
    log = log_of(error)
    kept = write_error_log(log) if log else ""
    return f"{error} (full log: {kept})" if kept else str(error)


def log_of(error: BaseException) -> str:
    """The log of an error, or of the error that it was raised from. A `BadInput` has none: its sentence says what to
    do."""
    if isinstance(error, BadInput):
        return ""
    log = str(getattr(error, "log", ""))
    return log or (log_of(error.__cause__) if isinstance(error.__cause__, HarnessError) else "")


def write_error_log(text: str) -> str:
    """Write a log and return its path; an empty text where it cannot be written."""
    from harness.paths import cache_directory
    from harness.store.runs import write_atomically

    try:
        path = cache_directory() / "logs" / f"harness.{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.txt"
        write_atomically(path, text)
    except (OSError, HarnessError):
        return ""
    return str(path)
