"""Two runs side by side: what counts as a change, and what can be said of latency."""

from __future__ import annotations

import pytest

from harness.report.changes import changes
from harness.store.record import CaseResult, Interval, Machine, Outcome, RunRecord, SteadyState

from .sample_record import previous_of, sample_record

RECORD = sample_record(models=["digits_cnn"], hostile=False)


def run_of(case: CaseResult) -> RunRecord:
    return RECORD.model_copy(update={"cases": (case,)})


def timed(factor: float, **update: object) -> CaseResult:
    """The first case, so many times as slow."""
    case = RECORD.cases[0]
    assert case.latency is not None
    old = case.latency
    latency = old.model_copy(
        update={
            "median_ms": old.median_ms * factor,
            "median_interval": Interval(low=old.median_ms * factor * 0.98, high=old.median_ms * factor * 1.02),
            "samples_ns": (round(factor * 1000), 2),
            **update,
        }
    )
    return case.model_copy(update={"latency": latency})


def test_a_run_against_itself_shows_nothing() -> None:
    found = changes(RECORD, RECORD)
    assert (found.outcomes, found.figures, found.facts) == ((), (), ())
    assert {change.why for change in found.latencies} <= {"the same measurement, reused", "simulated"}
    assert found.shared == len(RECORD.cases)


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        (Outcome.PASSED, Outcome.FAILED, "worse"),
        (Outcome.PASSED, Outcome.UNAVAILABLE, "worse"),
        (Outcome.UNAVAILABLE, Outcome.CRASHED, "worse"),
        (Outcome.FAILED, Outcome.PASSED, "better"),
        (Outcome.CRASHED, Outcome.UNSUPPORTED, "better"),
        (Outcome.FAILED, Outcome.CRASHED, "other"),
    ],
)
def test_outcomes_have_a_direction(before: Outcome, after: Outcome, direction: str) -> None:
    old, new = (RECORD.cases[0].model_copy(update={"outcome": outcome}) for outcome in (before, after))
    (change,) = changes(run_of(new), run_of(old)).outcomes
    assert (change.before, change.after, change.direction) == (before, after, direction)


def test_cases_that_one_run_lacks_are_new_or_gone_worst_first() -> None:
    record = sample_record()
    found = changes(record, previous_of(record))
    assert [change.direction for change in found.outcomes] == ["worse", "new", "gone"]
    assert found.count("worse") == 1
    assert found.shared == len(record.cases) - 1


@pytest.mark.parametrize(
    ("factor", "reading"),
    [(1.2, "slower"), (0.8, "faster"), (1.03, "no clear difference"), (1.0, "no clear difference")],
)
def test_latency_is_read_by_intervals_that_lie_apart(factor: float, reading: str) -> None:
    (change,) = changes(run_of(timed(factor)), run_of(timed(1.0, samples_ns=(7, 8)))).latencies
    assert (change.reading, change.why) == (reading, "")
    assert change.low < change.ratio < change.high
    assert change.ratio == pytest.approx(factor)


def test_latency_is_not_judged_where_it_cannot_be() -> None:
    other = Machine(**{**RECORD.machine.model_dump(), "id": "other", "cpu": "another"})
    moved = run_of(timed(2.0)).model_copy(update={"machine": other})
    found = changes(moved, run_of(timed(1.0)))
    assert [(change.reading, change.why) for change in found.latencies] == [("not judged", "the machines differ")]
    assert {fact.name for fact in found.facts} == {"processor", "machine"}
    restless = timed(2.0, state=SteadyState.NONE)
    assert changes(run_of(restless), run_of(timed(1.0))).latencies[0].why == "never steady"
    simulated = timed(2.0).model_copy(update={"simulated": True})
    assert changes(run_of(simulated), run_of(timed(1.0))).latencies[0].why == "simulated"


def test_exact_figures_are_compared_to_the_last_byte() -> None:
    case = RECORD.cases[0]
    assert case.artifact is not None
    artifact = case.artifact.model_copy(
        update={"bytes": case.artifact.bytes + 1, "converter": {"tensorflow": "2.20.0"}}
    )
    found = changes(run_of(case.model_copy(update={"artifact": artifact})), run_of(case))
    (change,) = found.figures
    assert (change.name, change.after - change.before) == ("Artifact", 1)
    assert change.before_text != change.after_text
    (fact,) = found.facts
    assert (fact.name, fact.before, fact.after, fact.where) == (
        "converter: tensorflow",
        "2.19.0",
        "2.20.0",
        case.target,
    )


def test_figures_with_noise_are_not_compared_exactly() -> None:
    case = RECORD.cases[0]
    assert not case.measured.exact
    measured = case.measured.model_copy(update={"figures": {"peak_memory_bytes": 1}})
    assert changes(run_of(case.model_copy(update={"measured": measured})), run_of(case)).figures == ()
