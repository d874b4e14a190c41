"""Output of `ab` where instructions are counted, for a person and for a program."""

from __future__ import annotations

import json

from harness.ab.counting import INSTRUCTIONS, Counted
from harness.ab.side import Side
from harness.case_name import CaseName
from harness.gate.policy import Policy

INSTRUCTIONS_ARE_NOT_TIME = "Instructions are not time: caches, memory and clock frequency have no part in them."

DEFAULT_POLICY = Policy()


def growth_allowed(side: Side) -> float:
    """The share by which the default policy lets instructions grow there."""
    name = CaseName(side.artifact.model, side.artifact.variant, side.target.name, format=side.target.format)
    rule = DEFAULT_POLICY.growth_rule(INSTRUCTIONS, name)
    return rule.percent / 100.0 if rule is not None and rule.percent != "off" else 0.0


def print_counted(case: str, old: Side, new: Side, counted: Counted, cautions: list[str], *, as_json: bool) -> None:
    """Print the finding; `cautions` are those about the sides themselves."""
    said = [*counted.cautions, *cautions, INSTRUCTIONS_ARE_NOT_TIME]
    if as_json:
        document = {
            "case": case,
            "verdict": counted.verdict,
            "exact": counted.exact,
            "margin": counted.margin,
            "changes": old.changes_to(new),
            "cautions": said,
            "old": {**identity(old), "instructions": counted.old},
            "new": {**identity(new), "instructions": counted.new},
        }
        print(json.dumps(document, indent=1))
        return
    print(case)
    for name, side, figure in (("old", old, counted.old), ("new", new, counted.new)):
        print(f"  {name}  {figure:>15,} instructions  {side.label}")
    print(f"  differs in: {'; '.join(old.changes_to(new))}")
    print(f"{counted.verdict}: {change_in_words(counted)}")
    for caution in said:
        print(f"! {caution}")


def change_in_words(counted: Counted) -> str:
    """`+7,341 instructions (+1.02 %), exact`."""
    held = "exact" if counted.exact else "not exact"
    if counted.new == counted.old:
        return f"{counted.new:,} instructions on both sides, {held}"
    share = f"{(counted.ratio - 1.0) * 100.0:+.2f} %" if counted.ratio < 2.0 else f"×{counted.ratio:.3g}"
    margin = f", within the margin of {counted.margin * 100.0:g} %" if counted.verdict == "alike" else ""
    return f"{counted.new - counted.old:+,} instructions ({share}), {held}{margin}"


def identity(side: Side) -> dict[str, object]:
    """What a side was."""
    return {"side": side.label, "artifact": side.artifact.digest, "fingerprint": side.target.fingerprint()}
