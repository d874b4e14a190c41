"""Cases under pytest-benchmark's `benchmark` fixture, timed by the clock of the process that runs them."""

from __future__ import annotations

from typing import Any

import pytest

from harness.case_name import CaseName
from harness.errors import HarnessError, Unavailable
from harness.target import TimingPlan

WARM_UP = TimingPlan(min_iterations=20, min_seconds=0.05, max_iterations=2000, max_seconds=5.0)


class VirtualClock:
    """Stands for pytest-benchmark's timer: the seconds that invocations took, added up. What lies between (a request
    through a pipe, the engine itself) is not in it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class HarnessBenchmark:
    """Calls measure; pytest-benchmark keeps, compares and saves."""

    def __init__(self, benchmark: Any) -> None:
        self._benchmark = benchmark

    def __call__(self, model: str, *, variant: str, target: str, rounds: int = 100) -> None:
        """Time a case: `rounds` invocations after a warm-up. Fails with a sentence for a case that there is not, skips
        where the target is not installed."""
        case, mistake, missing = CaseName(model, variant, target), "", ""
        try:
            taken, digest = self._measured(case, rounds)
        except Unavailable as error:
            missing = str(error)
        except HarnessError as error:
            mistake = str(error)
        if missing:
            pytest.skip(missing)
        if mistake:
            pytest.fail(mistake, pytrace=False)
        clock, samples = VirtualClock(), iter(taken)

        def invoked() -> None:
            clock.seconds += next(samples) / 1e9

        self._benchmark.extra_info.update({"case": str(case), "artifact": digest})
        self._benchmark._timer = clock
        self._benchmark.pedantic(invoked, rounds=rounds, iterations=1, warmup_rounds=0)

    def _measured(self, case: CaseName, rounds: int) -> tuple[list[int], str]:
        """Nanoseconds of `rounds` invocations, and the digest of what was invoked. Raises `HarnessError`."""
        from harness import registry
        from harness.ab.side_builder import SideBuilder
        from harness.ab.side_options import SideOptions
        from harness.baseline.files import Baseline
        from harness.cache import Cache
        from harness.conversion.converter import Converter
        from harness.environment import environment
        from harness.paths import cache_directory, project_root
        from harness.project import model_entries
        from harness.run.exclusive import exclusive_machine

        root = project_root()
        converter = Converter(Cache(cache_directory() / "artifacts"), environment("converter"), 1)
        builder = SideBuilder(
            root, model_entries(root), registry.targets(), registry.formats(), converter, Baseline({}, {})
        )
        try:
            side = builder.side(case, SideOptions("now", {}))
            samples = side.stored(builder.inputs(case))
        finally:
            converter.close()
        if not side.target.timed:
            raise HarnessError(f"{side.target.name} has no clock; its figure is instructions (`harness run`).")
        with exclusive_machine(lambda _: None), side.target.open(side.artifact) as session:
            warm = session.time(samples, WARM_UP)
            plan = TimingPlan(rounds, 0.0, rounds, max(10.0, 3e-9 * rounds * float(warm.samples_ns.mean())))
            return session.time(samples, plan).samples_ns.tolist(), side.artifact.digest
