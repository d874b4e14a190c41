"""The view of one case: what the record says of it, in words, drawn when it is gone to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from playwright.sync_api import expect

from harness.report import numbers, write
from harness.report.anchors import case_anchor
from harness.report.case_view import COMPARED, EDGES, case_document
from harness.report.packing import to_json
from harness.report.reproduce import reproduce
from harness.store.record import (
    CaseResult,
    Check,
    Interval,
    Latency,
    Measured,
    OperatorCost,
    OperatorTime,
    Outcome,
    RunRecord,
)

from .conftest import Opened
from .test_browsers import SHOWN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Open = Callable[..., Opened]


def case_of(record: RunRecord, name: str) -> CaseResult:
    return next(case for case in record.cases if case.id == name)


def table(page: Page, name: str) -> Locator:
    return page.locator(f"{SHOWN} table[data-table^='{name}']")


def facts(page: Page) -> dict[str, str]:
    pairs: list[tuple[str, str]] = page.evaluate(
        """() => [...document.querySelectorAll('.view:not([hidden]) .facts > div')]
            .map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])"""
    )
    return dict(pairs)


def test_a_rule_that_held_nothing_against_a_limit_and_has_something_to_say_is_no_tick(
    open_page: Open, record: RunRecord, tmp_path: Path
) -> None:
    case = case_of(record, "keyword_dscnn/int8/tflite/tflite-runtime")
    said = Check.make("latency.steady_state", "latency.state", passed=True, source="a paper", message="Not steady.")
    path = tmp_path / "noted.html"
    write(record.model_copy(update={"cases": (case.model_copy(update={"checks": (said,)}),)}), path)
    page = open_page(case_anchor(case), path).page
    assert table(page, "rules").locator("td.result").all_inner_texts() == ["• noted"]


def test_broken_rules_stand_first_with_their_margin(open_page: Open, record: RunRecord) -> None:
    case = case_of(record, "keyword_dscnn/int8/tflite/tflite-runtime")
    page = open_page(case_anchor(case)).page
    results = table(page, "rules").locator("td.result").all_inner_texts()
    assert results == sorted(results, key=lambda text: "held" in text)
    assert results[0] == "✗ broken"
    assert len(results) == len(case.checks)
    assert "beyond" in table(page, "rules").locator("tbody tr").first.inner_text()


def test_where_outputs_are_wrong_the_operator_at_fault_is_a_command_away(
    open_page: Open, record: RunRecord, tmp_path: Path
) -> None:
    right = next(case for case in record.cases if case.outcome is Outcome.PASSED)
    check = Check(rule="parity.runtime.sqnr_db", metric="y", measured=43.0, limit=80.0, passed=False, source="s")
    wrong = right.model_copy(update={"outcome": Outcome.FAILED, "checks": (check,)})
    for name, case in (("right", right), ("wrong", wrong)):
        write(record.model_copy(update={"cases": (case,)}), tmp_path / f"{name}.html")
    commands = f"{SHOWN} pre.command"
    page = open_page(case_anchor(right), tmp_path / "right.html").page
    expect(page.locator(commands)).to_have_text([reproduce(right)])
    page = open_page(case_anchor(wrong), tmp_path / "wrong.html").page
    expect(page.locator(commands)).to_have_text([f"harness locate {wrong.id} --edge runtime", reproduce(wrong)])


def test_every_edge_is_compared_in_words(open_page: Open, record: RunRecord) -> None:
    case = case_of(record, "keyword_dscnn/int8/tflite/tflite-runtime")
    assert case.parity
    page = open_page(case_anchor(case)).page
    rows = table(page, "comparisons").locator("tbody tr")
    assert rows.locator("th").all_inner_texts() == list(EDGES)
    errors = rows.locator("td:nth-child(3)").all_inner_texts()
    edges = (case.parity.conversion, case.parity.runtime, case.parity.end_to_end)
    assert errors == [numbers.error_text(edge) for edge in edges]
    headings = table(page, "comparisons").locator("thead th").all_text_contents()
    assert headings == ["Compared", "Output", *COMPARED]


def test_timing_sizes_and_origin_are_told_in_full(open_page: Open, record: RunRecord) -> None:
    case = next(case for case in record.cases if case.latency and case.artifact and case.measured.figures)
    assert case.latency
    assert case.artifact
    page = open_page(case_anchor(case)).page
    found = facts(page)
    assert found["Median"] == numbers.milliseconds(case.latency.median_ms)
    assert found["95 % interval"] == numbers.interval(case.latency.median_interval)
    for name, value in case.measured.figures.items():
        assert found[numbers.figure_name(name)].startswith(numbers.figure(name, value))
    assert case.artifact.digest[:16] in found["Artifact"]
    assert page.locator(f"{SHOWN} code[title='{case.key}']").count() == 1
    assert f"{len(case.latency.samples_ns):,} samples in order" in page.locator(f"{SHOWN} .sparkline").inner_text()


def test_a_case_that_never_ran_says_why_and_shows_no_figures(open_page: Open, record: RunRecord) -> None:
    case = next(case for case in record.cases if case.outcome is Outcome.UNAVAILABLE)
    page = open_page(case_anchor(case)).page
    expect(page.locator(f"{SHOWN} .reason")).to_have_text(case.reason)
    assert page.locator(f"{SHOWN} h2").all_inner_texts()[-2:] == ["Where it comes from", "Measure it again"]
    assert page.locator(f"{SHOWN} table").count() == 0


def test_only_the_costliest_of_many_operators_are_drawn(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    costs = tuple(OperatorCost(index=index, operator="ADD", instructions=index) for index in range(100))
    case = record.cases[0].model_copy(update={"measured": Measured(figures={"instructions": 1}, per_operator=costs)})
    write(record.model_copy(update={"cases": (case,)}), tmp_path / "one.html")
    page = open_page(case_anchor(case), tmp_path / "one.html").page
    expect(table(page, "operators").locator("tbody tr")).to_have_count(40)
    expect(page.locator(SHOWN)).to_contain_text("The 40 costliest of 100 operators.")


def test_where_the_time_goes_is_drawn_with_the_costliest_first(
    open_page: Open, record: RunRecord, tmp_path: Path
) -> None:
    timed = next(case for case in record.cases if case.latency is not None)
    times = (
        OperatorTime(operator="Softmax", shape="1×10", milliseconds=0.25),
        OperatorTime(operator="FusedConv2D", shape="1×8×8×16", count=2, milliseconds=0.75),
    )
    inside = {
        "per_operator": times,
        "kernel_ms": 0.875,
        "kernel_interval": Interval(low=0.85, high=0.9),
        "kernel_resolution_ns": 1024.0,
        "start_ms": 40.0,
        "compile_ms": 2.5,
        "upload_ms": 0.25,
    }
    case = timed.model_copy(update={"latency": cast(Latency, timed.latency).model_copy(update=inside)})
    write(record.model_copy(update={"cases": (case,)}), tmp_path / "one.html")
    page = open_page(case_anchor(case), tmp_path / "one.html").page
    rows = [row.split("\t") for row in table(page, "times").locator("tbody tr").all_inner_texts()]
    assert [(row[0], row[1], row[2], row[4].strip()) for row in rows] == [
        ("FusedConv2D", "1×8×8×16", "2", "75.0 %"),
        ("Softmax", "1×10", "1", "25.0 %"),
    ]
    seen = facts(page)
    for name, value in (
        ("Kernels, by the GPU's timers", 0.875),
        ("Step of these timers", 0.001024),
        ("Of it, compiling", 2.5),
        ("Laying weights and inputs into the GPU's memory", 0.25),
        ("Starting the runtime", 40.0),
    ):
        assert seen[name] == numbers.milliseconds(value)


def test_the_document_of_a_case_leaves_out_what_a_reader_never_sees(record: RunRecord) -> None:
    case = next(case for case in record.cases if case.latency and len(case.latency.samples_ns) > 300)
    document = json.loads(to_json(case_document(record, case, has_history=False, has_changes=True)))
    assert "samples_ns" not in document["latency"]
    assert document["line"]["samples"] > document["line"]["drawn"]
    assert (document["hasHistory"], document["hasChanges"]) == (False, True)
