"""One call from a model and inputs to Micro's outputs and counts on an emulated board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import Unsupported

from ..boards import Board
from ..emulator.job_result import JobRefused, JobResult
from ..emulator.run import Emulator, run_image
from ..emulator.stop_condition import RUN_TO_END, StopCondition
from ..plan import Plan, variables_in
from ..plan.model import graph_count, operator_names
from ..plan.planner import PlanTensor
from ..toolchain import Firmware
from .build import build_micro_firmware
from .library import MicroLibrary
from .resolver import additions, methods_of

_ALIGNMENT = 16
# The ERROR frames of firmware/micro_job.cc.
_BAD_MODEL, _NOT_ALLOCATED, _NOT_INVOKED = 32, 33, 34


@dataclass(frozen=True)
class MicroModel:
    """A `.tflite` file as the job carries it, and the names of its operators in the order of execution."""

    content: bytes
    inputs: tuple[PlanTensor, ...]
    outputs: tuple[PlanTensor, ...]
    operators: tuple[str, ...]
    variables: int = 0
    """How many resource variables it has."""
    in_order: bool = True
    """Whether operators run in the order of the file: not those of several subgraphs, which call each other."""

    @classmethod
    def read(cls, content: bytes, inputs: Sequence[PlanTensor], outputs: Sequence[PlanTensor]) -> MicroModel:
        """Reads the model's facts from its file. Raises `PlanRefused` for what is no model."""
        names, variables = tuple(operator_names(content)), len(variables_in(content))
        return cls(content, tuple(inputs), tuple(outputs), names, variables, graph_count(content) == 1)

    def as_job_part(self) -> Plan:
        """The model in the place where other firmware finds its plan."""
        padded = self.content + bytes(-len(self.content) % _ALIGNMENT)
        return Plan(padded, 0, self.inputs, self.outputs, ())


def build_for(library: MicroLibrary, board: Board, model: MicroModel, cache: Path) -> Firmware:
    """The image that holds the model's operators. Raises `Unsupported` for one that Micro has not."""
    methods = additions(model.operators, methods_of(library.headers))
    return build_micro_firmware(library, board, methods, model.variables, cache)


def run_micro_job(
    firmware: Firmware,
    board: Board,
    machine: Emulator,
    model: MicroModel,
    inputs: Sequence[bytes],
    timeout: float,
    *,
    sequence: bool = False,
    enough: StopCondition = RUN_TO_END,
) -> JobResult:
    """Runs every input once, or as many as are `enough`, as one stream where it is a `sequence`; `timeout` in seconds
    for each start of the emulator. Raises `Unsupported` where Micro refuses the model."""
    part = model.as_job_part()
    try:
        result = run_image(firmware, board, machine, part, inputs, 1, timeout, sequence=sequence, enough=enough)
    except JobRefused as error:
        raise Unsupported(_refusal(error, model)) from error
    return replace(result, plan_bytes=len(model.content))


def _refusal(error: JobRefused, model: MicroModel) -> str:
    """Micro's release builds hold no messages: what is known is how far it came."""
    if error.status == _BAD_MODEL:
        return "TensorFlow Lite Micro does not take the model's schema version."
    if error.status not in (_NOT_ALLOCATED, _NOT_INVOKED):
        return str(error)
    doing = "preparing" if error.status == _NOT_ALLOCATED else "running"
    last = error.detail - 1
    if error.status == _NOT_INVOKED and not model.in_order:
        return "TensorFlow Lite Micro failed while running the model, in one of its subgraphs."
    if not 0 <= last < len(model.operators):
        return f"TensorFlow Lite Micro failed before {doing} the first operator: the model may be damaged."
    return f"TensorFlow Lite Micro failed at or after {doing} operator {last} ({model.operators[last]})."
