"""One round: two live sessions and one loop that gives each a block in turn, in random order.

What the machine does to one side at some moment it does to the other a few milliseconds later; the ratio of the two
blocks of a pair is all that is kept, so it cancels.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.ab.block_plan import BlockPlan, blocks_of, iterations_of
from harness.ab.side import Side, both_opened
from harness.errors import Failed, Unsupported
from harness.latency.statistics import COARSE, typical
from harness.target import Session, Timing, TimingPlan


@dataclass(frozen=True)
class Round:
    """Block times in nanoseconds per invocation, shaped (blocks,) each; row i of both was measured side by side."""

    old_ns: NDArray[np.float64]
    new_ns: NDArray[np.float64]
    iterations: int
    resolution_ns: float | None = None
    """The coarser step of the two sides' clocks, or of their GPUs' timers, as far as they tell."""
    software: bool = False
    """Whether a side said that a software renderer did its work."""

    @property
    def log_ratios(self) -> NDArray[np.float64]:
        logs: NDArray[np.float64] = np.log(self.new_ns) - np.log(self.old_ns)
        return logs


def measure_round(
    old: Side, new: Side, inputs: dict[str, NDArray[Any]], plan: BlockPlan, order: random.Random
) -> Round:
    """Fresh processes for both sides, warmed up, then blocks in random order.

    Raises a `CaseError` where a side crashes, hangs, is refused, or where the clock cannot time it.
    """
    with both_opened(old, new, order) as sessions:
        samples = {"old": old.stored(inputs), "new": new.stored(inputs)}
        warm = {
            which: sessions[which].time(samples[which], _warm_up(plan)) for which in order.sample(["old", "new"], 2)
        }
        medians_ms = [float(np.median(timing.samples_ns)) / 1e6 for timing in warm.values()]
        slowest = max(*medians_ms, 1e-5)
        iterations = iterations_of(plan, slowest)
        blocks = blocks_of(plan, iterations, slowest)
        coarse = any((t.clock_resolution_ns or 0.0) > COARSE * float(np.median(t.samples_ns)) for t in warm.values())
        times: dict[str, list[float]] = {"old": [], "new": []}
        steps: dict[str, float] = {}
        for _ in range(blocks):
            for which in order.sample(["old", "new"], 2):
                block = _block(sessions[which], samples[which], iterations, kernels=plan.kernels)
                time_of = _kernels_of if plan.kernels else functools.partial(_time_of, coarse=coarse)
                times[which].append(time_of(block, side=new if which == "new" else old))
                seen = block.kernel_resolution_ns if plan.kernels else block.clock_resolution_ns
                if seen:  # what was seen between few times is no less than the clock's own
                    steps[which] = min(seen, steps.get(which, seen))
    software = any(timing.details.get("software_renderer") == "true" for timing in warm.values())
    step = max(steps.values(), default=None)
    return Round(np.array(times["old"]), np.array(times["new"]), iterations, step, software)


def _warm_up(plan: BlockPlan) -> TimingPlan:
    return TimingPlan(min_iterations=20, min_seconds=plan.warm_up_ms / 1000.0, max_iterations=20_000, max_seconds=5.0)


def _block(session: Session, samples: dict[str, NDArray[Any]], iterations: int, *, kernels: bool = False) -> Timing:
    """Some invocations in a row. `Session.time` begins with one apart, which brings back what the other side's block
    drove out of the caches; it is not among the samples."""
    count = 1 if kernels else iterations
    plan = TimingPlan(count, min_seconds=0.0, max_iterations=count, max_seconds=30.0, kernels=kernels)
    return session.time(samples, plan)


def _time_of(block: Timing, coarse: bool, side: Side) -> float:
    statistic = np.mean if coarse else np.median
    time = float(statistic(block.samples_ns)) if len(block.samples_ns) else 0.0
    if not time > 0.0:
        raise Failed(f"{side.target.name} has a clock too coarse for this model; compare a larger one.")
    return time


def _kernels_of(block: Timing, side: Side) -> float:
    if block.kernel_ns is None or not len(block.kernel_ns):
        raise Unsupported(f"{side.target.name} has no timers of its own for its kernels; leave `--kernels` out.")
    time = typical(block.kernel_ns, block.kernel_resolution_ns)
    if not time > 0.0:
        raise Failed(f"{side.target.name} has timers too coarse for these kernels; compare a larger model.")
    return time
