"""`gate`, `baseline`, `ab` as a person meets them: exit codes, files, one sentence for a mistake."""

import json
from xml.etree import ElementTree

import pytest

from harness.store.runs import RunStore
from tests.harness.fakes.command import in_process, in_this_process
from tests.harness.gate.made_up import case, figures, latency, run
from tests.harness.report.conftest import case_documents

SOUND = case("m/float32/tflite/litert-xnnpack", latency=latency())
WRONG = case("m/float32/tflite/litert-xnnpack", parity=figures(error=0.1))


@pytest.fixture
def harness(tmp_path):
    (tmp_path / "harness.toml").write_text("")

    def harness(*arguments, record=None, columns=200):
        if record is not None:
            RunStore(tmp_path / "results").write(record)
        return in_this_process(tmp_path, *arguments, COLUMNS=str(columns))

    return harness


@pytest.mark.long
def test_a_sound_run_is_green_and_a_wrong_one_red(harness):
    assert harness("gate", record=run(SOUND)).returncode == 0
    worse = run(WRONG).model_copy(update={"id": "20261121T120000Z-11111111"})
    done = harness("gate", record=worse)
    assert done.returncode == 1
    assert "parity.runtime.sqnr_db" in done.stdout
    assert "again: harness run --model m --variant float32" in done.stdout


@pytest.mark.long
def test_the_same_run_gets_the_same_verdict_again_and_again(harness, tmp_path):
    harness("baseline", "accept", record=run(SOUND))
    verdicts = {harness("gate", "--json").stdout for _ in range(2)}
    verdicts.add(in_process(tmp_path, "gate", "--json").stdout)  # whatever Python's hashes are seeded with
    assert len(verdicts) == 1
    assert json.loads(verdicts.pop())["passed"] is True


def test_the_verdict_in_every_format_and_on_the_dashboard(harness, tmp_path):
    files = {"--junit": "j.xml", "--sarif": "s.sarif", "--markdown": "m.md", "--pytest-benchmark": "b.json"}
    done = harness("gate", *(word for pair in files.items() for word in pair), record=run(WRONG))
    assert done.returncode == 1
    assert ElementTree.parse(tmp_path / "j.xml").getroot().tag == "testsuites"
    assert json.loads((tmp_path / "s.sarif").read_text())["version"] == "2.1.0"
    assert "## ✗" in (tmp_path / "m.md").read_text()
    assert "benchmarks" in json.loads((tmp_path / "b.json").read_text())
    (evidence,) = case_documents(tmp_path / "results" / "dashboard.html").values()
    assert "parity.runtime.sqnr_db" in {check["rule"] for check in evidence["checks"]}


def test_explain_shows_each_rule_its_source_and_the_margin(harness):
    done = harness("gate", "--explain", WRONG.id, record=run(WRONG))
    assert done.returncode == 1
    assert "Rounding error of float32 sums" in done.stdout
    assert "% beyond" in done.stdout
    assert "limit set by" in done.stdout


def test_explain_reads_well_in_a_narrow_terminal(harness):
    said = harness("gate", "--explain", WRONG.id, record=run(WRONG), columns=80).stdout
    assert max(map(len, said.splitlines())) <= 80
    first = said.split("\n\n")[1]
    assert first.startswith("✗ parity.runtime.sqnr_db  (runtime.p.sqnr_db)\n    measured 22.8, limit 80: ")
    # Broken ones come first, and no name of a rule is broken in two.
    signs = [part[0] for part in said.split("\n\n")[1:] if part[0] in "✓✗"]
    assert signs == sorted(signs, reverse=True)
    for check in ("parity.conversion.finite", "parity.runtime.finite", "parity.runtime.top1_agreement"):
        assert check in said


def test_a_baseline_is_accepted_shown_and_dropped(harness, tmp_path):
    assert "1 added" in harness("baseline", "accept", record=run(SOUND)).stdout
    assert "1 as they were" in harness("baseline", "accept").stdout
    assert SOUND.id in harness("baseline", "show").stdout
    assert harness("gate", "--complete").returncode == 0
    harness("baseline", "drop", "--case", "m/*")
    assert list((tmp_path / "results" / "baselines").glob("*.json")) == []


def test_a_policy_file_counts(harness, tmp_path):
    (tmp_path / "gates.toml").write_text('[[budgets]]\nfigure = "artifact_bytes"\nlimit = 999')
    done = harness("gate", record=run(SOUND))
    assert done.returncode == 1
    assert "1 above the budget of 999" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gate", "nothing"), "no run whose id begins with 'nothing'"),
        (("gate", "--policy", "none.toml"), "none.toml cannot be read"),
        (("gate", "--baseline", "nowhere"), "There is no baseline in nowhere"),
        (("gate", "--explain", "x/y/z"), "has no case 'x/y/z'; it has m/float32"),
        (("baseline", "accept", "--case", "x/*"), "matches 'x/*'"),
        (("baseline", "drop", "--case", "x/*"), "matches 'x/*'"),
        (("ab", "nonsense", "--old", "now"), "'nonsense' is no case; write MODEL/VARIANT/TARGET"),
        (("ab", "hello_world/int8/tflite/none", "--old", "now"), "There is no target 'tflite/none'"),
        (("ab", "hello_world/int8/tflite/litert-xnnpack", "--old", "quicker"), "'quicker' is no side of a comparison"),
        (("ab", "hello_world/int8/tflite/litert-xnnpack", "--old", "now", "--margin", "nan"), "is not a share"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(harness, arguments, words):
    done = harness(*arguments, record=run(SOUND))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
