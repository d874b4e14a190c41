"""`ab`: two sides of a case timed in turns."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, replace

from harness import registry
from harness.ab.block_plan import DEFAULT_PLAN
from harness.ab.by_operator import OperatorRatio, changed_operators, operator_in_words
from harness.ab.compare import compare_sides
from harness.ab.counting import count_sides
from harness.ab.decide import Finding
from harness.ab.side import Side
from harness.ab.side_builder import SideBuilder
from harness.ab.side_options import parse_side
from harness.baseline.files import read_baseline
from harness.cache import Cache
from harness.case_name import CaseName
from harness.cli.ab_instructions import growth_allowed, identity, print_counted
from harness.cli.baselines import folder_of
from harness.cli.progress import ConsoleProgress
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.errors import ANY_ERROR, HarnessError
from harness.latency.ratio import Ratio
from harness.paths import cache_directory, project_root
from harness.project import model_entries
from harness.run.exclusive import exclusive_machine
from harness.variant import READY


def time_two_sides(
    case: str, old: str, new: str, margin: float | None, folder: str | None, *, kernels: bool = False, as_json: bool
) -> int:
    """Compare; 0 unless the new side is slower, then 1. Two files need no model of the project, a target will do.
    `kernels`: by a GPU's own timers in place of the time until the data is there."""
    if margin is not None and not (math.isfinite(margin) and 0.0 <= margin <= 10.0):
        raise HarnessError(f"--margin {margin} is not a share; write 0.02 for 2 %.")
    root, targets = project_root(), registry.targets()
    sides = parse_side(old, targets), parse_side(new, targets)
    files = [options.file for options in sides if options.file is not None]
    files_alone = case in targets and len(files) == 2
    if files_alone:
        case = f"{files[1].stem}/{READY.name}/{case}"
    baseline, name = read_baseline(folder_of(folder)), CaseName.parse(case)
    with ConsoleProgress() as progress:
        cache = Cache(cache_directory() / "artifacts", progress.note)
        converter = Converter(cache, environment("converter"), 1)
        try:
            builder = SideBuilder(root, model_entries(root), targets, registry.formats(), converter, baseline)
            before, after = (builder.side(name, options) for options in sides)
            same = before.same_as(after)
            inputs = {} if same or files_alone else builder.inputs(name)
        finally:
            converter.close()
        if same:
            _print_same(case, as_json)
            return 0
        clocks = [side.target.timed for side in (before, after)]
        if not any(clocks):
            if kernels:
                raise HarnessError(f"{after.target.name} counts and has no GPU's timers; leave `--kernels` out.")
            counted = count_sides(before, after, inputs, margin, growth_allowed(after))
            print_counted(case, before, after, counted, other_shapes(before, after), as_json=as_json)
            return 1 if counted.verdict == "more" else 0
        if not all(clocks):
            names = " and ".join(side.target.name for side in (before, after))
            raise HarnessError(f"One of {names} has a clock and the other counts instructions: compare like with like.")
        if kernels and (own := [side.target.name for side in (before, after) if side.target.own_clock]):
            raise HarnessError(f"{own[0]} has a counter of its own and no GPU's timers; leave `--kernels` out.")
        plan = replace(DEFAULT_PLAN, margin=DEFAULT_PLAN.margin if margin is None else margin, kernels=kernels)
        progress.note(f"Timing {case}: {old} against {new}, in turns; a minute or so …")
        with exclusive_machine(progress.note):
            finding = compare_sides(before, after, inputs, plan)
            inside: tuple[OperatorRatio, ...] = ()
            with suppress(*ANY_ERROR):  # the comparison stands without it
                inside = changed_operators(before, after, inputs, plan)
    if as_json:
        document = {**_document(case, before, after, finding), "operators": [asdict(one) for one in inside]}
        print(json.dumps(document, indent=1))
    else:
        _print_finding(case, finding, before, after, kernels=kernels)
        for one in inside:
            print(f"  {operator_in_words(one)}")
    return 1 if finding.verdict == "slower" else 0


def _print_same(case: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"case": case, "verdict": "same", "seconds": 0.0}))
    else:
        print(f"{case}: both sides are the same bytes on the same runtime; there is nothing to compare.")


