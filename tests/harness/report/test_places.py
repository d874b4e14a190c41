"""What tables and pages say of a run over places: milliseconds of one machine are never held against another's."""

import pytest

from harness.report.case_view import case_document
from harness.report.changes import changes
from harness.report.model_view import model_views
from harness.report.page import render
from harness.report.pareto import candidates
from harness.report.summary import warnings
from harness.store.record import PlaceSummary
from tests.harness.gate.made_up import ELSEWHERE, HERE, case, latency, run


def timed(place, median_ns=1_000_000, runtime="one", several=True, **fields):
    name = f"model/float32/tflite/{runtime}{f'@{place}' if several else ''}"
    return case(name, latency=latency(median_ns, **fields), place=place)


def at_places(*cases, machine=HERE, **machines):
    places = tuple(PlaceSummary(name=name, machine=machine) for name, machine in machines.items())
    return run(*cases, machine=machine).model_copy(update={"places": places})


def test_a_place_that_is_another_machine_now_is_not_judged_by_its_milliseconds():
    before = at_places(timed("pi"), timed("bench"), pi=HERE, bench=HERE)
    now = at_places(timed("pi", 2_000_000), timed("bench", 2_000_000), pi=ELSEWHERE, bench=HERE)
    found = changes(now, before)
    readings = {change.case.place: (change.reading, change.why) for change in found.latencies}
    assert readings == {"pi": ("not judged", "the machines differ"), "bench": ("unchanged", "")}
    assert found.same_machine
    assert {fact.name for fact in found.facts} == {"place pi"}


def test_whoever_starts_a_run_the_machines_of_its_places_decide():
    before = at_places(timed("pi"), pi=HERE)
    now = at_places(timed("pi", 2_000_000), machine=ELSEWHERE, pi=HERE)
    (change,) = changes(now, before).latencies
    assert (change.reading, change.why) == ("unchanged", "")


def test_the_fastest_is_that_of_a_place():
    record = at_places(
        timed("pi", 4_000_000), timed("pi", 8_000_000, "two"), timed("bench", 1_000_000), pi=ELSEWHERE, bench=HERE
    )
    (view,) = model_views(record)
    assert {name.rpartition("/")[2]: round(factor, 2) for name, factor in view.fastest.items()} == {
        "one@pi": 1.0,
        "two@pi": 2.0,
        "one@bench": 1.0,
    }


@pytest.mark.parametrize(("places", "front"), [(("pi", "bench"), 2), (("pi", "pi"), 1)])
def test_what_is_worth_choosing_is_so_at_its_place(places, front):
    found = candidates([timed(places[0], 4_000_000, several=False), timed(places[1], 1_000_000, "two", several=False)])
    assert sum(one.on_front for one in found) == front


def test_emulators_are_named_once_however_many_places_have_them():
    record = at_places(*(case(f"m/int8/mcu/qemu@{place}", place=place, simulated=True) for place in ("a", "b")))
    (told,) = (warning for warning in warnings(record) if warning.startswith("Emulators"))
    assert ": mcu/qemu. " in told


def test_the_load_that_counts_is_that_of_the_place():
    busy = HERE.model_copy(update={"load_average": 8.0})
    assert not any("busy" in warning for warning in warnings(at_places(timed("pi"), machine=busy, pi=HERE)))
    (told,) = (warning for warning in warnings(at_places(timed("pi"), pi=busy)) if "busy" in warning)
    assert told.startswith("The machine of pi was busy (load average 8.0 on 2 cores)")


def test_the_page_names_places_with_their_machines():
    record = at_places(timed("pi", several=False), timed("bench", runtime="two"), pi=ELSEWHERE, bench=HERE)
    page = render(record)
    assert "pi: CPU B, 2 cores" in page
    assert "bench: CPU A, 2 cores" in page
    document = case_document(record, record.cases[0], has_history=False, has_changes=False)
    assert document["machine"] == "pi: CPU B, 2 cores"
    (view,) = model_views(record)
    assert [row["Target"] for row in view.charts["latency"]] == ["tflite/one@pi", "tflite/two@bench"]
