"""The Arm cores that are emulated: what QEMU calls each, and what the system tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """`name` is QEMU's. Part numbers and features are those of the core's Technical Reference Manual.

    Runtimes ask the processor itself (by `getauxval`) for its features, which QEMU answers, and `/proc/cpuinfo` for its
    name, which QEMU before 8.1 passes on from the host: hence what is written down here.
    """

    name: str
    title: str
    part: int
    features: tuple[str, ...]
    since_qemu: str = "7.0"
    """The first release of QEMU that has it."""

    def files(self) -> Mapping[str, str]:
        """Content by path below the root, of one processor of this kind."""
        system = "sys/devices/system/cpu"
        topology = {
            "physical_package_id": "0",
            "core_id": "0",
            "core_siblings": "1",
            "core_siblings_list": "0",
            "thread_siblings": "1",
            "thread_siblings_list": "0",
        }
        # No caches: runtimes then take what they know of the core.
        files = {
            "proc/cpuinfo": self._cpuinfo(),
            **{f"{system}/{name}": "0\n" for name in ("possible", "present", "online")},
            **{f"{system}/cpu0/topology/{name}": f"{value}\n" for name, value in topology.items()},
            f"{system}/cpu0/cpufreq/cpuinfo_max_freq": "2000000\n",
            f"{system}/cpu0/cpufreq/cpuinfo_min_freq": "500000\n",
            f"{system}/cpu0/cache/uevent": "",
        }
        return dict(sorted(files.items()))

    def _cpuinfo(self) -> str:
        lines = {
            "processor": "0",
            "BogoMIPS": "100.00",
            "Features": " ".join(self.features),
            "CPU implementer": "0x41",
            "CPU architecture": "8",
            "CPU variant": "0x0",
            "CPU part": f"{self.part:#05x}",
            "CPU revision": "4",
        }
        return "".join(f"{name}\t: {value}\n" for name, value in lines.items()) + "\n"


_V8 = ("fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "cpuid")
_V8_2 = (*_V8[:-1], "atomics", "fphp", "asimdhp", "cpuid", "asimdrdm", "lrcpc", "dcpop", "asimddp")
_V9 = (*_V8_2, "sve", "sve2", "i8mm", "bf16")

CORES: dict[str, Core] = {
    core.name: core
    for core in (
        Core("cortex-a53", "Arm Cortex-A53", 0xD03, _V8),
        Core("cortex-a55", "Arm Cortex-A55", 0xD05, _V8_2, since_qemu="8.0"),
        Core("cortex-a72", "Arm Cortex-A72", 0xD08, _V8),
        Core("cortex-a76", "Arm Cortex-A76", 0xD0B, _V8_2),
        Core("cortex-a710", "Arm Cortex-A710", 0xD47, _V9, since_qemu="8.2"),
    )
}
