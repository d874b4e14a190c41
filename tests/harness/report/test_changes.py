"""Two runs side by side: what counts as a change, and what can be said of latency."""

from __future__ import annotations

import pytest

from harness.ab.side_options import parse_side
from harness.report.changes import changes
from harness.report.latency_text import LatencyText, ab_command, drift_text, latency_text
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
    assert found.drift is None
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


def updated(case: CaseResult) -> CaseResult:
    """The case on a newer runtime."""
    return case.model_copy(update={"fingerprint": {**case.fingerprint, "ai-edge-litert": "9.9.0"}})


@pytest.mark.parametrize(
    ("factor", "reading", "words"),
    [
        (1.2, "slower", "slower by 15–25 % (not confirmed by A/B)"),
        (1.05, "slower", "slower by 0.9–9.3 % (not confirmed by A/B)"),
        (0.8, "faster", "faster by 17–23 % (not confirmed by A/B)"),
        (1.03, "no clear difference", "no change that these intervals can tell"),
        (1.0, "no clear difference", "no change that these intervals can tell"),
    ],
)
def test_latency_is_read_by_intervals_that_lie_apart(factor: float, reading: str, words: str) -> None:
    (change,) = changes(run_of(updated(timed(factor))), run_of(timed(1.0, samples_ns=(7, 8)))).latencies
    assert (change.reading, change.why, latency_text(change, None).verdict) == (reading, "", words)
    assert change.low < change.ratio < change.high
    assert change.ratio == pytest.approx(factor)


def test_what_moved_though_nothing_changed_is_said_to_be_the_machine() -> None:
    (change,) = changes(run_of(timed(1.2)), run_of(timed(1.0))).latencies
    assert change.reading == "unchanged"
    assert latency_text(change, None) == LatencyText(
        "slower by 15–25 %, though artifact and runtime are the same: the machine or the harness moved it"
    )


def test_unchanged_cases_tell_how_far_the_machine_moved() -> None:
    def run(*cases: CaseResult) -> RunRecord:
        return RECORD.model_copy(
            update={"cases": tuple(case.model_copy(update={"variant": str(index)}) for index, case in enumerate(cases))}
        )

    factors = [1 + index / 100 for index in range(20)]
    before = run(*(timed(1.0, samples_ns=(5, 6)) for _ in range(22)))
    found = changes(run(*map(timed, factors), updated(timed(1.1)), updated(timed(1.5))), before)
    assert found.drift is not None
    assert (found.drift.cases, found.drift.low, found.drift.high) == (20, pytest.approx(1.01), pytest.approx(1.18))
    assert "nine tenths of them by +1.0 to +18 %" in drift_text(found.drift)
    words = {change.case.variant: latency_text(change, found.drift).verdict for change in found.latencies}
    assert words["20"] == "slower by 5.7–14 %, no further than unchanged cases moved (not confirmed by A/B)"
    assert words["21"] == "slower by 44–56 % (not confirmed by A/B)"


@pytest.mark.parametrize(
    ("old", "fingerprint", "expected"),
    [
        ({"ai-edge-litert": "2.1.0"}, {"ai-edge-litert": "2.3.0"}, "--old ai-edge-litert==2.1.0"),
        ({"threads": "1"}, {"threads": "2"}, "--old threads=1"),
        ({"page": "1b7a6ab5"}, {"page": "8516a803"}, "--old baseline"),
    ],
)
def test_the_reading_says_how_to_decide_it(old: dict[str, str], fingerprint: dict[str, str], expected: str) -> None:
    before = timed(1.0, samples_ns=(7, 8)).model_copy(update={"fingerprint": old})
    after = timed(1.2).model_copy(update={"fingerprint": fingerprint})
    (change,) = changes(run_of(after), run_of(before)).latencies
    assert ab_command(change) == f"harness ab {after.id} {expected}"
    assert latency_text(change, None).advice == ab_command(change)


def test_another_artifact_is_compared_with_the_accepted_one() -> None:
    before = updated(timed(1.0, samples_ns=(7, 8)))
    after = timed(1.2)
    assert after.artifact is not None
    artifact = after.artifact.model_copy(update={"digest": "0" * 64})
    (change,) = changes(run_of(after.model_copy(update={"artifact": artifact})), run_of(before)).latencies
    assert ab_command(change).endswith("--old baseline")


def test_the_side_that_is_advised_can_be_read_by_the_command() -> None:
    for words in ("ai-edge-litert==2.1.0", "threads=1", "baseline"):
        assert parse_side(words, {}).text == words


def test_latency_is_not_judged_where_it_cannot_be() -> None:
    other = Machine(**{**RECORD.machine.model_dump(), "id": "other", "cpu": "another"})
    moved = run_of(timed(2.0)).model_copy(update={"machine": other})
    found = changes(moved, run_of(timed(1.0)))
    assert [(change.reading, change.why) for change in found.latencies] == [("not judged", "the machines differ")]
    assert latency_text(found.latencies[0], None) == LatencyText("not judged: the machines differ")
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
    assert change.after_text == f"{change.after:,.0f} B"
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
