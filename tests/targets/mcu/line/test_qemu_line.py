"""The very image that silicon gets, on QEMU's machine of the same chip, over its serial port: a pseudo-terminal or a
socket. The same bytes as over the emulator's own way, also where the line is bad."""

from __future__ import annotations

import random
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from harness.errors import NoClock
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.mcu.boards import STM32F4
from harness_targets.mcu.boards.silicon import SILICON, STM32F4_DISCOVERY
from harness_targets.mcu.emulator import run_job
from harness_targets.mcu.emulator.child import kill_group
from harness_targets.mcu.emulator.job_result import FirmwareFault
from harness_targets.mcu.job import SelfTest, job_range
from harness_targets.mcu.line.hardware_map import MapEntry
from harness_targets.mcu.line.image import make_image
from harness_targets.mcu.line.line import BoardIdentity, Line, RetryTimeouts
from harness_targets.mcu.line.line_errors import BoardReset
from harness_targets.mcu.line.port import open_port
from harness_targets.mcu.line.session import SerialSession
from harness_targets.mcu.plan import Plan, plan_model
from harness_targets.mcu.toolchain import build_firmware
from tests.targets.mcu.random_operators import random_inputs, random_model
from tests.targets.mcu.test_target import make_artifact, samples_of

from .simulated_board import FaultyPort
from .test_line import answers

MACHINE = ("qemu-system-arm", "-M", "netduinoplus2", "-nodefaults", "-display", "none", "-serial", "null")
SOON = RetryTimeouts(retry_seconds=0.1, silence_seconds=10.0)
CONTENT = random_model("CONV_2D", "int8", 8).write()
"""Small at both ends: every character costs QEMU a turn of its main loop."""
PLAN = plan_model(CONTENT)


