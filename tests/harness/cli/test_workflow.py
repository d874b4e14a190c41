"""`init-ci`: the workflow is YAML of the shape that GitHub asks for, and its own shell lines do what they say."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from harness.cli.workflow import PLACE, WORKFLOW
from harness.exchange.markdown import MARK
from tests.harness.fakes.command import in_this_process

pytestmark = pytest.mark.needs("bash", "git")
FAKE_GH = """#!{python}
import json, os, sys
words = sys.argv[1:]
with open("calls.jsonl", "a") as stream:
    stream.write(json.dumps(words) + "\\n")
if "--jq" in words:
    print(os.environ["KNOWN_COMMENTS"])
"""
FAKE_HARNESS = '#!/bin/sh\necho "$*" >> calls.txt\nexit "$HARNESS_EXIT"\n'


@pytest.fixture
def init_ci(tmp_path):
    def init_ci(*options, folder=tmp_path):
        return in_this_process(folder, "init-ci", *options)

    (tmp_path / "harness.toml").write_text("")
    return init_ci


@pytest.fixture
def workflow():
    return yaml.safe_load(WORKFLOW)


@pytest.fixture
def step(workflow, tmp_path):
    """Run the shell lines of one step as GitHub does (`bash -e`), beside a fake `gh` and a fake `harness`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("gh", FAKE_GH.format(python=sys.executable)), ("harness", FAKE_HARNESS)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "results").mkdir()

    def step(name, **variables):
        (found,) = [step for step in workflow["jobs"]["gate"]["steps"] if step.get("name") == name]
        return subprocess.run(
            ["bash", "-e", "-c", found["run"]],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **variables},
            timeout=60,
            check=False,
        ).returncode

    return step


def calls(folder):
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


def test_it_is_written_once_unless_forced(init_ci, tmp_path):
    assert init_ci().returncode == 0
    assert (tmp_path / PLACE).read_text() == WORKFLOW
    assert init_ci().returncode == 2
    assert init_ci("--force").returncode == 0


def test_a_project_below_the_top_of_its_repository_is_told_where_github_reads(init_ci, tmp_path):
    below = tmp_path / "apps" / "phone"
    below.mkdir(parents=True)
    (below / "harness.toml").write_text("")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert "working-directory: apps/phone" in init_ci(folder=below).stdout
    assert "GitHub reads" not in init_ci().stdout


def test_it_is_yaml_with_the_parts_that_actions_asks_for(workflow):
    assert set(workflow[True]) == {"pull_request", "push"}  # YAML 1.1 reads `on` as true
    assert workflow["permissions"]["contents"] == "read"
    for step in workflow["jobs"]["gate"]["steps"]:
        assert ("run" in step) != ("uses" in step)
        assert "@v" in step.get("uses", "@v")


def test_steps_refer_to_steps_before_them(workflow):
    known = set()
    for step in workflow["jobs"]["gate"]["steps"]:
        text = json.dumps(step)
        for part in text.split("steps.")[1:]:
            assert part.split(".")[0] in known
        known |= {step["id"]} if "id" in step else set()


@pytest.mark.parametrize(("code", "ends"), [("0", 0), ("1", 0), ("2", 1)])
def test_a_failing_case_is_left_to_the_gate_and_a_mistake_ends_the_job(step, code, ends):
    assert step("Run", HARNESS_EXIT=code) == ends


@pytest.mark.parametrize("code", ["0", "1", "2"])
def test_the_gates_exit_code_is_the_jobs(step, tmp_path, code):
    assert step("Gate", HARNESS_EXIT=code) == int(code)
    line = (tmp_path / "calls.txt").read_text().strip()
    assert line == (
        "gate --complete --junit results/junit.xml --sarif results/harness.sarif --markdown results/summary.md"
    )


@pytest.mark.parametrize("there", [False, True])
def test_the_summary_is_appended_where_there_is_one(step, tmp_path, there):
    if there:
        (tmp_path / "results" / "summary.md").write_text("red\n")
    summary = tmp_path / "step_summary"
    summary.write_text("before\n")
    assert step("Summary", GITHUB_STEP_SUMMARY=str(summary)) == 0
    assert summary.read_text() == ("before\nred\n" if there else "before\n")


COMMENT = "Comment on the pull request"


def test_the_first_comment_is_made_and_the_next_replaces_it(step, tmp_path):
    (tmp_path / "results" / "summary.md").write_text(MARK)
    github = {"GITHUB_REPOSITORY": "we/us", "NUMBER": "7"}
    assert step(COMMENT, KNOWN_COMMENTS="", **github) == 0
    asked, made = calls(tmp_path)
    assert asked[:3] == ["api", "--paginate", "repos/we/us/issues/7/comments"]
    assert f'startswith("{MARK}")' in asked[-1]
    assert made == ["pr", "comment", "7", "--body-file", "results/summary.md"]
    assert step(COMMENT, KNOWN_COMMENTS="11\n22", **github) == 0
    assert "repos/we/us/issues/comments/22" in calls(tmp_path)[-1]
    assert "body=@results/summary.md" in calls(tmp_path)[-1]


def test_without_a_summary_nothing_is_said(step, tmp_path):
    assert step(COMMENT, KNOWN_COMMENTS="", GITHUB_REPOSITORY="we/us", NUMBER="7") == 0
    assert not (tmp_path / "calls.jsonl").exists()
