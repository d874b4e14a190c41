"""Who has which child: one that was started beside a job that took long serves the first that asks for another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.conversion.children import Children
from harness.environment import Environment
from harness.errors import Unavailable


class Child:
    def alive(self):
        return True

    def close(self):
        pass


@pytest.fixture
def environment():
    return Environment.from_pins("none", ("nothing==1",))


@pytest.fixture
def children(monkeypatch):
    """Two slots. A start says that it has `begun`, and waits until it `may_end`."""
    made = Children(2, 1.0)
    monkeypatch.setattr(made, "_workers", 2)
    made.begun, made.may_end = threading.Semaphore(0), threading.Event()

    def start(*_):
        made.begun.release()
        assert made.may_end.wait(60)
        return Child()

    monkeypatch.setattr(made, "_start", start)
    return made


def test_two_jobs_beside_each_other_need_no_further_start_behind_one_that_took_long(children, environment):
    children.may_end.set()
    with children.lend(environment), children.another_after(0.0, environment):
        assert all(children.begun.acquire(timeout=60) for _ in range(2))
    with children.lend(environment), children.lend(environment):
        pass
    assert not children.begun.acquire(timeout=0)


def test_whoever_asks_meanwhile_waits_for_the_rest_of_the_start(children, environment, monkeypatch):
    with children.another_after(0.0, environment):
        assert children.begun.acquire(timeout=60)
    slots, asked, both = children._pool(environment), threading.Semaphore(0), threading.Barrier(2)
    get = slots.get
    monkeypatch.setattr(slots, "get", lambda *words, **named: (asked.release(), get(*words, **named))[1])

    def borrowed():
        with children.lend(environment) as child:
            both.wait(60)
            return child

    with ThreadPoolExecutor(2) as threads:
        borrowers = [threads.submit(borrowed) for _ in range(2)]
        assert all(asked.acquire(timeout=60) for _ in range(2))
        assert children.begun.acquire(timeout=60), "one starts its own in the other slot"
        assert not any(borrower.done() for borrower in borrowers)
        children.may_end.set()
        one, other = (borrower.result(60) for borrower in borrowers)
    assert one is not other
    assert not children.begun.acquire(timeout=0)


def test_behind_one_that_was_quick_nothing_is_started(children, environment):
    with children.another_after(60.0, environment):
        pass
    assert not children.begun.acquire(timeout=0)


def test_where_all_are_at_work_nothing_is_started(children, environment, monkeypatch):
    children.may_end.set()
    tried, start_ahead = threading.Event(), children._start_ahead
    monkeypatch.setattr(children, "_start_ahead", lambda of: (start_ahead(of), tried.set()))
    with children.lend(environment), children.lend(environment), children.another_after(0.0, environment):
        assert tried.wait(60)
    assert [children.begun.acquire(timeout=0) for _ in range(3)] == [True, True, False]


def test_a_start_that_fails_is_told_to_whoever_needs_the_child(children, environment, monkeypatch):
    asked = threading.Event()

    def refuse(*_):
        asked.set()
        raise Unavailable("there is no such environment.")

    monkeypatch.setattr(children, "_start", refuse)
    with children.another_after(0.0, environment):
        assert asked.wait(60)
    with pytest.raises(Unavailable, match="no such environment"), children.lend(environment):
        pass
