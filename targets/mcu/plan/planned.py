"""The plans of the last few models: every board asks for the plan of the same ones."""

from __future__ import annotations

import hashlib
import threading

from .coverage import lacking
from .planner import Plan, plan_model
from .refusal import PlanRefused

_KEPT_BYTES = 64 << 20
_kept: dict[bytes, tuple[str, ...] | Plan] = {}
_PLANNING = threading.Lock()


def planned(content: bytes) -> tuple[str, ...] | Plan:
    """The plan of a model, or what the plan runtime has not of it (`lacking`). Raises `PlanRefused`."""
    digest = hashlib.sha256(content).digest()
    with _PLANNING:  # the boards ask at once, and Python plans for one at a time anyway
        known = _kept.get(digest)
        if known is None:
            known = _lacking_or_plan(content)
            while _kept and _bytes_of(known) + sum(map(_bytes_of, _kept.values())) > _KEPT_BYTES:
                _kept.pop(next(iter(_kept)))
            _kept[digest] = known
    return known


def _bytes_of(found: tuple[str, ...] | Plan) -> int:
    return len(found.blob) if isinstance(found, Plan) else sum(map(len, found))


def _lacking_or_plan(content: bytes) -> tuple[str, ...] | Plan:
    """Planning stops at the first operator that it has not; only then are all of them looked for."""
    try:
        return plan_model(content)
    except PlanRefused:
        if missing := lacking(content):
            return missing
        raise
