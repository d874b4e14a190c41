"""Names for the places of a page: readable, so that a link can be kept and shared, and safe for any text."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from harness.store.record import CaseResult


@lru_cache(maxsize=8192)
def segment(name: str, also: str = "") -> str:
    """`name` in letters that a URL fragment may hold as they are, with those of `also` left too. Any other text gets a
    hash at its end, so that two different names never become one."""
    safe = re.sub(rf"[^A-Za-z0-9._{also}-]+", "_", name)
    if safe and safe == name:
        return safe
    return f"{safe[:60]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def target_segment(target: str) -> str:
    """The name as `segment` gives it, with the slashes of a target's name kept: a slash separates the family from the
    runtime."""
    return segment(target, "/")


def case_anchor(case: CaseResult) -> str:
    """The place of a case's section in the page."""
    return _of_case("case", case.model, case.target, case.variant)


def history_anchor(model: str, target: str, variant: str) -> str:
    """The history of one case. The page makes these of their segments, too: see `names.js`."""
    return _of_case("history", model, target, variant)


def model_anchor(model: str) -> str:
    """The place of a model's section in the page."""
    return f"model/{segment(model)}"


def _of_case(area: str, model: str, target: str, variant: str) -> str:
    """The case's anchor. Only the target can hold a slash, so no two cases share an anchor."""
    return f"{area}/{segment(model)}/{target_segment(target)}/{segment(variant)}"
