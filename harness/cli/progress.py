"""Progress on standard error: bars on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


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

    def note(self, text: str) -> None:
        """Something that a person should read."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
