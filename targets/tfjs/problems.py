"""What can be wrong with a model or with what a converter wrote; `harness_kind` is the outcome that each becomes."""

from __future__ import annotations

import textwrap


class Refused(Exception):
    """The converter or the reference interpreter cannot do this model; the text is the reason in one line."""

    harness_kind = "unsupported"


class Broken(Exception):
    """The files are not what they should be; the text says which and why."""

    harness_kind = "failed"


def one_line(error: Exception) -> str:
    """The reason in tensorflowjs's words, on one line, the same at every run (it prints sets of operators)."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if lines[0].startswith("Unsupported Ops") and len(lines) > 1:
        return f"{lines[0]}: {', '.join(sorted(lines[1].split(', ')))}"
    return textwrap.shorten(" ".join(lines), 500, placeholder="…")
