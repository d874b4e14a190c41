"""What `harness locate` says, read as a person and as a program read it."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from harness.cli import locating
from harness.cli.locating import ROWS, case_of, locate_fault, notable_results, verdict
from harness.errors import Crashed, HarnessError, Unavailable, Unsupported
from harness.locate.findings import EdgeFinding, findings
from harness.operator_outputs import OperatorNode
from harness.parity.comparison import compare
from tests.harness.locate.test_findings import CHAIN, RIGHT, finding, operation, result, rules

SOUND = finding(CHAIN, dict.fromkeys(range(4), 0.0))
AT_FAULT = finding(CHAIN, {0: 0.0, 1: 1e-7, 2: 0.1, 3: 0.2})
WITHIN = finding(CHAIN, {0: 1e-7, 1: 1e-7, 2: 1e-7, 3: 1e-7})


def test_the_operator_at_fault_is_named_with_the_rule_that_it_breaks():
    said = verdict(AT_FAULT)
    assert said.startswith(
        "operator 2 (FULLY_CONNECTED, 'model/@2.0') is the first whose result breaks a rule: parity."
    )
    assert "where the limit is" in said
    assert "The first to differ at all is operator 1 (RELU, 'model/@1.0')." in said
    assert "Most is lost in operator 2" in said


def test_a_sound_inside_is_said_in_one_sentence():
    assert verdict(SOUND) == "each of the 4 results inside is exactly what the reference gives."
    assert verdict(WITHIN).startswith("all 4 results inside keep to the rules of the outputs. The first to differ is ")


def test_where_nothing_can_be_compared_that_is_said():
    assert "nothing of the inside" in verdict(replace(SOUND, seen=()))


def test_of_many_operators_those_that_say_something_are_shown():
    many = [operation(index, "ADD", *([index - 1] if index else [])) for index in range(4 * ROWS)]
    errors = {index: 1e-6 if index < 70 else 1e-1 for index in range(4 * ROWS)}
    shown = [seen.operation.index for seen in notable_results(finding(many, {**errors, 0: 0.0}))]
    assert len(shown) <= ROWS
    assert {1, 69, 70, 4 * ROWS - 1} <= set(shown), "where it begins, where it breaks, what stands before, and the end"
    assert shown == sorted(shown)


def test_the_operator_at_fault_is_shown_wherever_it_stands():
    """Sixty branches begin to differ, and one of them breaks a rule."""
    branches = [operation(index, "ADD") for index in range(60)]
    shown = notable_results(finding(branches, {index: 0.1 if index == 50 else 1e-7 for index in range(60)}))
    assert [seen.operation.index for seen in shown if seen.broken] == [50]
    assert len(shown) <= ROWS


def test_names_in_a_file_are_never_read_as_markup(capsys):
    named = OperatorNode(0, "[red]ADD", (result("@0.0").model_copy(update={"tensor": "blocks[conv]/relu[red]"}),))
    comparison = compare("@0.0", RIGHT + np.float32(0.1), RIGHT)
    seen = findings(rules(), [named], {"@0.0": comparison}, {"@0.0": RIGHT.shape})
    locating.print_findings("case", {"runtime": EdgeFinding("runtime", "the reference", seen, 0)})
    assert "0 [red]ADD  blocks[conv]/relu[red]" in capsys.readouterr().out


class FakeLocator:
    """Stands for `Locator`: each edge is a finding, or an error."""

    golden = (None,) * 4
    artifact = SimpleNamespace(path=Path("model.tflite"))
    operator_outputs = SimpleNamespace(graph=lambda artifact: "main")
    edges: ClassVar[dict[str, EdgeFinding | Exception]] = {}

    def __init__(self, *_):
        pass

    def conversion(self):
        return self.given("conversion")

    def runtime(self):
        return self.given("runtime")

    def beside(self, other):
        self.others.append(other.name)
        return self.given("runtime")

    others: ClassVar[list[str]] = []

    def given(self, edge):
        if isinstance(self.edges[edge], Exception):
            raise self.edges[edge]
        return self.edges[edge]


CASE = "digits_cnn/int8/tflite/litert-builtin"


@pytest.fixture
def edges(monkeypatch, tmp_path):
    def edges(**given):
        monkeypatch.setattr(locating, "Locator", type("Given", (FakeLocator,), {"edges": given}))

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    return edges


def test_a_broken_rule_is_exit_code_1_and_the_table_marks_it(edges, capsys):
    edges(conversion=SOUND, runtime=AT_FAULT)
    assert locate_fault(CASE, None, 4, as_json=False) == 1
    said = capsys.readouterr().out
    assert said.startswith(CASE)
    assert "conversion: each of the 4" in said
    assert any(line.startswith("✗") and "2 FULLY_CONNECTED" in line for line in said.splitlines())
    assert any(line.startswith("•") and "1 RELU" in line for line in said.splitlines())


def test_another_target_stands_beside_it_on_the_runtime_edge_alone(edges, capsys):
    edges(runtime=WITHIN)
    assert locate_fault(CASE, None, 4, as_json=False, beside="tflite/litert-xnnpack") == 0
    assert FakeLocator.others == ["tflite/litert-xnnpack"]
    assert "conversion:" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("edge", "beside", "said"),
    [("conversion", "tflite/litert-xnnpack", "leave out --edge"), (None, "tfjs/chromium-cpu", "opens what")],
)
def test_a_target_that_cannot_stand_beside_it_is_refused(edges, edge, beside, said):
    edges()
    with pytest.raises(HarnessError, match=said):
        locate_fault(CASE, edge, 4, as_json=False, beside=beside)


def test_no_broken_rule_is_exit_code_0(edges, capsys):
    edges(conversion=SOUND, runtime=WITHIN)
    assert locate_fault(CASE, None, 4, as_json=False) == 0
    assert "✗ breaks a rule" in capsys.readouterr().out


def test_an_edge_that_does_not_exist_for_a_case_is_said_beside_the_other(edges, capsys):
    edges(conversion=Unsupported("it has no finer form."), runtime=SOUND)
    assert locate_fault(CASE, None, 4, as_json=False) == 0
    assert "conversion: it has no finer form." in capsys.readouterr().out


def test_what_was_found_on_one_edge_is_kept_where_the_other_cannot_be_had(edges, capsys):
    edges(conversion=AT_FAULT, runtime=Unavailable("tflite/x is not ready."))
    assert locate_fault(CASE, None, 4, as_json=False) == 2
    said = capsys.readouterr().out
    assert "conversion: operator 2" in said
    assert "runtime: tflite/x is not ready." in said


def test_an_edge_that_was_asked_for_and_cannot_be_had_is_an_error(edges):
    edges(conversion=Unsupported("it has no finer form."), runtime=SOUND)
    with pytest.raises(Unsupported):
        locate_fault(CASE, "conversion", 4, as_json=False)


def test_a_crash_is_never_a_mere_remark_and_costs_the_other_edge_nothing(edges, capsys):
    edges(conversion=SOUND, runtime=Crashed("It died."))
    assert locate_fault(CASE, None, 4, as_json=False) == 2
    said = capsys.readouterr().out
    assert "runtime: It died." in said
    assert "conversion: each of the" in said or "conversion: all" in said


def test_a_program_reads_every_result(edges, capsys):
    edges(conversion=Unsupported("none"), runtime=AT_FAULT)
    locate_fault(CASE, None, 4, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["case"] == CASE
    assert document["edges"]["conversion"] == {"problem": "none"}
    runtime = document["edges"]["runtime"]
    assert (runtime["at_fault"], runtime["first_differing"], runtime["not_compared"]) == (2, 1, 0)
    assert [found["operator"] for found in runtime["results"]] == ["CONV_2D", "RELU", "FULLY_CONNECTED", "SOFTMAX"]
    assert runtime["results"][0]["shape"] == [1, 100]


def test_values_that_are_not_finite_are_said_to_be(edges, capsys):
    nan = compare("@0.0", RIGHT * np.nan, RIGHT)
    seen = findings(rules(), [OperatorNode(0, "LOG", (result("@0.0"),))], {"@0.0": nan}, {"@0.0": RIGHT.shape})
    edges(runtime=EdgeFinding("runtime", "the reference", seen, 0))
    assert locate_fault(CASE, "runtime", 4, as_json=False) == 1
    assert "not finite" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("digits_cnn", None, 4), "'digits_cnn' is no case; write MODEL/VARIANT/TARGET"),
        ((CASE, "upper", 4), "There is no edge 'upper'; it is conversion or runtime."),
        ((CASE, None, 0), "At least one sample"),
        (("digits_cnm/int8/tflite/litert-builtin", None, 4), "Did you mean 'digits_cnn'"),
        (("digits_cnn/int8/tfjs/chromium-wasm", None, 4), "No case matches"),
        (("*/int8/tflite/litert-builtin", None, 4), "No model matches"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, said):
    with pytest.raises(HarnessError, match=said.replace("'", ".").replace("?", ".")):
        locate_fault(*arguments, as_json=False)


def test_a_case_is_found_by_its_name():
    case = case_of(CASE)
    assert case.id == CASE


def test_an_overlay_has_the_lowest_sqnr_of_each_operator_that_differs_a_file_an_edge(edges, tmp_path, capsys):
    edges(conversion=WITHIN, runtime=AT_FAULT)
    locate_fault(CASE, None, 4, as_json=False, overlay=str(tmp_path / "seen.json"))
    written = {edge: json.loads((tmp_path / f"seen.{edge}.json").read_text())["main"] for edge in locating.EDGES}
    assert list(written["runtime"]["results"]) == ["1", "2", "3"], "nothing differs in the first"
    assert written["runtime"]["results"]["2"]["value"] < written["runtime"]["results"]["1"]["value"]
    assert "thresholds" in written["runtime"], "the same colour says the same on both edges"
    assert f"--node_data_paths={tmp_path}/seen.conversion.json,{tmp_path}/seen.runtime.json" in capsys.readouterr().out


def test_of_one_edge_the_overlay_is_the_file_that_was_named(edges, tmp_path):
    edges(runtime=AT_FAULT)
    locate_fault(CASE, "runtime", 4, as_json=False, overlay=str(tmp_path / "seen.json"))
    assert (tmp_path / "seen.json").is_file()


def test_where_model_explorer_opens_no_such_artifact_that_is_said_before_any_work(edges, tmp_path):
    edges(runtime=AssertionError("not to be asked"))
    with pytest.raises(HarnessError, match="Model Explorer opens no tfjs artifacts"):
        locate_fault("digits_cnn/float32/tfjs/chromium-cpu", "runtime", 4, as_json=False, overlay="seen.json")


def test_what_was_found_is_said_where_the_overlay_cannot_be_written(edges, tmp_path, capsys):
    edges(runtime=AT_FAULT)
    with pytest.raises(HarnessError, match="The overlay cannot be written"):
        locate_fault(CASE, "runtime", 4, as_json=False, overlay=str(tmp_path))
    assert "runtime: operator 2" in capsys.readouterr().out
