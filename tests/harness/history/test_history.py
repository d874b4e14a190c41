"""The history of a case: its series, what differs where it changes, and labels that stay."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness.cli.history_chart import chart
from harness.cli.main import app
from harness.errors import HarnessError
from harness.history.case_history import History, NothingFound, find_change, histories, new_label
from harness.history.compact import _rounded, thinned
from harness.history.document import history_document, page_document
from harness.history.metrics import METRICS, metric
from harness.history.summaries import FEWEST_POINTS
from harness.store.index.database import INDEX_FILE
from harness.store.index.folder import FolderIndex
from harness.store.index.tables import FIGURES
from harness.store.labels import LabelFiles
from harness.store.record import SteadyState
from harness.store.runs import RunStore
from tests.harness.store.records import make_case, make_record

MEDIANS = np.exp(np.random.default_rng(4).normal(0.0, 0.01, 60))
MEDIANS[30:] *= 1.2


@pytest.fixture(scope="module")
def sixty_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """On day 30 the runtime, the converter and the commit change, latency rises by a fifth, and the artifact grows by
    100 bytes."""
    results = tmp_path_factory.mktemp("sixty") / "results"
    write(results, range(60))
    index = FolderIndex(results)
    index.synchronise()
    index.database.close()
    return results


@pytest.fixture
def results(sixty_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose results are those sixty days, in its index as well."""
    monkeypatch.delenv("HARNESS_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").touch()
    return shutil.copytree(sixty_days, tmp_path / "results")


def write(results: Path, days: range) -> None:
    for day in days:
        late = day >= 30
        case = make_case(
            median_ms=float(MEDIANS[day % 60]),
            measured_on=day,
            size=1100 if late else 1000,
            fingerprint={"runtime": "litert 2.2.0" if late else "litert 2.1.0", "threads": "1"},
            converter="2.20.0" if late else "2.19.0",
        )
        RunStore(results).write(make_record(day, case, commit=("b" if late else "a") * 40))


def read(results: Path, name: str = "latency.median_ms", **names: str) -> list[History]:
    index = FolderIndex(results)
    index.synchronise()
    return histories(index.database, LabelFiles(results), **{"model": "digits", **names}, metrics=(name,))


