"""Judges the task metric: whether the converted model is worse than the float32 one by more than a stated margin."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.gate.policy import TaskRule
from harness.store.record import Check, Comparison, TaskMetric


def judge_task(task: TaskMetric, end_to_end: Sequence[Comparison], rule: TaskRule, *, is_sample: bool = False) -> Check:
    """One check. Accuracies get the paired score interval of `noninferiority_from_counts`; the message carries it.

    `is_sample`: whether there was no time for all the samples that there are. How many there was time for follows from
    what else the machine did, so an accuracy is then broken by its interval alone.

    A record from before `lost` and `gained` were counted holds both accuracies, hence their difference. Their sum it
    bounds: no more samples changed between right and wrong than got another top-1 answer, and no more than are wrong on
    either side. The interval grows with that sum, so the bound can make the verdict less sure, never too sure.

    Errors (lower is better) are compared as points: at most golden / (1 − margin), MLPerf's 99 % turned around.
    """
    if task.name == "accuracy":
        return _judge_accuracy(task, end_to_end, rule, is_sample=is_sample)
    if task.higher_is_better:
        limit = task.golden - abs(task.golden) * rule.margin
        passed = task.value >= limit
    else:
        limit = task.golden / (1.0 - rule.margin)
        passed = task.value <= limit
    message = ""
    if not passed:
        change = f" ({task.value / task.golden - 1.0:+.2%})" if task.golden else ""
        message = (
            f"Task: {task.name} over {task.samples} samples is {task.value:.6g}, where the float32 model has "
            f"{task.golden:.6g}{change} and {limit:.6g} is allowed{_passing_margin(task)}."
        )
    return _check(task, limit, passed, rule, message)


def _judge_accuracy(task: TaskMetric, end_to_end: Sequence[Comparison], rule: TaskRule, *, is_sample: bool) -> Check:
    from harness.parity.task_metric import noninferiority_from_counts

    margin = rule.margin * task.golden
    lost, gained = discordant_pairs(task, end_to_end)
    result = noninferiority_from_counts(task.samples, lost, gained, margin, rule.confidence)
    close_enough = task.value >= task.golden - margin - 1e-12
    passed = result.verdict == "no worse" or (
        result.verdict == "undecided" and rule.undecided == "point" and (close_enough or is_sample)
    )
    counted = f"{lost} lost and {gained} gained, " if task.lost is not None else ""
    interval = f"{rule.confidence:.0%} interval {result.low:+.2%} to {result.high:+.2%}"
    judgement = f"shown to be {result.verdict} by more than {margin:.2%}"
    if result.verdict == "undecided":
        judgement = f"too few samples to show that it is no worse by more than {margin:.2%}"
        if is_sample:
            judgement += ": undecided, a larger `--budget` or `samples` decides"
        elif rule.undecided == "point" and close_enough:
            judgement += ", but as measured it is within that"
        elif rule.undecided == "point":
            judgement += ", and as measured it is not"
    message = (
        f"Task: accuracy over {task.samples} samples is {task.value:.2%}, float32 has {task.golden:.2%} "
        f"({task.value - task.golden:+.2%}, {counted}{interval}): {judgement}"
    )
    return _check(task, task.golden - margin, passed, rule, message + ("." if passed else f"{_passing_margin(task)}."))


def discordant_pairs(task: TaskMetric, end_to_end: Sequence[Comparison]) -> tuple[int, int]:
    """Samples lost and gained: as counted or, where they were not or contradict the accuracies, as bounded."""
    lost, gained = task.lost, task.gained
    if lost is None or gained is None or min(lost, gained) < 0 or lost + gained > task.samples:
        return discordant_bound(task, end_to_end)
    return lost, gained


def discordant_bound(task: TaskMetric, end_to_end: Sequence[Comparison]) -> tuple[int, int]:
    """Samples lost and gained: their difference exact, their sum the largest that the record allows."""
    samples = task.samples
    net = round((task.value - task.golden) * samples)
    wrong = round((1.0 - task.value) * samples) + round((1.0 - task.golden) * samples)
    agreements = [item.top1_agreement for item in end_to_end if item.top1_agreement is not None]
    changed = math.ceil((1.0 - min(agreements)) * samples - 1e-9) if agreements else samples
    total = max(abs(net), min(wrong, changed))
    # An odd remainder is rounded up where the samples allow it: the sum is a bound.
    pairs = min(-(-(total - abs(net)) // 2), (samples - abs(net)) // 2)
    return pairs + max(0, -net), pairs + max(0, net)


def _passing_margin(task: TaskMetric) -> str:
    """The margin with which the point would have passed, in words."""
    worse = task.value < task.golden if task.higher_is_better else task.value > task.golden
    if not worse or task.golden <= 0.0 or task.value <= 0.0:
        return ""
    ratio = task.value / task.golden if task.higher_is_better else task.golden / task.value
    return f"; as measured it would pass a margin of {math.ceil((1.0 - ratio) * 1e4) / 1e4:g}"


def _check(task: TaskMetric, limit: float, passed: bool, rule: TaskRule, message: str) -> Check:
    return Check.make(
        "task.noninferiority",
        f"task.{task.name}",
        measured=task.value,
        limit=limit,
        passed=passed,
        source=rule.source,
        message=message,
    )
