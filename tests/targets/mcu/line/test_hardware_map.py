"""A map of twister's is read as it is; one that is none says where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import HarnessError
from harness_targets.mcu.line.hardware_map import MapEntry, read_map, write_map

TWISTERS = """
- connected: true
  id: 000683759358
  platform: stm32f4_disco/stm32f407xx
  product: STM32 STLink
  runner: openocd
  runner_params:
    - -c
    - adapter speed 1800
  serial: /dev/serial/by-id/usb-STMicroelectronics_STM32_STLink-if02
  baud: 460800
  flash_timeout: 90
  fixtures:
    - gpio_loopback
  post_script: /never/run
- connected: false
  available: false
  id: "0240000026334e450015400f5e0e000b4eb1000097969900"
  notes: on the shelf
  platform: [nucleo_l476rg, nucleo_l476rg/stm32l476xx]
  product: DAPLink CMSIS-DAP
  runner: pyocd
  probe_id: "17"
  serial_pty: board-server,--port 5
"""


def test_a_map_of_twisters_is_read_unchanged(tmp_path: Path):
    path = tmp_path / "map.yaml"
    path.write_text(TWISTERS)
    first, second = read_map(path)
    assert first == MapEntry(
        id="000683759358",
        platforms=("stm32f4_disco",),
        product="STM32 STLink",
        serial="/dev/serial/by-id/usb-STMicroelectronics_STM32_STLink-if02",
        baud=460800,
        runner="openocd",
        runner_params=("-c", "adapter speed 1800"),
        flash_timeout=90,
        fixtures=("gpio_loopback",),
    )
    assert second.serial_pty == ("board-server", "--port", "5")
    assert (second.connected, second.platforms) == (False, ("nucleo_l476rg", "nucleo_l476rg"))
    assert (second.probe_id, second.baud, second.flash_timeout) == ("17", 115200, 60)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- connected: [", r"is no YAML, line \d+"),
        ("boards: 3", "holds no list of boards"),
        ("- 3", "Board 1 of the hardware map .+ is no list of keys"),
        ("- connected: true\n  id: a", "Board 1 of .+ names no `platform`"),
        ("- connected: maybe\n  platform: p", "has `connected: maybe`, where true or false belongs"),
        ("- id: 0670123\n  platform: p", "has `id: 225363`, where a text belongs; write it in quotes"),
        ("- baud: fast\n  platform: p", "has `baud: fast`, where a whole number belongs"),
        ("- serial: 7\n  platform: p", "has `serial: 7`, where a text belongs"),
        ("- runner_params: -f x\n  platform: p", "has `runner_params: -f x`, where a list of words belongs"),
        ("- !!python/object/apply:os.system [true]", "is no YAML"),
    ],
)
def test_what_is_no_map_is_one_sentence(text: str, said: str, tmp_path: Path):
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(HarnessError, match=said) as caught:
        read_map(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_a_map_that_is_not_there_or_empty(tmp_path: Path):
    with pytest.raises(HarnessError, match="cannot be read"):
        read_map(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("")
    assert read_map(tmp_path / "empty.yaml") == ()


def test_what_is_found_goes_into_the_map_and_what_was_written_stays(tmp_path: Path):
    path = tmp_path / "map.yaml"
    board = MapEntry("A1", ("unknown",), "STM32 STLink", serial="/dev/ttyACM0", runner="openocd")
    assert write_map(path, [board]) == 1
    fields = yaml.safe_load(path.read_text())
    fields[0]["platform"] = "stm32f4_disco"
    fields.append(
        {"connected": True, "id": "far", "platform": "p", "product": "lab", "serial": "rfc2217://10.0.0.1:2000"}
    )
    path.write_text(yaml.safe_dump(fields))
    other = MapEntry("B2", ("unknown",), "J-Link", serial="/dev/ttyACM0", runner="jlink")
    assert write_map(path, [other]) == 1
    gone, far, new = read_map(path)
    assert (gone.id, gone.connected, gone.serial, gone.platforms) == ("A1", False, "", ("stm32f4_disco",))
    assert (far.connected, far.serial) == (True, "rfc2217://10.0.0.1:2000")
    assert (new.id, new.serial) == ("B2", "/dev/ttyACM0")
    moved = MapEntry("A1", ("unknown",), "STM32 STLink", serial="/dev/ttyACM7", runner="openocd")
    assert write_map(path, [moved]) == 0
    back = read_map(path)[0]
    assert (back.connected, back.serial, back.platforms) == (True, "/dev/ttyACM7", ("stm32f4_disco",))
