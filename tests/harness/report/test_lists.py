"""Long tables as data: what a line holds for the case, the CSV and the eye."""

from __future__ import annotations

from harness.report.changes import changes
from harness.report.lists import CASE_COLUMNS, cases, changed, figure
from harness.store.record import SteadyState

from .sample_record import previous_of, sample_record

RECORD = sample_record()
TOLD_BY_THE_CASE = {"model", "target", "variant", "outcome", "case"}


def test_a_line_has_a_cell_for_each_column_that_the_case_does_not_tell() -> None:
    for document in (cases(RECORD), *changed(changes(RECORD, previous_of(RECORD)))):
        expected = 1 + sum(column["kind"] not in TOLD_BY_THE_CASE for column in document["columns"])
        assert {len(line) for line in document["lines"]} <= {expected}


def test_every_case_has_a_line_with_its_figures_unrounded() -> None:
    lines = cases(RECORD)["lines"]
    assert [line[0] for line in lines] == list(range(len(RECORD.cases)))
    for case, (_, median, interval, _, _, size, reason) in zip(RECORD.cases, lines, strict=True):
        assert reason == case.reason
        assert (size[0] if size else None) == (case.artifact.bytes if case.artifact else None)
        if case.latency:
            assert median[0] == case.latency.median_ms
            assert [float(end) for end in interval[0].split("|")] == list(
                case.latency.median_interval.model_dump().values()
            )
            assert (len(median) == 3) is (case.latency.state is SteadyState.NONE)
        else:
            assert median is interval is None


def test_what_is_known_in_words_alone_has_no_value() -> None:
    assert figure(None, "NaN or infinity") == ["", "NaN or infinity"]
    assert figure(float("nan"), "nan ms") == ["", "nan ms"]
    assert figure(None, "–") is None
    assert figure(0.0, "exact") == [0.0, "exact"]


def test_columns_that_share_a_cell_are_named_one_by_one() -> None:
    assert next(column for column in CASE_COLUMNS if len(column.names) > 1).names == ("median_low_ms", "median_high_ms")


def test_a_case_that_is_gone_brings_its_own_names() -> None:
    before = previous_of(RECORD)
    found = changed(changes(RECORD, before))
    one_sided = next(document for document in found if document["name"] == "new and gone cases")
    (gone,) = [line[0] for line in one_sided["lines"] if isinstance(line[0], list)]
    assert "/".join(gone[:3]) in {case.id for case in before.cases} - {case.id for case in RECORD.cases}
