"""Resources that outlive a session: borrowed, given back, replaced when broken, ended when all is over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

from harness.process.warm import WarmPool, end_warm


class Browser:
    def __init__(self, key: str) -> None:
        self.key = key
        self.usable = True
        self.ended = False


@pytest.fixture
def started() -> list[Browser]:
    return []


@pytest.fixture
def pool(started: list[Browser]) -> WarmPool[str, Browser]:
    @contextmanager
    def start(key: str) -> Iterator[Browser]:
        browser = Browser(key)
        started.append(browser)
        yield browser
        browser.ended = True

    return WarmPool(start, lambda browser: browser.usable)


def test_one_serves_many_sessions(pool, started):
    for _ in range(3):
        with pool.borrowed("wasm"):
            pass
    assert len(started) == 1
    assert not started[0].ended


def test_other_flags_need_another_one(pool, started):
    with pool.borrowed("wasm"):
        pass
    with pool.borrowed("webgl") as browser:
        assert browser.key == "webgl"
    assert len(started) == 2


def test_sessions_side_by_side_have_one_each(pool, started):
    both = Barrier(2, timeout=60)

    def session() -> Browser:
        with pool.borrowed("wasm") as browser:
            both.wait()
            return browser

    with ThreadPoolExecutor(2) as threads:
        one, two = (future.result() for future in [threads.submit(session) for _ in range(2)])
    assert one is not two


def test_a_broken_one_is_ended_and_costs_no_other_session(pool, started):
    with pool.borrowed("wasm") as browser:
        browser.usable = False
    assert started[0].ended
    with pool.borrowed("wasm") as browser:
        assert browser is not started[0]


def test_one_that_died_while_it_was_idle_is_not_given_out(pool, started):
    with pool.borrowed("wasm") as browser:
        pass
    browser.usable = False
    with pool.borrowed("wasm") as another:
        assert another is not browser
    assert browser.ended


def test_an_error_of_the_session_alone_leaves_it_usable(pool, started):
    with pytest.raises(ValueError), pool.borrowed("wasm"):
        raise ValueError("a wrong shape")
    with pool.borrowed("wasm"):
        pass
    assert len(started) == 1


def test_one_kind_alone_can_be_ended(pool, started):
    for key in ("wasm", "webgl"):
        with pool.borrowed(key):
            pass
    pool.close("webgl")
    assert [browser.ended for browser in started] == [False, True]


def test_what_cannot_start_says_so_and_keeps_nothing(started):
    @contextmanager
    def start(key: str) -> Iterator[Browser]:
        raise OSError(key)
        yield Browser(key)

    pool = WarmPool(start, lambda browser: True)
    with pytest.raises(OSError), pool.borrowed("wasm"):
        pass
    pool.close()


def test_all_are_ended_when_the_work_is_over(pool, started):
    with pool.borrowed("wasm"), pool.borrowed("webgl"):
        pass
    end_warm()
    assert [browser.ended for browser in started] == [True, True]
