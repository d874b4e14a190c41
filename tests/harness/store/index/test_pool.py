"""Work in several processes: in order, never far ahead, and out of the way of whoever measures."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.store.index.processes import AHEAD, in_processes

INTERRUPTED = """
import sys, threading
from pathlib import Path
from harness.store.index.processes import in_processes
folder = Path(sys.argv[1])
def background():
    for _ in in_processes(1, "touched files", Path.touch, ((folder / str(place),) for place in range(1000))):
        first.set()
        threading.Event().wait()
if __name__ == "__main__":
    first = threading.Event()
    threading.Thread(target=background, daemon=True).start()
    first.wait()
"""


def test_results_come_in_the_order_of_the_work() -> None:
    assert list(in_processes(2, "counted", pow, ((2, index) for index in range(9)))) == [2**index for index in range(9)]


def test_nothing_is_handed_over_long_before_it_is_taken() -> None:
    handed_over: list[int] = []

    def work() -> Iterator[tuple[int]]:
        for index in range(20):
            handed_over.append(index)
            yield (index,)

    results = in_processes(1, "counted", abs, work())
    for taken in range(1, 6):
        next(results)
        assert len(handed_over) <= taken + AHEAD
    results.close()  # type: ignore[attr-defined]


def test_a_program_that_ends_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    """As `harness serve` does at Ctrl-C, while a thread of it makes what the next visitor will ask for."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 1 <= len(list(tmp_path.iterdir())) <= 1 + AHEAD


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no priorities of that kind")
def test_it_gives_way_to_all_else() -> None:
    assert list(in_processes(1, "asked", os.nice, [(0,)])) == [19]


def test_a_process_that_is_ended_from_outside_is_one_sentence() -> None:
    with pytest.raises(HarnessError, match="A process that counted was ended from outside"):
        list(in_processes(1, "counted", os._exit, [(1,)]))
