"""The summary: worst first, short, safe to post."""

from dataclasses import replace

from harness.exchange.markdown import MARK, MOST_ROWS, markdown


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ") and "|---" not in line][1:]


def test_it_begins_with_the_verdict(result):
    assert markdown(result).startswith(f"{MARK}\n\n## ✗ Harness gate: 4 of 6 cases failed\n")
    green = replace(result, verdicts=tuple(v for v in result.verdicts if v.passed))
    assert markdown(green).startswith(f"{MARK}\n\n## ✓ Harness gate: 2 cases, nothing is broken\n")


def test_the_worst_is_the_first_row_and_the_one_to_reproduce(result):
    text = markdown(result)
    assert rows(text)[0].startswith("| `m/float32/tflite/one` | `parity.runtime.sqnr_db` |")
    assert "harness run --model m --variant float32 --target tflite/one --fresh" in text


def test_every_row_has_three_cells_whatever_a_runtime_printed(result):
    for row in rows(markdown(result)):
        assert row.replace("\\|", "").count("|") == 4, row


def test_what_a_runtime_printed_stays_text(result):
    text = markdown(result)
    assert "<script" not in text
    assert "@everyone" not in text
    assert "\\*\\*bold\\*\\*" in text
    assert not [character for character in text if ord(character) < 32 and character != "\n"]


def test_many_failures_stay_a_short_comment(result):
    many = tuple(
        replace(verdict, case=verdict.case.model_copy(update={"model": f"model{number}"}))
        for number in range(500)
        for verdict in result.failed[:1]
    )
    text = markdown(replace(result, verdicts=many))
    assert len(rows(text)) == MOST_ROWS
    assert f"{500 - MOST_ROWS} more cases" in text
    assert len(text) < 65_536


def test_it_fits_a_comment_whatever_a_runtime_printed(result):
    """The API refuses a body of more than 65,536 characters, and with it the whole verdict."""
    verdict = result.failed[0]
    escapes = tuple(check.model_copy(update={"message": "&<" * 5000}) for check in verdict.checks)
    many = tuple(
        replace(verdict, checks=escapes, case=verdict.case.model_copy(update={"model": f"{number}" + "m" * 5000}))
        for number in range(500)
    )
    text = markdown(replace(result, verdicts=many, notices=("#@" * 5000,) * 100))
    assert len(text) < 65_536
    assert "more cases: see the dashboard" in text
    assert "… and 92 more" in text


def test_one_conversions_fault_on_many_targets_is_one_row(result):
    same = tuple(
        replace(result.failed[0], case=result.failed[0].case.model_copy(update={"target": f"tflite/{letter}"}))
        for letter in "abc"
    )
    assert len(rows(markdown(replace(result, verdicts=same)))) == 1
    assert "on 3 targets" in markdown(replace(result, verdicts=same))
