"""Several artifacts in one process: each has its own answer, and one that kills the process kills nothing else."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import Crashed, Unsupported
from harness.process.child import ChildProcess
from harness.process.worker_target import try_in_one_process
from harness.target import Footprint

WORKER = """
import os

class Refused(Exception):
    harness_kind = "unsupported"

def load(header, tensors):
    if header["name"] == "refused":
        raise Refused("it has no kernel for it")
    if header["name"] == "deadly":
        os.kill(os.getpid(), 11)
    return {"pid": os.getpid()}, {}

def handlers():
    return {"load": load}
"""


class Loaded:
    def __init__(self, pid):
        self.pid = pid

    def infer(self, samples):
        return {}

    def footprint(self):
        return Footprint({"pid": self.pid})


@pytest.fixture
def answers(tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text(WORKER)

    def load(child, artifact):
        return Loaded(child.call("load", seconds=60, name=artifact.name)[0]["pid"])

    def ask(*names):
        artifacts = [SimpleNamespace(name=name) for name in names]
        start = lambda: ChildProcess("the runtime", Path(sys.executable), worker)  # noqa: E731
        return try_in_one_process(start, load, artifacts, [{}] * len(names))

    return ask


def test_all_are_tried_in_the_same_process_and_a_refusal_is_one_answer(answers):
    one, refused, other = answers("one", "refused", "other")
    assert one.footprint.figures["pid"] == other.footprint.figures["pid"]
    assert isinstance(refused, Unsupported)
    assert "no kernel" in str(refused)


def test_after_a_crash_the_next_gets_a_new_process(answers):
    one, deadly, other = answers("one", "deadly", "other")
    assert isinstance(deadly, Crashed)
    assert "SIGSEGV" in str(deadly)
    assert one.footprint.figures["pid"] != other.footprint.figures["pid"]


def test_nothing_is_started_for_nothing(answers):
    assert answers() == []
