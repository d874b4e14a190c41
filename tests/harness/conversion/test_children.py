"""Who has which child: one that was started ahead serves the first that asks for another."""

import threading

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
    """Two slots; `children.starts` are the events on which each start waits, in turn."""
    made = Children(2, 1.0)
    monkeypatch.setattr(made, "_workers", 2)
    made.begun, made.may_end = threading.Semaphore(0), threading.Event()

    def start(*_):
        made.begun.release()
        assert made.may_end.wait(10)
        return Child()

    monkeypatch.setattr(made, "_start", start)
    return made


def test_two_jobs_beside_each_other_need_no_further_start_where_one_was_started_ahead(children, environment):
    children.may_end.set()
    children.start_ahead(environment)
    with children.lend(environment), children.lend(environment):
        pass
    assert [children.begun.acquire(timeout=0) for _ in range(3)] == [True, True, False]


def test_whoever_asks_meanwhile_has_a_child_of_their_own_and_the_next_waits_for_the_rest_of_the_start(
    children, environment
):
    children.start_ahead(environment)
    assert children.begun.acquire(timeout=10)
    threading.Timer(0.1, children.may_end.set).start()
    with children.lend(environment) as one, children.lend(environment) as other:
        assert one is not other


def test_where_all_are_at_work_nothing_is_started(children, environment):
    children.may_end.set()
    with children.lend(environment), children.lend(environment):
        children.start_ahead(environment)
    assert [children.begun.acquire(timeout=0) for _ in range(3)] == [True, True, False]


def test_a_start_that_fails_is_told_to_whoever_needs_the_child(children, environment, monkeypatch):
    def refuse(*_):
        raise Unavailable("there is no such environment.")

    monkeypatch.setattr(children, "_start", refuse)
    children.start_ahead(environment)
    with pytest.raises(Unavailable, match="no such environment"), children.lend(environment):
        pass
