"""10,000 cases over 50 places: how near the end of a run comes to the best that any order could do.

The order is the one that runs have; a clock that is moved by hand stands for the time that work takes.
"""

import heapq
import random
from collections import Counter

from harness.run.case_steps import COMPARING, COMPARING_SLOWLY_ELSEWHERE, CONVERTING
from harness.run.costs import SLOW_SECONDS
from harness.run.order import SLOW, Order
from harness.run.schedule import Step

WORKERS = 4


def makespan(steps, workers, limits=None):
    """Seconds until all is done, where every step takes what was expected; and the most at once, by place."""
    order = Order(steps, workers, limits or {})
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
        Step(("convert", model), "", None, rank=CONVERTING, seconds=chance.uniform(0.5, 4.0)) for model in range(models)
    ]
    for case in range(cases):
        seconds = chance.lognormvariate(0.5, 1.0)
        rank, slot = (COMPARING_SLOWLY_ELSEWHERE, SLOW) if seconds > SLOW_SECONDS else (COMPARING, "")
        needs = (("convert", case % models),)
        steps.append(Step(case, "", None, needs, rank, seconds, slot, place=places[case % len(places)]))
    return steps


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
    steps = [Step(("slow", place, n), "", None, (), 0, 60.0, SLOW, place=place) for place in "ab" for n in range(2)]
    steps += [Step(("quick", place, n), "", None, (), 1, 1.0, place=place) for place in "a" for n in range(5)]
    order = Order(steps, lambda place: 2, {})
    taken = []
    while (step := order.take()) is not None:
        taken.append(step.key[:2])
    assert sorted(taken) == [("quick", "a"), ("slow", "a"), ("slow", "b"), ("slow", "b")]
