"""Serves artifacts in an emulated process, each in forks of it: one that answers, others that count.

Python and NumPy take seconds to start under emulation, so one process serves many artifacts. It loads the runtime, and
then forks for each artifact: every one finds the same untouched process, and one that takes its process down takes no
other along. What is counted is counted in forks of their own, which none of the samples before has touched.

Runs in the runtime's own environment under `harness/process/serve.py`; the requests go to whichever process is there to
read them.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness_targets.tflite.arm.counting import count_parts, count_whole, run_first
from harness_targets.tflite.worker import Refused, Worker

_MODEL = "model.tflite"
_PR_SET_PDEATHSIG = 1

Count = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class Died(Exception):
    """The fork that held the artifact is gone."""

    harness_kind = "crashed"


def end_with_parent() -> None:
    """Linux: the kernel kills this process when the one that it was forked from ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def how_it_died(status: int) -> str:
    """What a process that was waited for died of, in a word or two; nothing where it ended well."""
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"exit code {os.WEXITSTATUS(status)}" if os.WEXITSTATUS(status) else ""


class Guest:
    """The process that forks, and what becomes of it in a fork."""

    def __init__(self) -> None:
        self.is_fork = False
        self.worker = Worker()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def start(self, header: dict[str, Any], _: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Load the runtime, have it run `first`, a small model, and say on what it runs."""
        run_first(header["runtime"], header["first"])
        ctypes.CDLL(None).getauxval.restype = ctypes.c_ulong
        words = {name: int(ctypes.CDLL(None).getauxval(key)) for name, key in (("hwcap", 16), ("hwcap2", 26))}
        return words, {}

    def load(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fork; the fork loads the artifact and answers from then on. This process goes on when it has ended: with the
        answer to `unload`, or with what the fork died of."""
        child = os.fork()
        if child:
            died = how_it_died(os.waitpid(child, 0)[1])
            if died:
                raise Died(died)
            return {"unloaded": True}, {}
        self.is_fork = True
        end_with_parent()
        return self.worker.load(in_folder_of_its_own(header), tensors)

    def unload(self, _: dict[str, Any], __: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """End the fork, if there is one."""
        if self.is_fork:
            shutil.rmtree(Path.cwd(), ignore_errors=True)
            sys.stderr.flush()
            os._exit(0)
        return {"unloaded": True}, {}

    def infer(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.worker.infer(header, tensors)

    def count(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What `count_whole` finds, in a fork that loads the artifact and ends with this call."""
        return in_fork(count_whole, header, tensors), {}

    def operators(self, header: dict[str, Any], tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What `count_parts` finds, in another such fork, or the `problem` that the runtime has with parts of a
        model."""
        try:
            return in_fork(count_parts, header, tensors), {}
        except Died as death:
            return {"problem": f"the runtime died of {death} with a part of the model"}, {}
        except Refused as refusal:
            return {"problem": f"the runtime refuses a part of the model: {refusal}"}, {}


def in_fork(count: Count, header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """What `count` gives in a process that has loaded the runtime and nothing else. Raises
    `Died`, `Refused`."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        end_with_parent()
        os.close(read)
        with os.fdopen(write, "w") as stream:
            json.dump(answer_of(count, header, tensors), stream)
        sys.stderr.flush()
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        text = stream.read()
    if died := how_it_died(os.waitpid(child, 0)[1]):
        raise Died(died)
    answer: dict[str, Any] = json.loads(text)
    if "refused" in answer:
        raise Refused(answer["refused"])
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    return answer


def answer_of(count: Count, header: dict[str, Any], tensors: dict[str, Any]) -> dict[str, Any]:
    """What `count` gives, or under `refused` or `failed` what it raised."""
    here = in_folder_of_its_own(header)
    try:
        return count(here, tensors)
    except Refused as refusal:
        return {"refused": str(refusal)}
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    finally:
        shutil.rmtree(Path.cwd(), ignore_errors=True)


def in_folder_of_its_own(header: dict[str, Any]) -> dict[str, Any]:
    """Go to a new folder in which the artifact has the same name everywhere, and say so in the header."""
    place = Path(os.environ["TMPDIR"], str(os.getpid()))
    shutil.rmtree(place, ignore_errors=True)  # of a process that was killed and had the same number
    place.mkdir()
    os.chdir(place)
    Path(_MODEL).symlink_to(header["path"])
    return {**header, "path": _MODEL}


def handlers() -> dict[str, Any]:
    """The operations that the engine may ask for, by name."""
    guest = Guest()
    operations = (guest.start, guest.load, guest.unload, guest.infer, guest.count, guest.operators)
    return {operation.__name__: operation for operation in operations}
