"""What the sections of the page are computed from."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from harness.report import numbers
from harness.report.case_view import margin
from harness.report.matrix_view import matrix
from harness.report.microcontroller import MOST_OPERATORS, budgets
from harness.report.sparkline import MOST_POINTS, sparkline, thin
from harness.report.summary import verdict, warnings
from harness.report.trade_off import trade_offs
from harness.store.record import Check, Interval, Measured, OperatorCost, Outcome

from .sample_record import TARGETS, sample_record

RECORD = sample_record()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0 ms"), (0.0000005, "0.500 ns"), (0.0123, "12.3 µs"), (9.996, "10.0 ms"), (1234.0, "1.23 s")],
)
def test_durations_take_the_unit_that_fits(value: float, expected: str) -> None:
    assert numbers.milliseconds(value) == expected


def test_both_ends_of_an_interval_share_a_unit() -> None:
    assert numbers.interval(Interval(low=0.98, high=1.02)) == "980–1,020 µs"


@pytest.mark.parametrize(
    ("error", "expected"), [(0.0, "exact"), (1e-9, "< 0.01 ppm"), (3e-7, "0.30 ppm"), (0.0123, "1.2 %"), (2.0, "200 %")]
)
def test_errors_are_said_in_words(error: float, expected: str) -> None:
    assert numbers.error_share(error) == expected


def test_sizes_are_binary() -> None:
    assert [numbers.byte_size(size) for size in (12, 2048, 3 * 2**20)] == ["12 B", "2.00 KiB", "3.00 MiB"]


def check(measured: float | None, limit: float | None, passed: bool) -> Check:
    return Check(rule="r", metric="m", measured=measured, limit=limit, passed=passed, source="s")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (check(30, 20, True), "50 % inside"),
        (check(15, 20, False), "25 % beyond"),
        (check(1, 1, True), "exactly at the limit"),
        (check(3, 0, False), "3.00 beyond"),
        (check(None, None, False), "–"),
    ],
)
def test_the_margin_says_on_which_side_of_the_limit_a_figure_lies(given: Check, expected: str) -> None:
    assert margin(given) == expected


def test_verdicts() -> None:
    plain = sample_record(models=["hello_world"], hostile=False, interrupted=False)
    assert verdict(plain).tone == "good"
    assert "1 case could not be judged" in verdict(plain).headline
    unfinished = plain.model_copy(update={"status": "interrupted"})
    assert verdict(unfinished).tone == "open"
    one_failed = plain.cases[0].model_copy(update={"outcome": Outcome.FAILED})
    assert verdict(plain.model_copy(update={"cases": (one_failed,)})).headline == "1 of 1 case goes wrong"
    passed = plain.model_copy(update={"cases": plain.cases[:1]})
    assert verdict(passed).headline == "Every case passed"


def test_warnings_name_what_limits_trust() -> None:
    text = " ".join(warnings(RECORD))
    for word in ("interrupted", "busy", "mcu/renode-cortex-m4", "never became steady"):
        assert word in text
    quiet = sample_record(models=["hello_world"], hostile=False, interrupted=False)
    hardware = tuple(case for case in quiet.cases if not case.simulated)
    quiet = quiet.model_copy(update={"cases": hardware})
    assert warnings(quiet) == []
    assert "cannot be repeated" in warnings(quiet.model_copy(update={"commit": "abc+changes"}))[0]


def test_what_did_not_run_or_was_not_timed_limits_no_trust() -> None:
    missing = tuple(
        case.model_copy(update={"outcome": Outcome.UNAVAILABLE, "latency": None}) if case.simulated else case
        for case in RECORD.cases
    )
    assert not any("renode" in warning for warning in warnings(RECORD.model_copy(update={"cases": missing})))
    untimed = tuple(case.model_copy(update={"latency": None}) for case in RECORD.cases)
    assert not any("busy" in warning for warning in warnings(RECORD.model_copy(update={"cases": untimed})))
    reused = tuple(case.model_copy(update={"reused_from": "an earlier run"}) for case in RECORD.cases)
    assert not any("busy" in warning for warning in warnings(RECORD.model_copy(update={"cases": reused})))


def test_the_matrix_keeps_families_together_and_shows_the_worst() -> None:
    mixed = tuple(sorted(RECORD.cases, key=lambda case: case.target.split("/")[1]))
    table = matrix(RECORD.model_copy(update={"cases": mixed}))
    assert sum(width for _, width in table.families) == len(table.columns) == len(TARGETS)
    families = [column.family for column in table.columns]
    assert len(families) - 1 - sum(a == b for a, b in pairwise(families)) == 2
    row = next(row for row in table.rows if row.model == "keyword_dscnn")
    cell = next(cell for cell in row.cells if cell and cell.target == "tflite/tflite-runtime")
    assert (cell.outcome, cell.alike, len(cell.cases)) == (Outcome.FAILED, 1, 6)


def test_thinning_keeps_every_peak() -> None:
    samples = np.ones(10_000)
    samples[[17, 5_000]] = 9.0
    kept = thin(samples, MOST_POINTS)
    assert len(kept) <= MOST_POINTS
    assert {17, 5_000} <= set(kept.tolist())


def test_the_sparkline_says_what_it_left_out() -> None:
    timing = next(case.latency for case in RECORD.cases if case.latency)
    line = sparkline(timing)
    assert line is not None
    assert line.drawn <= MOST_POINTS < line.samples
    assert line.above > 0
    assert sparkline(timing.model_copy(update={"samples_ns": (5,)})) is None


def test_one_point_per_file_however_many_targets_ran_it() -> None:
    points = trade_offs(case for case in RECORD.cases if case.model == "digits_cnn")
    assert len(points) == 9
    assert next(point for point in points if point.variant == "int8").families == ("tflite", "mcu")


def test_very_long_lists_of_operators_keep_the_costliest_in_order() -> None:
    costs = tuple(OperatorCost(index=index, operator="ADD", instructions=index) for index in range(100))
    case = RECORD.cases[0].model_copy(update={"measured": Measured(figures={"instructions": 1}, per_operator=costs)})
    (budget,) = budgets(RECORD.model_copy(update={"cases": (case,)}))
    assert budget.operators == 100
    assert [bar.cost.index for bar in budget.bars] == list(range(100 - MOST_OPERATORS, 100))


def test_a_narrow_interval_gets_the_digits_it_needs() -> None:
    assert numbers.interval(Interval(low=0.17012, high=0.17044)) == "170.1–170.4 µs"
    assert numbers.interval(Interval(low=1.0, high=1.0)) == "1.00–1.00 ms"
