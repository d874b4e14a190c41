"""Processes that need not import the engine, which takes a second of processor: forked from a server that has.

They can be killed, and several can work at once, as processes of an interpreter's own.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.cli.main import main

PRELOADED = (
    __name__,
    "pytest",
    "harness.store.index.folder",
    "tests.harness.store.records",
    "tests.harness.store.index_dump",
)
"""What the server imports; a server forks without any thread of its own or of a test's process."""


class Forked:
    """A function with its arguments in such a process, which has only the environment variables given."""

    def __init__(
        self, function: Callable[..., object], *arguments: object, variables: Mapping[str, str] = os.environ
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self._written = tempfile.TemporaryDirectory(prefix="forked-")
        self._process = context.Process(
            target=_call, args=(Path(self._written.name), dict(variables), function, arguments)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, minus the signal's number after a signal; None while it works."""
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float = 300) -> int:
        """The exit code. Raises `TimeoutError`."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} still works after {seconds} s")
        return self._process.exitcode

    def communicate(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error, once it ended."""
        code = self.wait()
        written = Path(self._written.name)
        return code, (written / "out").read_text(), (written / "err").read_text()


def command(folder: Path, *arguments: str, variables: Mapping[str, str] = os.environ) -> Forked:
    """`harness ARGUMENTS` in a folder."""
    return Forked(_harness, folder, arguments, variables=variables)


def _harness(folder: Path, arguments: tuple[str, ...]) -> None:
    os.chdir(folder)
    sys.argv = ["harness", *arguments]
    main()


def _call(
    written: Path, variables: dict[str, str], function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    for number, name in ((1, "out"), (2, "err")):
        with (written / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(variables)
    function(*arguments)
