"""The lines that show a case again, and what is wrong inside it."""

import shlex

import pytest

from harness.report.reproduce import locate_command, reproduce
from harness.store.record import Check, Outcome
from tests.harness.gate import made_up


def failed_case(model="digits_cnn"):
    return made_up.case(f"{model}/int8/tflite/litert-xnnpack", outcome=Outcome.FAILED)


def broken(*rules):
    return [Check(rule=rule, metric="m", measured=1, limit=2, passed=False, source="s") for rule in rules]


def test_the_command_measures_one_case_afresh():
    assert (
        reproduce(failed_case())
        == "harness run --model digits_cnn --variant int8 --target tflite/litert-xnnpack --fresh"
    )


def test_what_was_measured_at_a_place_is_measured_there_again_and_looked_into_on_the_machine_itself():
    several = made_up.case("m/int8/tflite/one@pi", outcome=Outcome.FAILED).model_copy(update={"place": "pi"})
    alone = made_up.case("m/int8/tflite/one", outcome=Outcome.FAILED).model_copy(update={"place": "pi"})
    for case in (several, alone):
        assert reproduce(case) == "harness run --model m --variant int8 --target tflite/one@pi --fresh"
        assert locate_command(case, broken("parity.runtime.finite")).startswith("harness locate m/int8/tflite/one --")


@pytest.mark.parametrize("name", ["<script>alert(1)", "a b; rm -rf ~", "$(id)", "it's"])
def test_what_a_shell_would_read_is_quoted(name):
    assert shlex.split(reproduce(failed_case(name)))[3] == name
    assert shlex.split(locate_command(failed_case(name), broken("parity.runtime.sqnr_db")))[2] == failed_case(name).id


@pytest.mark.parametrize(
    ("rules", "edge"),
    [
        (["parity.runtime.sqnr_db"], " --edge runtime"),
        (["parity.conversion.max_lsb", "budget"], " --edge conversion"),
        (["parity.conversion.max_lsb", "parity.runtime.finite"], ""),
    ],
)
def test_wrong_outputs_are_looked_into_on_the_edge_that_is_wrong(rules, edge):
    assert (
        locate_command(failed_case(), broken(*rules)) == f"harness locate digits_cnn/int8/tflite/litert-xnnpack{edge}"
    )


@pytest.mark.parametrize("rules", [[], ["budget"], ["latency.steady_state"], ["parity.measured"]])
def test_nothing_is_looked_into_where_the_outputs_are_not_what_is_wrong(rules):
    assert locate_command(failed_case(), broken(*rules)) is None


@pytest.mark.parametrize("variant", ["layers-float32", "layers-uint8"])
def test_a_layers_model_shows_no_inside(variant):
    failed = made_up.case(f"m/{variant}/tfjs/chromium-wasm", outcome=Outcome.FAILED)
    assert locate_command(failed, broken("parity.runtime.sqnr_db")) is None


@pytest.mark.parametrize("variant", ["float32", "ready"])
def test_what_was_not_made_coarser_has_the_runtimes_edge_alone(variant):
    failed = made_up.case(f"m/{variant}/tflite/one", outcome=Outcome.FAILED)
    assert locate_command(failed, broken("parity.conversion.sqnr_db")) is None
    both = locate_command(failed, broken("parity.conversion.sqnr_db", "parity.runtime.sqnr_db"))
    assert both == f"harness locate m/{variant}/tflite/one --edge runtime"
