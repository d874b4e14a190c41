"""The plan runtime on an emulated board, as a target."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact import Artifact
from harness.environment import environment
from harness.paths import cache_directory
from harness.target import Readiness, SessionTimeouts

from .board_target import BoardTarget
from .boards import Board
from .emulator.job_result import JobResult
from .emulator.run import Emulator, run_job
from .emulator.stop_condition import RUN_TO_END, StopCondition
from .job import check_fit, inputs_that_fit
from .plan import PlanSize, plan_model
from .plan.plan_sizes import plan_size
from .session import EmulatedSession
from .toolchain import build_firmware, build_objects, firmware_fingerprint


class PlanSession(EmulatedSession):
    """A planned model; its image holds just the kernels that the plan names."""

    def __init__(
        self, target: str, emulator: Emulator, board: Board, artifact: Artifact, limits: SessionTimeouts
    ) -> None:
        super().__init__(target, emulator, board, artifact, limits)
        self.plan = plan_model(self.content)

    def run(self, inputs: Sequence[bytes], enough: StopCondition = RUN_TO_END) -> JobResult:
        return run_job(
            self.board,
            self.emulator.name,
            self.plan,
            inputs,
            1,
            self.limits.infer_seconds,
            cache_directory() / "firmware",
            sequence=self.is_stream,
            enough=enough,
        )

    def operators(self) -> Sequence[tuple[int, str]]:
        return [(operator.index, operator.name) for operator in self.plan.operators]


class PlanTarget(BoardTarget):
    """One board under one emulator, with the project's own kernels."""

    def runtime_readiness(self) -> Readiness:
        state = "installed" if environment("zig").ready() else "installed on first use"
        return Readiness(True, details={"compiler": f"zig, {state}"})

    def prepare(self) -> None:
        build_objects(self.board, cache_directory() / "firmware")

    def runtime_identity(self) -> dict[str, str]:
        return {"runtime": "plan", "firmware": firmware_fingerprint(self.board), **environment("zig").versions()}

    def lacking(self, artifact: Artifact) -> tuple[str, ...]:
        """What the artifact needs and the board lacks. Raises `PlanRefused`, and `DoesNotFit` (also a `PlanRefused`)
        where there are kernels but not the room."""
        found = plan_size(artifact)
        if not isinstance(found, PlanSize):
            return found
        check_fit(self.board, None, found)
        firmware = build_firmware(self.board, found.kernels, cache_directory() / "firmware")
        check_fit(self.board, firmware, found)
        inputs_that_fit(self.board, firmware, found)
        return ()

    def session(self, artifact: Artifact, limits: SessionTimeouts) -> PlanSession:
        return PlanSession(self.name, self.emulator, self.board, artifact, limits)
