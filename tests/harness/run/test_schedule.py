"""Steps that stand on others: order, slots, errors, and what is left."""

import threading
from functools import partial

import pytest

from harness.errors import Failed, UnexpectedError
from harness.run.schedule import SLOW, Schedule, ScheduledStep


def one_by_one(steps, **settings) -> list[str]:
    """The order in which a single worker does the steps."""
    order: list[str] = []
    for step in steps:
        object.__setattr__(step, "work", lambda key=step.key: order.append(key))
    Schedule(steps, 1, **settings).run()
    return order


def nothing() -> None:
    return


def step(key: str, *needs: str, rank: int = 0, seconds: float = 0.0, slot: str = "") -> ScheduledStep:
    return ScheduledStep(key, f"Doing {key}", nothing, needs, rank, seconds, slot)


def test_what_is_needed_comes_before_what_needs_it():
    assert one_by_one([step("compare", "convert"), step("convert", "prepare"), step("prepare")]) == [
        "prepare",
        "convert",
        "compare",
    ]


def test_cheap_steps_go_first_and_rank_before_cost():
    steps = [step("dear", seconds=9), step("cheap", seconds=1), step("urgent", rank=-1, seconds=99)]
    assert one_by_one(steps) == ["urgent", "cheap", "dear"]


def test_the_first_models_cases_do_not_wait_for_the_last_models_conversion():
    models = [step(f"{kind}{n}", *needs) for n in range(3) for kind, needs in [("prepare", ())]]
    cases = [step(f"compare{n}", f"prepare{n}", rank=-1) for n in range(3)]
    assert one_by_one([*models, *cases])[:2] == ["prepare0", "compare0"]


def test_an_error_ends_all_that_stands_on_it_and_nothing_else():
    problem = Failed("the converter refused")

    def refuse() -> None:
        raise problem

    told = {}
    steps = [
        ScheduledStep("convert", "Converting", refuse),
        ScheduledStep("reference", "Running", lambda: pytest.fail("it has nothing to run"), ("convert",)),
        ScheduledStep("compare", "Comparing", lambda: pytest.fail("it has nothing to compare"), ("reference",)),
        ScheduledStep("other", "Comparing", lambda: 7),
    ]
    results = Schedule(steps, 2, ended=lambda step, result: told.__setitem__(step.key, result)).run()
    assert results == {"convert": problem, "reference": problem, "compare": problem, "other": 7}
    assert told == results


def test_what_nobody_foresaw_ends_its_own_step():
    def raise_something() -> None:
        raise KeyError("x")

    results = Schedule(
        [ScheduledStep("one", "Comparing", raise_something), ScheduledStep("two", "Comparing", lambda: 2)], 2
    ).run()
    assert isinstance(results["one"], UnexpectedError)
    assert results["two"] == 2


def test_slow_steps_leave_a_worker_to_the_quick_ones():
    gate, most, now, lock = threading.Event(), 0, 0, threading.Lock()

    def slow() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now if not gate.is_set() else 0)
        gate.wait(60)
        with lock:
            now -= 1

    steps = [ScheduledStep(f"slow{n}", "Rendering", slow, slot=SLOW) for n in range(3)]
    # The last quick step lets the slow ones go on: were both workers theirs, it would never be reached.
    quick = [ScheduledStep(f"quick{n}", "Comparing", (gate.set if n == 5 else nothing), rank=1) for n in range(6)]
    Schedule([*steps, *quick], 2).run()
    assert gate.is_set()
    assert most == 1


def test_a_slot_holds_no_more_than_its_limit():
    """The first waits for steps that go after those of the slot: three workers pass by the rest of them."""
    most, now, lock, gate = 0, 0, threading.Lock(), threading.Event()

    def work() -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        assert gate.wait(60)
        with lock:
            now -= 1

    limited = [ScheduledStep(n, "Setting up", work, slot="set-up") for n in range(6)]
    others = [ScheduledStep(f"other{n}", "Comparing", gate.set if n == 5 else nothing, rank=1) for n in range(6)]
    Schedule([*limited, *others], 4, {"set-up": 1}).run()
    assert gate.is_set()
    assert most == 1


def test_needs_that_go_in_a_circle_end_and_are_named():
    results = Schedule([step("hen", "egg"), step("egg", "hen")], 2).run()
    assert all("circle" in str(error) for error in results.values())


def test_a_need_that_no_step_makes_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="egg"):
        Schedule([step("hen", "egg")], 1)


def test_an_interruption_goes_on_to_the_caller_and_begins_nothing_more():
    begun = []

    def interrupt(step: ScheduledStep, result: object) -> None:
        raise KeyboardInterrupt

    steps = [
        ScheduledStep("one", "Comparing", lambda: begun.append("one")),
        ScheduledStep("two", "Comparing", lambda: begun.append("two"), ("one",)),
    ]
    with pytest.raises(KeyboardInterrupt):
        Schedule(steps, 1, ended=interrupt).run()
    assert begun == ["one"]


def test_the_time_that_is_left_learns_from_what_was_done():
    halfway, go_on, glances = threading.Event(), threading.Event(), []

    def wait() -> None:
        halfway.set()
        go_on.wait(60)

    # Each was expected to take 100 s, and the first took next to none.
    steps = [ScheduledStep(n, f"Comparing {n}", wait if n == 1 else nothing, seconds=100.0, rank=n) for n in range(4)]
    schedule = Schedule(steps, 1)
    assert schedule.status().left_seconds == 400.0
    thread = threading.Thread(target=lambda: glances.append(schedule.run()))
    thread.start()
    assert halfway.wait(60)
    glance = schedule.status()
    go_on.set()
    thread.join(60)
    assert (glance.done, glance.total) == (1, 4)
    assert [doing for doing, _ in glance.running] == ["Comparing 1"]
    assert glance.left_seconds < 40.0
    assert schedule.status().left_seconds == 0.0


def test_each_place_takes_so_many_steps_at_once_and_waits_for_no_other():
    running, most = dict.fromkeys(("", "bench", "pi"), 0), dict.fromkeys(("", "bench", "pi"), 0)
    lock = threading.Lock()
    blocked = threading.Event()

    def work(place):
        with lock:
            running[place] += 1
            most[place] = max(most[place], running[place])
            if running == {"": 1, "bench": 2, "pi": 1}:
                blocked.set()
        assert blocked.wait(60)
        with lock:
            running[place] -= 1

    steps = [
        ScheduledStep((place, n), "Doing", partial(work, place), place=place) for place in running for n in range(6)
    ]
    Schedule(steps, 1, places={"bench": 2, "pi": 1}).run()
    assert most == {"": 1, "bench": 2, "pi": 1}
