"""Both ends of the line, over a pseudo-terminal: what is lost is asked for again, and nothing hangs."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from harness_targets.mcu.boards.silicon import STM32F4_DISCOVERY
from harness_targets.mcu.emulator.frames import Report
from harness_targets.mcu.emulator.job_result import FirmwareFault, ProtocolBroken
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.job import SelfTest, pack_job
from harness_targets.mcu.line.connection import connected
from harness_targets.mcu.line.hardware_map import MapEntry
from harness_targets.mcu.line.image import Image
from harness_targets.mcu.line.line import BoardIdentity, Line, Refusal, RetryTimeouts, frame
from harness_targets.mcu.line.line_errors import (
    BoardBusy,
    BoardReset,
    BoardSilent,
    LineGarbled,
    LineLost,
    LineUnavailable,
)
from harness_targets.mcu.line.port import Port, open_port
from harness_targets.mcu.plan import Plan, plan_model
from tests.targets.mcu.random_operators import random_inputs, random_model
from tests.targets.mcu.test_plan import two_layers

from .simulated_board import FaultyPort, ScriptedPort, simulated

SOON = RetryTimeouts(retry_seconds=0.03, silence_seconds=30.0)
BOARD = STM32F4_DISCOVERY.board


def small_plan(seed: int = 2) -> Plan:
    return plan_model(random_model("CONV_2D", "int8", seed).write())


@contextmanager
def at_board(server: Path, folder: Path, plan: Plan, arena: int = 119_072) -> Iterator[Port]:
    """The port of a board that was flashed with a plan."""
    (folder / "firmware").write_bytes(b"code")
    (folder / "job").write_bytes(pack_job(plan, (), 1))
    with open_port(simulated(server, folder, arena=arena)) as port:
        Line(port, "board", SOON).identify()  # it is up
        yield port


def answers(line: Line, inputs: list[bytes]) -> list[bytes]:
    """The outputs of every input, brought and run one by one."""
    found = []
    for content in inputs:
        number = line.next_number()
        line.put(number, content)
        report = line.run(number, content, 1, kept=False)
        assert isinstance(report, Report)
        found.append(report.output(number))
    return found


def sealed(text: str) -> bytes:
    return f"@{text} *{zlib.crc32(text.encode()):08x}\n".encode()


def test_the_board_says_which_image_it_has(job_server: Path, tmp_path: Path):
    plan = small_plan()
    with at_board(job_server, tmp_path, plan) as port:
        found = Line(port, "board", SOON).identify()
    assert isinstance(found, BoardIdentity)
    assert (found.image_checksum, found.job_checksum) == (zlib.crc32(b"code"), zlib.crc32(pack_job(plan, (), 1)))
    assert (found.clock_hz, found.counts_cycles, found.keeps_input) == (168_000_000, True, True)


def test_a_board_without_a_job_refuses_and_says_why(job_server: Path, tmp_path: Path):
    with open_port(simulated(job_server, tmp_path)) as port:
        found = Line(port, "board", SOON).identify()
    assert isinstance(found, Refusal)
    assert found.status == 1


@pytest.mark.parametrize("arena", [119_072, None], ids=["with room beside the arena", "without"])
def test_inputs_give_the_hosts_bytes(job_server: Path, tmp_path: Path, host_kernels: HostKernels, arena: int | None):
    """Without room the inputs go straight to their tensors."""
    plan = small_plan()
    inputs = random_inputs(plan.inputs, 4, 3)
    with at_board(job_server, tmp_path, plan, arena or plan.arena_bytes) as port:
        line = Line(port, "board", SOON)
        identity = line.identify()
        assert isinstance(identity, BoardIdentity)
        assert identity.keeps_input == (arena is not None)
        assert answers(line, inputs) == host_kernels.run(plan, inputs)
        assert (line.statistics.repeated, line.statistics.damaged) == (0, 0)


def test_an_input_larger_than_a_request_comes_in_parts(job_server: Path, tmp_path: Path, host_kernels: HostKernels):
    plan = next(plan for seed in range(99) if (plan := small_plan(seed)).input_bytes > 600)
    inputs = random_inputs(plan.inputs, 4, 1)
    with at_board(job_server, tmp_path, plan) as port:
        line = Line(port, "board", SOON)
        assert answers(line, inputs) == host_kernels.run(plan, inputs)
        assert line.statistics.requests >= 1 + plan.input_bytes // 256


def test_two_hundred_faults_on_the_line_change_no_byte(job_server: Path, tmp_path: Path, host_kernels: HostKernels):
    plan = small_plan()
    inputs = random_inputs(plan.inputs, 4, 4)
    expected = host_kernels.run(plan, inputs)
    with at_board(job_server, tmp_path, plan) as port:
        faulty = FaultyPort(port, random.Random(1), 200)
        line = Line(faulty, "board", SOON)
        rounds = 0
        while sum(faulty.done.values()) < faulty.faults:
            assert answers(line, inputs) == expected
            rounds += 1
            assert rounds < 200
        assert set(faulty.done) == {"lost", "doubled", "flipped"}
        assert line.statistics.repeated > 50
        assert answers(line, inputs) == expected


def test_what_an_earlier_process_asked_for_is_not_taken_for_an_answer(job_server: Path, tmp_path: Path):
    plan = small_plan()
    first, second = random_inputs(plan.inputs, 4, 2)
    with at_board(job_server, tmp_path, plan) as port:
        before = Line(port, "board", SOON)
        number = before.next_number()
        before.put(number, first)
        port.write(frame(f"RUN {number:x} 1 0 {zlib.crc32(first):x}"))  # and it ends without reading
        assert answers(Line(port, "board", SOON), [second]) != answers(Line(port, "board", SOON), [first])


def test_a_run_that_was_done_is_not_done_again(job_server: Path, tmp_path: Path):
    plan = small_plan()
    (content,) = random_inputs(plan.inputs, 4, 1)
    with at_board(job_server, tmp_path, plan) as port:
        line = Line(port, "board", SOON)
        number = line.next_number()
        line.put(number, content)
        first, second = (line.run(number, content, 1, kept=False) for _ in range(2))
        assert isinstance(first, Report)
        assert isinstance(second, Report)
        assert first.run_ticks == second.run_ticks


def test_an_input_that_comes_twice_does_not_lie_over_the_outputs(job_server: Path, tmp_path: Path):
    """Without room beside the arena it goes to its tensor, where a later one may be by then."""
    plan = plan_model(two_layers().write())
    (content,) = random_inputs(plan.inputs, 4, 1)
    with at_board(job_server, tmp_path, plan, plan.arena_bytes) as port:
        line = Line(port, "board", SOON)
        number, found = line.next_number(), []
        for _ in range(2):
            line.put(number, content)
            report = line.run(number, content, 1, kept=False)
            assert isinstance(report, Report)
            found.append(report.output(number))
    assert found[0] == found[1] != content


def test_an_input_whose_bytes_are_others_is_refused(job_server: Path, tmp_path: Path):
    plan = small_plan()
    content, other = random_inputs(plan.inputs, 4, 2)
    with at_board(job_server, tmp_path, plan) as port:
        line = Line(port, "board", SOON)
        number = line.next_number()
        line.put(number, content)
        assert line.run(number, other, 1, kept=False) == Refusal(4, 0)


def test_a_reset_in_the_middle_is_said_so(job_server: Path, tmp_path: Path):
    plan = small_plan()
    (content,) = random_inputs(plan.inputs, 4, 1)
    with at_board(job_server, tmp_path, plan) as port:
        line = Line(port, "board", SOON)
        with pytest.raises(BoardReset, match="started anew in the middle of its work"):
            line.run(line.next_number(), content, 1, kept=False)  # it has no such input, as after a reset
    began_anew = Line(ScriptedPort(lambda request: sealed("BOOT 12")), "board", SOON)
    with pytest.raises(BoardReset):
        began_anew.put(1, b"\0")


def test_firmware_of_another_version_is_none_of_ours():
    """Such a board is flashed, as one with another program is."""

    def answer(request: bytes) -> bytes:
        return sealed(f"ID {request.split()[1].decode()} 1 1 400")

    with pytest.raises(LineGarbled, match="The board on /dev/x has firmware of another version of the harness"):
        Line(ScriptedPort(answer), "/dev/x", SOON).identify()


def test_a_fault_is_the_firmwares_own_report():
    report = sealed("FAULT 0 6 8000123 20002000 10000 0 0 fffffff9")
    with pytest.raises(FirmwareFault, match="usage fault at 0x08000123"):
        Line(ScriptedPort(lambda request: report), "board", SOON).put(1, b"\0")


def test_a_silent_board_is_waited_for_a_little_while():
    asked: list[bytes] = []

    def silent(request: bytes) -> bytes:
        asked.append(request)
        return b""

    with pytest.raises(BoardSilent, match=r"Nothing came from the board on /dev/x in 0\.3 s"):
        Line(ScriptedPort(silent), "/dev/x", RetryTimeouts(0.03, 0.3)).identify()
    assert 1 <= len(asked) <= 11, "once, and again every 0.03 s"


def test_garbage_is_said_to_be_none_of_ours():
    noise = random.Random(3)
    with pytest.raises(LineGarbled, match="nothing that the harness's firmware sends"):
        Line(ScriptedPort(lambda request: noise.randbytes(20_000)), "board", SOON).identify()


def test_sound_frames_that_are_no_answer_do_not_hold_it_for_ever():
    chatter = ScriptedPort(lambda request: sealed("GOT 1 0") * 3)
    with pytest.raises(BoardBusy, match=r"gave no whole answer within 0\.3 s"):
        Line(chatter, "board", RetryTimeouts(0.03, 0.3)).identify()


def test_a_hang_ends_at_the_time_limit(job_server: Path, tmp_path: Path):
    with at_board(job_server, tmp_path, small_plan()) as port:
        line = Line(port, "board", RetryTimeouts(0.03, 0.4))
        with pytest.raises((BoardSilent, BoardBusy)):
            line.try_self_test(SelfTest.HANG)


def test_frames_of_a_run_that_do_not_fit_together_are_a_broken_protocol():
    def answer(request: bytes) -> bytes:
        if b"RUN 1 " not in request:
            return b""
        return sealed("RUN 1 0 0 5") + sealed("OUT 1 0 0 00ff") + sealed("CRC 1 12345678") + sealed("END 3 1")

    with pytest.raises(ProtocolBroken, match="are not those that the firmware computed"):
        Line(ScriptedPort(answer), "board", SOON).run(1, b"\0", 1, kept=False)


def test_a_pulled_cable_is_an_outcome_and_the_port_is_free_afterwards():
    master, slave = os.openpty()
    entry = MapEntry("x", ("stm32f4_disco",), serial=os.ttyname(slave))
    os.close(slave)
    open_before = psutil.Process().num_fds()
    with open_port(entry) as port:
        line = Line(port, entry.place, SOON)
        os.close(master)
        with pytest.raises(LineLost, match=r"/dev/pts/\d+ was lost \(.+\); see that the cable and the board are there"):
            line.identify()
    assert psutil.Process().num_fds() == open_before - 1


def test_a_port_of_another_machine_by_rfc_2217(job_server: Path, tmp_path: Path, host_kernels: HostKernels):
    plan = small_plan(8)
    inputs = random_inputs(plan.inputs, 4, 2)
    (tmp_path / "job").write_bytes(pack_job(plan, (), 1))
    with closing(socket.socket()) as asking:
        asking.bind(("127.0.0.1", 0))
        number = asking.getsockname()[1]
    master, slave = os.openpty()
    board = [str(word) for word in simulated(job_server, tmp_path).serial_pty]
    server = [sys.executable, str(Path(__file__).with_name("telnet_port.py")), str(number), os.ttyname(slave)]
    with (
        subprocess.Popen(board, stdin=master, stdout=master) as far_end,
        subprocess.Popen(server, stdout=subprocess.PIPE) as serving,
    ):
        try:
            assert serving.stdout is not None
            serving.stdout.readline()
            entry = MapEntry("x", ("stm32f4_disco",), serial=f"rfc2217://127.0.0.1:{number}")
            with open_port(entry) as port:
                line = Line(port, entry.place, RetryTimeouts(retry_seconds=0.3, silence_seconds=5.0))
                line.identify()
                assert answers(line, inputs) == host_kernels.run(plan, inputs)
        finally:
            serving.kill()
            far_end.kill()
            os.close(master)
            os.close(slave)


HOLDER = """
import fcntl, os, sys, time
held = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
if sys.argv[2] == "locked":
    fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@contextmanager
