"""Says in words what two medians of two runs show, and names the command that would decide.

The 95 % interval of a median holds the noise within its run alone. Two runs of the very same thing on one machine often
lie apart by a few per cent, so nothing here is a verdict of the gate: that takes both sides in turns (`harness ab`).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from harness.report.changes import Drift, LatencyChange

VERSION = re.compile(r"\d+(\.\d+)+")
SETTINGS = ("threads",)


@dataclass(frozen=True)
class LatencyText:
    """What two medians show, in words."""

    verdict: str
    advice: str = ""
    """The command that would decide it, where there is one."""


def latency_text(change: LatencyChange, drift: Drift | None) -> LatencyText:
    """The sentences for one change. `drift` is how far the cases moved that did not change, where enough of them are
    known."""
    if change.reading == "not judged":
        return LatencyText(f"not judged: {change.why}")
    if change.reading == "no clear difference":
        return LatencyText("no change that these intervals can tell")
    said = f"{'slower' if change.low > 1 else 'faster'} by {_between(change)}"
    if change.reading == "unchanged":
        return LatencyText(f"{said}, though artifact and runtime are the same: the machine or the harness moved it")
    if drift and drift.low <= change.ratio <= drift.high:
        return LatencyText(f"{said}, no further than unchanged cases moved (not confirmed by A/B)", ab_command(change))
    return LatencyText(f"{said} (not confirmed by A/B)", ab_command(change))


def drift_text(drift: Drift) -> str:
    """A sentence that says how far the cases moved that did not change."""
    return (
        f"{drift.cases:,} cases have the same artifact on the same runtime in both runs, and moved all the same: nine "
        f"tenths of them by {_signed(drift.low)} to {_signed(drift.high)} %. What lies in that range needs no cause "
        "but the machine."
    )


def ab_command(change: LatencyChange) -> str:
    """The command that times both sides in turns."""
    return shlex.join(["harness", "ab", change.case.id, "--old", _old_side(change)])


def _old_side(change: LatencyChange) -> str:
    """The one setting or package whose version changed; else the accepted baseline, which keeps its artifact."""
    before, after = change.previous, change.case
    if before.artifact and after.artifact and before.artifact.digest == after.artifact.digest:
        for name, old in before.fingerprint.items():
            if after.fingerprint.get(name) not in (None, old) and name != "numpy":
                if name in SETTINGS:
                    return f"{name}={old}"
                if VERSION.fullmatch(old):
                    return f"{name}=={old}"
    return "baseline"


def _between(change: LatencyChange) -> str:
    """The share by which it moved, from the least to the most that the intervals allow."""
    least, most = sorted((abs(change.low - 1), abs(change.high - 1)))
    texts = [_per_cent(share) for share in (least, most)]
    return f"{texts[0]} %" if texts[0] == texts[1] else f"{texts[0]}–{texts[1]} %"


def _signed(ratio: float) -> str:
    return f"{'−' if ratio < 1 else '+'}{_per_cent(abs(ratio - 1))}"


def _per_cent(share: float) -> str:
    """One decimal below ten per cent, none above: medians of two runs tell no more."""
    return f"{share * 100:.1f}" if share < 0.1 else f"{share * 100:,.0f}"
