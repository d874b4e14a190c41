"""What could not be had from the network within the last hour, so that it is not tried again at every call."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from harness.paths import environments_directory

HOUR_SECONDS = 3600.0

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""Each also in small letters. Whoever changes one has mended something: that is tried at once."""


class FailureMemory:
    """One thing that is fetched. `settings` are the environment variables that decide where it comes from."""

    def __init__(self, name: str, settings: Sequence[str]) -> None:
        names = [*settings, *_PROXIES, *(proxy.lower() for proxy in _PROXIES)]
        state = "\n".join(f"{key}={os.environ.get(key, '')}" for key in names)
        self.path = environments_directory() / f"{name}-{hashlib.sha256(state.encode()).hexdigest()[:8]}.failed"

    def failure(self) -> str | None:
        """Why it failed within the hour, and when it is tried again; None where it is to be tried now."""
        try:
            failed, reason = self.path.stat().st_mtime, self.path.read_text(encoding="utf-8").strip()
        except OSError:
            return None
        if not 0 <= time.time() - failed < HOUR_SECONDS:
            return None
        again = time.strftime("%H:%M", time.localtime(failed + HOUR_SECONDS))
        return f"{reason}; not tried again before {again}, unless you remove {self.path}"

    def failed(self, reason: str) -> None:
        """Keep the reason."""
        with contextlib.suppress(OSError):  # a full disk: it will be tried again, which is slow and not wrong
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            partial.write_text(reason, encoding="utf-8")
            partial.replace(self.path)

    def forget_failure(self) -> None:
        """Forget an earlier failure."""
        with contextlib.suppress(OSError):
            Path(self.path).unlink(missing_ok=True)
