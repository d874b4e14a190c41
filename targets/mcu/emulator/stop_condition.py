"""Decides whether what an emulator has reported so far is enough, although the job goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .frames import Report, parse_report


@dataclass(frozen=True)
class StopCondition:
    """Condition for stopping: after `seconds` of the emulator's run, `inputs` inputs are enough. Inputs beyond them are
    taken too."""

    seconds: float = math.inf
    inputs: int = 1

    def of(self, text: str) -> Report | None:
        """The report so far, if it has `inputs` inputs. Raises what `parse_report` raises."""
        report = parse_report(text, whole=False)
        return report if report is not None and report.inputs_done >= self.inputs else None


RUN_TO_END = StopCondition()
"""Stop condition under which only the whole job is enough."""
