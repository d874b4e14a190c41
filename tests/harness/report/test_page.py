"""The file of the dashboard: what it holds, what it escapes, how it is written."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from markupsafe import escape

from harness.report import render, write
from harness.report.anchors import case_anchor
from harness.report.packing import pack, to_json, unpack
from harness.store.record import RunRecord

from .conftest import case_documents, views
from .sample_record import HOSTILE, sample_record


def test_a_page_of_370_cases_stays_small(record: RunRecord, tmp_path: Path) -> None:
    assert len(record.cases) > 350
    write(record, tmp_path / "index.html")
    assert (tmp_path / "index.html").stat().st_size < 2_000_000


def test_a_hundred_thousand_points_of_history_stay_small(file: Path) -> None:
    assert file.stat().st_size < 3_000_000


def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?(?:https?:)?//", text)
    assert "@import" not in text
    assert "default-src &#39;none&#39;" in text


def test_hostile_text_is_escaped(file: Path) -> None:
    assert HOSTILE not in file.read_text(encoding="utf-8")
    markup = views(file).values()
    assert not any(HOSTILE in view or "<script" in view.lower() for view in markup)
    assert any(str(escape(HOSTILE)) in view for view in markup)


@pytest.mark.parametrize("text", ["", "</script>", "<!-- <script>", "Größe 日本 🙂", "x" * 100_000])
def test_a_pack_gives_its_text_back_and_holds_no_markup(text: str) -> None:
    assert unpack(pack(text)) == text
    assert re.fullmatch(r"[A-Za-z0-9+/=]*", pack(text))


def test_figures_that_are_not_finite_are_null_for_a_browser() -> None:
    value = {"a": [1.5, math.nan], "b": (math.inf, {"c": -math.inf})}
    assert json.loads(to_json(value), parse_constant=pytest.fail) == {"a": [1.5, None], "b": [None, {"c": None}]}


def test_names_that_differ_in_odd_letters_alone_get_places_of_their_own(record: RunRecord) -> None:
    names = [case_anchor(record.cases[0].model_copy(update={"model": model})) for model in ("a b", "a_b", "a?b")]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9._/~-]+", name) for name in names)


def test_every_case_says_how_to_measure_it_again(file: Path) -> None:
    command = case_documents(file)["case/squared/tfjs/chromium-webgl/uint8"]["command"]
    assert command == "harness run --model squared --variant uint8 --target tfjs/chromium-webgl --fresh"


@pytest.mark.parametrize(
    "sparse",
    [
        sample_record(models=(), hostile=False),
        sample_record(models=["squared"], timed=False, hostile=False, interrupted=False),
        sample_record(models=["squared"]).model_copy(update={"models": (), "commit": None}),
    ],
    ids=["no case", "nothing timed", "no summary, no commit"],
)
def test_a_sparse_record_renders(sparse: RunRecord) -> None:
    assert sparse.id in render(sparse)
    assert sparse.id in render(sparse, previous=sample_record(models=["squared"]))


def test_a_failed_write_leaves_the_old_page(record: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.html"
    path.write_text("old")

    def fail(*_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("harness.report.page.render", fail)
    with pytest.raises(RuntimeError):
        write(record, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]
    assert path.read_text() == "old"