@pytest.fixture(scope="module")
def image(qemu: str, build_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    firmware = build_firmware(STM32F4_DISCOVERY.board, PLAN.kernels, build_cache)
    path = tmp_path_factory.mktemp("image") / "image.hex"
    path.write_text(make_image(STM32F4_DISCOVERY.board, firmware, PLAN).intel_hex())
    return path


def expected(plan: Plan, inputs: list[bytes], build_cache: Path) -> list[bytes]:
    """What the emulator gives with the job in memory."""
    runs = run_job(STM32F4, "qemu", plan, inputs, 1, 60.0, build_cache).runs
    return [b"".join(tensor.tobytes() for tensor in run.outputs) for run in runs]


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def running(image: Path, kind: str) -> Iterator[MapEntry]:
    """A board of QEMU, and where its line is."""
    number = free_port()
    line = "pty" if kind == "pty" else f"tcp:127.0.0.1:{number},server=on,wait=off"
    command = [*MACHINE, "-serial", line, "-device", f"loader,file={image}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        if kind == "pty":
            said = process.stdout.readline().decode()
            (serial,) = re.findall(r"/dev/pts/\d+", said)
        else:
            serial = f"socket://127.0.0.1:{number}"
            for _ in range(100):
                with closing(socket.socket()) as asking:
                    if asking.connect_ex(("127.0.0.1", number)) == 0:
                        break
                time.sleep(0.05)
        yield MapEntry("qemu", ("stm32f4_disco",), serial=serial)
    finally:
        kill_group(process)


@pytest.mark.parametrize(("kind", "faults"), [("pty", 200), ("socket", 20)])
def test_the_line_gives_the_emulators_bytes_also_with_faults(
    kind: str, faults: int, image: Path, qemu: str, build_cache: Path
):
    inputs = random_inputs(PLAN.inputs, 4, 4)
    wanted = expected(PLAN, inputs, build_cache)
    with running(image, kind) as entry, open_port(entry) as port:
        line = Line(port, entry.place, SOON)
        identity = line.identify()
        assert isinstance(identity, BoardIdentity)
        assert not identity.counts_cycles  # QEMU's core has no such counter, and its chip no clocks
        assert identity.clock_hz == 0
        assert answers(line, inputs) == wanted
        assert line.statistics.damaged == 0
        faulty = FaultyPort(port, random.Random(5), faults, share=0.006)
        line = Line(faulty, entry.place, SOON)
        while sum(faulty.done.values()) < faults:
            assert answers(line, inputs) == wanted
        assert line.statistics.repeated > faults // 10


@pytest.mark.parametrize(
    ("failure", "said"), [(SelfTest.FAULT, "usage fault"), (SelfTest.STACK_OVERFLOW, "stack overflowed")]
)
def test_a_fault_on_the_board_is_reported_and_the_board_starts_anew(failure: SelfTest, said: str, image: Path):
    (content,) = random_inputs(PLAN.inputs, 4, 1)
    with running(image, "socket") as entry, open_port(entry) as port:
        line = Line(port, entry.place, SOON)
        line.identify()
        number = line.next_number()
        line.put(number, content)
        with pytest.raises(FirmwareFault, match=said):
            line.try_self_test(failure)
        assert isinstance(line.identify(), BoardIdentity)
        with pytest.raises(BoardReset):
            line.run(number, content, 1, kept=False)


def session_of(folder: Path, content: bytes, **changes: object) -> SerialSession:
    """A session on a board whose far end is a QEMU that starts with the image that was flashed last, if any."""
    script = folder / "board.sh"
    hexadecimal = folder / "image.hex"
    script.write_text(
        f'#!/bin/sh\n[ -e "{hexadecimal}" ] || exec sleep 60\n'
        f'exec {" ".join(MACHINE)} -serial stdio -device "loader,file={hexadecimal}"\n'
    )
    script.chmod(0o755)
    entry = MapEntry(
        "emulated",
        ("stm32f4_disco",),
        serial_pty=(str(script),),
        runner="cp",
        runner_params=("{hex}", str(hexadecimal)),
    )
    artifact = make_artifact(folder, content).model_copy(update=changes)
    patience = RetryTimeouts(retry_seconds=0.2, silence_seconds=1.5 if not hexadecimal.exists() else 10.0)
    return SerialSession("mcu/serial-x", STM32F4_DISCOVERY, entry, artifact, SessionTimeouts(), patience)


def test_a_session_flashes_a_board_once_and_gives_the_emulators_bytes(qemu: str, build_cache: Path, tmp_path: Path):
    inputs = random_inputs(PLAN.inputs, 1, 3)
    session = session_of(tmp_path, CONTENT)
    samples = samples_of(session.artifact, inputs)
    outputs = session.infer(samples)
    assert [values.tobytes() for values in outputs["out0"]] == expected(PLAN, inputs, build_cache)
    assert session.footprint().details["flashed"] == "now"
    again = session_of(tmp_path, CONTENT)
    np.testing.assert_array_equal(again.infer(samples)["out0"], outputs["out0"])
    footprint = again.footprint()
    assert footprint.details["flashed"] == "before"
    assert footprint.exact == set(footprint.figures) - {"stack_bytes"}
    assert 0 < footprint.figures["stack_bytes"] < 8192
    assert not {name for name in footprint.figures if "cycles" in name or "instructions" in name}
    with pytest.raises(NoClock, match="has no cycle counter that counts"):
        again.time(samples, TimingPlan())


@pytest.mark.parametrize("sequence", [False, True])
def test_state_is_kept_in_a_sequence_alone(qemu: str, build_cache: Path, tmp_path: Path, *, sequence: bool):
    content = random_model("SVDF", "int8", 3).write()
    plan = plan_model(content)
    same = random_inputs(plan.inputs, 1, 1) * 3
    session = session_of(tmp_path, content, state="variables", sequence=sequence)
    found = session.infer(samples_of(session.artifact, same))["out0"]
    runs = run_job(STM32F4, qemu, plan, same, 1, 60.0, build_cache, sequence=sequence).runs
    np.testing.assert_array_equal(found, np.stack([run.outputs[0] for run in runs]))
    assert (len(np.unique(found, axis=0)) > 1) is sequence


@pytest.mark.parametrize("kind", SILICON.values(), ids=SILICON)
def test_every_boards_firmware_is_built_and_fits(kind, firmware_compiler: None, build_cache: Path):
    firmware = build_firmware(kind.board, PLAN.kernels, build_cache)
    assert firmware.flash_bytes < 16 << 10
    assert job_range(kind.board, firmware) == (0x08000000 + -(-firmware.flash_bytes // 16) * 16, 0x08100000)
    assert firmware.arena_room > kind.board.ram_bytes // 2
    text = make_image(kind.board, firmware, PLAN).intel_hex()
    assert text.endswith(":00000001FF\n")
