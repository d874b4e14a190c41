"""The chart library and the drawings are made once a machine, and read after that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.paths import ENVIRONMENTS_VARIABLE
from harness.report import chart_kit as kits
from harness.report.assets import script_hash
from harness.report.packing import unpack

CODE = (
    "import sys; from harness.report.chart_kit import chart_kit; kit = chart_kit();"
    "print(kit.library_hash, bool({'altair', 'vl_convert'} & set(sys.modules)))"
)


@pytest.fixture(scope="module")
def made() -> kits.ChartKit:
    """A kit made anew: three seconds of processor."""
    return kits._make()


@pytest.fixture
def makes(made: kits.ChartKit, monkeypatch: pytest.MonkeyPatch) -> list[kits.ChartKit]:
    """The kits made during a test, each of which is the one made before."""
    makes: list[kits.ChartKit] = []

    def make() -> kits.ChartKit:
        makes.append(made)
        return made

    monkeypatch.setattr(kits, "_make", make)
    return makes


@pytest.fixture
def kept(makes: list[kits.ChartKit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for what projects share."""
    folder = tmp_path / "kept"
    monkeypatch.setenv(ENVIRONMENTS_VARIABLE, str(folder))
    kits.chart_kit.cache_clear()
    yield folder
    kits.chart_kit.cache_clear()


@pytest.mark.long
def test_the_second_time_needs_no_chart_library(kept: Path) -> None:
    kit = kits.chart_kit()
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert found.split() == [kit.library_hash, "False"]


def test_the_kit_holds_the_library_that_its_hash_names_and_every_drawing(made: kits.ChartKit) -> None:
    content = json.loads(unpack(made.packed))
    assert script_hash(content["library"]) == made.library_hash
    assert set(content["drawings"]) == {"latency", "trade-off", "sizes", "history"}


@pytest.mark.long
def test_a_kit_made_again_is_the_same(made: kits.ChartKit) -> None:
    assert kits._make() == made


@pytest.mark.parametrize("damage", [lambda text: text[:-40], lambda text: text.replace("A", "B", 1), lambda _: "[]"])
def test_a_damaged_kit_is_made_again(kept: Path, makes: list[kits.ChartKit], damage: object) -> None:
    kit = kits.chart_kit()
    (file,) = kept.iterdir()
    assert callable(damage)
    file.write_text(damage(file.read_text()))
    kits.chart_kit.cache_clear()
    assert kits.chart_kit() == kit
    assert len(makes) == 2
    assert [entry.name for entry in kept.iterdir()] == [file.name]


def test_a_cache_that_cannot_be_written_is_done_without(kept: Path, made: kits.ChartKit) -> None:
    kept.write_text("a file where the folder should be")
    assert kits.chart_kit() == made


def test_another_version_of_a_library_has_a_kit_of_its_own(
    kept: Path, makes: list[kits.ChartKit], monkeypatch: pytest.MonkeyPatch
) -> None:
    kits.chart_kit()
    kits.chart_kit.cache_clear()
    monkeypatch.setattr(kits, "version", lambda name: "99.0")
    kits.chart_kit()
    assert len(list(kept.iterdir())) == len(makes) == 2
