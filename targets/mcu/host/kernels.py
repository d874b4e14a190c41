"""Calls the host library (firmware/host_library.c) through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..emulator.frames import PLAN_ERRORS
from ..plan import Plan, PlanRefused
from ..toolchain import build_host_library

_ALIGNMENT = 16
_FUNCTIONS = ("exponential", "hyperbolic_tangent", "logistic", "square_root", "natural_logarithm", "sine", "cosine")


def _aligned(nbytes: int) -> NDArray[np.uint8]:
    raw = np.zeros(nbytes + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + nbytes]


class HostKernels:
    """The kernels as built for this machine. A wrong plan is an exception, as on a board."""

    def __init__(self, cache: Path) -> None:
        self._library = ctypes.CDLL(str(build_host_library(cache)))
        for name in _FUNCTIONS:
            function = getattr(self._library, f"host_{name}")
            function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float

    def run(self, plan: Plan, inputs: Sequence[bytes], *, sequence: bool = False) -> list[bytes]:
        """Outputs of each inference, the tensors one after the other; in a `sequence` they share a state."""
        blob = _aligned(len(plan.blob))
        blob[:] = np.frombuffer(plan.blob, np.uint8)
        arena = _aligned(max(plan.arena_bytes, _ALIGNMENT))
        results = []
        for index, values in enumerate(inputs):
            if len(values) != plan.input_bytes:
                raise PlanRefused(f"An input has {len(values)} bytes where the model takes {plan.input_bytes}.")
            fresh = index == 0 or not sequence
            if fresh:
                arena[:] = 0xA5  # nothing may depend on what was there before
            output = ctypes.create_string_buffer(max(1, plan.output_bytes))
            status = self._library.host_run(
                ctypes.c_void_p(blob.ctypes.data),
                ctypes.c_uint32(len(blob)),
                ctypes.c_void_p(arena.ctypes.data),
                ctypes.c_uint32(len(arena)),
                ctypes.c_int(fresh),
                values,
                output,
            )
            if status != 0:
                raise PlanRefused(f"The kernels refused the plan: {PLAN_ERRORS.get(status, status)}.")
            results.append(output.raw[: plan.output_bytes])
        return results

    def apply(self, function: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """One of the float functions, element by element."""
        call = getattr(self._library, f"host_{function}")
        return np.array([call(float(v)) for v in values], np.float32)
