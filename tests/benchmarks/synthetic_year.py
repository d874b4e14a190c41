"""A made-up year of daily runs over a large matrix, day by day, with the noise of `planted.daily_noise`.

Every series has steps of 2, 5 or 20 % that are known, and a runtime, a converter and a browser that are updated now and
then, so that there is something to find and something that differs there. The same seed makes the same year.

    python -m tests.benchmarks.synthetic_year 50x12x20x365 results

writes a year's records, sealed, into `results/runs`: 30 MB a day, 11 GB the whole year.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from harness.store.record import ModelSummary, RunRecord
from harness.store.runs import RunStore, parse
from harness.store.seal import seal
from tests.benchmarks.planted import daily_noise
from tests.harness.store.records import make_case, make_latency, make_record

BEGIN = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
SIZES = (0.02, 0.05, 0.20)

Names = tuple[str, str, str]
"""Model, variant and target."""


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

    @classmethod
    def of(cls, words: str) -> Shape:
        """`models x variants x targets x days`, as `50x12x20x365`."""
        return cls(*(int(word) for word in words.split("x")))


class SyntheticYear:
    """Makes the records of a year, any day of it.

    12,000 cases as objects take a second a day. All but the latency of a case is the same until something is updated,
    so each case's text is kept, and the latency's text is filled in.
    """

    def __init__(self, shape: Shape, seed: int = 20260101, machine: str = "build-1") -> None:
        self.shape = shape
        self.machine = hashlib.sha256(machine.encode()).hexdigest()[:16]
        generator = np.random.default_rng(seed)
        self.names: list[Names] = [
            (f"model_{m:02}", f"variant_{v:02}", _target(t))
            for m in range(shape.models)
            for v in range(shape.variants)
            for t in range(shape.targets)
        ]
        self.steps: dict[Names, dict[int, float]] = {}
        self._levels = np.empty((len(self.names), shape.days), dtype=np.float32)
        for index, name in enumerate(self.names):
            level = np.full(shape.days, generator.normal(0.0, 1.0))
            own: dict[int, float] = {}
            if index % 3 == 0 and shape.days >= 60:
                day = int(generator.integers(25, shape.days - 25))
                size = SIZES[(index // 3) % 3]
                own[day] = size
                level[day:] += np.log1p(size)
            self.steps[name] = own
            self._levels[index] = level + daily_noise(shape.days, generator)
        self._updates = {
            kind: np.sort(generator.integers(0, max(1, shape.days), count))
            for kind, count in (("runtime", 6), ("converter", 4), ("browser", 10))
        }
        self._texts: dict[tuple[str, ...], str] = {}
        self._latency, self._factors = _latency_template(shape.samples)

    def record(self, day: int) -> RunRecord:
        """The record of one day."""
        return parse(self.text(day), f"day {day}")

    def text(self, day: int) -> str:
        """The record of one day as its file has it, sealed."""
        unique = hashlib.sha256(f"{self.machine} {day}".encode()).hexdigest()
        models = tuple(
            ModelSummary(name=f"model_{m:02}", summary="made up", task="classification", source="synthetic")
            for m in range(self.shape.models)
        )
        record = make_record(day, machine=self.machine, commit=unique[8:48], begin=BEGIN)
        empty = record.model_copy(update={"models": models, "cases": (), "planned_cases": self.shape.cases})
        versions = {kind: int(np.searchsorted(days, day, side="right")) for kind, days in self._updates.items()}
        medians = np.exp(self._levels[:, day].astype(np.float64))
        noise = np.random.default_rng([day, 7]).lognormal(0.0, 0.03, self.shape.samples)
        figures = np.outer(medians, self._factors).tolist()
        samples = (np.outer(medians, noise) * 1e6).astype(np.int64).tolist()
        cases = [
            self._case(name, versions).replace(_NO_LATENCY, self._latency % (*own, raw), 1)
            for name, own, raw in zip(self.names, figures, samples, strict=True)
        ]
        return seal(empty.model_dump_json().replace('"cases":[]', f'"cases":[{",".join(cases)}]', 1) + "\n")

    def _case(self, name: Names, versions: dict[str, int]) -> str:
        """A case without its latency. An emulator has none, and nothing to fill in."""
        model, variant, target = name
        converter = f"2.{15 + versions['converter']}.0"
        browser, emulated = target.startswith("tfjs/"), target.startswith("mcu/")
        fingerprint = {"runtime": f"2.{versions['runtime']}.0", "threads": "1"}
        if browser:
            fingerprint = {"browser": f"15{versions['browser']}.0", "tfjs": "4.22.0", "backend": target.split("-")[-1]}
        key = (*name, converter, *fingerprint.values())
        if key not in self._texts:
            byte = int(hashlib.sha256(f"{model} {variant} {converter}".encode()).hexdigest()[:4], 16)
            size = 50_000 + byte
            case = make_case(
                target,
                model=model,
                variant=variant,
                median_ms=None,
                size=size,
                sqnr_db=30.0 + (byte % 256) / 10,
                task=0.97,
                figures={"instructions": size * 100, "arena_bytes": size // 2}
                if emulated
                else {"peak_memory_bytes": size},
                fingerprint=fingerprint,
                converter=converter,
                simulated=emulated,
            )
            text = case.model_dump_json()
            self._texts[key] = text.replace(_NO_LATENCY, '"latency": null') if emulated else text
        return self._texts[key]


_NO_LATENCY = '"latency":null'


def _latency_template(samples: int) -> tuple[str, list[float]]:
    """The text of a latency with a place for each figure and the samples, and each figure's share of the median."""
    text = json.dumps(make_latency(1.0).model_dump(mode="json"))
    factors = [float(number) for number in re.findall(r"\d+\.\d+", text)]
    text = re.sub(r"\d+\.\d+", "%r", text).replace('"samples_ns": []', '"samples_ns": %s')
    return '"latency":' + text.replace('"iterations": 0', f'"iterations": {samples}'), factors


def _target(number: int) -> str:
    family = ("tflite/runtime", "tfjs/browser", "mcu/board")[0 if number < 10 else 1 if number < 17 else 2]
    return f"{family}-{number:02}"


def write(shape: Shape, results: Path, days: range, processes: int = 2) -> None:
    """Write the records of `days` into a results folder."""
    with multiprocessing.get_context("spawn").Pool(processes, _begin, (shape, results)) as pool:
        pool.map(_write, days, chunksize=1)


def _begin(shape: Shape, results: Path) -> None:
    global _year, _store
    _year, _store = SyntheticYear(shape), RunStore(results)


def _write(day: int) -> None:
    text = _year.text(day)
    _store.write_text(re.search(r'"id":"([^"]+)"', text)[1], text)


if __name__ == "__main__":
    wanted = Shape.of(sys.argv[1])
    write(wanted, Path(sys.argv[2]), range(wanted.days))
