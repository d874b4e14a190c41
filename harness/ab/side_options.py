"""Reads `--old` and `--new`: `threads=2`, `ai-edge-litert==2.1.0`, a target, a variant, a file, `baseline`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.suggestion import did_you_mean

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
_SETTING = re.compile(r"([a-z][a-z0-9_-]*)=([^=].*)")
ARTIFACT_ENDINGS = (".tflite", ".json")

FORMS = (
    "`threads=2`, `ai-edge-litert==2.1.0`, a target such as `tfjs/chromium-wasm`, `variant=int8`, `browser=PATH`, "
    "a .tflite or model.json file, `baseline`, or `now`"
)


@dataclass(frozen=True)
class SideOptions:
    """How one side differs from the case as it is now."""

    text: str
    changes: Mapping[str, str]
    """Keys of the target's fingerprint."""
    target: str | None = None
    variant: str | None = None
    file: Path | None = None
    baseline: bool = False


def parse_side(text: str, targets: Mapping[str, object]) -> SideOptions:
    """The options in `text`, which commas separate. Raises `HarnessError` for a word that is no option."""
    changes: dict[str, str] = {}
    target = variant = None
    file = None
    baseline = False
    for word in (part.strip() for part in text.split(",")):
        if word == "now":
            continue
        if word == "baseline":
            baseline = True
        elif word in targets:
            target = word
        elif pin := _PIN.fullmatch(word):
            changes[re.sub(r"[-_.]+", "-", pin[1]).lower()] = pin[2]
        elif word.endswith(ARTIFACT_ENDINGS):
            file = Path(word)
            if not file.is_file():
                raise HarnessError(f"The artifact {word} does not exist; name a .tflite or model.json file.")
        elif setting := _SETTING.fullmatch(word):
            if setting[1] == "variant":
                variant = setting[2]
            else:
                changes[setting[1]] = setting[2]
        else:
            meant = did_you_mean(word, (*targets, "baseline", "now"))
            raise HarnessError(f"'{word}' is no side of a comparison; write {FORMS}.{meant}")
    return SideOptions(text, changes, target, variant, file, baseline)
