"""LiteRT on emulated Arm cores, for real: right numbers, counts that repeat to the digit, and cases apart."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from harness.errors import CaseError, Crashed, TimedOut, Unsupported
from harness.process.warm import end_warm
from harness.target import TimingPlan
from harness_targets.tflite.arm import qemu
from harness_targets.tflite.arm.target import arm_targets
from harness_targets.tflite.target import targets
from tests.targets.mcu.model_writer import ModelWriter
from tests.targets.mcu.test_target import make_artifact
from tests.targets.tflite.test_target import artifact

TARGETS = {target.name: target for target in arm_targets()}
pytestmark = pytest.mark.needs("tflite/arm64-cortex-a53", "tflite/arm64-cortex-a76")
counted = pytest.mark.needs("instruction-counter")
SAMPLES = {"features": np.random.default_rng(0).integers(-128, 128, (4, 1, 49, 10, 1)).astype(np.int8)}


@pytest.fixture(scope="module")
def a53():
    yield TARGETS["tflite/arm64-cortex-a53"]
    end_warm()


@pytest.fixture(scope="module")
def a76():
    yield TARGETS["tflite/arm64-cortex-a76"]
    end_warm()


@pytest.fixture(scope="module")
def keyword_model(zoo_artifact):
    return zoo_artifact("keyword_dscnn", "int8")


@pytest.fixture(scope="module")
def seen(a53, a76, keyword_model):
    """By core: outputs and footprint of the keyword model."""
    found = {}
    for target in (a53, a76):
        with target.open(keyword_model) as session:
            found[target.core.name] = scores(session, SAMPLES), session.footprint()
    return found


def test_an_int8_model_gives_what_it_gives_on_this_machine(seen, keyword_model, litert_python):
    here = next(target for target in targets() if target.name == "tflite/litert-xnnpack")
    with here.open(keyword_model) as session:
        expected = scores(session, SAMPLES)
    for outputs, _ in seen.values():
        np.testing.assert_array_equal(outputs, expected)


@counted
def test_the_cores_run_other_kernels(seen):
    old, new = (seen[core][1] for core in ("cortex-a53", "cortex-a76"))
    assert "asimddp" in new.details["features"]
    assert "asimddp" not in old.details["features"]
    assert 1.5 < old.figures["instructions"] / new.figures["instructions"] < 2.5


@counted
def test_counts_are_exact_and_add_up(seen):
    for _, footprint in seen.values():
        assert {"instructions", "heap_bytes", "peak_memory_bytes"} <= footprint.exact
        assert sum(cost["instructions"] for cost in footprint.per_operator) == footprint.figures["instructions"]
        assert [cost["operator"] for cost in footprint.per_operator][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
        assert 50_000 < footprint.figures["heap_bytes"] <= footprint.figures["peak_memory_bytes"]


def test_one_process_serves_many_and_has_no_clock(a76, keyword_model):
    with a76.open(keyword_model) as first:
        one = first.guest
    with a76.open(keyword_model) as second:
        assert second.guest is one
        with pytest.raises(Unsupported, match="not milliseconds"):
            second.time(SAMPLES, TimingPlan())


@counted
def test_an_operator_more_is_instructions_more(a76, tmp_path):
    counts = []
    for operators in (2, 3):
        model = ModelWriter()
        last = model.input((1, 64), "float32")
        for _ in range(operators - 1):
            before, last = last, model.tensor((1, 64), "float32")
            model.operator("ABS", [before], [last])
        model.operator("NEG", [last], [model.output((1, 64), "float32")])
        folder = tmp_path / str(operators)
        folder.mkdir()
        with a76.open(make_artifact(folder, model.write())) as session:
            session.infer({"in0": np.ones((1, 1, 64), np.float32)})
            counts.append(session.footprint().figures["instructions"])
    assert counts[1] > counts[0]


def test_a_file_that_is_no_model_ends_its_case_alone(a76, keyword_model, tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"not a model" * 100)
    with a76.open(keyword_model) as session:
        one = session.guest
    with pytest.raises(CaseError) as caught, a76.open(artifact(tmp_path / "model.tflite")):
        pass
    assert "\n" not in str(caught.value)
    with a76.open(keyword_model) as session:
        assert session.guest is one


def test_a_crash_ends_its_case_alone(a76, keyword_model):
    many = {"features": np.repeat(SAMPLES["features"], 400, axis=0)}
    used = []

    def infer_while_somebody_kills_it():
        with a76.open(keyword_model) as session:
            used.append(session.guest)
            threading.Thread(target=kill_at_work, args=(session.guest.child.pid,)).start()
            session.infer(many)

    with pytest.raises(Crashed, match="died of SIGSEGV during 'infer'"):
        infer_while_somebody_kills_it()
    (one,) = used
    with a76.open(keyword_model) as session:
        assert session.guest is one
        assert scores(session, SAMPLES).shape == (4, 1, 12)


def test_a_hang_ends_its_case_and_leaves_nobody_behind(a76, keyword_model):
    processes = []

    def infer_in_a_process_that_stands_still():
        with a76.open(keyword_model) as session:
            processes.extend([session.guest.child.pid, signal_fork_of(session.guest.child.pid, signal.SIGSTOP)])
            session.guest.call("infer", dict(SAMPLES), seconds=1.0)

    with pytest.raises(TimedOut):
        infer_in_a_process_that_stands_still()
    assert all(gone(process) for process in processes)


def test_nobody_is_left_behind_when_the_harness_is_killed(a76, keyword_model, tmp_path):
    """The emulated process sees that it was left, and what it forked ends with it."""
    (tmp_path / "held.json").write_text(keyword_model.model_dump_json())
    program = (
        "import time; from harness import registry; from harness.artifact import Artifact\n"
        f"a = Artifact.model_validate_json(open({str(tmp_path / 'held.json')!r}).read())\n"
        "with registry.targets()['tflite/arm64-cortex-a76'].open(a) as session:\n"
        "    print(session.guest.child.pid, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]
    ) as harness:
        process = int(harness.stdout.readline())
        (fork,) = children_of(process)
        harness.kill()
    assert gone(process)
    assert gone(fork)


def test_without_plugins_outputs_are_compared_and_nothing_is_counted(a76, keyword_model, monkeypatch):
    monkeypatch.setattr(qemu, "takes_plugins", lambda: False)
    with a76.open(keyword_model) as session:
        assert scores(session, SAMPLES).shape == (4, 1, 12)
        footprint = session.footprint()
    end_warm()
    assert "instructions" not in footprint.figures
    assert "not counted" in footprint.details["instructions"]


def test_another_process_elsewhere_counts_the_same_to_the_digit(a76, seen, keyword_model, monkeypatch, tmp_path):
    """Other samples, a longer environment, one processor: what differs from machine to machine."""
    end_warm()
    elsewhere = tmp_path / ("temporary_" * 10)
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        with a76.open(keyword_model) as session:
            session.infer({"features": SAMPLES["features"][:1]})
            again = session.footprint()
    finally:
        os.sched_setaffinity(0, before)
    assert again.figures == seen["cortex-a76"][1].figures
    assert again.per_operator == seen["cortex-a76"][1].per_operator


def scores(session, samples):
    """The model's only output."""
    (given,) = session.infer(samples).values()
    return given


def children_of(process):
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def signal_fork_of(process, number):
    (fork,) = children_of(process)
    os.kill(fork, number)
    return fork


def kill_at_work(process):
    """Kill what it forked, as soon as that has worked for a little of what it was asked: it waits until it is asked."""
    (fork,) = children_of(process)
    before = ticks_of(fork)
    while ticks_of(fork) < before + 5:
        time.sleep(0.01)
    os.kill(fork, signal.SIGSEGV)


def ticks_of(process):
    """How long it has used a processor, in the system's ticks."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def gone(process):
    """Within a minute, in which nobody would be late: nobody, or a zombie that nobody waits for."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False
