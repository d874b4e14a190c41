"""The user's own tool puts the image on the board: its arguments are a list, and what it says is told."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness_targets.mcu.boards.silicon import STM32F4_DISCOVERY
from harness_targets.mcu.line.flash import flash, flash_command
from harness_targets.mcu.line.hardware_map import MapEntry
from harness_targets.mcu.line.image import Image
from harness_targets.mcu.line.line_errors import FlashFailed, LineUnavailable

from .flash_files import memory_of

ENTRY = MapEntry("066C", ("stm32f4_disco",), serial="/dev/ttyACM0")
PROGRAM = "program {i.hex} verify reset exit"
IMAGE = Image(((0x08000000, bytes(range(256)) * 3), (0x0801FFF0, b"x" * 64)), 0, 0)


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        ("pyocd", ["pyocd", "flash", "--target", "stm32f407vg", "--uid", "066C", "--more", "i.hex"]),
        (
            "openocd",
            ["openocd", "-f", "board/stm32f4discovery.cfg", "-c", "adapter serial 066C", "--more", "-c", PROGRAM],
        ),
        ("probe-rs", ["probe-rs", "download", "--chip", "STM32F407VG", "--binary-format", "hex", "--more", "i.hex"]),
        (
            "stm32cubeprogrammer",
            ["STM32_Programmer_CLI", "-c", "port=SWD", "sn=066C", "mode=UR", "--more", "-w", "i.hex", "-v", "-rst"],
        ),
    ],
)
def test_known_tools_are_called_as_their_manuals_have_it(runner: str, words: list[str]):
    entry = replace(ENTRY, runner=runner, runner_params=("--more",))
    assert flash_command(entry, STM32F4_DISCOVERY, Path("i.hex")) == words


def test_any_other_tool_is_called_with_the_arguments_of_the_map():
    entry = replace(ENTRY, runner="/opt/my tool", runner_params=("--image={hex}", "; rm -rf /"))
    assert flash_command(entry, STM32F4_DISCOVERY, Path("/t/i.hex")) == [
        "/opt/my tool",
        "--image=/t/i.hex",
        "; rm -rf /",
    ]
    with pytest.raises(LineUnavailable, match=r"has the runner `jlink` for the board 066C; write pyocd, .+ as \{hex\}"):
        flash_command(replace(ENTRY, runner="jlink"), STM32F4_DISCOVERY, Path("i.hex"))


def tool(script: str, **changes: object) -> MapEntry:
    return replace(ENTRY, runner=sys.executable, runner_params=("-c", script, "{hex}"), **changes)  # type: ignore[arg-type]


def test_the_image_comes_as_intel_hex(tmp_path: Path):
    copied = tmp_path / "copy.hex"
    flash(tool(f"import shutil, sys; shutil.copy(sys.argv[1], {str(copied)!r})"), STM32F4_DISCOVERY, IMAGE)
    memory = memory_of(copied.read_text())
    for address, content in IMAGE.parts:
        assert bytes(memory[address + index] for index in range(len(content))) == content
    assert len(memory) == sum(len(content) for _, content in IMAGE.parts)


def test_a_tool_that_fails_is_quoted():
    with pytest.raises(FlashFailed, match=r"did not flash the board 066C \(status 3\): Error: no probe") as caught:
        flash(
            tool("import sys; print('hello'); print('Error: no probe', file=sys.stderr); sys.exit(3)"),
            STM32F4_DISCOVERY,
            IMAGE,
        )
    assert "hello" in caught.value.log


def test_a_tool_that_hangs_is_ended_in_time():
    with pytest.raises(FlashFailed, match=r"was stopped after 1 s \(`flash_timeout`\)"):
        flash(tool("import time; time.sleep(60)", flash_timeout=1), STM32F4_DISCOVERY, IMAGE)


def test_a_tool_of_the_folder_that_one_is_in_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / "tool"
    script.write_text(f'#!/bin/sh\ncp "$1" "{tmp_path}/copy.hex"\n')
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    flash(replace(ENTRY, runner="./tool", runner_params=("{hex}",)), STM32F4_DISCOVERY, IMAGE)
    assert (tmp_path / "copy.hex").read_text() == IMAGE.intel_hex()
    script.write_text("no program\n")
    with pytest.raises(LineUnavailable, match=r"^\./tool, with which .+ cannot be started \(Exec format error\)\.$"):
        flash(replace(ENTRY, runner="./tool", runner_params=("{hex}",)), STM32F4_DISCOVERY, IMAGE)


@pytest.mark.parametrize("probe", ["1; exec touch /tmp/x", "[exec true]", '$env(HOME)"', "}", "a b"])
def test_a_serial_number_is_no_command_of_openocds(probe: str):
    """A USB device names itself, and `harness boards --generate` writes that into the map."""
    entry = replace(ENTRY, id=probe, runner="openocd")
    with pytest.raises(LineUnavailable, match="of which OpenOCD would take a part for a command"):
        flash_command(entry, STM32F4_DISCOVERY, Path("i.hex"))
    assert probe in flash_command(replace(entry, runner="pyocd"), STM32F4_DISCOVERY, Path("i.hex"))


def test_a_tool_that_is_not_there_is_named():
    with pytest.raises(LineUnavailable, match="pyocd-of-nowhere is not on the PATH"):
        flash(replace(ENTRY, runner="pyocd-of-nowhere", runner_params=("{hex}",)), STM32F4_DISCOVERY, IMAGE)
