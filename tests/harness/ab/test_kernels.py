"""A GPU's kernels by its own timers: reading back hides them, and cannot tell what became slower."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from harness.ab.block_plan import BlockPlan
from harness.ab.compare import compare_sides
from harness.ab.side import Side
from harness.errors import Failed, Unsupported
from harness.target import Timing
from tests.harness.fakes.raising import RaisingTarget

READ_BACK_NS = 4.4e6
KERNELS_NS = 150_000.0
ROUNDS = 6


class Gpu(RaisingTarget):
    """A page on a GPU: reading back takes 4.4 ms, give or take 4 %, and the kernels 0.15 ms, give or take 2 %; each
    process is off by a bias of its own. Its timers move by `step_ns`."""

    def __init__(self, name, seed, slower=0.0, step_ns=1.0, timers=True):
        super().__init__(name)
        self.generator = np.random.default_rng(seed)
        self.kernels_ns, self.step_ns, self.timers = KERNELS_NS * (1.0 + slower), step_ns, timers
        self.plans = []

    @contextmanager
    def open(self, artifact, limits=None):
        bias = self.generator.normal(0.0, 0.004)
        yield SimpleNamespace(time=lambda samples, plan: self.timing(plan, np.exp(bias)))

    def timing(self, plan, bias):
        self.plans.append(plan)
        kernels = self.kernels_ns * bias * self.generator.lognormal(0.0, 0.02, plan.min_iterations)
        waited = READ_BACK_NS * self.generator.lognormal(0.0, 0.04, plan.min_iterations)
        own = self.kernels_ns * bias * self.generator.lognormal(0.0, 0.02, 9)
        stepped = np.floor(own / self.step_ns + self.generator.uniform(0.0, 1.0, 9)) * self.step_ns
        return Timing(
            samples_ns=(waited + kernels).astype(np.int64),
            first_ns=1,
            kernel_ns=stepped if plan.kernels and self.timers else None,
            kernel_resolution_ns=self.step_ns if plan.kernels and self.timers else None,
        )


@pytest.fixture
def compared(artifact):
    def compared(old, new, *, kernels, seed=1):
        plan = BlockPlan(rounds=ROUNDS, most_rounds=ROUNDS, stage_seconds=1e9, kernels=kernels, seed=seed)
        return compare_sides(Side("old", old, artifact), Side("new", new, artifact), {}, plan)

    return compared


@pytest.mark.parametrize("seed", range(6))
def test_kernels_that_became_slower_by_a_twentieth_are_found_although_the_read_back_hides_them(compared, seed):
    def sides():
        return Gpu("fake/old", 2 * seed), Gpu("fake/new", 2 * seed + 1, slower=0.05)

    found = compared(*sides(), kernels=True, seed=seed)
    assert found.verdict == "slower"
    assert found.ratio.ratio == pytest.approx(1.05, abs=0.01)
    assert compared(*sides(), kernels=False, seed=seed).verdict == "alike"  # 5 % of 0.15 ms in 4.6


def test_equal_kernels_are_not_called_slower_or_faster(compared):
    verdicts = [
        compared(Gpu("fake/old", 100 + seed), Gpu("fake/new", 200 + seed), kernels=True, seed=seed).verdict
        for seed in range(20)
    ]
    assert set(verdicts) <= {"alike", "undecided"}
    assert verdicts.count("alike") > 10


def test_timers_of_a_coarse_step_are_averaged_and_their_step_is_told(compared):
    """Chromium rounds the times of WebGPU to 100 µs unless it is asked not to."""
    old, new = Gpu("fake/old", 1, step_ns=65_536.0), Gpu("fake/new", 2, slower=0.25, step_ns=65_536.0)
    found = compared(old, new, kernels=True)
    assert (found.verdict, found.resolution_ns) == ("slower", 65_536.0)


def test_operators_are_not_timed_where_the_kernels_alone_are_asked_for(compared):
    old = Gpu("fake/old", 1)
    compared(old, Gpu("fake/new", 2), kernels=True)
    assert not any(plan.per_operator for plan in old.plans)


def test_kernels_below_the_timers_step_cannot_be_compared(compared):
    with pytest.raises(Failed, match=r"fake/\w+ has timers too coarse for these kernels; compare a larger model"):
        compared(Gpu("fake/old", 1, step_ns=1e12), Gpu("fake/new", 2, step_ns=1e12), kernels=True)


def test_a_side_without_timers_is_named(compared):
    with pytest.raises(Unsupported, match=r"fake/\w+ has no timers of its own for its kernels; leave `--kernels` out"):
        compared(Gpu("fake/old", 1, timers=False), Gpu("fake/new", 2, timers=False), kernels=True)
