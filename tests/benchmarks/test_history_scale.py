"""Change points on planted steps against `ruptures` and a threshold, and a made-up year in both databases.

Run with `pytest tests/benchmarks/test_history_scale.py --benchmark-only -s`; `HARNESS_YEAR=50x12x20x365` makes the year
as large as the issue has it, `HARNESS_YEAR_FOLDER` says where its 11 GB of records are or shall be, and `HARNESS_SEEDS`
sets how many series of each size are looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.history.change_points import noisy_steps
from tests.benchmarks.change_point_methods import METHODS, Values
from tests.benchmarks.planted import NOISES, planted
from tests.benchmarks.synthetic_year import Shape
from tests.benchmarks.year import measure
from tests.harness.store.postgres import Cluster, programs

YEAR = os.environ.get("HARNESS_YEAR", "5x4x20x60")
SEEDS = int(os.environ.get("HARNESS_SEEDS", "20"))
FIRST_SEED = int(os.environ.get("HARNESS_FIRST_SEED", "7000"))
TOLERANCE = 7
"""Days by which a change point may miss its step and still count as found."""


def hits(found: list[int], planted_at: list[int]) -> int:
    """How many of the steps have a change point of their own within the tolerance."""
    left, count = list(planted_at), 0
    for place in found:
        near = [step for step in left if abs(step - place) <= TOLERANCE]
        if near:
            left.remove(min(near, key=lambda step: abs(step - place)))
            count += 1
    return count


def score(method: Callable[[Values], list[int]], size: float, seeds: range, noise: str) -> dict[str, float]:
    """Precision and recall over a year of each seed, three steps of `size` in each; alarms a year where `size` is 0."""
    found = right = steps = 0
    for seed in seeds:
        made = planted(seed, size, steps=3 if size else 0, noise=NOISES[noise])
        places = method(made.values)
        found += len(places)
        steps += len(made.steps)
        right += hits(places, list(made.steps))
    if not size:
        return {"alarms a year": found / len(seeds)}
    return {"precision": right / max(found, 1), "recall": right / steps}


def held(size: float, seeds: int) -> float:
    """How often the 95 % interval of a step that was found holds the step that was planted."""
    inside = found = 0
    for seed in range(seeds):
        made = planted(FIRST_SEED + seed, size)
        for step in noisy_steps(made.values):
            for place, true in made.steps.items():
                if abs(place - step.index) <= TOLERANCE:
                    found += 1
                    inside += step.low <= true <= step.high
    return inside / max(found, 1)


@pytest.mark.parametrize("name", METHODS)
def test_change_points_of_planted_steps(benchmark: Any, name: str) -> None:
    method, seeds = METHODS[name], range(FIRST_SEED, FIRST_SEED + SEEDS)
    scores = {
        noise: {f"{100 * size:g} %": score(method, size, seeds, noise) for size in (0.0, 0.02, 0.05, 0.20)}
        for noise in NOISES
    }
    benchmark.extra_info.update(scores)
    benchmark.pedantic(method, (planted(1, 0.05).values,), rounds=3)
    print(f"\n{name} (precision/recall; alarms a year where nothing was planted)")
    for noise, sizes in scores.items():
        words = [f"{size}: {'/'.join(f'{value:.2f}' for value in found.values())}" for size, found in sizes.items()]
        print(f"  {noise:38}" + "   ".join(words))
    if name.startswith("E-Divisive"):
        print("  intervals that hold the step:", {size: round(held(size, SEEDS), 2) for size in (0.02, 0.05, 0.20)})
        own = scores[next(iter(NOISES))]
        assert own["0 %"]["alarms a year"] <= 0.3
        assert own["2 %"]["precision"] >= 0.8
        assert own["2 %"]["recall"] >= 0.6
        for size in ("5 %", "20 %"):
            assert min(own[size].values()) >= 0.9


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty database's; None for the one beside the records."""
    if request.param == "sqlite":
        yield None
        return
    cluster = Cluster(programs())
    yield cluster.new_database("year")
    cluster.remove()


def test_a_year_is_indexed_and_asked(benchmark: Any, url: str | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    shape = Shape.of(YEAR)
    results = Path(os.environ.get("HARNESS_YEAR_FOLDER", tmp_path_factory.getbasetemp() / "year" / "results"))
    figures: dict[str, Any] = {}
    benchmark.pedantic(lambda: figures.update(measure(results, shape, url)), rounds=1)
    benchmark.extra_info.update(figures)
    print(f"\n{json.dumps(figures, indent=1)}")
    assert figures["cases"] == shape.cases * shape.days
