"""A session on a page: one artifact in one runtime of one browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import Failed
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.target import Footprint, Loaded, OperatorSamples, Session, SessionTimeouts, Timing, TimingPlan

EXACT = frozenset({"artifact_bytes", "tensor_bytes", "peak_memory_bytes", "kernels", "gpu_bytes"})


class BrowserSession(Session):
    """One model in one page. Everything in `Timing.details` is a string; `software_renderer` is "true" where a
    software rasteriser did the work, whose milliseconds say nothing about a GPU's."""

    def __init__(
        self,
        child: ChildProcess,
        artifact: Artifact,
        limits: SessionTimeouts,
        profile: Path,
        browser_version: str,
        loaded: Loaded,
    ) -> None:
        """`profile`: a folder that the command line or the environment of every process of this browser names."""
        self._loaded = loaded
        self.child = child
        self.artifact = artifact
        self.limits = limits
        self.profile = profile
        self.browser_version = browser_version
        self._sample = {info.name: np.zeros((1, *info.shape), info.dtype) for info in artifact.inputs}
        """What the footprint is taken on: the first sample that came, zeros before."""

    def loaded(self) -> Loaded:
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        own = self._own(samples)
        self._sample = {name: values[:1] for name, values in own.items()}
        _, outputs = self.child.call("infer", own, seconds=self.limits.infer_seconds)
        return outputs

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        reply, arrays = self.child.call(
            "time",
            {name: values[:1] for name, values in self._own(samples).items()},
            seconds=self.limits.infer_seconds + plan.max_seconds,
            plan={
                "minIterations": plan.min_iterations,
                "minSeconds": plan.min_seconds,
                "maxIterations": plan.max_iterations,
                "maxSeconds": plan.max_seconds,
                "perOperator": plan.per_operator,
                "kernels": plan.kernels,
            },
        )
        if not reply["stable"]:
            raise Failed(f"{self.child.what} changed its outputs between the first and the last timed invocation.")
        return Timing(
            samples_ns=arrays["samples_ns"],
            first_ns=round(reply["firstMilliseconds"] * 1e6),
            load_ns=round(reply["loadMilliseconds"] * 1e6),
            start_ns=_nanoseconds(reply["startMilliseconds"]),
            compile_ns=_nanoseconds(reply["compileMilliseconds"]),
            upload_ns=_nanoseconds(reply["uploadMilliseconds"]),
            clock_resolution_ns=reply["clockMilliseconds"] * 1e6,
            details={**reply["details"], "browser": self.browser_version},
            per_operator=tuple(
                OperatorSamples(
                    one["operator"], one["shape"], one["count"], np.array(one["milliseconds"], np.float64) * 1e6
                )
                for one in reply["operators"]
            ),
            kernel_ns=np.array(reply["kernelMilliseconds"], np.float64) * 1e6 if reply["kernelMilliseconds"] else None,
            kernel_resolution_ns=_nanoseconds(reply["kernelStepMilliseconds"]),
        )

    def footprint(self) -> Footprint:
        """`tensor_bytes`: tensors at rest, which are the weights. `peak_memory_bytes`: tensors at the highest point of
        one invocation on the first sample. `gpu_bytes`: what tensors take in the GPU's memory after it, and
        `gpu_allocated_bytes` with what is kept there for later ones. `kernels`: how many one invocation runs. All are
        counted, not sampled, where the runtime counts them. `wasm_heap_bytes`: the wasm module's memory. `details` say
        what did the work."""
        reply, _ = self.child.call("footprint", self._sample, seconds=self.limits.infer_seconds)
        figures = {"artifact_bytes": self.artifact.bytes, **reply["figures"]}
        return Footprint(figures, exact=EXACT & figures.keys(), details=reply["details"])

    def foreign_requests(self) -> list[str]:
        """Addresses beyond the page's own server that it asked for; all were refused."""
        reply, _ = self.child.call("status", seconds=10)
        return [str(address) for address in reply["foreign"]]

    def _own(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        """The samples that the artifact takes: conversion drops inputs that nothing uses."""
        return {info.name: np.asarray(samples[info.name]) for info in self.artifact.inputs if info.name in samples}


def _nanoseconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds * 1e6
