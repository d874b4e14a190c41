"""Progress on standard error: bars on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.run.costs import in_words

if TYPE_CHECKING:
    from harness.run.schedule import Glance
    from harness.store.record import Outcome


SLOW_SECONDS = 30.0
"""A step that takes longer is named once, with how to do without it."""
LINE_SECONDS = 15.0
MOST_LINES = 20
"""Of cases that went wrong, while a run goes on: at its end all are told."""


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
        self._standings: Counter[str] = Counter()
        self._wrong = 0

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

    def ended(self, case: str, outcome: Outcome, reason: str, *, final: bool) -> None:
        """Count it; what went wrong for good is a line of its own, up to some."""
        from harness.report.outcomes import LABELS, WRONG

        wrong = outcome in WRONG
        self._standings["to be looked at again" if wrong and not final else LABELS[outcome].word.lower()] += 1
        if wrong and final and self._wrong <= MOST_LINES:
            self._wrong += 1
            more = self._wrong > MOST_LINES
            self.note("Others went wrong, too." if more else f"{LABELS[outcome].symbol} {case}: {reason}")

    def look(self, glance: Glance) -> None:
        """What is being done and how long it may still take: in the bar, or a line now and then where there is none."""
        slow = [(doing, seconds) for doing, seconds in glance.running if seconds > SLOW_SECONDS]
        for doing, _ in slow:
            if doing not in self._noted:
                self._noted.add(doing)
                self.note(f"{doing} takes long{_how_to_leave_out(doing)}.")
        counted = sorted(self._standings.items(), key=lambda item: item[0] != "passed")  # a copy: another thread counts
        standings = ", ".join(f"{count} {word}" for word, count in counted)
        now = "".join(f"{part}; " for part in (standings, *(doing for doing, _ in glance.running[:1])) if part)
        left = f"about {in_words(glance.left_seconds)} left"
        if self.bars is not None:
            self.bars.update(self.task, what=f"{now}{left}")
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            print(f"{glance.done} of {glance.total} steps; {now}{left}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that a person should read."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
