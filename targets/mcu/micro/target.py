"""The user's own TensorFlow Lite Micro on an emulated board, as a target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from harness.artifact import Artifact, TensorInfo
from harness.errors import Unavailable, Unsupported
from harness.paths import cache_directory
from harness.target import DEFAULT_LIMITS, Limits, Readiness, Session, Target

from ..boards import Board
from ..emulator.outcome import JobResult
from ..emulator.run import Emulator
from ..plan import PlanRefused
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

    def __init__(self, target: LibraryTarget, artifact: Artifact, model: MicroModel, limits: Limits) -> None:
        super().__init__(target.name, target.board, artifact)
        self.emulator = target.emulator
        self.library = target.library()
        self.model = model
        self.limits = limits

    def run(self, inputs: Sequence[bytes]) -> JobResult:
        firmware = build_for(self.library, self.board, self.model, cache_directory() / "firmware")
        return run_micro_job(firmware, self.board, self.emulator, self.model, inputs, self.limits.infer_seconds)

    def operators(self) -> Sequence[tuple[int, str]]:
        return list(enumerate(self.model.operators))


class LibraryTarget(Target):
    """One board under one emulator, with the library that TFLM_LIB and TFLM_INCLUDE name."""

    format = "tflite"
    timed = False
    simulated = True
    slot = "emulator"

    def __init__(self, name: str, emulator: Emulator, board: Board, variants: tuple[str, ...]) -> None:
        self.name = name
        self.emulator = emulator
        self.board = board
        self.default_variants = variants

    def library(self) -> MicroLibrary:
        """The named library, fit for this board. Raises `Unavailable`."""
        library = named_library()
        check_board(library, self.board)
        return library

    def probe(self) -> Readiness:
        try:
            version = self.emulator.version()
        except Unavailable as error:
            _, _, how = str(error).partition(": ")
            return Readiness(False, missing={"qemu": "QEMU", "renode": "Renode"}[self.emulator.name], install=how)
        try:
            library = self.library()
        except Unavailable as error:
            missing = f"TensorFlow Lite Micro for {self.board.cpu}"
            return Readiness(False, missing=missing, install=str(error))
        try:
            compiler = micro_compiler()[1]
        except Unavailable as error:
            return Readiness(False, missing=COMPILER, install=str(error))
        details = {
            self.emulator.name: version,
            "board": self.board.description,
            "compiler": compiler,
            "kernels": library.kernels,
            "library": library.sha256[:12],
        }
        return Readiness(True, details=details)

    def prepare(self) -> None:
        self.library()
        micro_compiler()

    def fingerprint(self) -> dict[str, str]:
        return {
            self.emulator.name: self.emulator.version(),
            "board": self.board.name,
            "core": self.board.cpu,
            "runtime": "tflm",
            **self.library().identity(),
            **glue_fingerprint(),
        }

    def coverage(self, artifact: Artifact) -> tuple[str, ...]:
        """The operators that this Micro has no kernel for."""
        methods = methods_of(self.library().headers)
        try:
            names = dict.fromkeys(operator_names(artifact.path.read_bytes()))
        except PlanRefused as error:
            return (f"this model ({str(error).rstrip('.')})",)
        return tuple(
            f"{name} (no kernel in the headers of {HEADERS_VARIABLE})" for name in names if name not in methods
        )

    @contextmanager
    def open(self, artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> Iterator[Session]:
        try:
            model = MicroModel.read(artifact.path.read_bytes(), _tensors(artifact.inputs), _tensors(artifact.outputs))
        except PlanRefused as error:
            raise Unsupported(str(error)) from error
        yield LibrarySession(self, artifact, model, limits)
