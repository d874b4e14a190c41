"""The user's own TensorFlow Lite Micro on an emulated board, as a target."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unavailable
from harness.paths import cache_directory
from harness.target import Readiness, SessionTimeouts

from ...tflite.recurrent_state import lstm_scale_problems
from ...tflite.weight_scales import dequantised_with_one_scale
from ..board_target import BoardTarget
from ..boards import Board
from ..emulator.job_result import JobResult
from ..emulator.run import Emulator
from ..emulator.stop_condition import RUN_TO_END, StopCondition
from ..job import DoesNotFit
from ..plan.model import operator_names
from ..plan.planner import PlanTensor
from ..session import EmulatedSession
from .build import COMPILER, glue_fingerprint, micro_compiler
from .library import HEADERS_VARIABLE, MicroLibrary, check_board, named_library
from .resolver import methods_of
from .run import MicroModel, build_for, run_micro_job


def _tensors(infos: Sequence[TensorInfo]) -> list[PlanTensor]:
    ordered = sorted(infos, key=lambda info: info.index)
    return [PlanTensor(info.name, info.shape, info.dtype, None, None) for info in ordered]


class LibrarySession(EmulatedSession):
    """A model in Micro's interpreter; its image holds just the model's operators."""

    def __init__(
        self,
        target: str,
        emulator: Emulator,
        board: Board,
        artifact: Artifact,
        limits: SessionTimeouts,
        library: MicroLibrary,
    ) -> None:
        super().__init__(target, emulator, board, artifact, limits)
        self.model = MicroModel.read(self.content, _tensors(artifact.inputs), _tensors(artifact.outputs))
        self.library = library

    def run(self, inputs: Sequence[bytes], enough: StopCondition = RUN_TO_END) -> JobResult:
        firmware = build_for(self.library, self.board, self.model, cache_directory() / "firmware")
        return run_micro_job(
            firmware,
            self.board,
            self.emulator,
            self.model,
            inputs,
            self.limits.infer_seconds,
            sequence=self.is_stream,
            enough=enough,
        )

    def operators(self) -> Sequence[tuple[int, str]]:
        return list(enumerate(self.model.operators)) if self.model.in_order else []


class LibraryTarget(BoardTarget):
    """One board under one emulator, with the library that TFLM_LIB and TFLM_INCLUDE name."""

    predicted_by = "tflm/host"

    def library(self) -> MicroLibrary:
        """The named library, fit for this board. Raises `Unavailable`."""
        library = named_library()
        check_board(library, self.board)
        return library

    def runtime_readiness(self) -> Readiness:
        try:
            library = self.library()
        except Unavailable as error:
            missing = f"TensorFlow Lite Micro for {self.board.cpu}"
            return Readiness(False, missing=missing, install=str(error))
        try:
            compiler = micro_compiler()[1]
        except Unavailable as error:
            return Readiness(False, missing=COMPILER, install=str(error))
        details = {"compiler": compiler, "kernels": library.kernels, "library": library.sha256[:12]}
        return Readiness(True, details=details)

    def prepare(self) -> None:
        self.library()
        micro_compiler()

    def runtime_identity(self) -> dict[str, str]:
        return {"runtime": "tflm", **self.library().identity(), **glue_fingerprint()}

    def lacking(self, artifact: Artifact) -> tuple[str, ...]:
        """The operators that this Micro has no kernel for. Also raises `DoesNotFit`, a `PlanRefused`."""
        content = artifact.path.read_bytes()
        missing = len(content) - self.board.job_bytes
        if missing > 0:
            message = f"The model does not fit {self.board.name}: {missing} bytes are missing for its {len(content)}."
            raise DoesNotFit(message, missing)
        methods = methods_of(self.library().headers)
        names = dict.fromkeys(operator_names(content))
        without = tuple(
            f"{name} (no kernel in the headers of {HEADERS_VARIABLE})" for name in names if name not in methods
        )
        return without + dequantised_with_one_scale(content) + lstm_scale_problems(content)

    def session(self, artifact: Artifact, limits: SessionTimeouts) -> LibrarySession:
        return LibrarySession(self.name, self.emulator, self.board, artifact, limits, self.library())
