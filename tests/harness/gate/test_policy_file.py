"""gates.toml: over the defaults, sources filled in, and every mistake one sentence."""

import re
from datetime import date
from pathlib import Path

import pytest

from harness.case_name import CaseName
from harness.errors import HarnessError
from harness.gate.policy import Policy
from harness.gate.policy_file import PolicyFile, project_policy, read_policy
from harness.gate.rules import RULES

EXCEPTION = '[[exceptions]]\ncase = "m/*"\nrule = "growth"\nreason = "bigger on purpose"\nexpires = 2027-01-31\n'
DOCUMENT = Path(__file__).parents[3] / "docs" / "gates.md"


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "gates.toml"
        path.write_text(text)
        return read_policy(path)

    return read


def test_no_file_is_the_default_policy(tmp_path):
    assert project_policy(tmp_path) == Policy()


def test_an_empty_file_is_the_default_policy(read):
    assert read("") == Policy()


def test_a_projects_rule_is_tried_first_and_names_the_file_as_its_source(read):
    policy = read(
        '[[parity]]\nedge = "runtime"\nmetric = "sqnr_db"\nlimit = 10\nvariant = "int8*"\ntarget = "tfjs/*"\n'
    )
    rule = policy.parity_rule("runtime", "sqnr_db", CaseName("m", "int8", "tfjs/chromium-wasm", format="tfjs"))
    assert (rule.limit, rule.source) == (10, "gates.toml")
    assert (
        policy.parity_rule("runtime", "sqnr_db", CaseName("m", "int8", "tflite/litert-xnnpack", format="tflite")).limit
        != 10
    )


@pytest.mark.parametrize(("preset", "margin"), [("mlperf-99", 0.01), ("mlperf-99.9", 0.001)])
def test_presets_of_the_task_margin(read, preset, margin):
    task = read(f'[task]\npreset = "{preset}"').task
    assert task.margin == margin
    assert "MLPerf" in task.source


def test_ratio_budgets_by_target(read):
    policy = read('[[ratios]]\nlimit = 1.10\ntarget = "tfjs/*"')
    assert policy.ratio_budget(CaseName("m", "float32", "tfjs/chromium-wasm", format="tfjs")).limit == 1.10
    assert policy.ratio_budget(CaseName("m", "float32", "tflite/one", format="tflite")).limit == 1.02


def test_kernels_have_a_budget_beside_that_of_the_whole(read):
    policy = read('[[ratios]]\nlimit = 1.05\n[[ratios]]\ntime = "kernels"\nlimit = 1.10')
    case = CaseName("m", "float32", "tfjs/chromium-webgpu", format="tfjs")
    assert (policy.ratio_budget(case).limit, policy.ratio_budget(case, "kernels").limit) == (1.05, 1.10)
    assert read("").ratio_budget(case, "kernels").limit == 1.02


