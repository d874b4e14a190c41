"""A made-up year of daily runs over a large matrix, day by day, with the noise of `planted.daily_noise`.

Every series has steps of 2, 5 or 20 % that are known, and a runtime, a converter and a browser that are updated now and
then, so that there is something to find and something that differs there. The same seed makes the same year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from harness.artifact import FileHash
from harness.store.record import (
    ArtifactSummary,
    CaseResult,
    Comparison,
    Interval,
    Latency,
    Machine,
    Measured,
    ModelSummary,
    Outcome,
    Parity,
    RunRecord,
    SteadyState,
    TaskMetric,
)
from tests.benchmarks.planted import daily_noise

BEGIN = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
SIZES = (0.02, 0.05, 0.20)


@dataclass(frozen=True)
class Shape:
    """How large the year is. The issue's is the default."""

    models: int = 50
    variants: int = 12
    targets: int = 20
    days: int = 365
    samples: int = 30
    """Raw samples kept per case: they make a record large, and decide nothing here."""

    @property
    def cases(self) -> int:
        return self.models * self.variants * self.targets


class SyntheticYear:
    """Makes the records of a year, one at a time."""

    def __init__(self, shape: Shape, seed: int = 20260101, machine: str = "build-1") -> None:
        self.shape = shape
        self.machine = hashlib.sha256(machine.encode()).hexdigest()[:16]
        generator = np.random.default_rng(seed)
        names = [
            (f"model_{m:02}", f"variant_{v:02}", _target(t))
            for m in range(shape.models)
            for v in range(shape.variants)
            for t in range(shape.targets)
        ]
        self.names = names
        self.steps: dict[tuple[str, str, str], dict[int, float]] = {}
        self._levels = np.empty((len(names), shape.days), dtype=np.float32)
        for place, name in enumerate(names):
            level = np.full(shape.days, generator.normal(0.0, 1.0))
            own: dict[int, float] = {}
            if place % 3 == 0 and shape.days >= 60:
                day = int(generator.integers(25, shape.days - 25))
                size = SIZES[(place // 3) % 3]
                own[day] = size
                level[day:] += np.log1p(size)
            self.steps[name] = own
            self._levels[place] = level + daily_noise(shape.days, generator)
        self._updates = {
            kind: np.sort(generator.integers(0, max(1, shape.days), count))
            for kind, count in (("runtime", 6), ("converter", 4), ("browser", 10))
        }

    def records(self) -> Iterator[RunRecord]:
        """One record a day, oldest first."""
        for day in range(self.shape.days):
            yield self.record(day)

    def record(self, day: int) -> RunRecord:
        """The record of one day."""
        started = BEGIN + timedelta(days=day)
        unique = hashlib.sha256(f"{self.machine} {day}".encode()).hexdigest()
        medians = np.exp(self._levels[:, day].astype(np.float64))
        noise = np.random.default_rng([day, 7]).lognormal(0.0, 0.03, self.shape.samples)
        machine = Machine(
            id=self.machine,
            cpu="Made-up CPU",
            cores=2,
            memory_bytes=8 << 30,
            system="Linux x86_64 6.1",
            python="3.11.7",
            load_average=0.3,
        )
        return RunRecord(
            id=f"{started:%Y%m%dT%H%M%SZ}-{unique[:8]}",
            started=started,
            finished=started + timedelta(hours=2),
            status="complete",
            command="harness run --all",
            harness_version="0.1.0",
            commit=unique[8:48],
            machine=machine,
            models=tuple(
                ModelSummary(name=f"model_{m:02}", summary="made up", task="classification", source="synthetic")
                for m in range(self.shape.models)
            ),
            cases=tuple(
                self._case(name, day, float(median), noise) for name, median in zip(self.names, medians, strict=True)
            ),
            planned_cases=self.shape.cases,
        )

    def _case(self, name: tuple[str, str, str], day: int, median: float, noise: NDArray[np.float64]) -> CaseResult:
        model, variant, target = name
        emulated = target.startswith("mcu/")
        versions = {kind: int(np.searchsorted(days, day, side="right")) for kind, days in self._updates.items()}
        digest = hashlib.sha256(f"{model} {variant} {versions['converter']}".encode()).hexdigest()
        size = 50_000 + int(digest[:4], 16)
        fingerprint = {"runtime": f"2.{versions['runtime']}.0", "threads": "1"}
        if target.startswith("tfjs/"):
            fingerprint = {"browser": f"15{versions['browser']}.0", "tfjs": "4.22.0", "backend": target.split("-")[-1]}
        return CaseResult(
            key=digest,
            model=model,
            variant=variant,
            target=target,
            outcome=Outcome.PASSED,
            artifact=ArtifactSummary(
                key=digest,
                digest=digest,
                bytes=size,
                files=(FileHash(path="model.tflite", bytes=size, sha256=digest),),
                operators={"CONV_2D": 4, "FULLY_CONNECTED": 1},
                converter={"tensorflow": f"2.{15 + versions['converter']}.0"},
            ),
            fingerprint=fingerprint,
            parity=_parity(int(digest[:2], 16)),
            latency=None if emulated else _latency(median, noise),
            measured=Measured(
                figures={"instructions": size * 100, "arena_bytes": size // 2}
                if emulated
                else {"peak_memory_bytes": size},
                exact=("instructions", "arena_bytes") if emulated else (),
            ),
            simulated=emulated,
            seconds=1.0,
        )


def _target(number: int) -> str:
    family = ("tflite/runtime", "tfjs/browser", "mcu/board")[0 if number < 10 else 1 if number < 17 else 2]
    return f"{family}-{number:02}"


def _parity(byte: int) -> Parity:
    comparison = Comparison(
        output="output",
        finite=True,
        elements=1200,
        max_abs=0.01 + byte / 1e4,
        mean_abs=0.001,
        rmse=0.002,
        sqnr_db=30.0 + byte / 10,
        cosine=0.999,
        max_lsb=1,
        differing_share=0.01,
        smallest_tolerance=0.01,
    )
    return Parity(
        samples=100,
        reference="reference",
        conversion=(comparison,),
        runtime=(comparison,),
        end_to_end=(comparison,),
        task=TaskMetric(name="accuracy", value=0.97, golden=0.975, samples=360),
    )


def _latency(median: float, noise: NDArray[np.float64]) -> Latency:
    samples = median * noise
    return Latency(
        state=SteadyState.FLAT,
        warmup_discarded=0,
        iterations=len(noise),
        first_ms=median * 3.0,
        median_ms=median,
        p90_ms=median * 1.05,
        p99_ms=median * 1.2,
        min_ms=median * 0.97,
        median_interval=Interval(low=median * 0.995, high=median * 1.005),
        samples_ns=tuple((samples * 1e6).astype(np.int64).tolist()),
    )
