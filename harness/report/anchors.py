"""Names for the places of a page: readable, so that a link can be kept and shared, and safe for any text."""

from __future__ import annotations

import hashlib
import re

from harness.store.record import CaseResult


def anchor(*parts: str) -> str:
    """An identifier of the letters that a URL fragment may hold as they are. Other text gets a hash, so that two
    different names never meet."""
    name = "/".join(parts)
    safe = re.sub(r"[^A-Za-z0-9._/-]+", "_", name)
    return safe if safe == name else f"{safe[:60]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def case_anchor(case: CaseResult) -> str:
    return anchor("case", case.model, case.target, case.variant)


def cell_anchor(model: str, target: str) -> str:
    """All variants of a model on a target: one cell of the matrix."""
    return anchor("cell", model, target)


def model_anchor(model: str) -> str:
    return anchor("model", model)
