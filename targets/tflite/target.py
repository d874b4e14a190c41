"""The TFLite interpreters as targets: LiteRT with three kernel families, TensorFlow's own, and tflite-runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.environment import Environment, environment
from harness.errors import CaseError, Crashed, Unavailable, Unsupported
from harness.installation.interpreter import HOW_TO_GET_PYTHON
from harness.latency.operator_times import samples_by_kind
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.process.worker_target import WorkerTarget
from harness.reproduction import Reproduction, pip_line, run_script, write_scripts
from harness.target import (
    Footprint,
    Loaded,
    OperatorSamples,
    OperatorTimes,
    Readiness,
    Session,
    SessionTimeouts,
    Target,
    Timing,
    TimingPlan,
)

from .arm.target import arm_targets
from .cut_points import find_cut_points
from .load_request import PACKAGES, load_request
from .softmax_scale import known_crash
from .weight_scales import passed_over

HERE = Path(__file__).parent
WORKER = HERE / "worker.py"
PUBLIC_PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime", "tensorflow": "tensorflow"}
"""Runtime → what pip calls it."""
MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}
"""Runtime → the module with its `Interpreter`."""
THREADS_VARIABLE = "HARNESS_TFLITE_THREADS"
_MOST_PARTS_BYTES = 2_000_000_000
"""Files of all parts of a model that is profiled: interpreters hold its weights once more, each."""


LEAST_CALLS = 12
"""Calls of each part of a model whose operators are timed: three rounds of four (`prefix_models.py`)."""
MOST_OPERATOR_SECONDS = 30.0


class TFLiteSession(Session):
    """One interpreter in one child process."""

    def __init__(
        self, child: ChildProcess, artifact: Artifact, request: dict[str, Any], limits: SessionTimeouts, loaded: Loaded
    ) -> None:
        """`request`: what the worker was told of the artifact."""
        self.child = child
        self.artifact = artifact
        self.request = request
        self.limits = limits
        self._loaded = loaded

    def loaded(self) -> Loaded:
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        _, outputs = self.child.call("infer", dict(samples), seconds=self.limits.infer_seconds)
        return outputs

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        reply, arrays = self.child.call(
            "time",
            {name: values[:1] for name, values in samples.items()},
            seconds=self.limits.infer_seconds + plan.max_seconds,
            **vars(plan),
        )
        if not reply["stable_outputs"]:
            raise Crashed(f"{self.child.what} changed its outputs between the first and the last timed invocation.")
        times = arrays["samples_ns"].astype(np.int64)
        operators, why = self._by_operator(samples, plan, float(np.median(times)))
        return Timing(
            samples_ns=times,
            first_ns=reply["first_ns"],
            load_ns=reply["load_ns"],
            clock_resolution_ns=reply["clock_resolution_ns"],
            details={"per_operator": f"not timed: {why}"} if why else {},
            per_operator=operators,
        )

    def _by_operator(
        self, samples: Tensors, plan: TimingPlan, whole_ns: float
    ) -> tuple[tuple[OperatorSamples, ...], str]:
        """What each kind of operator takes, if that is asked for; else, where it was, why it is not known. `whole_ns`:
        what an inference takes."""
        if not plan.per_operator or not plan.operator_seconds:
            return (), ""
        least_seconds = LEAST_CALLS * sum(self.artifact.operators.values()) * whole_ns / 2 * 1e-9
        if least_seconds > MOST_OPERATOR_SECONDS:
            return (), f"all operators together take {least_seconds:.0f} s to time"
        try:
            return samples_by_kind(self.time_operators(samples, plan.operator_seconds)), ""
        except CaseError as error:
            if not self.child.alive():
                raise
            return (), str(error).rstrip(".")

    def time_operators(self, samples: Tensors, seconds: float) -> OperatorTimes:
        """All parts of the model are loaded beside each other; of a large model they do not fit."""
        if self.artifact.subgraph != 0:
            raise Unsupported(f"the signature '{self.artifact.signature}' is not that of the file's first subgraph")
        content = self.artifact.path.read_bytes()
        cuts = find_cut_points(content)
        if len(cuts.cuts) * len(content) > _MOST_PARTS_BYTES:
            raise Unsupported(f"{len(cuts.cuts)} parts of a file of {len(content):,} bytes are not loaded side by side")
        _, arrays = self.child.call(
            "time_operators",
            {name: values[:1] for name, values in samples.items()},
            seconds=self.limits.infer_seconds + seconds,
            **self.request,
            length_at=cuts.length_at,
            outputs_at=cuts.outputs_at,
            cuts=cuts.cuts,
            about_seconds=seconds,
        )
        return OperatorTimes(cuts.names, arrays["times_ns"].astype(np.int64), cuts.shapes)

    def footprint(self) -> Footprint:
        reply, _ = self.child.call("footprint", seconds=10)
        return Footprint({"peak_memory_bytes": reply["peak_memory_bytes"]})


class TFLiteTarget(WorkerTarget):
    """A runtime package with one kernel family and a number of threads."""

    format = "tflite"

    def __init__(
        self, name: str, runtime: str, resolver: str, environment: Environment, variants: tuple[str, ...], threads: int
    ) -> None:
        self.name = name
        self.runtime = runtime
        self.resolver = resolver
        self.environment = environment
        self.default_variants = variants
        self.threads = threads

    def probe(self) -> Readiness:
        """Ready: what is missing is installed on first use, from pinned requirements; but for a Python that could not
        be brought."""
        if lacking := self.environment.lacking():
            return Readiness(ready=False, missing=lacking, install=HOW_TO_GET_PYTHON)
        state = "installed" if self.environment.ready() else "installed on first use"
        return Readiness(ready=True, details={**self.environment.versions(), "environment": state})

    def prepare(self) -> None:
        self.environment.python()

    def fingerprint(self) -> dict[str, str]:
        return {
            **self.environment.versions(),
            "environment": self.environment.digest(),
            "resolver": self.resolver,
            "threads": str(self.threads),
        }

    def with_fingerprint(self, changes: Mapping[str, str]) -> Target:
        """Other threads, another resolver, other versions of its packages. `environment` alone says that what those
        depend on was resolved anew, which nobody can undo, so it is passed over."""
        wanted = {key: value for key, value in changes.items() if key != "environment"}
        versions = self.environment.versions()
        unknown = sorted(set(wanted) - set(versions) - {"threads", "resolver"})
        if unknown:
            known = ", ".join(("threads", "resolver", *versions))
            raise Unavailable(f"{self.name} has no {' or '.join(unknown)} to change; it has {known}.")
        threads = wanted.get("threads", str(self.threads))
        if not threads.isdecimal() or not 1 <= int(threads) <= 256:
            raise Unavailable(f"{self.name} cannot run with '{threads}' threads; name a number from 1 to 256.")
        environment = self.environment
        if any(wanted.get(package, version) != version for package, version in versions.items()):
            # What is not named keeps its version, but for NumPy: an older runtime may need an older one.
            named = {package: wanted.get(package, version) for package, version in versions.items()}
            pins = [
                f"{package}=={version}" for package, version in named.items() if package in wanted or package != "numpy"
            ]
            environment = Environment.from_pins(environment.name, pins, environment.python_versions)
        resolver = wanted.get("resolver", self.resolver)
        return TFLiteTarget(self.name, self.runtime, resolver, environment, self.default_variants, int(threads))

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """Select-TF operators run in TensorFlow's own interpreter alone; of some models reference kernels die; some
        kernels pass over scales of weights."""
        deadly = known_crash(artifact.notes) if self.resolver == "BUILTIN_REF" else ()
        deadly += passed_over(self.runtime, self.resolver, artifact)
        if self.runtime == "tensorflow":
            return deadly
        flex = ", ".join(operator for operator in artifact.operators if operator.startswith("Flex"))
        return deadly + ((f"{flex} (TensorFlow's, for which the Flex delegate is needed)",) if flex else ())

    def reproduction(self, artifact: Artifact) -> Reproduction:
        """A script of the runtime's own interface."""
        if artifact.custom_operators is not None:
            raise Unsupported("its custom operators are in a library of the user's")
        version = self.environment.versions()[PUBLIC_PACKAGES[self.runtime]]
        numpy = self.environment.versions().get("numpy")
        packages = {PUBLIC_PACKAGES[self.runtime]: version, **({"numpy": numpy} if numpy else {})}
        return Reproduction(
            runtime_name=f"{PUBLIC_PACKAGES[self.runtime]} {version} (OpResolverType.{self.resolver})",
            write=write_scripts(HERE / "repeat.py"),
            repeat=lambda folder: run_script(self.environment.python(), folder, "repeat.py"),
            packages=packages,
            instructions=(pip_line(packages), "python repeat.py"),
            reports_crash=True,
            setting={"module": MODULES[self.runtime], "resolver": self.resolver, "threads": self.threads},
        )

    def _start(self, limits: SessionTimeouts) -> ChildProcess:
        return ChildProcess(
            self.name,
            self.environment.python(),
            WORKER,
            packages=PACKAGES,
            environment={"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
            start_seconds=limits.open_seconds,
        )

    def _load(self, child: ChildProcess, artifact: Artifact, limits: SessionTimeouts) -> TFLiteSession:
        request = load_request(artifact, self.runtime, self.resolver, self.threads)
        said, _ = child.call("load", seconds=limits.open_seconds, **request)
        loaded = Loaded({artifact.entry: said["sha256"]}, tuple(said["inputs"]))
        return TFLiteSession(child, artifact, request, limits, loaded)


def targets() -> list[Target]:
    """All TFLite targets: on this machine, where threads come from HARNESS_TFLITE_THREADS (1 unless set), and on
    emulated Arm cores."""
    threads = int(os.environ.get(THREADS_VARIABLE, "1"))
    plain = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
    usual = ("float32", "float16", "dynamic", "int8", "int16x8")
    rows = (
        ("tflite/litert-xnnpack", "litert", "AUTO", "litert", usual),
        ("tflite/litert-builtin", "litert", plain, "litert", ("int8",)),
        ("tflite/litert-reference", "litert", "BUILTIN_REF", "litert", ()),
        ("tflite/tensorflow", "tensorflow", "AUTO", "converter", ()),
        ("tflite/tflite-runtime", "tflite-runtime", "AUTO", "tflite-runtime", ("float32", "int8")),
    )
    here = [
        TFLiteTarget(name, runtime, resolver, environment(where), variants, threads)
        for name, runtime, resolver, where, variants in rows
    ]
    return [*here, *arm_targets()]
