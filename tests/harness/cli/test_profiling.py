"""What `harness profile` says: of instructions that a record has, or of operators that are timed now."""

import json

import pytest

from harness.cli import profiling
from harness.cli.profiling import (
    MOST_ROWS,
    OperatorProfile,
    ProfiledOperator,
    overlay_values,
    print_costs,
    profile_case,
    recorded_costs,
)
from harness.errors import HarnessError
from harness.store.record import Measured, OperatorCost, OperatorTime
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

    def written(of=NAME, **runs):
        for name, measured in runs.items():
            case = made_up.case(of).model_copy(update={"measured": measured})
            store.write(made_up.run(case).model_copy(update={"id": name}))
        return store

    return written


def test_the_newest_run_that_has_figures_is_shown_with_shares_and_bars(store, capsys):
    store(a=Measured(per_operator=COSTS), b=Measured())
    assert profile_case(NAME, None, None, as_json=False) == 0
    said = capsys.readouterr().out
    assert f"{NAME}: 1,000 instructions in 3 operators (run a)" in said
    assert "[red]CONV_2D" in said, "names are never read as markup"
    assert "75.0%" in said
    assert "█" * 24 in said
    assert "not time" in said


def test_a_damaged_record_keeps_nobody_from_the_others(store, capsys, tmp_path):
    store(a=Measured(per_operator=COSTS))
    (tmp_path / "runs/b.json").write_text("{")
    assert profile_case(NAME, None, None, as_json=False) == 0
    assert "(run a)" in capsys.readouterr().out


def test_of_a_long_history_only_records_with_figures_are_understood(store, monkeypatch, capsys):
    other = "hello_world/int8/tflite/litert-xnnpack"
    store(of=other, **{f"a{index}": Measured() for index in range(20)})
    store(b=Measured(per_operator=COSTS))
    store(**{f"c{index}": Measured() for index in range(20)})
    read = []
    understood = profiling.parse
    monkeypatch.setattr(profiling, "parse", lambda text, name: read.append(name) or understood(text, name))
    assert profile_case(NAME, None, None, as_json=False) == 0
    assert "(run b)" in capsys.readouterr().out
    assert len(read) == 2, "the newest of the case, for why it has none, and the one that has some"


def test_a_run_can_be_named(store):
    found, _ = recorded_costs(NAME, "a", store(a=Measured(per_operator=COSTS[:1]), b=Measured(per_operator=COSTS)))
    assert [cost.value for cost in found.operators] == [750]


