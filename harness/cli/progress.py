"""Progress on standard error: bars on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.run.costs import in_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.run.schedule import ScheduleStatus
    from harness.store.record import Outcome


SLOW_SECONDS = 30.0
"""A step that takes longer is named once, with how to do without it."""
LINE_SECONDS = 15.0
WITHOUT_LOOK_SECONDS = 2.0
"""A stage that nobody looks at shows its last step."""
MOST_LINES = 20
"""Lines about cases that went wrong, while a run goes on. All cases are reported at its end."""


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
        self._live: Any = None
        self._doing = ""
        """What the line below the bars says besides how the cases stand."""
        self.name = ""
        self.total = 0
        self.done = 0
        self.last_line = time.monotonic()
        self._noted: set[str] = set()
        self._standings: Counter[str] = Counter()
        self._wrong = 0
        self._looked = float("-inf")

    def __enter__(self) -> ConsoleProgress:
        if self.console.is_terminal:
            from rich.live import Live
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description:22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self.bars = Progress(*columns, console=self.console)
            self._live = Live(console=self.console, refresh_per_second=10, get_renderable=self._shown)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._live is not None:
            self._doing = ""
            self._standings.clear()
            self._live.stop()

    def _shown(self) -> RenderableType:
        """The bars, and below them one line, cut to the terminal's width."""
        from rich.console import Group
        from rich.text import Text

        line = "; ".join(part for part in (self._counted(), self._doing) if part)
        return Group(self.bars, Text(line, no_wrap=True, overflow="ellipsis")) if line else self.bars

    def _counted(self) -> str:
        """How the cases stand: `2 passed, 1 crashed`."""
        counted = sorted(self._standings.copy().items(), key=lambda item: item[0] != "passed")
        return ", ".join(f"{count} {word}" for word, count in counted)

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self.name, self.total, self.done = name, total, 0
        if total and self.bars is not None:
            self.task = self.bars.add_task(name, total=total)
        elif total:
            print(f"{name} ({total}) …", file=sys.stderr)

    def step(self, what: str) -> None:
        """One step of it is done."""
        self.done += 1
        if self.bars is not None:
            self.bars.update(self.task, advance=1)
            if time.monotonic() - self._looked > WITHOUT_LOOK_SECONDS:  # else what is being done now stands there
                self._doing = what if self.done < self.total else ""

    def ended(self, case: str, outcome: Outcome, reason: str, *, final: bool) -> None:
        """Count it; what went wrong for good is a line of its own, up to some."""
        from harness.report.outcomes import LABELS, WRONG

        wrong = outcome in WRONG
        self._standings["to be looked at again" if wrong and not final else LABELS[outcome].word.lower()] += 1
        if wrong and final and self._wrong <= MOST_LINES:
            self._wrong += 1
            more = self._wrong > MOST_LINES
            self.note("Others went wrong, too." if more else f"{LABELS[outcome].symbol} {case}: {reason}")

    def update(self, status: ScheduleStatus) -> None:
        """What is being done and how long it may still take: in the bar, or a line now and then where there is none."""
        slow = [(doing, seconds) for doing, seconds in status.running if seconds > SLOW_SECONDS]
        for doing, _ in slow:
            if doing not in self._noted:
                self._noted.add(doing)
                self.note(f"{doing} takes long{_how_to_leave_out(doing)}.")
        now = f"; {status.running[0][0]}" if status.running else ""
        left = f"about {in_words(status.left_seconds)} left"
        if self.bars is not None:
            self._doing, self._looked = f"{left}{now}", time.monotonic()
        elif time.monotonic() - self.last_line > LINE_SECONDS:
            self.last_line = time.monotonic()
            steps = f"{status.done} of {status.total} steps"
            standing = f"{counted}; " if (counted := self._counted()) else ""
            print(f"{steps}; {standing}{left}{now}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Something that a person should read."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
