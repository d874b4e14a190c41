"""Runs jobs on emulated boards."""

from .job_result import EmulatorCrashed, EmulatorTimedOut, JobResult, JobRun, ProtocolBroken
from .run import EMULATORS, run_job

__all__ = [
    "EMULATORS",
    "EmulatorCrashed",
    "EmulatorTimedOut",
    "JobResult",
    "JobRun",
    "ProtocolBroken",
    "run_job",
]