class TestChanges:
    def test_a_change_names_its_two_runs_its_size_and_what_differs(self, results: Path) -> None:
        (history,) = read(results)
        (change,) = history.changes
        assert (change.before.id, change.after.id) == (make_record(29).id, make_record(30).id)
        assert change.step.low < 0.2 < change.step.high
        assert change.worse
        found = {(one.kind, one.name, one.before, one.after) for one in change.differences}
        assert found >= {
            ("commit", "commit", "a" * 40, "b" * 40),
            ("runtime", "runtime", "litert 2.1.0", "litert 2.2.0"),
            ("converter", "tensorflow", "2.19.0", "2.20.0"),
        }
        assert {one.kind for one in change.differences} == {"commit", "runtime", "converter", "artifact"}

    def test_a_deterministic_figure_is_an_exact_step(self, results: Path) -> None:
        (history,) = read(results, "artifact_bytes")
        (change,) = history.changes
        assert change.after.id == make_record(30).id
        assert (change.step.before, change.step.after, change.step.p_value) == (1000, 1100, None)

    def test_a_browser_that_was_updated_is_named_as_such(self, tmp_path: Path) -> None:
        for day, version in enumerate(("155", "156")):
            case = make_case("tfjs/wasm", size=1000 + day, fingerprint={"browser": version, "backend": "wasm"})
            RunStore(tmp_path).write(make_record(day, case))
        (history,) = read(tmp_path, "artifact_bytes")
        assert ("browser", "155", "156") in {(o.kind, o.before, o.after) for o in history.changes[0].differences}

    def test_another_machine_is_another_series_for_times_and_a_difference_for_sizes(self, tmp_path: Path) -> None:
        for day in range(12):
            machine = "laptop" if day < 6 else "server"
            case = make_case(median_ms=1.0 if day < 6 else 2.0, measured_on=day, size=1000 if day < 6 else 1001)
            RunStore(tmp_path).write(make_record(day, case, machine=machine))
        assert [(one.series.key.machine, one.changes) for one in read(tmp_path)] == [("laptop", ()), ("server", ())]
        (sizes,) = read(tmp_path, "artifact_bytes")
        assert ("machine", "laptop", "server") in {
            (one.name, one.before, one.after) for one in sizes.changes[0].differences
        }

    def test_another_environment_is_another_series(self, tmp_path: Path) -> None:
        for day in range(4):
            case = make_case(measured_on=day, fingerprint={"runtime": "litert", "threads": str(1 + day % 2)})
            RunStore(tmp_path).write(make_record(day, case))
        assert [one.series.key.environment for one in read(tmp_path)] == ["threads=1", "threads=2"]

    def test_an_improvement_is_not_called_worse(self, tmp_path: Path) -> None:
        for day, sqnr in enumerate((30.0, 40.0)):
            RunStore(tmp_path).write(make_record(day, make_case(sqnr_db=sqnr)))
        (history,) = read(tmp_path, "conversion.sqnr_db")
        assert not history.changes[0].worse

    def test_reused_measurements_are_one_point_and_unsteady_ones_none(self, tmp_path: Path) -> None:
        for day in range(6):
            state = SteadyState.NONE if day == 5 else SteadyState.FLAT
            RunStore(tmp_path).write(make_record(day, make_case(measured_on=day // 2, state=state)))
        (history,) = read(tmp_path)
        assert [run.id for run in history.series.runs] == [make_record(day).id for day in (0, 2, 4)]
        assert (history.series.repeated, history.series.unsteady) == (3, 1)

    def test_a_target_s_own_figure_has_a_history_too(self, tmp_path: Path) -> None:
        for day in range(3):
            RunStore(tmp_path).write(make_record(day, make_case(figures={"own_bytes": 5 + day})))
        (history,) = read(tmp_path, "own_bytes")
        assert history.series.values.tolist() == [5, 6, 7]

    def test_what_was_computed_once_is_not_computed_again(self, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = read(results)

        def fails(values: object) -> None:
            raise AssertionError

        monkeypatch.setattr("harness.history.change_point_cache.noisy_steps", fails)
        assert read(results)[0].changes == first[0].changes

    @pytest.mark.parametrize("name", ["nothing", "dig*x"])
    def test_a_model_that_is_not_there_is_one_sentence_with_those_that_are(self, results: Path, name: str) -> None:
        with pytest.raises(NothingFound, match="it holds digits"):
            read(results, model=name)

    def test_a_metric_that_is_none_is_one_sentence(self) -> None:
        with pytest.raises(HarnessError, match=r"no metric 'Nope!'; there are latency\.median_ms"):
            metric("Nope!")

    def test_every_metric_has_its_column(self) -> None:
        assert {one.column for one in METRICS.values()} == set(FIGURES) - {"latency_low_ms", "latency_high_ms"}


class TestLabels:
    def put(self, results: Path, kind: str, created: float) -> None:
        series, change = find_change(read(results), read(results)[0].changes[0].id[:6])
        LabelFiles(results).put(new_label(series, change, kind, "seen", created))

    def kind(self, results: Path) -> str | None:
        label = read(results)[0].changes[0].label
        return label.kind if label else None

    def test_the_newest_counts_and_none_takes_it_back(self, results: Path) -> None:
        self.put(results, "noise", 1.0)
        self.put(results, "accepted", 2.0)
        assert self.kind(results) == "accepted"
        self.put(results, "none", 3.0)
        assert self.kind(results) is None

    def test_it_stays_when_the_index_is_made_again(self, results: Path) -> None:
        self.put(results, "fixed", 1.0)
        FolderIndex(results).rebuild()
        assert self.kind(results) == "fixed"

    def test_it_stays_when_later_runs_move_the_change_a_little(self, results: Path) -> None:
        self.put(results, "fixed", 1.0)
        RunStore(results).paths()[30].unlink()
        assert read(results)[0].changes[0].after.id != make_record(30).id
        assert self.kind(results) == "fixed"

    def test_a_change_the_other_way_is_not_labelled_by_it(self, results: Path) -> None:
        self.put(results, "fixed", 1.0)
        (label,) = LabelFiles(results).of(None)
        assert label.direction == 1
        (results / "labels" / f"{label.id}.json").write_text(label.text().replace('"direction": 1', '"direction": -1'))
        assert self.kind(results) is None


class TestThinning:
    def test_extremes_ends_and_changes_stay(self) -> None:
        values = np.sin(np.arange(1000.0))
        values[[123, 777]] = 5.0, -5.0
        places = thinned(values, 50, keep=[500])
        assert {0, 123, 499, 500, 777, 999} <= set(places)
        assert len(places) <= 54
        assert places == sorted(places)

    def test_a_short_series_stays_whole(self) -> None:
        assert thinned(np.arange(10.0), 10) == list(range(10))


class TestDocuments:
    def test_places_of_changes_are_those_of_the_runs(self, results: Path) -> None:
        document = history_document(read(results)[0])
        (change,) = document["changes"]
        assert document["runs"][change["place"]] == change["after"]["id"]
        assert len(document["values"]) == len(document["low"]) == document["points"] == 60
        json.dumps(document, allow_nan=False)

    def test_a_page_is_thinned_within_its_limit_and_keeps_changes(self, results: Path) -> None:
        index = FolderIndex(results)
        index.synchronise()
        document = page_document(index.database, LabelFiles(results), metrics=("latency.median_ms",), limit=40)
        (series,) = document["series"]
        (change,) = series["changes"]
        assert series["points"] == 60
        assert len(series["values"]) <= 44
        runs = [document["runs"][place]["id"] for place in series["runs"]]
        assert runs[change["at"]] == document["runs"][change["after"]]["id"] == make_record(30).id
        json.dumps(document, allow_nan=False)

    def test_figures_have_as_many_digits_as_they_can_mean(self) -> None:
        values = np.array([0.0, 1.23456789, -1234567.89, 9.9999996e-5, 5e-324, np.nan, np.inf, 2.5e20])
        expected = [0.0, 1.23457, -1234570.0, 0.0001, 0.0, None, None, 2.5e20]
        assert _rounded(values, range(len(values)), 6) == expected

    def test_what_has_no_room_is_named(self, results: Path) -> None:
        index = FolderIndex(results)
        index.synchronise()
        document = page_document(
            index.database, LabelFiles(results), metrics=("latency.median_ms", "artifact_bytes"), limit=FEWEST_POINTS
        )
        assert [one["metric"] for one in document["series"]] == ["latency.median_ms"]
        assert document["left_out"] == [{"metric": "artifact_bytes", "model": "digits"}]

    def test_an_empty_index_gives_an_empty_page(self, tmp_path: Path) -> None:
        document = page_document(FolderIndex(tmp_path).database, LabelFiles(tmp_path))
        assert (document["series"], document["runs"]) == ([], [])


class TestChart:
    def test_levels_and_the_change_are_drawn_without_control_codes(self, results: Path) -> None:
        drawn = chart(read(results)[0], width=60, height=8)
        lines = drawn.splitlines()
        assert len(lines) == 10
        assert sum("│" in line for line in lines) >= 4
        assert lines[-2].strip() == "A"
        assert lines[-1].split() == ["2026-03-01", "2026-04-29"]
        assert "\x1b" not in drawn

    def test_a_single_point_can_be_drawn(self, tmp_path: Path) -> None:
        RunStore(tmp_path).write(make_record())
        assert "·" in chart(read(tmp_path)[0])


class TestCommand:
    def run(self, *arguments: str) -> str:
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    def test_history_shows_table_chart_and_change(self, results: Path) -> None:
        shown = self.run("history", "digits", "--metric", "latency.median_ms")
        assert "digits/int8/tflite/litert: median latency in ms, machine laptop, threads=1" in shown
        assert f"between {make_record(29).id} and {make_record(30).id}" in shown
        assert "litert 2.1.0 → litert 2.2.0" in shown
        assert "commit aaaaaaaaaaaa → bbbbbbbbbbbb" in shown

    def test_a_label_is_put_and_shown(self, results: Path) -> None:
        (document,) = json.loads(self.run("history", "digits", "--metric", "artifact_bytes", "--json"))
        id = document["changes"][0]["id"]
        assert "accepted" in self.run("label", "digits", id[:5], "accepted", "--note", "a larger head")
        assert "[accepted: a larger head]" in self.run("history", "digits", "--metric", "artifact_bytes")

    def test_an_unknown_label_or_change_is_refused(self, results: Path) -> None:
        for arguments in (["label", "digits", "000000", "noise"], ["label", "digits", "0", "nonsense"]):
            with pytest.raises(HarnessError):
                CliRunner().invoke(app, arguments, catch_exceptions=False)

    def test_index_push_and_pull(self, results: Path, tmp_path: Path) -> None:
        (results / INDEX_FILE).unlink()
        assert "60 runs, 60 new" in self.run("index")
        assert "60 runs, 60 new" in self.run("index", "--rebuild")
        assert "60 records sent" in self.run("push", str(tmp_path / "other"))
        assert json.loads(self.run("pull", str(tmp_path / "other"), "--json"))["known"] == 60
