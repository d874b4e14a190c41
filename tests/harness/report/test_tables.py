"""The tables in the terminal."""

from __future__ import annotations

import io
import subprocess
import sys

from rich.console import Console, RenderableType

from harness.report.tables import compare, show

from .sample_record import HOSTILE, sample_record


def text_of(renderable: RenderableType, width: int = 160) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_show_starts_with_the_verdict_and_puts_the_worst_first() -> None:
    text = text_of(show(sample_record(hostile=False)))
    assert text.startswith("✗ 5 of 369 cases go wrong")
    assert text.index("✗ Failed") < text.index("☇ Crashed") < text.index("⊘ Unsupported") < text.index("○ Unavailable")


def test_equal_endings_are_one_line() -> None:
    assert text_of(show(sample_record())).count("○ Unavailable") == 1


def test_square_brackets_are_no_markup() -> None:
    record = sample_record(models=["squared"])
    case = record.cases[0].model_copy(update={"outcome": "failed", "reason": "see [bold]this[/bold] [/nonsense]"})
    text = text_of(show(record.model_copy(update={"cases": (case,)})))
    assert "[bold]this[/bold] [/nonsense]" in text


def test_an_empty_run_is_no_success() -> None:
    text = text_of(show(sample_record(models=(), hostile=False, interrupted=False)))
    assert text.startswith("! Nothing was measured")


def test_compare_marks_what_must_not_be_compared() -> None:
    text = text_of(compare(sample_record(), "image_resnet8"))
    webgl = [line for line in text.splitlines() if "chromium-webgl" in line]
    assert webgl
    assert all("simulated" in line for line in webgl)
    assert sum("never steady" in line for line in text.splitlines()) == 1
    assert "NaN or infinity" in text


def test_compare_says_when_there_is_no_such_model() -> None:
    assert "no case of the model nonsense" in text_of(compare(sample_record(models=["squared"]), "nonsense"))


def test_the_tables_do_not_wait_for_the_libraries_of_the_page() -> None:
    code = (
        "import sys, harness.report, harness.report.tables;"
        "sys.exit(bool({'altair', 'jinja2', 'rich', 'vl_convert'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_narrow_terminals_lose_no_name() -> None:
    text = text_of(compare(sample_record(), "squared"), width=80)
    assert "tflite/litert-reference" in text
    assert HOSTILE not in text


def test_instructions_stand_beside_each_other_and_what_is_not_exact_is_marked() -> None:
    record = sample_record(models=["squared"])
    first, second = (
        case.model_copy(
            update={"measured": case.measured.model_copy(update={"figures": {"instructions": count}, "exact": exact})}
        )
        for case, count, exact in zip(record.cases, (710_690, 757_123), (("instructions",), ()), strict=False)
    )
    text = text_of(compare(record.model_copy(update={"cases": (first, second)}), "squared"), width=200)
    assert " 710,690" in text
    assert "≈ 757,123" in text


def test_cycles_of_a_board_have_a_column_of_their_own() -> None:
    record = sample_record(models=["squared"])
    measured = record.cases[0].measured.model_copy(update={"figures": {"cycles": 81_223}, "exact": ()})
    case = record.cases[0].model_copy(update={"measured": measured})
    text = text_of(compare(record.model_copy(update={"cases": (case,)}), "squared"), width=200)
    assert "Cycles" in text
    assert "≈ 81,223" in text
    assert "Instructions" not in text


def test_without_a_counter_there_is_no_column_of_instructions() -> None:
    record = sample_record(models=["squared"])
    plain = record.cases[0].model_copy(update={"measured": type(record.cases[0].measured)()})
    assert "Instructions" not in text_of(compare(record.model_copy(update={"cases": (plain,)}), "squared"))