def _print_finding(case: str, finding: Finding, old: Side, new: Side, *, kernels: bool) -> None:
    print(case)
    for name, side, nanoseconds in zip(("old", "new"), (old, new), finding.sides_ns, strict=True):
        print(f"  {name}  {_time(nanoseconds):>9}  {side.label}")
    print(f"  differs in: {'; '.join(old.changes_to(new))}")
    print(verdict_in_words(finding))
    pairs = sum(len(item.old_ns) for item in finding.rounds)
    print(f"{pairs} pairs of blocks in {len(finding.rounds)} rounds, {finding.seconds:.1f} s")
    if kernels:
        print(timers_in_words(finding))
    for caution in cautions(old, new, finding):
        print(f"! {caution}")


def timers_in_words(finding: Finding) -> str:
    """What gave the times of kernels, and how fine it is beside them."""
    step = finding.resolution_ns
    if not step:
        return "by the GPU's own timers, which were not seen to move"
    share = step / min(finding.sides_ns)
    return f"by the GPU's own timers, in steps of {_time(step)}, {share:.2g} of the smaller time"


def verdict_in_words(finding: Finding) -> str:
    """The verdict with its figures, and where there is none, why."""
    ratio = finding.ratio
    margin = f"{ratio.margin * 100.0:g} %"
    if finding.verdict == "alike":
        return f"alike: {figures(ratio)}, within the margin of {margin}"
    if finding.verdict in ("slower", "faster"):
        return f"{finding.verdict}: {figures(ratio)}, beyond the margin of {margin}; confirmed in fresh processes"
    if finding.confirmation is not None:
        return (
            f"undecided: {figures(finding.first)} at first, and {figures(finding.confirmation)} in fresh processes, "
            f"where the margin is {margin}: the machine is too restless; run it again"
        )
    return (
        f"undecided: {figures(ratio)}, on both sides of the margin of {margin}; run it again on a quieter machine, or "
        "name another `--margin`"
    )


def figures(ratio: Ratio) -> str:
    """`+5.1 % (95 % interval +4.2 to +6.0 %)`: how much longer the new side takes; `×15.6 (…)` for a multiple."""
    if ratio.ratio >= 2.0:
        return f"×{ratio.ratio:.3g} ({ratio.confidence * 100.0:g} % interval ×{ratio.low:.3g} to ×{ratio.high:.3g})"
    share, low, high = (f"{(value - 1.0) * 100.0:+.1f}" for value in (ratio.ratio, ratio.low, ratio.high))
    return f"{share} % ({ratio.confidence * 100.0:g} % interval {low} to {high} %)"


def cautions(old: Side, new: Side, finding: Finding) -> list[str]:
    """What keeps a reader from taking the verdict for more than it is."""
    found = []
    if finding.software or any(side.target.simulated for side in (old, new)):
        found.append("A software renderer did the work on one side at least: this says nothing about hardware.")
    return [*found, *other_shapes(old, new)]


def other_shapes(old: Side, new: Side) -> list[str]:
    """A caution where the sides do not take the same inputs."""
    shapes = [sorted(info.shape for info in side.artifact.inputs) for side in (old, new)]
    if shapes[0] == shapes[1]:
        return []
    words = [", ".join("×".join(map(str, shape)) for shape in one) for one in shapes]
    return [f"The sides take inputs of other shapes ({words[0]}; {words[1]}): are they one model?"]


def _time(nanoseconds: float) -> str:
    """Four digits: with fewer, two rounded times could contradict their ratio."""
    return f"{nanoseconds / 1e6:.4g} ms" if nanoseconds >= 1e6 else f"{nanoseconds / 1e3:.4g} µs"


def _document(case: str, old: Side, new: Side, finding: Finding) -> dict[str, object]:
    return {
        "case": case,
        "verdict": finding.verdict,
        "first": asdict(finding.first),
        "confirmation": asdict(finding.confirmation) if finding.confirmation else None,
        "seconds": round(finding.seconds, 2),
        "resolution_ns": finding.resolution_ns,
        "changes": old.changes_to(new),
        "cautions": cautions(old, new, finding),
        "old": identity(old),
        "new": identity(new),
        "rounds": [
            {"iterations": item.iterations, "old_ns": item.old_ns.tolist(), "new_ns": item.new_ns.tolist()}
            for item in finding.rounds
        ],
    }
