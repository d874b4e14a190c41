"""TensorFlow Lite Micro's answer to a model, had by asking: allocated and invoked in its host interpreter."""

from __future__ import annotations

import re
from pathlib import Path

from harness.artifact import Artifact
from harness.assess.examination import Trial
from harness.environment import environment
from harness.errors import CaseError, HarnessError
from harness.process.child import ChildProcess

NAME = "tflm/host"
WORKER = Path(__file__).with_name("micro_worker.py")
SECONDS = 120.0
COMPLAINT = re.compile(
    r"^(?!.*(?:WARNING|INFO)).*(?:not supported|Didn't find op|Failed to|not implemented|Hybrid|Invalid).*$",
    re.MULTILINE | re.IGNORECASE,
)


def try_on_micro(artifact: Artifact) -> Trial:
    """Allocate, invoke once on zeros, and count the arena. Never raises: what is missing is a reason as well."""
    try:
        python = environment("tflite-micro").python()
        with ChildProcess(NAME, python, WORKER, start_seconds=SECONDS) as child:
            try:
                child.call("try", seconds=SECONDS, path=str(artifact.path))
            except CaseError as error:
                return Trial(NAME, False, complaint(error.log) or str(error))
            found = re.search(r"Arena allocation total (\d+) bytes", child.log())
            return Trial(NAME, True, ram_bytes=int(found.group(1)) if found else None)
    except HarnessError as error:
        return Trial(NAME, False, str(error))


def complaint(log: str) -> str:
    """The line of Micro's output that says what it does not take."""
    found = COMPLAINT.search(log)
    return " ".join(found.group(0).split())[:300] if found else ""
