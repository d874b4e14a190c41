"""One sentence for an error that ended a command or a case, with the path of a log below the cache."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

from harness.errors import BadInput, HarnessError, error_text


def sentence_with_log(error: BaseException) -> str:
    """One sentence, with the path of a log: what the process printed that a `CaseError` tells of, or the traceback of
    an error that nobody foresaw. A `HarnessError` without such a log says all that there is to say."""
    if not isinstance(error, HarnessError):
        kept = keep("".join(traceback.format_exception(error)))
        return f"{error_text(error)}; the traceback is in {kept}." if kept else f"{error_text(error)}."
    log = log_of(error)
    kept = keep(log) if log else ""
    return f"{error} (full log: {kept})" if kept else str(error)


def log_of(error: BaseException) -> str:
    """The log of an error or of what it was raised from; a `BadInput` says by itself what to do."""
    if isinstance(error, BadInput):
        return ""
    log = str(getattr(error, "log", ""))
    return log or (log_of(error.__cause__) if isinstance(error.__cause__, HarnessError) else "")


def keep(text: str) -> str:
    """Writes a log and returns its path; empty where that cannot be done."""
    from harness.paths import cache_directory
    from harness.store.runs import write_atomically

    try:
        path = cache_directory() / "logs" / f"harness.{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.txt"
        write_atomically(path, text)
    except (OSError, HarnessError):
        return ""
    return str(path)
