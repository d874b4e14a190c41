"""Reads and writes a hardware map in the form of Zephyr's twister (`scripts/schemas/twister/hwmap-schema.yaml`): a YAML
list of boards. A map that twister reads is read here unchanged; what only twister has a use for is passed over."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, Unavailable
from harness.paths import project_root
from harness.store.runs import write_atomically

from ..boards.silicon import DEFAULT_BAUD

MAP_VARIABLE = "HARNESS_HARDWARE_MAP"
MAP_FILE = "hardware-map.yaml"
FLASH_SECONDS = 60
EXTRA = 'pip install "ml-runtime-harness[boards]"'


@dataclass(frozen=True)
class MapEntry:
    """One board of a map. Twister's own words, but for `platforms`: the names that it has for the board's kind, without
    what follows a slash. `flash_timeout` in seconds."""

    id: str
    platforms: tuple[str, ...]
    product: str = "unknown"
    connected: bool = True
    serial: str = ""
    serial_pty: tuple[str, ...] = ()
    baud: int = DEFAULT_BAUD
    runner: str = ""
    runner_params: tuple[str, ...] = ()
    probe_id: str = ""
    flash_timeout: int = FLASH_SECONDS
    fixtures: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Name of the line in messages."""
        return self.serial or " ".join(self.serial_pty) or "no serial port"


def map_path() -> Path:
    """The map that `HARNESS_HARDWARE_MAP` names, else the project's own; it need not exist."""
    named = os.environ.get(MAP_VARIABLE)
    return Path(named).expanduser() if named else project_root() / MAP_FILE


def read_map(path: Path) -> tuple[MapEntry, ...]:
    """Every board of a map. Raises `HarnessError` where the file is none, `Unavailable` where PyYAML is missing."""
    listed = _load(path)
    return tuple(_entry(path, index, fields) for index, fields in enumerate(listed, start=1))


def _load(path: Path) -> list[Any]:
    try:
        import yaml
    except ImportError:
        raise Unavailable(f"A hardware map is read with PyYAML, which is not installed: {EXTRA}.") from None
    try:
        listed = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise HarnessError(f"The hardware map {path} cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise HarnessError(f"The hardware map {path} is no YAML{where}; correct it there.") from None
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise HarnessError(f"The hardware map {path} holds no list of boards; each begins with `- connected:`.")
    return listed


def _entry(path: Path, index: int, fields: Any) -> MapEntry:
    where = f"Board {index} of the hardware map {path}"
    if not isinstance(fields, Mapping):
        raise HarnessError(f"{where} is no list of keys and values; it begins with `- connected:`.")
    read = _Fields(where, fields)
    platform = fields.get("platform")
    names = platform if isinstance(platform, list) else [platform]
    platforms = tuple(word.partition("/")[0] for name in names if isinstance(name, str) for word in name.split())
    if not platforms:
        raise HarnessError(f"{where} names no `platform`; write Zephyr's name of it, as stm32f4_disco.")
    return MapEntry(
        id=read.text("id"),
        platforms=platforms,
        product=read.text("product") or "unknown",
        connected=read.boolean("connected"),
        serial=read.text("serial"),
        serial_pty=tuple(word for word in re.split("[, ]", read.text("serial_pty")) if word),
        baud=read.integer("serial_baud", 0) or read.integer("baud", DEFAULT_BAUD),
        runner=read.text("runner"),
        runner_params=read.texts("runner_params"),
        probe_id=read.text("probe_id"),
        flash_timeout=read.integer("flash_timeout", FLASH_SECONDS),
        fixtures=read.texts("fixtures"),
    )


@dataclass(frozen=True)
class _Fields:
    where: str
    fields: Mapping[str, Any]

    def text(self, key: str) -> str:
        """A word. A serial number of digits alone has to be in quotes, in twister as well: YAML drops its zeros."""
        value = self.fields.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        raise HarnessError(f"{self.where} has `{key}: {value}`, where a text belongs; write it in quotes.")

    def boolean(self, key: str) -> bool:
        value = self.fields.get(key, False)
        if not isinstance(value, bool):
            raise HarnessError(f"{self.where} has `{key}: {value}`, where true or false belongs.")
        return value

    def integer(self, key: str, default: int) -> int:
        value = self.fields.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise HarnessError(f"{self.where} has `{key}: {value}`, where a whole number belongs.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.fields.get(key) or []
        if not isinstance(value, list) or not all(isinstance(word, str | int | float) for word in value):
            raise HarnessError(f"{self.where} has `{key}: {value}`, where a list of words belongs.")
        return tuple(str(word) for word in value)


def write_map(path: Path, entries: Sequence[MapEntry]) -> int:
    """Put the boards that were found into a map, as twister's `--generate-hardware-map` does: those that it has keep
    all that was written of them and get their port anew, those that are gone are not connected, new ones are added.
    Returns how many were new. Raises `HarnessError`."""
    import yaml

    listed = [fields for fields in (_load(path) if path.exists() else []) if isinstance(fields, dict)]
    present = {(entry.id, entry.product): entry for entry in entries}
    known = set()
    for fields in listed:
        key = (str(fields.get("id", "")), str(fields.get("product", "")))
        known.add(key)
        entry = present.get(key)
        if entry is not None:
            fields.update(connected=True, serial=entry.serial)
        elif re.fullmatch(r"/dev/.*|COM\d+", str(fields.get("serial", ""))):  # a URL or a command is not a thing found
            fields["connected"] = False
            del fields["serial"]
    new = [entry for key, entry in present.items() if key not in known]
    listed += [
        {
            "connected": True,
            "id": entry.id,
            "platform": " ".join(entry.platforms),
            "product": entry.product,
            "runner": entry.runner,
            "serial": entry.serial,
        }
        for entry in new
    ]
    try:
        write_atomically(path, yaml.safe_dump(listed, sort_keys=False, allow_unicode=True))
    except OSError as error:
        raise HarnessError(f"The hardware map {path} cannot be written ({error.strerror}).") from None
    return len(new)
