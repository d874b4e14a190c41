"""The main loop of every child process that holds a converter or a runtime. Run as a script, never imported.

    python -I serve.py REQUEST_FD REPLY_FD WORKER.py [PACKAGE=FOLDER ...]

`WORKER.py` defines `handlers() -> dict[str, Callable[[dict, dict], tuple[dict, dict]]]`: operation name to a function
of header and tensors. Each `PACKAGE` becomes importable from its folder without anything else on `sys.path`, so that
the engine's own packages never leak into a runtime's environment. Standard output is turned to standard error, which
the engine keeps as a log: what a runtime prints can never be taken for an answer.

A worker starts for every case, so that what is seldom needed is imported where it is.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

_WATCH_SECONDS = 0.5


def load(name: str, path: Path, search: list[str] | None = None) -> ModuleType:
    """Import the file at `path` under `name`, as a package where `search` is given."""
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def remove_scratch() -> None:
    """Remove the folder of this process's temporary files. The engine does so as well, unless it was killed."""
    if scratch := os.environ.get("HARNESS_SCRATCH"):
        try:
            Path(scratch).rmdir()
        except OSError:
            import shutil

            shutil.rmtree(scratch, ignore_errors=True)


def end_with_parent() -> None:
    """End this process when the engine is gone, however it went (it is then adopted by another process).

    A thread looks, as a runtime may be busy for long. One that waits for its forks looks by an alarm, which a fork does
    not inherit, where `HARNESS_WATCH` says so.
    """
    parent = os.getppid()

    def look(*_: object) -> None:
        if os.getppid() != parent:
            remove_scratch()
            os._exit(70)

    def watch() -> None:
        while True:
            time.sleep(_WATCH_SECONDS)
            look()

    if os.environ.get("HARNESS_WATCH") == "alarm":
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, _WATCH_SECONDS, _WATCH_SECONDS)
    else:
        threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Serves a worker's operations: reads requests from one pipe and writes replies to another until the parent closes
    it."""
    request_fd, reply_fd, worker = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a crash must not take the log along
    end_with_parent()
    for entry in sys.argv[4:]:
        package, _, folder = entry.partition("=")
        load(package, Path(folder) / "__init__.py", [folder])
    protocol = load("harness_protocol", Path(__file__).with_name("protocol.py"))
    requests, replies = os.fdopen(request_fd, "rb"), os.fdopen(reply_fd, "wb")
    try:
        handlers = load("harness_worker", worker).handlers()
    except Exception as error:
        protocol.write_frame(replies, error_reply(error))
        return
    protocol.write_frame(replies, {"ready": True})
    while True:
        try:
            header, tensors = protocol.read_frame(requests)
        except EOFError:
            remove_scratch()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)  # to take an interpreter and its modules apart costs more than many a call
        try:
            reply, arrays = handlers[header["op"]](header, tensors)
        except Exception as error:
            reply, arrays = error_reply(error), {}
        protocol.write_frame(replies, reply, arrays)


def error_reply(error: Exception) -> dict[str, Any]:
    """What the engine needs to know of an exception: kind (an exception may carry one as `harness_kind`) and text. The
    log has where it came from."""
    import traceback

    traceback.print_exc()
    kind = getattr(error, "harness_kind", "exception")
    return {"error": {"kind": kind, "type": type(error).__name__, "message": str(error)}}


if __name__ == "__main__":
    main()