def test_for_a_program_all_operators_are_there(store, capsys):
    store(a=Measured(per_operator=COSTS))
    profile_case(NAME, None, None, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["unit"] == "instructions"
    assert [operator["value"] for operator in document["operators"]] == [750, -10, 260]


def test_of_many_operators_the_costliest_are_shown_in_their_order(store, capsys):
    many = tuple(OperatorCost(index=index, operator="ADD", instructions=index % 70) for index in range(100))
    store(a=Measured(per_operator=many))
    profile_case(NAME, None, None, as_json=False)
    said = capsys.readouterr().out
    places = [int(line.split()[0]) for line in said.splitlines() if " ADD " in line]
    assert places == sorted(places)
    assert {69, 68} <= set(places)
    assert 1 not in places
    assert f"The {MOST_ROWS} costliest of 100" in said


def test_why_there_are_none_is_said(store):
    note = "not counted: 30 operators of 5,000,000 instructions take too long"
    store(a=Measured(details={"per_operator": note}))
    with pytest.raises(HarnessError, match="5,000,000 instructions take too long"):
        profile_case(NAME, None, None, as_json=False)


def test_why_operators_were_not_timed_is_said(store):
    latency = made_up.latency().model_copy(update={"details": {"per_operator": "not timed: it takes 90 s to time"}})
    found = store(a=Measured())
    found.write(made_up.run(made_up.case(NAME).model_copy(update={"latency": latency})).model_copy(update={"id": "b"}))
    with pytest.raises(HarnessError, match="it takes 90 s to time"):
        profile_case(NAME, None, None, as_json=False)


def test_a_run_that_has_none_is_not_replaced_by_what_could_be_timed_now(store):
    store(a=Measured(per_operator=COSTS))
    with pytest.raises(HarnessError, match="no figures per operator in the run a; `harness run` takes them"):
        profile_case("hello_world/int8/tflite/litert-xnnpack", "a", None, as_json=False)


def test_a_case_that_there_is_not_is_told(store):
    store()
    with pytest.raises(HarnessError, match="No target matches"):
        profile_case("hello_world/int8/tflite/nonsense", None, None, as_json=False)


def test_times_are_shown_with_their_intervals_and_what_is_nothing_is_marked(capsys):
    timed = (
        ProfiledOperator(0, "CONV_2D", 12_000.0, 11_900.0, 12_100.0),
        ProfiledOperator(1, "SOFTMAX", 10.0, -20.0, 30.0),
    )
    print_costs(OperatorProfile("m/int8/tflite/litert-xnnpack", "nanoseconds", "400 rounds now", timed))
    said = capsys.readouterr().out
    assert "12.0 µs in 2 operators (400 rounds now)" in said
    assert "12.00 (11.90 to 12.10)" in said
    (softmax,) = [line for line in said.splitlines() if "SOFTMAX" in line]
    assert softmax.rstrip().endswith("~")


def test_times_that_a_record_has_are_shown_by_kind_of_operator(store, capsys):
    """A browser's kernels, as TensorFlow.js tells them."""
    times = (
        OperatorTime(operator="Conv2D", shape="1×32×32×16", count=7, milliseconds=1.5),
        OperatorTime(operator="Softmax", shape="1×10", milliseconds=0.5),
    )
    latency = made_up.latency().model_copy(update={"per_operator": times})
    found = store(a=Measured())
    found.write(made_up.run(made_up.case(NAME).model_copy(update={"latency": latency})).model_copy(update={"id": "b"}))
    profile_case(NAME, None, None, as_json=False)
    said = capsys.readouterr().out
    assert "2,000.0 µs in 2 operators (run b)" in said
    assert "Conv2D ×7 1×32×32×16" in said
    assert "75.0%" in said
    assert "apart from those that the latency is of" in said


def test_what_was_found_is_said_where_there_is_no_overlay_of_it(store, capsys):
    name = "hello_world/float32/tfjs/chromium-cpu"
    store(a=Measured(per_operator=COSTS), of=name)
    with pytest.raises(HarnessError, match="Model Explorer opens no tfjs artifacts"):
        profile_case(name, None, "seen.json", as_json=False)
    assert "1,000 instructions" in capsys.readouterr().out


def test_an_overlay_is_of_each_operator_and_not_of_kinds(store, monkeypatch, tmp_path, capsys):
    """What a record has by kind would be laid over other operators than those that took it."""
    times = (OperatorTime(operator="CONV_2D", shape="1×8×8×8", count=7, milliseconds=1.5),)
    latency = made_up.latency().model_copy(update={"per_operator": times})
    found = store(a=Measured())
    found.write(made_up.run(made_up.case(NAME).model_copy(update={"latency": latency})).model_copy(update={"id": "b"}))
    now = OperatorProfile(NAME, "nanoseconds", "9 rounds now", (ProfiledOperator(0, "CONV_2D", 5.0, 4.0, 6.0),))
    monkeypatch.setattr(profiling, "time_operators", lambda *_: now)
    monkeypatch.setattr(profiling, "write_overlay_file", lambda costs, *_: f"laid over: {costs.source}")
    profile_case(NAME, None, str(tmp_path / "seen.json"), as_json=False)
    assert "laid over: 9 rounds now" in capsys.readouterr().out


def test_an_overlay_has_no_time_that_cannot_be_told_from_nothing():
    """A negative difference would move the colours of all others."""
    costs = (
        ProfiledOperator(0, "CONV_2D", 588_405.0, 500_000.0, 600_000.0),
        ProfiledOperator(1, "ADD", -1_388_897.0, -5e6, 2e6),
    )
    assert overlay_values(OperatorProfile(NAME, "nanoseconds", "now", costs)) == ("time in µs", {0: 588.405})
    counted = OperatorProfile(NAME, "instructions", "run a", (ProfiledOperator(0, "CONV_2D", 900.0),))
    assert overlay_values(counted) == ("instructions", {0: 900.0})
