"""The history that a page is given: from the index, and in words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from harness.report import write
from harness.report.anchors import history_anchor
from harness.report.history_data import HistoryData, history_of, recent_changes
from harness.store.index.database import INDEX_FILE
from harness.store.index.folder import FolderIndex
from harness.store.runs import RunStore

from .conftest import packs
from .sample_history import sample_history
from .sample_record import sample_record

RECORD = sample_record(models=["digits_cnn", "squared"], hostile=False)


def test_changes_of_one_run_are_one_line_with_the_largest() -> None:
    history = sample_history(RECORD, points=40_000)
    first, *rest = recent_changes(history, most=9)
    assert (first.worse, first.up, first.words) == (True, True, "+20 % (+19 to +21 %)")
    assert first.more > 10
    assert first.causes.endswith("litert 2.1.0 → 2.2.0")
    assert any(not change.worse for change in rest)


def test_noise_is_no_news() -> None:
    history = sample_history(RECORD, points=4_000)
    for one in history.series:
        for change in one["changes"]:
            change["label"] = {"kind": "noise", "note": "", "created": 0.0}
    assert recent_changes(history) == []


def test_the_page_is_given_series_by_the_place_of_their_case() -> None:
    history = sample_history(RECORD, points=4_000)
    compact = history.compact()
    place = history_anchor("digits_cnn", "tflite/litert-xnnpack", "float32")
    assert compact["names"][place] == [
        "digits_cnn",
        "float32",
        "tflite/litert-xnnpack",
    ]
    assert compact["shown"] == sum(len(one["values"]) for one in history.series) < compact["points"]
    assert "model" not in compact["cases"][place][0]


def test_no_index_is_no_history(tmp_path: Path) -> None:
    assert history_of(RECORD, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_index_beside_the_records_gives_the_history(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for day in range(3):
        started = RECORD.started + timedelta(days=day)
        store.write(RECORD.model_copy(update={"id": f"2026031{day}T000000Z-0000000{day}", "started": started}))
    assert history_of(RECORD, tmp_path) is None
    FolderIndex(tmp_path).synchronise()
    history = history_of(RECORD, tmp_path)
    assert isinstance(history, HistoryData)
    assert "digits_cnn/int8/tflite/litert-xnnpack" in history.cases()
    assert "digits_cnn/int8/mcu/renode-cortex-m4" in history.cases()
    write(RECORD, tmp_path / "page.html", history=history)
    assert (
        history_anchor("digits_cnn", "tflite/litert-xnnpack", "int8")
        in packs(tmp_path / "page.html")["history"]["history"]["cases"]
    )


def test_a_damaged_index_is_named_and_the_page_does_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / INDEX_FILE).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert history_of(RECORD, tmp_path) is None
    assert "the dashboard has no history" in capsys.readouterr().err
