"""The commands that run a case again and that find the operator at fault."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.case_name import CaseName, runtime_of
from harness.store.record import CaseResult, Check


def reproduce(case: CaseResult) -> str:
    """A command for a shell, with `--fresh`: it measures, whatever is known already, and at the same place."""
    chosen = ["--model", case.model, "--variant", case.variant, "--target", case.target_at_place]
    return shlex.join(["harness", "run", *chosen, "--fresh"])


def locate_command(case: CaseResult, broken: Sequence[Check]) -> str | None:
    """The command that names the operator at fault, on the machine where it is given.

    None where the outputs are not what is wrong, and where there is nothing to look into: the insides of a layers model
    cannot be shown, and an artifact that was not made coarser has no finer form to compare with."""
    names = (case.variant, case.artifact.base if case.artifact is not None else "")
    if any(name.startswith("layers-") for name in names):
        return None
    possible = ("runtime",) if case.variant in ("float32", "ready") else ("conversion", "runtime")
    edges = [edge for edge in possible if any(check.rule.startswith(f"parity.{edge}.") for check in broken)]
    if not edges:
        return None
    name = CaseName(case.model, case.variant, runtime_of(case.target))
    return shlex.join(["harness", "locate", str(name), *(["--edge", edges[0]] if len(edges) == 1 else [])])
