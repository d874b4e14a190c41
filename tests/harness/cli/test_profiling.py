"""What `harness profile` says of a case whose instructions are counted operator by operator."""

import json

import pytest

from harness.cli import profiling
from harness.cli.profiling import profile_case, profiled
from harness.errors import HarnessError
from harness.store.record import Measured, OperatorCost
from harness.store.runs import RunStore
from tests.harness.gate import made_up

NAME = "hello_world/int8/tflite/arm64-cortex-a53"
COSTS = (
    OperatorCost(index=0, operator="[red]CONV_2D", instructions=750),
    OperatorCost(index=1, operator="ADD", instructions=-10),
    OperatorCost(index=2, operator="SOFTMAX", instructions=260),
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of runs of the case, by id and what was measured, the newest last."""
    monkeypatch.setattr(profiling, "results_directory", lambda: tmp_path)
    store = RunStore(tmp_path)

    def written(**runs):
        for name, measured in runs.items():
            case = made_up.case(NAME).model_copy(update={"measured": measured})
            store.write(made_up.run(case).model_copy(update={"id": name}))
        return store

    return written


def test_the_newest_run_that_has_figures_is_shown_with_shares_and_bars(store, capsys):
    store(a=Measured(per_operator=COSTS), b=Measured())
    assert profile_case(NAME, None, None, as_json=False) == 0
    said = capsys.readouterr().out
    assert f"{NAME}: 1,000 instructions of an inference in 3 operators (run a)" in said
    assert "[red]CONV_2D" in said, "names are never read as markup"
    assert "75.0%" in said
    assert "█" * 24 in said
    assert "not time" in said


def test_a_run_can_be_named(store):
    found = store(a=Measured(per_operator=COSTS[:1]), b=Measured(per_operator=COSTS))
    assert profiled(NAME, "a", found)[1].measured.per_operator == COSTS[:1]


def test_for_a_program_all_operators_are_there(store, capsys):
    store(a=Measured(per_operator=COSTS))
    profile_case(NAME, None, None, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["unit"] == "instructions"
    assert [operator["instructions"] for operator in document["operators"]] == [750, -10, 260]


def test_why_there_are_none_is_said(store):
    note = "not counted: 30 operators of 5,000,000 instructions take too long"
    found = store(a=Measured(details={"per_operator": note}))
    with pytest.raises(HarnessError, match="5,000,000 instructions take too long"):
        profiled(NAME, None, found)


def test_a_case_that_no_run_has_is_told_from_one_that_is_no_case(store):
    found = store(a=Measured(per_operator=COSTS))
    with pytest.raises(HarnessError, match="no figures per operator in any run; `harness run` takes them"):
        profiled("hello_world/int8/tflite/litert-xnnpack", None, found)
    with pytest.raises(HarnessError, match="No target matches"):
        profiled("hello_world/int8/tflite/nonsense", None, found)
