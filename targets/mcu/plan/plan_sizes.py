"""What boards need to know of the last models' plans: every board asks the same of the same ones."""

from __future__ import annotations

import threading

from harness.artifact import Artifact

from .planner import PlanSize, plan_model
from .refusal import PlanRefused
from .unsupported import unsupported_phrases

_MOST_KEPT = 256
_kept: dict[str, tuple[str, ...] | PlanSize] = {}
_PLANNING = threading.Lock()


def plan_size(artifact: Artifact) -> tuple[str, ...] | PlanSize:
    """The size of an artifact's plan, or what the plan runtime has not of it (`unsupported_phrases`). Raises
    `PlanRefused`.

    The plan itself, as large as the model, is not kept: a board that has no room for it is most of the answers."""
    with _PLANNING:  # the boards ask at once, and Python plans for one at a time anyway
        known = _kept.get(artifact.digest)
        if known is None:
            known = _unsupported_or_size(artifact.path.read_bytes())
            while len(_kept) >= _MOST_KEPT:
                _kept.pop(next(iter(_kept)))
            _kept[artifact.digest] = known
    return known


def _unsupported_or_size(content: bytes) -> tuple[str, ...] | PlanSize:
    """Planning stops at the first operator that it has not; only then are all of them looked for."""
    try:
        return plan_model(content).size
    except PlanRefused:
        if missing := unsupported_phrases(content):
            return missing
        raise
