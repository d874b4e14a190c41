"""A child process never outlives its context, and its end is told as what it was."""

import os
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from harness.errors import Crashed, Failed, TimedOut, Unavailable
from harness.process import child as child_module
from harness.process.child import ChildProcess, end_all

WORKER = """
import os, subprocess, sys, tempfile, time

def echo(header, tensors):
    print("noise on stdout")
    return {"said": header["text"]}, tensors

def fork_a_sleeper(header, tensors):
    return {"pid": subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid}, {}

def raises(header, tensors):
    raise ValueError("first line\\nsecond line")

def sleep(header, tensors):
    time.sleep(600)

def leave_files(header, tensors):
    tempfile.mkstemp()
    return {"folder": tempfile.mkdtemp()}, {}

def handlers():
    return {"leave_files": leave_files, "echo": echo, "sleeper": fork_a_sleeper, "raises": raises, "sleep": sleep}
"""


@pytest.fixture
def worker(tmp_path):
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    return path


@pytest.fixture
def child(worker):
    with ChildProcess("the child", Path(sys.executable), worker) as child:
        yield child


def gone(pid):
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_a_call_is_answered_and_what_is_printed_goes_to_the_log(child):
    assert child.call("echo", seconds=60, text="hello")[0] == {"said": "hello"}
    assert "noise on stdout" in child.log()


def test_an_exception_in_the_worker_is_a_failure_in_one_line_and_the_child_lives_on(child):
    with pytest.raises(Failed, match=r"ValueError: first line$"):
        child.call("raises", seconds=60)
    assert child.call("echo", seconds=60, text="still here")[0] == {"said": "still here"}


def test_a_descendant_ends_with_its_child(worker):
    with ChildProcess("the child", Path(sys.executable), worker) as child:
        pid = child.call("sleeper", seconds=60)[0]["pid"]
    assert gone(pid)


@pytest.mark.parametrize("end", [lambda child: None, ChildProcess.kill], ids=["ended", "killed"])
def test_what_a_child_leaves_in_its_temporary_folder_goes_with_it(worker, tmp_path, monkeypatch, end):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with ChildProcess("the child", Path(sys.executable), worker) as child:
        left = Path(child.call("leave_files", seconds=60)[0]["folder"])
        assert left.parents[1] == tmp_path / "temporary"
        end(child)
    assert not list((tmp_path / "temporary").iterdir())


def test_a_child_that_does_not_answer_is_killed(child):
    with pytest.raises(TimedOut, match="did not answer 'sleep' within"):
        child.call("sleep", seconds=0.5)
    assert gone(child.pid)


def test_a_child_that_is_killed_from_outside_has_crashed(child):
    os.kill(child.pid, 9)
    with pytest.raises(Crashed, match="SIGKILL"):
        child.call("echo", seconds=60, text="?")


def test_all_children_can_be_ended_at_once(worker, monkeypatch):
    monkeypatch.setattr(child_module, "_ALIVE", weakref.WeakSet())  # others' children stay, the kept converters'
    python = Path(sys.executable)
    with ChildProcess("one", python, worker) as one, ChildProcess("two", python, worker) as two:
        end_all()
        assert gone(one.pid)
        assert gone(two.pid)


def test_an_interpreter_that_is_not_there_is_unavailable(worker, tmp_path):
    with pytest.raises(Unavailable, match="cannot be started"):
        ChildProcess("the child", tmp_path / "no-python", worker)


def test_a_worker_that_cannot_be_imported_fails_in_one_sentence(tmp_path):
    path = tmp_path / "worker.py"
    path.write_text("import a_module_that_is_not_there")
    with pytest.raises(Failed, match="a_module_that_is_not_there"):
        ChildProcess("the child", Path(sys.executable), path)


def test_a_child_ends_with_its_files_when_the_engine_is_killed(worker, tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from harness.process.child import ChildProcess\n"
        f"child = ChildProcess('x', Path(sys.executable), Path({str(worker)!r}))\n"
        "child.call('leave_files', seconds=60); print(child.pid, flush=True)\n"
        "time.sleep(600)"
    )
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    engine = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    pid = int(engine.stdout.readline())
    engine.kill()
    engine.wait()
    assert gone(pid)
    assert not list((tmp_path / "temporary").iterdir())
