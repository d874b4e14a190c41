"""`ab`: two sides of a case timed in turns."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

from harness import registry
from harness.ab.compare import compare_sides
from harness.ab.decide import Finding
from harness.ab.plan import DEFAULT_PLAN
from harness.ab.session import Sides
from harness.ab.side import Side
from harness.ab.sides import parse_side
from harness.baseline.files import read_baseline
from harness.cache import Cache
from harness.cli.baselines import folder_of
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import HarnessError
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.run.exclusive import machine_to_oneself


def ab(case: str, old: str, new: str, margin: float, folder: str | None, *, as_json: bool) -> int:
    """Compare; 0 unless the new side is slower, then 1."""
    if not (math.isfinite(margin) and 0.0 <= margin <= 10.0):
        raise HarnessError(f"A margin of {margin} is no share; 0.02 is 2 %.")
    root, targets = project_root(), registry.targets()
    wishes = parse_side(old, targets), parse_side(new, targets)
    baseline = read_baseline(folder_of(folder))
    with ConsoleProgress() as progress:
        cache = Cache(cache_directory() / "artifacts", progress.note)
        converter = Converter(cache, environment("converter"), 1)
        try:
            makes = Sides(root, model_entries(root), targets, registry.formats(), converter, baseline)
            before, after = (makes.side(case, wish) for wish in wishes)
            same = before.same_as(after)
            inputs = {} if same else makes.inputs(case)
        finally:
            converter.close()
        if same:
            _say_same(case, as_json)
            return 0
        for side in (before, after):
            if not side.target.timed:
                raise HarnessError(f"{side.target.name} has no clock: compare its instructions with `harness gate`.")
        progress.note(f"Timing {case}: {old} against {new}, in turns; under a minute …")
        with machine_to_oneself(progress.note):
            finding = compare_sides(before, after, inputs, replace(DEFAULT_PLAN, margin=margin))
    if as_json:
        print(json.dumps(_document(case, before, after, finding), indent=1))
    else:
        _say(case, old, new, finding, (before, after))
    return 1 if finding.verdict == "slower" else 0


def _say_same(case: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"case": case, "verdict": "same", "seconds": 0.0}))
    else:
        print(f"{case}: both sides are the same bytes on the same runtime; there is nothing to time.")


def _say(case: str, old: str, new: str, finding: Finding, sides: tuple[Side, Side]) -> None:
    ratio = finding.ratio
    print(
        f"{case}: {new} is {finding.verdict}{'' if finding.verdict == 'undecided' else ' ' + _word(finding.verdict)} "
        f"{old}: {(ratio.ratio - 1.0) * 100.0:+.2f} % "
        f"({ratio.confidence:.0%} interval {(ratio.low - 1.0) * 100.0:+.2f} to {(ratio.high - 1.0) * 100.0:+.2f} %, "
        f"margin {ratio.margin * 100.0:g} %)"
    )
    confirmed = "; confirmed by fresh processes" if finding.confirmation and finding.verdict != "undecided" else ""
    blocks = sum(len(item.old_ns) for item in finding.rounds)
    print(f"{blocks} pairs of blocks in {len(finding.rounds)} rounds, {finding.seconds:.1f} s{confirmed}")
    if any(side.target.simulated for side in sides):
        print("! A software renderer did the work on one side at least: this says nothing about hardware.")


def _word(verdict: str) -> str:
    return "to" if verdict == "alike" else "than"


def _document(case: str, old: Side, new: Side, finding: Finding) -> dict[str, object]:
    return {
        "case": case,
        "verdict": finding.verdict,
        "first": asdict(finding.first),
        "confirmation": asdict(finding.confirmation) if finding.confirmation else None,
        "seconds": round(finding.seconds, 2),
        "old": {"side": old.label, "artifact": old.artifact.digest, "fingerprint": old.target.fingerprint()},
        "new": {"side": new.label, "artifact": new.artifact.digest, "fingerprint": new.target.fingerprint()},
        "rounds": [
            {"iterations": item.iterations, "old_ns": item.old_ns.tolist(), "new_ns": item.new_ns.tolist()}
            for item in finding.rounds
        ],
    }
