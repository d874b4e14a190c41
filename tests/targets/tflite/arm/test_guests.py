"""Emulated processes are kept for the next artifact, and only while they are good for one."""

import pytest

from harness.errors import Crashed, TimedOut, Unsupported
from harness_targets.tflite.arm.guests import Guests


class FakeGuest:
    """A process in name only."""

    def __init__(self):
        self.living, self.closed, self.unloaded = True, False, 0

    def alive(self):
        return self.living

    def call(self, operation, *, seconds):
        assert operation == "unload"
        if not self.living:
            raise Crashed("gone")
        self.unloaded += 1
        return {}, {}

    def close(self):
        self.closed = True
        self.living = False


@pytest.fixture
def guests():
    return Guests()


@pytest.fixture
def started():
    return []


@pytest.fixture
def start(started):
    def start():
        started.append(FakeGuest())
        return started[-1]

    return start


def test_one_guest_serves_one_artifact_after_another(guests, start, started):
    for _ in range(3):
        with guests.one("a53", start):
            pass
    assert len(started) == 1
    assert started[0].unloaded == 3


def test_two_at_a_time_are_two_guests_and_each_core_has_its_own(guests, start, started):
    with guests.one("a53", start), guests.one("a53", start), guests.one("a76", start):
        pass
    assert len(started) == 3
    with guests.one("a76", start) as again:
        assert again is started[2]


@pytest.mark.parametrize("end", [Unsupported("no kernel"), Crashed("died of SIGSEGV")])
def test_an_artifact_that_ends_early_leaves_the_guest_to_the_next(guests, start, started, end):
    with pytest.raises(type(end)), guests.one("a53", start):
        raise end
    with guests.one("a53", start):
        pass
    assert len(started) == 1


def test_a_guest_that_hung_and_was_killed_is_not_used_again(guests, start, started):
    def hang():
        with guests.one("a53", start) as guest:
            guest.living = False
            raise TimedOut("did not answer")

    with pytest.raises(TimedOut):
        hang()
    assert started[0].closed
    with guests.one("a53", start):
        pass
    assert len(started) == 2


def test_ctrl_c_keeps_no_guest(guests, start, started):
    with pytest.raises(KeyboardInterrupt), guests.one("a53", start):
        raise KeyboardInterrupt
    assert started[0].closed


def test_a_guest_that_died_while_idle_is_replaced(guests, start, started):
    with guests.one("a53", start):
        pass
    started[0].living = False
    with guests.one("a53", start) as guest:
        assert guest is started[1]


def test_release_ends_the_idle_ones(guests, start, started):
    with guests.one("a53", start), guests.one("a76", start):
        pass
    guests.release("a53")
    assert [guest.closed for guest in started] == [True, False]
    guests.release()
    assert all(guest.closed for guest in started)
