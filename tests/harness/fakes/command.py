"""`harness ARGUMENTS` as a person meets it, in a process of its own or, without an interpreter's start, in this one."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from unittest import mock

from harness.cli.main import main

WIDE = {"COLUMNS": "200"}


def in_process(folder, *arguments, **variables):
    """Run the command in a process of its own: for what is about pipes, signals, imports or entry points."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli.main", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **WIDE, **variables},
        timeout=300,
        check=False,
    )


def in_this_process(folder, *arguments, **variables):
    """The same by the same entry point: exit code, standard output and standard error are those of the process."""
    output, errors = io.StringIO(), io.StringIO()
    code = 0
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, {**WIDE, **variables}),
        mock.patch.object(sys, "argv", ["harness", *arguments]),
        mock.patch.object(sys.modules["__main__"], "__package__", None, create=True),  # or it is called after pytest
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        before = signal.getsignal(signal.SIGTERM)
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            signal.signal(signal.SIGTERM, before)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())
