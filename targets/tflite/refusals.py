"""Why a model has no TFLite file, or a file is none that can be used: the errors of this family's converter. Runs in
the converter's environment."""

from __future__ import annotations

import re
import textwrap

REASONS = (
    r"'tf\.\w+' op requires[^\n]*",
    r"Some ops are not supported by the native TFLite runtime",
    r"Some ops in the model are custom ops",
    r"'tf\.\w+' op is neither[^\n]*",
    r"Quantization to 16x8-bit not yet supported for op: [^\n]*",
    r"Max and min for dynamic tensors should be recorded during calibration[^\n]*",
)


class Refused(Exception):
    """The converter cannot do this model; the text is the reason in one line."""

    harness_kind = "unsupported"


class Unloadable(Exception):
    """The converter claims success, and what it wrote cannot be loaded, or cannot compute anything that is right."""

    harness_kind = "failed"


class Mistaken(Exception):
    """What was chosen cannot be meant; the text is one sentence."""

    harness_kind = "bad_input"


class NoSignature(Exception):
    """The file has no signature of that name; the text is one sentence."""

    harness_kind = "bad_input"


def one_line(error: Exception) -> str:
    """The line of a converter's error that says what is wrong: its text is often pages of stack and MLIR."""
    found = str(error)
    for pattern in REASONS:
        match = re.search(pattern, found)
        if match:
            detail = re.search(r"(?:TF Select ops|Flex ops|Custom ops): [^\n]*", found)
            return match.group(0).strip() + (f" ({detail.group(0).strip()})" if detail else "")
    lines = [line.strip() for line in found.splitlines() if line.strip()]
    return f"{type(error).__name__}: {textwrap.shorten(lines[0], 400, placeholder='…') if lines else 'no message'}"
