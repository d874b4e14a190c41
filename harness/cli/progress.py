"""Progress on standard error: bars on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.run.costs import in_words

if TYPE_CHECKING:
    from harness.run.schedule import Glance


SLOW_SECONDS = 30.0
"""A step that takes longer is named once, with how to do without it."""
LINE_SECONDS = 15.0


def _how_to_leave_out(doing: str) -> str:
    """What is typed to have a run without a case that is being compared."""
    what, _, case = doing.partition(" ")
    if what != "Comparing" or "/" not in case:
        return ""
    return f"; `--without {case}` leaves it out, `--budget 1` gives it fewer inputs"


class ConsoleProgress:
    """A `harness.run.engine.Progress`, as a context manager."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.bars: Any = None
        self.task: Any = None
        self.name = ""
        self.total = 0
        self.done = 0
        self.last_line = time.monotonic()
        self._noted: set[str] = set()

    def __enter__(self) -> ConsoleProgress:
        if self.console.is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self.bars = Progress(*columns, TextColumn("{task.fields[what]}"), console=self.console)
            self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.bars is not None:
            self.bars.stop()

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self.name, self.total, self.done = name, total, 0
        if total and self.bars is not None:
            self.task = self.bars.add_task(name, total=total, what="")
        elif total:
            print(f"{name} ({total}) …", file=sys.stderr)

    def step(self, what: str) -> None:
        """One step of it is done."""
        self.done += 1
        if self.bars is not None:
            self.bars.update(self.task, advance=1, what=what if self.done < self.total else "")

    def look(self, glance: Glance) -> None:
        """What is being done and how long it may still take: in the bar, or a line now and then where there is none."""
        slow = [(doing, seconds) for doing, seconds in glance.running if seconds > SLOW_SECONDS]
        for doing, _ in slow:
            if doing not in self._noted:
                self._noted.add(doing)
                self.note(f"{doing} takes long{_how_to_leave_out(doing)}.")
        now = f"{glance.running[0][0]}; " if glance.running else ""
        left = f"about {in_words(glance.left_seconds)} left"
        if self.bars is not None:
            self.bars.update(self.task, what=f"{now}{left}")
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            print(f"{glance.done} of {glance.total} steps; {now}{left}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that a person should read."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