def held_by_another(device: str, how: str) -> Iterator[int]:
    """Another process has the device open; its id."""
    command = [sys.executable, "-c", HOLDER, device, how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def terminal() -> Iterator[str]:
    """A device at whose other end nobody answers."""
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_another_process_has_is_unavailable_and_the_process_named(terminal: str):
    entry = MapEntry("x", ("stm32f4_disco",), serial=terminal)
    with (
        held_by_another(terminal, "locked") as other,
        pytest.raises(LineUnavailable, match=rf"{terminal} is in use by the process {other} \(.+\); end that"),
        open_port(entry),
    ):
        pass
    with open_port(entry):  # and afterwards it is free
        pass


def test_another_reader_of_the_line_is_named_and_the_board_not_flashed_for_it(terminal: str):
    entry = MapEntry("x", ("stm32f4_disco",), serial=terminal, runner="never-called")
    with (
        held_by_another(terminal, "unlocked") as other,
        pytest.raises(BoardSilent, match=f"Meanwhile the process {other} .+ has {terminal} open as well: end that"),
        connected(entry, STM32F4_DISCOVERY, Image((), 0, 0), RetryTimeouts(0.03, 0.3), 1.0),
    ):
        pass


def test_a_program_in_place_of_a_port_may_be_in_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "board"
    script.write_text("#!/bin/sh\nwhile sleep 0.05; do echo here; done\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    entry, came, end = MapEntry("x", ("p",), serial_pty=("./board",)), b"", time.monotonic() + 20
    with open_port(entry) as port:
        while b"here" not in came and time.monotonic() < end:
            came += port.read()
    assert b"here" in came
    script.write_text("no program\n")
    open_before = psutil.Process().num_fds()
    with pytest.raises(LineUnavailable, match=r"cannot be started \(Exec format error\)\.$"), open_port(entry):
        pass
    assert psutil.Process().num_fds() == open_before


@pytest.mark.parametrize(
    ("serial", "said"),
    [
        ("/dev/serial/by-id/usb-none", "There is no port /dev/serial/by-id/usb-none: connect the board"),
        ("socket://127.0.0.1:9", "cannot be opened"),
        ("nothing://at.all", "is no port and no URL that pyserial knows"),
        ("", "has no `serial` and no `serial_pty`"),
    ],
)
def test_a_port_that_is_not_there_is_unavailable(serial: str, said: str):
    with pytest.raises(LineUnavailable, match=said), open_port(MapEntry("x", ("p",), serial=serial)):
        pass
