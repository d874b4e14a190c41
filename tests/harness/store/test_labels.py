"""Labels: kept, mergeable, and harmless when damaged."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store.index.database import Database
from harness.store.labels import Label, LabelFiles, LabelTable, label_of

LABEL = Label("digits", "int8", "tflite/litert", "latency.median_ms", "laptop", "", "run", 1.0, 1, "noise", "why", 2.0)


def test_labels_come_back_oldest_first_and_each_once(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    later = replace(LABEL, kind="fixed", created=3.0)
    for label in (later, LABEL, LABEL):
        files.put(label)
    assert files.of("digits") == [LABEL, later]
    assert files.of("other") == []
    assert len(files.of(None)) == 2


def test_the_table_does_the_same(database: Database) -> None:
    table = LabelTable(database)
    later = replace(LABEL, kind="fixed", created=3.0)
    for label in (later, LABEL, LABEL):
        table.put(label)
    assert table.of("digits") == [LABEL, later]
    assert table.of("other") == []


def test_a_damaged_label_is_left_out(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    files.put(LABEL)
    (files.folder / "damaged.json").write_text("{")
    assert files.of(None) == [LABEL]


@pytest.mark.parametrize("text", ["{}", "[]", "7", LABEL.text().replace("noise", "unknown")])
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(HarnessError):
        label_of(text)
