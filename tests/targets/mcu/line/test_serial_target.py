"""Boards as targets: found by the map, flashed once; cycles with their spread, milliseconds by a clock read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from serial.tools import list_ports

from harness.errors import Failed, NoClock, Unavailable, Unsupported
from harness.target import SessionTimeouts, TimingPlan
from harness_targets.mcu.boards.silicon import STM32F4_DISCOVERY
from harness_targets.mcu.host import HostKernels
from harness_targets.mcu.line import listing
from harness_targets.mcu.line import session as line_session
from harness_targets.mcu.line.hardware_map import MAP_VARIABLE, MapEntry, read_map
from harness_targets.mcu.line.line import RetryTimeouts
from harness_targets.mcu.line.listing import boards
from harness_targets.mcu.line.session import SerialSession
from harness_targets.mcu.line.target import SerialTarget
from harness_targets.mcu.plan import plan_model
from tests.targets.mcu.model_writer import ModelWriter
from tests.targets.mcu.random_operators import random_inputs, random_model
from tests.targets.mcu.test_target import make_artifact, samples_of

from .simulated_board import simulated, times_flashed

CONTENT = random_model("CONV_2D", "int8", 8).write()
OTHER = random_model("FULLY_CONNECTED", "int8", 2).write()
SOON = RetryTimeouts(retry_seconds=0.05, silence_seconds=60.0)
PLAN = TimingPlan(min_iterations=20, min_seconds=0.0, max_iterations=100, max_seconds=60.0)


@pytest.fixture
def hardware_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes the map that the environment names."""

    def write(*entries: MapEntry) -> Path:
        path = tmp_path / "map.yaml"
        documents = []
        for entry in entries:
            fields = {key: value for key, value in asdict(entry).items() if value}
            fields["platform"] = " ".join(fields.pop("platforms"))
            fields["serial_pty"] = ",".join(fields.pop("serial_pty", ()))
            fields["connected"] = entry.connected
            fields["runner_params"] = list(entry.runner_params)
            documents.append({key: value for key, value in fields.items() if value != ""})
        path.write_text(yaml.safe_dump(documents))
        monkeypatch.setenv(MAP_VARIABLE, str(path))
        return path

    return write


@pytest.fixture
def target() -> SerialTarget:
    return SerialTarget(STM32F4_DISCOVERY)


def test_a_model_runs_on_the_board_of_the_map_which_is_flashed_once_for_it(
    job_server: Path,
    firmware_compiler: None,
    hardware_map,
    target: SerialTarget,
    tmp_path: Path,
    host_kernels: HostKernels,
):
    board = tmp_path / "board"
    board.mkdir()
    hardware_map(simulated(job_server, board))
    assert target.probe().ready
    assert target.default_variants == ("int8",)
    assert target.fingerprint()["board_id"] == "board in board"
    for content, flashed in ((CONTENT, 1), (CONTENT, 1), (OTHER, 2)):
        folder = tmp_path / str(flashed)
        folder.mkdir(exist_ok=True)
        artifact, plan = make_artifact(folder, content), plan_model(content)
        inputs = random_inputs(plan.inputs, 1, 3)
        assert target.unsupported_operators(artifact) == ()
        with target.open(artifact) as opened:
            outputs = opened.infer(samples_of(artifact, inputs))
            footprint = opened.footprint()
        assert [values.tobytes() for values in outputs["out0"]] == host_kernels.run(plan, inputs)
        assert times_flashed(board) == flashed
        figures = footprint.figures
        assert 0 < figures["cycles_min"] <= figures["cycles"] <= figures["cycles_max"]
        # The stack's figure is the most since the board started, interrupts included: it has a history.
        assert footprint.exact == {name for name in figures if not name.startswith(("cycles", "stack"))}
        assert "instructions" not in figures
        assert footprint.details["clock"] == "168000000 Hz by its registers"


@pytest.fixture
def by_its_registers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that the board says it has, without a look at this machine's, which test_clock.py is about."""
    monkeypatch.setattr(line_session, "checked_clock", lambda line, target: line.identify().clock_hz)


