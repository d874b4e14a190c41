"""The commands with a team's database: HARNESS_DATABASE_URL is where push, index and history look."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.store.runs import RunStore
from tests.harness.store.records import make_case, make_record


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_two_laptops_share_one_history(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_DATABASE_URL", postgres_url)
    for name, days in (("first", range(3)), ("second", range(3, 6))):
        project = tmp_path / name
        project.mkdir()
        (project / "harness.toml").touch()
        monkeypatch.chdir(project)
        for day in days:
            RunStore(project / "results").write(make_record(day, make_case(size=1000 + (day >= 3))))
        assert len(json.loads(run("push", "--json"))["sent"]) == 3
    (series,) = json.loads(run("history", "digits", "--metric", "artifact_bytes", "--json"))
    assert series["values"] == [1000] * 3 + [1001] * 3
    id = series["changes"][0]["id"]
    run("label", "digits", id, "accepted")
    assert "6 runs, 0 new" in run("index", "--rebuild")
    monkeypatch.chdir(tmp_path / "first")
    assert "[accepted]" in run("history", "digits", "--metric", "artifact_bytes")
    assert len(json.loads(run("pull", "--json"))["sent"]) == 3
    assert len(RunStore(tmp_path / "first" / "results").paths()) == 6
    assert len(list((tmp_path / "first" / "results" / "labels").iterdir())) == 1
    assert "6 rows" in run("export", str(tmp_path / "out.parquet"))
