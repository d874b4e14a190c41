"""The figures that have a history: what they are called, where the index holds them, and how they change."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.errors import HarnessError


@dataclass(frozen=True)
class Metric:
    """One figure. `exact` ones are equal at every run, so that every change is a step; the others are noisy.

    `any_machine`: the figure is the same on every machine, so that all of them make one series.
    """

    name: str
    title: str
    unit: str
    column: str
    """The name under which the index has it."""
    exact: bool = True
    any_machine: bool = False
    lower_is_better: bool = True
    interval: tuple[str, str] | None = None
    """Columns of its 95 % interval."""
    timed: bool = False


_MEDIAN = ("latency_low_ms", "latency_high_ms")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "latency.median_ms", "median latency", "ms", "latency_median_ms", exact=False, interval=_MEDIAN, timed=True
        ),
        Metric("latency.p90_ms", "latency, 90th percentile", "ms", "latency_p90_ms", exact=False, timed=True),
        Metric("latency.p99_ms", "latency, 99th percentile", "ms", "latency_p99_ms", exact=False, timed=True),
        Metric("latency.first_ms", "first inference", "ms", "latency_first_ms", exact=False, timed=True),
        Metric("latency.kernel_ms", "kernels, by the GPU's timers", "ms", "latency_kernel_ms", exact=False, timed=True),
        Metric(
            "conversion.sqnr_db",
            "signal to conversion error",
            "dB",
            "conversion_sqnr_db",
            exact=True,
            lower_is_better=False,
        ),
        Metric("conversion.max_abs", "largest conversion error", "", "conversion_max_abs"),
        Metric("runtime.sqnr_db", "signal to runtime error", "dB", "runtime_sqnr_db", lower_is_better=False),
        Metric("runtime.max_abs", "largest runtime error", "", "runtime_max_abs"),
        Metric("runtime.max_lsb", "largest runtime error in steps", "LSB", "runtime_max_lsb"),
        Metric("end_to_end.max_abs", "largest error end to end", "", "end_to_end_max_abs"),
        Metric("task.value", "the task's figure of merit", "", "task_value", lower_is_better=False),
        Metric("artifact_bytes", "size of the artifact", "B", "artifact_bytes", any_machine=True),
        Metric("arena_bytes", "arena", "B", "arena_bytes", any_machine=True),
        Metric("flash_bytes", "flash", "B", "flash_bytes", any_machine=True),
        Metric("ram_bytes", "RAM", "B", "ram_bytes", any_machine=True),
        Metric("instructions", "instructions per inference", "", "instructions", any_machine=True),
        Metric("heap_bytes", "memory that the interpreter holds", "B", "heap_bytes", any_machine=True),
        Metric("peak_memory_bytes", "peak memory", "B", "peak_memory_bytes", exact=False),
    )
}

HEADLINES = ("latency.median_ms", "instructions")
"""Shown where none is asked for: milliseconds where there is a clock, instructions on an emulator."""

SUMMARISED = (
    "latency.median_ms",
    "instructions",
    "artifact_bytes",
    "ram_bytes",
    "flash_bytes",
    "conversion.sqnr_db",
    "runtime.max_lsb",
    "task.value",
)
"""What a page says of all models; `harness.history.summaries` keeps it."""


def metric(name: str) -> Metric:
    """A metric by its name; any other name is that of a target's own figure, which counts as noisy.

    Raises `HarnessError` where the name could be none.
    """
    if name in METRICS:
        return METRICS[name]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise HarnessError(
            f"There is no metric '{name}'; there are {', '.join(METRICS)}, and each target's own figures."
        )
    return Metric(name, name.replace("_", " "), "B" if name.endswith("_bytes") else "", name, False)
