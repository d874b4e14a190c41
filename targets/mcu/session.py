"""A model on an emulated board, whichever runtime is in the firmware: samples in, outputs, counts and sizes out."""

from __future__ import annotations

import abc
import hashlib
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.errors import Failed, Unsupported
from harness.model import Tensors
from harness.target import Footprint, Loaded, Session, SessionTimeouts, Timing, TimingPlan

from .boards import Board
from .emulator.job_result import JobResult, JobRun
from .emulator.run import Emulator
from .emulator.stop_condition import RUN_TO_END, StopCondition
from .plan import PlanRefused


def inputs_of(artifact: Artifact, samples: Tensors) -> list[bytes]:
    """The bytes of the model's inputs for each sample, in the model's order."""
    ordered = sorted(artifact.inputs, key=lambda info: info.index)
    count = len(samples[ordered[0].name])
    return [b"".join(samples[info.name][index].tobytes() for info in ordered) for index in range(count)]


class EmulatedSession(Session):
    """Each `infer` is one start of the emulator with all samples in it, or as many as the board has room for."""

    def __init__(
        self, target: str, emulator: Emulator, board: Board, artifact: Artifact, limits: SessionTimeouts
    ) -> None:
        """`target` is a name, for what is said of it."""
        self.target = target
        self.emulator = emulator
        self.board = board
        self.artifact = artifact
        self.content = artifact.path.read_bytes()
        self.limits = limits
        self.is_stream = artifact.sequence and artifact.state != "none"
        self.result: JobResult | None = None
        self.samples: Sequence[JobRun] = ()
        self.whole = True
        """Whether the last `infer` ran every sample that it was given."""

    @abc.abstractmethod
    def run(self, inputs: Sequence[bytes], enough: StopCondition = RUN_TO_END) -> JobResult:
        """Every input once, or as many as are `enough`."""

    @abc.abstractmethod
    def operators(self) -> Sequence[tuple[int, str]]:
        """Index and name of the operators that are counted, in the order of execution."""

    def loaded(self) -> Loaded:
        """The file that the job was made of; the board is handed bytes, and knows no names."""
        return Loaded({self.artifact.entry: hashlib.sha256(self.content).hexdigest()})

    def infer(self, samples: Tensors) -> dict[str, NDArray[Any]]:
        return self._infer(samples, RUN_TO_END)

    def infer_within(self, samples: Tensors, seconds: float) -> dict[str, NDArray[Any]]:
        """Runs all in one start: the emulator is stopped when its time is up and the first sample is done."""
        return self._infer(samples, StopCondition(seconds, inputs=1 if self.is_stream else 2))

    def _infer(self, samples: Tensors, enough: StopCondition) -> dict[str, NDArray[Any]]:
        """The first sample runs twice, unless the samples are a stream: an instruction count that does not repeat is a
        fault, not a figure."""
        inputs = inputs_of(self.artifact, samples)
        extra = [] if self.is_stream else [inputs[0]]
        try:
            result = self.run([*extra, *inputs], enough)
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        self.samples = result.runs[len(extra) :]
        first, again = result.runs[0].instructions[0], self.samples[0].instructions[0]
        if first != again:
            raise Failed(f"{self.target} took {first} instructions and then {again} for the same input.")
        self.result, self.whole = result, len(self.samples) == len(inputs)
        outputs = sorted(self.artifact.outputs, key=lambda info: info.index)
        return {
            info.name: np.stack([run.outputs[position] for run in self.samples])
            for position, info in enumerate(outputs)
        }

    def time(self, samples: Tensors, plan: TimingPlan) -> Timing:
        raise Unsupported(f"{self.target} is not timed: an emulator knows instructions, not milliseconds.")

    def footprint(self) -> Footprint:
        """Sizes against the board's, and instructions of the first sample, in all and per operator."""
        if self.result is None:
            return Footprint()
        result, board = self.result, self.board
        figures = {
            "instructions": result.instructions,
            "arena_bytes": result.arena_bytes,
            "stack_bytes": result.stack_used,
            "ram_bytes": result.ram_bytes,
            "flash_bytes": result.flash_bytes,
            "plan_bytes": result.plan_bytes,
            "firmware_bytes": result.flash_bytes - result.plan_bytes,
            "board_ram_bytes": board.ram_bytes,
            "board_flash_bytes": board.flash_bytes,
        }
        if self.whole:  # over fewer samples it would be another at another speed of this machine
            outputs = b"".join(tensor.tobytes() for run in self.samples for tensor in run.outputs)
            figures["outputs_crc32"] = zlib.crc32(outputs)
        counts = result.runs[0].operator_instructions
        operators = self.operators()
        # Operators beyond those that the firmware counts, or inside a branch, have no name to go with.
        known = zip(operators, counts, strict=True) if len(operators) == len(counts) else ()
        per_operator = tuple(
            {"index": index, "operator": name, "instructions": count} for (index, name), count in known
        )
        return Footprint(figures, frozenset(figures), per_operator)
