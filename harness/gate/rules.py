"""The names of all rules, by which exceptions and readers address them."""

from __future__ import annotations

_EDGES = ("conversion", "runtime")
_ON_AN_EDGE = (
    "finite",
    "sizes",
    "swapped_outputs",
    "exchanged_classes",
    "sqnr_db",
    "peak",
    "top1_agreement",
    "max_lsb",
    "amplified_lsb",
)

RULES: tuple[str, ...] = (
    "outcome",
    "parity.measured",
    "parity.runtime.measured",
    "parity.reference",
    *(f"parity.{edge}.{name}" for edge in _EDGES for name in _ON_AN_EDGE),
    "task.noninferiority",
    "task.exchanged_labels",
    "runtime.as_asked",
    "runtime.accelerated",
    "runtime.tensors_leaked",
    "runtime.half_precision",
    "latency.steady_state",
    "latency.regression",
    "latency.kernels",
    "budget",
    "growth",
    "baseline.artifact",
    "baseline.hardware",
    *(f"baseline.parity.{edge}" for edge in _EDGES),
    "baseline.task",
    "baseline.golden",
)