def test_exceptions_carry_a_reason_and_a_day(read):
    (exception,) = read(EXCEPTION).exceptions
    assert exception.expires == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("speed = 3", "the key 'speed' is not known; known here are parity, task"),
        ("[latency]\nspeed = 3", "the key 'latency.speed' is not known; known here are require_steady"),
        ("[task]\nmargin = 2", "'task.margin'"),
        ('[task]\npreset = "loose"', "there is no preset 'loose'; there are mlperf-99, mlperf-99.9"),
        ('[task]\npreset = "mlperf-99"\nmargin = 0.1', "both a preset and a margin"),
        ('[[parity]]\nedge = "middle"\nmetric = "sqnr_db"\nlimit = 1', "'parity.1.edge'"),
        ('[[parity]]\nedge = "runtime"\nmetric = "sqnr_db"\nlimit = nan', "'parity.1.limit"),
        ("[[ratios]]\nlimit = 0.5", "'ratios.1.limit'"),
        ('[[ratios]]\nlimit = 1.5\ntime = "shaders"', "'ratios.1.time' is 'shaders'"),
        ('[[growth]]\nfigure = "*"\npercent = -1', "'growth.1.percent"),
        ('[[exceptions]]\ncase = "*"\nrule = "*"\nreason = "long enough"', "'exceptions.1.expires'"),
        ('[[exceptions]]\ncase = "*"\nrule = "*"\nreason = "no"\nexpires = 2027-01-01', "'exceptions.1.reason'"),
        ('[outcomes]\ncrashed = "shrug"', "'outcomes.crashed'"),
        ("parity = 3", "'parity'"),
        ("[[parity", "is not valid TOML"),
        ("[task]\nmargin = nan", "'task.margin' is nan: input should be a finite number"),
        ("[task]\nmargin = -0.1", "'task.margin' is -0.1: input should be greater than or equal to 0"),
        ('[task]\nmargin = "0.1"', "'task.margin' is '0.1': input should be a valid number"),
        ("[task]\nmargin = true", "'task.margin' is True"),
        ("[baseline]\nparity_drop_db = nan", "'baseline.parity_drop_db' is nan"),
        ("[baseline]\nparity_drop_db = -3", "'baseline.parity_drop_db' is -3"),
        ('[latency]\nrequire_steady = "yes"', "'latency.require_steady' is 'yes'"),
        ("[latency]\nconfidence = inf", "'latency.confidence' is inf"),
        ("[[ratios]]\nlimit = true", "'ratios.1.limit' is True"),
        ('[[budgets]]\nfigure = "ram_bytes"\nlimit = -1', "'budgets.1.limit' is -1"),
        ('[[budgets]]\nfigure = ""\nlimit = 1', "'budgets.1.figure' is ''"),
        ('[[growth]]\nfigure = "*"\npercent = nan', "'growth.1.percent' is nan: input should be a finite number."),
        ('[[parity]]\nedge = "runtime"\nmetric = "max_lsb"\nlimit = -1', "max_lsb is never below zero"),
        ('[[parity]]\nedge = "runtime"\nmetric = "top1_agreement"\nlimit = 2', "a share, at most 1"),
        (
            "[[ratios]]\nlimit = 1.1\n[[ratios]]\nlimit = 1.2",
            "'ratios.2' is for the same cases and figure as 'ratios.1'",
        ),
        (2 * EXCEPTION, "'exceptions.2' is for the same cases and figure as 'exceptions.1'; keep one"),
        (EXCEPTION.replace("growth", "grwth"), "no rule is called 'grwth'; there are outcome, parity.measured"),
        (EXCEPTION.replace("2027-01-31", '"soon"'), "'exceptions.1.expires' is 'soon': write a day as 2027-01-31"),
        (1001 * EXCEPTION, "at most 1000 items"),
        ("[task]\nmargin = 0.1\n[task]\nmargin = 0.2", "Cannot declare ('task',) twice"),
        ("a = " + 3000 * "[", "is not valid TOML"),
        ("[task]\nmargin = " + 5000 * "9", "is not valid TOML: Exceeds the limit (4300 digits)"),
        ('"a\\nb" = 3', "the key 'a b' is not known"),
        ("task = []", "'task'"),
    ],
)
def test_a_mistake_is_one_sentence(read, text, words):
    with pytest.raises(HarnessError) as caught:
        read(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_binary_file_and_a_huge_one_are_refused(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HarnessError, match="not valid TOML"):
        read_policy(path)
    path.write_text("#" * 10_000_000)
    with pytest.raises(HarnessError, match="10000000 bytes"):
        read_policy(path)


def test_an_editors_byte_order_mark_is_passed_over(read):
    assert read("\ufeff[task]\nmargin = 0.02").task.margin == 0.02


def test_every_key_is_documented():
    text = DOCUMENT.read_text()
    for table, field in PolicyFile.model_fields.items():
        assert f"`{table}`" in text or f"[{table}]" in text, table
        (inner,) = re.findall(r"harness\.gate\.policy\.(\w+)", str(field.annotation)) or [None]
        assert inner is not None
        import harness.gate.policy as policy

        for key in getattr(policy, inner).model_fields:
            assert f"`{key}`" in text, f"{table}.{key}"


def test_every_rule_is_documented_under_its_name():
    text = DOCUMENT.read_text()
    for rule in RULES:
        on_an_edge = rule.replace(".conversion", ".EDGE").replace(".runtime", ".EDGE")
        assert f"`{on_an_edge}`" in text, rule


def test_the_example_in_the_document_is_valid(read):
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    policy = read(example)
    assert policy.exceptions
    assert policy.ratios[0].limit > 1.0
