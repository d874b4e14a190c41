"""`tflm/host`: TensorFlow Lite Micro from PyPI, the interpreter that microcontroller results are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.environment import environment
from harness.errors import Unsupported
from harness.installation.interpreter import HOW_TO_GET_PYTHON
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.process.worker_target import WorkerTarget
from harness.reproduction import Reproduction, pip_line, run_script, write_scripts
from harness.target import Footprint, Loaded, Readiness, Session, SessionTimeouts, Target, Timing, TimingPlan

from ..tflite.recurrent_state import lstm_scale_problems
from ..tflite.softmax_scale import known_crash
from ..tflite.weight_scales import dequantised_with_one_scale

WORKER = Path(__file__).with_name("worker.py")
ARENA_BYTES = 64 * 1024 * 1024
"""Enough for any model that has a place on a microcontroller; what is used of it is measured."""


class MicroSession(Session):
    """One interpreter in one child process."""

    def __init__(self, child: ChildProcess, limits: SessionTimeouts, loaded: Loaded) -> None:
        self.child = child
        self.limits = limits
        self._loaded = loaded

    def loaded(self) -> Loaded:
        """What the runtime loaded. Its Python interface has no names of inputs."""
        return self._loaded

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        return self.child.call("infer", dict(samples), seconds=self.limits.infer_seconds)[1]

    def least_arena_bytes(self) -> int:
        """The smallest arena in which the model is allocated and runs on this machine, found by trying."""
        return int(self.child.call("least_arena", seconds=self.limits.infer_seconds)[0]["arena_bytes"])

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        raise Unsupported("tflm/host is not timed: its milliseconds on this machine say nothing of a microcontroller.")

    def footprint(self) -> Footprint:
        figures, _ = self.child.call("footprint", seconds=10)
        return Footprint(figures, frozenset(figures))


class MicroTarget(WorkerTarget):
    """Micro's reference kernels, compiled for this machine."""

    name = "tflm/host"
    format = "tflite"
    default_variants = ("int8",)
    timed = False

    def __init__(self) -> None:
        self.environment = environment("tflite-micro")

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
        return {**self.environment.versions(), "environment": self.environment.digest()}

    def unsupported_operators(self, artifact: Artifact) -> tuple[str, ...]:
        """Micro links nothing of TensorFlow's own operators; of builtin ones its interpreter says what it lacks."""
        flex = ", ".join(operator for operator in artifact.operators if operator.startswith("Flex"))
        return (
            first_subgraph_only("Micro", artifact)
            + known_crash(artifact.notes)
            + misread(artifact)
            + ((f"{flex} (TensorFlow's, which Micro does not have)",) if flex else ())
        )

    def reproduction(self, artifact: Artifact) -> Reproduction:
        """A script of the package's own interface."""
        packages = {name: self.environment.versions()[name] for name in ("tflite-micro", "numpy")}
        return Reproduction(
            runtime_name=f"tflite-micro {packages['tflite-micro']}",
            write=write_scripts(WORKER.with_name("repeat.py")),
            repeat=lambda folder: run_script(self.environment.python(), folder, "repeat.py"),
            packages=packages,
            instructions=(pip_line(packages), "python repeat.py"),
            reports_crash=True,
            setting={"arena_bytes": ARENA_BYTES, "outputs": len(artifact.outputs)},
        )

    def _start(self, limits: SessionTimeouts) -> ChildProcess:
        return ChildProcess(self.name, self.environment.python(), WORKER, start_seconds=limits.open_seconds)

    def _load(self, child: ChildProcess, artifact: Artifact, limits: SessionTimeouts) -> MicroSession:
        said, _ = child.call(
            "load",
            seconds=limits.open_seconds,
            path=str(artifact.path),
            arena_bytes=ARENA_BYTES,
            custom=custom_operators(artifact),
            state_to_reset=artifact.state_to_reset,
            inputs=[info.model_dump() for info in artifact.inputs],
            outputs=[info.model_dump() for info in artifact.outputs],
        )
        return MicroSession(child, limits, Loaded({artifact.entry: said["sha256"]}))


def misread(artifact: Artifact) -> tuple[str, ...]:
    """Operators that Micro computes wrongly without an error, in the form of `unsupported_operators`."""
    content = artifact.path.read_bytes()
    return (dequantised_with_one_scale(content) if "DEQUANTIZE" in artifact.operators else ()) + (
        lstm_scale_problems(content) if "UNIDIRECTIONAL_SEQUENCE_LSTM" in artifact.operators else ()
    )


def first_subgraph_only(runtime: str, artifact: Artifact) -> tuple[str, ...]:
    """Refuses a signature that does not run the file's first subgraph, in the form of `unsupported_operators`: this
    runtime knows no signatures and always runs the first subgraph."""
    if artifact.subgraph == 0:
        return ()
    return (
        f"the signature '{artifact.signature}' (it is subgraph {artifact.subgraph} of the file, and {runtime} runs"
        " subgraph 0 alone; convert that signature to a file of its own)",
    )


def custom_operators(artifact: Artifact) -> list[str]:
    """Names of the operators that are none of TFLite's; a builtin newer than its schema is called `BUILTIN_…`."""
    from ..tflite.examine import BUILTINS

    known = set(BUILTINS.values())
    return [name for name in artifact.operators if name not in known and not name.startswith("BUILTIN_")]


def targets() -> list[Target]:
    """The one target of this family."""
    return [MicroTarget()]
