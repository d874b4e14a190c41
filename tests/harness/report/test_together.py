"""One artifact that changed is one line, however many targets ran it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from harness.report import write
from harness.report.anchors import history_anchor
from harness.report.changes import changes
from harness.report.history_data import HistoryData
from harness.report.lists import changed
from harness.store.record import RunRecord

from .conftest import Opened
from .sample_history import sample_history
from .sample_record import sample_record
from .test_browsers import SHOWN, saved

Open = Callable[..., Opened]

TARGETS = ("tflite/litert-xnnpack", "tflite/tflite-runtime", "mcu/renode-cortex-m4")


def of_one_artifact(record: RunRecord) -> HistoryData:
    """The size of one artifact on three targets, of which one saw another runtime at the same time; and a series that
    never moved."""
    document = sample_history(record, points=40_000).document
    grown = next(one for one in document["series"] if one["metric"] == "artifact_bytes" and one["changes"])
    named = {"model": "digits_cnn", "variant": "int8"}
    series: list[dict[str, Any]] = [grown | named | {"target": target} for target in TARGETS]
    cause = {"name": "emulator", "before": "1.15", "after": "1.16"}
    own = [{**grown["changes"][0], "differences": [*grown["changes"][0]["differences"], cause]}]
    series.append(grown | named | {"target": "mcu/qemu-cortex-m3", "changes": own})
    still = {"variant": "float32", "target": TARGETS[0], "values": [94200] * len(grown["values"]), "changes": []}
    series.append(grown | named | still)
    return HistoryData(document | {"series": series})


def opened(open_page: Open, record: RunRecord, folder: Path, place: str) -> Any:
    path = folder / "together.html"
    write(record, path, history=of_one_artifact(record))
    return open_page(place, path).page


def test_a_change_of_one_artifact_is_one_line_that_names_its_targets(
    open_page: Open, record: RunRecord, tmp_path: Path
) -> None:
    page = opened(open_page, record, tmp_path, "history")
    lines = page.locator("[data-table=changes] tbody tr")
    expect(lines).to_have_count(2)
    line = lines.filter(has_text="on 3 targets")
    line.locator("summary").click()
    assert line.locator("li a").all_inner_texts() == list(TARGETS)
    line.locator("li a").nth(1).click()
    expect(page.locator(f"{SHOWN} h1")).to_have_text(f"History of digits_cnn as int8 on {TARGETS[1]}")


def test_the_filter_keeps_its_targets_alone(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    page = opened(open_page, record, tmp_path, "history?text=tflite")
    lines = page.locator("[data-table=changes] tbody tr")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("on 2 targets")
    page.fill("#filter [name=text]", "renode")
    expect(lines).to_contain_text("digits_cnn int8 on mcu/renode-cortex-m4")


def test_the_csv_names_every_target(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    page = opened(open_page, record, tmp_path, "history")
    rows = list(csv.DictReader(io.StringIO(saved(page))))
    assert sorted(row["case"] for row in rows) == [
        "digits_cnn/int8/mcu/qemu-cortex-m3",
        f"digits_cnn/int8/{' '.join(TARGETS)}",
    ]


def test_the_axis_of_a_figure_that_never_moved_has_its_value_alone(
    open_page: Open, record: RunRecord, tmp_path: Path
) -> None:
    page = opened(open_page, record, tmp_path, "history/digits_cnn/tflite/litert-xnnpack/float32")
    labels = page.locator(f"{SHOWN} .chart .role-axis-label text")
    labels.first.wait_for()
    assert [text for text in labels.all_text_contents() if "B" in text] == ["92.0 KiB"]


def test_a_series_of_one_run_has_its_day_on_the_axis(open_page: Open, record: RunRecord, tmp_path: Path) -> None:
    document = sample_history(record, points=4_000).document
    first = document["series"][0]
    cut = {name: first[name][:1] for name in ("runs", "values", "low", "high")}
    path = tmp_path / "one.html"
    write(record, path, history=HistoryData(document | {"series": [first | cut | {"points": 1, "changes": []}]}))
    page = open_page(history_anchor(first["model"], first["target"], first["variant"]), path).page
    labels = page.locator(f"{SHOWN} .chart .role-axis-label text")
    labels.first.wait_for()
    assert "2025-03-03 11:06 UTC" in labels.all_text_contents()
    expect(page.locator(f"{SHOWN} .series")).to_contain_text("· 1 run ·")


def test_an_exact_figure_that_changed_alike_on_several_targets_is_one_line() -> None:
    record = sample_record(models=["digits_cnn"], hostile=False)

    def grown(size: int) -> RunRecord:
        cases = tuple(
            case.model_copy(update={"artifact": case.artifact.model_copy(update={"bytes": size})})
            if case.artifact and case.variant == "int8"
            else case
            for case in record.cases
        )
        return record.model_copy(update={"cases": cases})

    found = changed(changes(grown(2000), grown(1000)))
    (line,) = next(document for document in found if document["name"] == "changed figures")["lines"]
    shown = [record.cases[place] for place in line[0]]
    assert {case.target for case in shown} == {
        case.target for case in record.cases if case.variant == "int8" and case.artifact
    }
    assert line[1] == "Artifact"
