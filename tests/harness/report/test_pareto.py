"""Which cases are worth choosing."""

from __future__ import annotations

import pytest

from harness.report.pareto import candidates
from harness.store.record import CaseResult, Interval, Outcome, SteadyState

from .sample_record import sample_record

RECORD = sample_record(models=["digits_cnn"], hostile=False)
FAST = next(case for case in RECORD.cases if case.target == "tflite/litert-xnnpack" and case.variant == "float32")


def case(
    name: str, median: float, sqnr_db: float, size: int, spread: float = 0.01, target: str = "tflite/a"
) -> CaseResult:
    assert FAST.latency is not None
    assert FAST.parity is not None
    assert FAST.artifact is not None
    interval = Interval(low=median * (1 - spread), high=median * (1 + spread))
    compared = FAST.parity.end_to_end[0].model_copy(update={"sqnr_db": sqnr_db})
    return FAST.model_copy(
        update={
            "variant": name,
            "target": target,
            "latency": FAST.latency.model_copy(update={"median_ms": median, "median_interval": interval}),
            "parity": FAST.parity.model_copy(update={"end_to_end": (compared,)}),
            "artifact": FAST.artifact.model_copy(update={"bytes": size}),
        }
    )


def front(*cases: CaseResult) -> set[str]:
    return {one.case.variant for one in candidates(cases) if one.on_front}


def test_each_of_three_prices_can_make_a_case_worth_choosing() -> None:
    assert front(case("fast", 1, 40, 900), case("exact", 3, 90, 900), case("small", 3, 40, 100)) == {
        "fast",
        "exact",
        "small",
    }


def test_a_case_that_is_nowhere_better_is_not_on_the_front() -> None:
    assert front(case("good", 1, 60, 100), case("bad", 2, 50, 200)) == {"good"}


def test_medians_whose_intervals_overlap_are_equal() -> None:
    assert front(case("a", 1.00, 60, 100, 0.1), case("b", 1.05, 60, 200, 0.1)) == {"a"}
    assert front(case("a", 1.00, 60, 200, 0.1), case("b", 1.05, 60, 100, 0.1)) == {"b"}
    assert front(case("a", 1.00, 60, 100, 0.1), case("b", 1.05, 60, 100, 0.1)) == {"a", "b"}


def test_rounding_of_float32_makes_no_case_more_exact() -> None:
    assert front(case("slow", 9, 150, 100), case("fast", 1, 130, 100)) == {"fast"}


def test_a_browser_is_no_rival_of_a_phone() -> None:
    assert front(case("phone", 1, 60, 100), case("web", 9, 50, 200, target="tfjs/b")) == {"phone", "web"}


@pytest.mark.parametrize(
    ("update", "why"),
    [
        ({"outcome": Outcome.FAILED}, "failed"),
        ({"simulated": True}, "simulated"),
        (
            {"latency": FAST.latency.model_copy(update={"state": SteadyState.NONE}) if FAST.latency else None},
            "never steady",
        ),
    ],
)
def test_what_cannot_be_trusted_is_barred_and_bars_nobody(update: dict[str, object], why: str) -> None:
    barred = case("best", 0.001, 60, 10).model_copy(update=update)
    found = candidates([barred, case("good", 1, 60, 100)])
    assert [(one.barred, one.on_front) for one in found] == [(why, False), ("", True)]


def test_untimed_cases_are_no_candidates() -> None:
    assert candidates([FAST.model_copy(update={"latency": None})]) == []
