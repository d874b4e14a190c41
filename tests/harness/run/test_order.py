"""10,000 cases over 50 places: how near the end of a run comes to the best that any order could do.

The order is the one that runs have; a clock that is moved by hand stands for the time that work takes.
"""

import heapq
import random
from collections import Counter
from dataclasses import replace

from harness.run.case_steps import COMPARING, COMPARING_SLOWLY_ELSEWHERE, CONVERTING
from harness.run.costs import SLOW_SECONDS
from harness.run.order import SLOW, ReadyQueue
from harness.run.schedule import ScheduledStep

WORKERS = 4


def makespan(steps, workers, limits=None, elsewhere=()):
    """Seconds until all is done, where every step takes what was expected; and the most at once, by place."""
    order = ReadyQueue(steps, workers, limits or {}, lambda: elsewhere)
    now, ends, count = 0.0, [], 0
    running, most = Counter(), Counter()
    for _ in steps:
        while (step := order.take()) is not None:
            count += 1
            running[step.place] += 1
            most[step.place] = max(most[step.place], running[step.place])
            heapq.heappush(ends, (now + step.seconds, count, step))
        now, _, step = heapq.heappop(ends)
        running[step.place] -= 1
        order.finish(step)
        order.fulfil(step)
    assert not ends
    return now, most


def matrix(places, models=200, cases=10_000):
    """Conversions here, and cases at places that stand on them: seconds as the zoo's, most short and some long."""
    chance = random.Random(17)
    steps = [
        ScheduledStep(("convert", model), "", None, rank=CONVERTING, seconds=chance.uniform(0.5, 4.0))
        for model in range(models)
    ]
    for case in range(cases):
        seconds = chance.lognormvariate(0.5, 1.0)
        rank, slot = (COMPARING_SLOWLY_ELSEWHERE, SLOW) if seconds > SLOW_SECONDS else (COMPARING, "")
        needs = (("convert", case % models),)
        steps.append(ScheduledStep(case, "", None, needs, rank, seconds, slot, place=places[case % len(places)]))
    return steps


def anywhere(steps):
    """The same, with conversions that may be done at any place."""
    return [step if step.place else replace(step, at=lambda where: None) for step in steps]


def bound_of_all(steps, workers, places):
    """No order ends sooner: all workers together have so much to do, a place has its own cases, and one worker the
    longest case and what it stands on."""
    conversions = {step.key: step.seconds for step in steps if not step.needs}
    longest = max(step.seconds + sum(conversions[need] for need in step.needs) for step in steps)
    all_together = sum(step.seconds for step in steps) / sum(map(workers, ["", *places]))
    own = Counter()
    for step in steps:
        if step.place:
            own[step.place] += step.seconds / workers(step.place)
    return max(all_together, longest, min(conversions.values()) + max(own.values()))


def bound(steps, workers):
    """No order ends sooner: a place has so much to do, and begins when the first conversion is there."""
    first = min(step.seconds for step in steps if not step.needs)
    here = sum(step.seconds for step in steps if not step.place) / workers("")
    there = Counter()
    for step in steps:
        there[step.place] += step.seconds / workers(step.place)
    longest = max(step.seconds for step in steps)
    return max(here, longest, first + max(seconds for place, seconds in there.items() if place))


def workers_of(place):
    return 8 if place == "" else WORKERS


def test_ten_thousand_cases_over_fifty_places_end_near_the_bound():
    places = [f"place {number}" for number in range(50)]
    steps = matrix(places)
    found, most = makespan(steps, workers_of)
    assert all(most[place] == WORKERS for place in places)
    assert bound(steps, workers_of) <= found < 1.05 * bound(steps, workers_of)


def test_ten_thousand_cases_of_two_thousand_conversions_that_places_share_end_near_the_bound():
    """Conversions are then a seventh of all work, for which one machine alone would take nine minutes."""
    places = [f"place {number}" for number in range(50)]
    steps = matrix(places, models=2_000)
    here, _ = makespan(steps, workers_of)
    found, most = makespan(anywhere(steps), workers_of, elsewhere=places)
    least = bound_of_all(steps, workers_of, places)
    assert all(most[place] == WORKERS for place in places)
    assert least <= found < 1.15 * least
    assert here > 3.0 * found


def test_conversions_and_cases_end_the_sooner_the_more_places_there_are():
    found = []
    for count in (1, 5, 50):
        places = [f"place {number}" for number in range(count)]
        steps = anywhere(matrix(places, models=1_000, cases=5_000))
        found.append(makespan(steps, workers_of, elsewhere=places)[0])
    assert found[0] > 3.0 * found[1] > 12.0 * found[2]


def test_a_step_that_may_be_done_anywhere_is_done_here_first_and_then_where_most_is_free():
    steps = [ScheduledStep(number, "Converting", None, at=lambda where: None) for number in range(6)]
    there = ["a", "b"]
    order = ReadyQueue(steps, {"": 2, "a": 1, "b": 2}.get, {}, lambda: there)
    taken = [order.take() for _ in range(4)]
    assert [step.place for step in taken] == ["", "", "b", "a"]
    assert taken[2].doing == "Converting at b"
    there.remove("b")
    assert order.take() is None  # b is lost, and its worker with it
    order.finish(taken[0])
    assert order.take().place == ""


def test_work_that_may_go_anywhere_ends_the_sooner_the_more_machines_there_are():
    """Machines that are alike are one place with the workers of all of them."""
    found = []
    for machines in (1, 5, 50):
        steps = matrix(["farm"], models=20, cases=5_000)

        def workers(place, machines=machines):
            return 8 if place == "" else WORKERS * machines

        ends, _ = makespan(steps, workers)
        assert ends < 1.1 * bound(steps, workers)
        found.append(ends)
    assert found[0] > 4.0 * found[1] > 16.0 * found[2]


def test_a_slow_step_leaves_a_worker_of_its_own_place_to_the_quick_ones():
    steps = [
        ScheduledStep(("slow", place, n), "", None, (), 0, 60.0, SLOW, place=place) for place in "ab" for n in range(2)
    ]
    steps += [ScheduledStep(("quick", place, n), "", None, (), 1, 1.0, place=place) for place in "a" for n in range(5)]
    order = ReadyQueue(steps, lambda place: 2, {})
    taken = []
    while (step := order.take()) is not None:
        taken.append(step.key[:2])
    assert sorted(taken) == [("quick", "a"), ("slow", "a"), ("slow", "b"), ("slow", "b")]
