"""Long tables as data: what a line holds for the case, the CSV and the eye."""

from __future__ import annotations

from harness.report.changes import changes
from harness.report.lists import CASE_COLUMNS, cases, changed, figure, figures
from harness.report.model_lists import choice, targets
from harness.report.model_view import model_views
from harness.store.record import SteadyState

from .sample_record import previous_of, sample_record

RECORD = sample_record()
FIGURES = {case.id: figures(case) for case in RECORD.cases}
PLACES = {case.id: index for index, case in enumerate(RECORD.cases)}
TOLD_BY_THE_CASE = {"model", "target", "variant", "outcome", "case"}


def test_a_line_has_a_cell_for_each_column_that_the_case_does_not_tell() -> None:
    of_models = [
        document
        for model in model_views(RECORD)
        for document in (targets(model, PLACES, FIGURES, [RECORD.cases[0].id]), choice(model, PLACES))
    ]
    for document in (cases(RECORD, FIGURES), *changed(changes(RECORD, previous_of(RECORD))), *of_models):
        expected = 1 + sum(column["kind"] not in TOLD_BY_THE_CASE for column in document["columns"])
        assert {len(line) for line in document["lines"]} <= {expected}


def test_every_case_has_a_line_with_its_figures_unrounded() -> None:
    lines = cases(RECORD, FIGURES)["lines"]
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


def test_the_targets_of_a_model_lead_to_their_history_where_there_is_one() -> None:
    model = next(view for view in model_views(RECORD) if view.name == "digits_cnn")
    known = model.cases[2].id
    found = targets(model, PLACES, FIGURES, {known})
    assert [line[-1] is not None for line in found["lines"]] == [case.id == known for case in model.cases]
    assert found["columns"][-1]["title"] == "History"
    assert "History" not in {column["title"] for column in targets(model, PLACES, FIGURES, set())["columns"]}


def test_the_choice_of_a_model_says_why_a_case_is_not_on_the_front() -> None:
    model = next(view for view in model_views(RECORD) if view.name == "digits_cnn")
    shown = {line[0]: line[1] for line in choice(model, PLACES)["lines"]}
    assert {shown[PLACES[one.case.id]][0] == "yes" for one in model.candidates if one.on_front} == {True}
    assert {shown[PLACES[one.case.id]][1] for one in model.candidates if one.barred} >= {"no: simulated"}