@pytest.mark.usefixtures("by_its_registers_alone")
def test_milliseconds_are_cycles_over_the_clock_that_was_read_back(
    job_server: Path, firmware_compiler: None, tmp_path: Path
):
    entry = simulated(job_server, tmp_path, cycles=168_000)
    artifact = make_artifact(tmp_path, CONTENT)
    opened = SerialSession("mcu/serial-x", STM32F4_DISCOVERY, entry, artifact, SessionTimeouts(), SOON)
    timing = opened.time(samples_of(artifact, random_inputs(plan_model(CONTENT).inputs, 1, 1)), PLAN)
    looks = len(plan_model(CONTENT).operators) + 1
    assert len(timing.samples_ns) >= PLAN.min_iterations
    np.testing.assert_allclose(timing.samples_ns, looks * 1_000_000, rtol=1e-3)
    assert timing.details["clock_hz"] == "168000000"
    assert timing.clock_resolution_ns == pytest.approx(1000 / 168)


@pytest.mark.usefixtures("by_its_registers_alone")
def test_a_slow_model_is_not_run_sixteen_times_at_once(
    job_server: Path, firmware_compiler: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By its counter a run takes twenty seconds, of the fifty that there are."""
    looks = len(plan_model(CONTENT).operators) + 1
    entry = simulated(job_server, tmp_path, cycles=20 * 168_000_000 // looks)
    artifact, asked = make_artifact(tmp_path, CONTENT), []
    opened = SerialSession("mcu/serial-x", STM32F4_DISCOVERY, entry, artifact, SessionTimeouts(), SOON)
    run = opened._run
    monkeypatch.setattr(
        opened, "_run", lambda connection, content, runs=1: asked.append(runs) or run(connection, content, runs)
    )
    plan = TimingPlan(min_iterations=2, min_seconds=1.0, max_iterations=100, max_seconds=50.0)
    opened.time(samples_of(artifact, random_inputs(plan_model(CONTENT).inputs, 1, 1)), plan)
    assert asked == [1, 2]


def test_two_models_that_are_open_at_once_take_turns_on_the_board(
    job_server: Path, firmware_compiler: None, tmp_path: Path, host_kernels: HostKernels
):
    entry, opened, wanted = simulated(job_server, tmp_path), [], []
    for index, content in enumerate((CONTENT, OTHER)):
        folder = tmp_path / str(index)
        folder.mkdir()
        artifact, plan = make_artifact(folder, content), plan_model(content)
        inputs = random_inputs(plan.inputs, 1, 1)
        one = SerialSession("mcu/serial-x", STM32F4_DISCOVERY, entry, artifact, SessionTimeouts(), SOON)
        opened.append((one, samples_of(artifact, inputs)))
        wanted += host_kernels.run(plan, inputs)
    for turn in (1, 3):
        for index, (one, samples) in enumerate(opened):
            assert one.infer(samples)["out0"].tobytes() == wanted[index]
            assert times_flashed(tmp_path) == turn + index


@pytest.mark.parametrize(
    ("hertz", "cycles", "said"),
    [
        (0, 1000, "could not be read back, and cycles alone are no time"),
        (168_000_000, 0, "has no cycle counter that counts"),
    ],
)
def test_without_a_clock_or_a_counter_there_are_no_milliseconds(
    hertz: int, cycles: int, said: str, job_server: Path, firmware_compiler: None, tmp_path: Path
):
    entry = simulated(job_server, tmp_path, hertz=hertz, cycles=cycles)
    artifact = make_artifact(tmp_path, CONTENT)
    opened = SerialSession("mcu/serial-x", STM32F4_DISCOVERY, entry, artifact, SessionTimeouts(), SOON)
    samples = samples_of(artifact, random_inputs(plan_model(CONTENT).inputs, 1, 1))
    with pytest.raises(NoClock, match=said):
        opened.time(samples, PLAN)
    opened.infer(samples)
    assert ("cycles" in opened.footprint().figures) is (cycles > 0)


def test_what_does_not_repeat_itself_is_a_failure(
    job_server: Path, firmware_compiler: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    artifact = make_artifact(tmp_path, CONTENT)
    opened = SerialSession(
        "mcu/serial-x", STM32F4_DISCOVERY, simulated(job_server, tmp_path), artifact, SessionTimeouts(), SOON
    )
    seen = []

    def differing(report):
        seen.append(report)
        return (np.full(4, len(seen)),)

    monkeypatch.setattr(opened, "_split", differing)
    with pytest.raises(Failed, match="two different outputs for the same input"):
        opened.infer(samples_of(artifact, random_inputs(plan_model(CONTENT).inputs, 1, 1)))


def test_a_model_that_does_not_fit_is_unsupported(
    job_server: Path, firmware_compiler: None, hardware_map, target: SerialTarget, tmp_path: Path
):
    model = ModelWriter()
    source = model.input((1, 200_000), scale=0.1)
    model.operator("RELU6", [source], [model.output((1, 200_000), scale=0.1)])
    artifact = make_artifact(tmp_path, model.write())
    hardware_map(simulated(job_server, tmp_path))
    (reason,) = target.unsupported_operators(artifact)
    assert "does not fit stm32f4-disco" in reason
    with pytest.raises(Unsupported, match="bytes of RAM are missing for its arena"), target.open(artifact):
        pass


@pytest.mark.parametrize("case", ["no map", "no such board", "not connected", "a broken map"])
def test_without_a_board_it_says_how_to_get_one(
    case: str, hardware_map, target: SerialTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if case == "no map":
        monkeypatch.setenv(MAP_VARIABLE, str(tmp_path / "none.yaml"))
    elif case == "no such board":
        hardware_map(MapEntry("a", ("nucleo_l476rg",), serial="/dev/x"))
    elif case == "not connected":
        hardware_map(MapEntry("a", ("stm32f4_disco",), serial="/dev/x", connected=False))
    else:
        hardware_map().write_text("- [")
    readiness = target.probe()
    assert not readiness.ready
    assert target.default_variants == ()
    wanted = "is no YAML" if case == "a broken map" else "connect a STM32F4-Discovery, run `harness boards --generate`"
    assert wanted in readiness.install
    with pytest.raises(Unavailable):
        target.entry()


@pytest.mark.parametrize("baud", [0, 2_000_001])
def test_a_line_that_the_boards_port_cannot_be_set_to_is_said(baud: int, target: SerialTarget, hardware_map):
    path = hardware_map()
    path.write_text(f"- {{connected: true, id: a, platform: stm32f4_disco, serial: /dev/x, baud: {baud}}}\n")
    said = f"has `baud: {baud}` for the board a, and its serial port can be set to 2400 to 2000000: write one of these"
    assert said in target.probe().install
    with pytest.raises(Unavailable, match=said):
        target.fingerprint()


def test_boards_tells_which_answers_which_is_silent_and_which_is_not_there(
    job_server: Path, hardware_map, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listing, "_PATIENCE", RetryTimeouts(retry_seconds=0.05, silence_seconds=2.0))
    path = hardware_map(
        simulated(job_server, tmp_path),
        MapEntry("quiet", ("nucleo_l476rg",), serial_pty=("sleep", "600")),
        MapEntry("noisy", ("nucleo_l476rg",), serial_pty=("yes", "log")),
        MapEntry("gone", ("stm32f4_disco",), serial="/dev/serial/by-id/none"),
        MapEntry("shelf", ("frdm_k64f",), serial="/dev/x", connected=False),
    )
    assert boards(path, generate=False, as_json=True) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {
        f"board in {tmp_path.name}": "ready",
        "quiet": "silent",
        "noisy": "other",
        "gone": "no line",
        "shelf": "not connected",
    }
    assert rows["quiet"]["target"] == "mcu/serial-nucleo-l476rg"
    assert rows["shelf"]["target"] is None
    assert boards(path, generate=False, as_json=False) == 0
    assert "nothing answers" in capsys.readouterr().out


def test_a_map_is_written_of_the_ports_that_are_on_usb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def port(device: str, **fields: object) -> SimpleNamespace:
        return SimpleNamespace(device=device, **{"vid": None, "product": None, "serial_number": None, **fields})

    found = [
        port("/dev/ttyS0"),
        port("/dev/ttyACM1", vid=0x0483, product="STM32 STLink", serial_number="066C"),
        port("/dev/ttyUSB0", vid=0x0403, product="FT232R USB UART", serial_number="A5"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    path = tmp_path / "map.yaml"
    assert boards(path, generate=True, as_json=False) == 0
    assert "2 boards found, 2 of them new" in capsys.readouterr().out
    stlink, adapter = read_map(path)
    assert (stlink.id, stlink.serial, stlink.runner) == ("066C", "/dev/ttyACM1", "openocd")
    assert (adapter.id, adapter.runner, adapter.platforms) == ("A5", "unknown", ("unknown",))
