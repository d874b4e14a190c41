"""The line that shows a case again."""

from __future__ import annotations

import shlex

from harness.store.record import CaseResult


def reproduce(case: CaseResult) -> str:
    """A command for a shell, with `--fresh`: it measures, whatever is known already."""
    chosen = ["--model", case.model, "--variant", case.variant, "--target", case.target]
    return shlex.join(["harness", "run", *chosen, "--fresh"])
