"""One run: prepare, convert and compare side by side, then time each case alone; judge; write the record.

A stage maps its items to results or to the `CaseError` that ended them, so that nothing is ever dropped: whatever ends
early carries its reason to every case that stands on it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness import __version__
from harness.artifact import Artifact
from harness.cache import Cache, sha256_json
from harness.conversion.converter import Converter, Prepared, Reference
from harness.environment import environment
from harness.errors import CaseError, Failed, Unavailable, Unsupported
from harness.gate.policy import Policy
from harness.process.child import end_all
from harness.process.warm import end_warm
from harness.project import ModelEntry
from harness.run import addressing
from harness.run.exclusive import exclusive_machine
from harness.run.machine import commit, this_machine
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult, measure_latency, measure_parity
from harness.run.pool import Progress, side_by_side
from harness.run.results import Finished, case_result, model_summaries
from harness.store.record import Latency, Measured, Parity, RunRecord
from harness.store.runs import CaseStore, RunStore
from harness.target import TimingPlan
from harness.variant import Format, Variant

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """Where a run reads and writes, and how it measures."""

    root: Path
    cache: Path
    results: Path
    command: str = ""
    parity_only: bool = False
    fresh: bool = False
    plan: TimingPlan = field(default_factory=TimingPlan)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    policy: Policy = field(default_factory=Policy)


class Conversion(Protocol):
    """What a run needs of `harness.conversion.converter.Converter`. Each raises a `CaseError`."""

    def prepare(self, entry: ModelEntry) -> Prepared:
        """The prepared form of a model, with its golden."""

    def convert(self, prepared: Prepared, form: Format, variant: Variant) -> Artifact:
        """One variant of it."""

    def reference(self, prepared: Prepared, artifact: Artifact, form: Format) -> Reference:
        """What the reference interpreter makes of the artifact."""

    def close(self) -> None:
        """End every child process."""


UNTIMED = {
    False: "Not timed: milliseconds on this machine say nothing of the device that this stands for.",
    True: "Not timed by default: a software renderer says nothing of a GPU's speed; name the target to time it.",
}


class Interrupted(Exception):
    """Ctrl-C or a signal: what is finished is kept, the rest is left for the next run."""


class Run:
    """The state of one execution over a set of cases."""

    def __init__(
        self, cases: list[Case], settings: Settings, progress: Progress, converter: Conversion | None = None
    ) -> None:
        self.cases = cases
        self.settings = settings
        self.progress = progress
        self.machine = this_machine()
        self.started = datetime.now(UTC)
        identity = sha256_json([self.machine.id, os.getpid(), time.time_ns()])[:8]
        self.id = f"{self.started:%Y%m%dT%H%M%SZ}-{identity}"
        cache = Cache(settings.cache / "artifacts", progress.note)
        self.converter = converter or Converter(cache, environment("converter"), settings.workers)
        self.case_store = CaseStore(settings.cache)
        self.finished: dict[str, Finished] = {case.id: Finished(case) for case in cases}
        self.prepared: dict[str, Prepared | CaseError] = {}

    def execute(self) -> RunRecord:
        """Run every stage and write the record, also when interrupted."""
        status = "complete"
        try:
            self._stages()
        except (KeyboardInterrupt, Interrupted):
            status = "interrupted"
            end_all()
        finally:
            self.converter.close()
            end_warm()
        return self._record(status)

    def _stages(self) -> None:
        models = {case.model.name: case.model for case in self.cases}
        self.prepared = self._side_by_side(
            "Preparing models", models, lambda name: self.converter.prepare(models[name])
        )
        conversions = {(c.model.name, c.format.name, c.variant.name): c for c in self.cases}
        converted = self._side_by_side("Converting", conversions, lambda key: self._convert(conversions[key]))
        targets = {case.target.name: case.target for case in self.cases}
        ready = self._side_by_side(
            "Setting up targets", targets, lambda name: self._set_up(targets[name].name), workers=1
        )
        jobs: dict[str, Job] = {}
        for case in self.cases:
            result = converted[(case.model.name, case.format.name, case.variant.name)]
            problem = result if isinstance(result, CaseError) else ready[case.target.name]
            finished = self.finished[case.id]
            if isinstance(problem, CaseError):
                finished.end(problem)
                continue
            assert not isinstance(result, CaseError)
            artifact, reference, kept = result
            finished.artifact = artifact
            prepared = self.prepared[case.model.name]
            assert isinstance(prepared, Prepared)
            finished.fingerprint = case.target.fingerprint()
            jobs[case.id] = Job(
                case.target.name, artifact, prepared.golden_path, reference, case.model.task, self.settings.plan, kept
            )
        self._parity(jobs)
        if not self.settings.parity_only:
            self._latency(jobs)

    def _convert(self, case: Case) -> tuple[Artifact, Reference, Reference | None]:
        """The artifact, what the reference makes of it, and the same as a stream where that may be meant."""
        prepared = self.prepared[case.model.name]
        if isinstance(prepared, CaseError):
            raise prepared
        artifact = self.converter.convert(prepared, case.format, case.variant)
        if fault := prepared.facts.get("golden_fault"):
            raise Failed(fault)
        reference = self.converter.reference(prepared, artifact, case.format)
        kept = None
        if artifact.renewed != "none":
            with contextlib.suppress(CaseError):  # for information alone
                stream = artifact.model_copy(update={"sequence": True})
                kept = self.converter.reference(prepared, stream, case.format)
        return artifact, reference, kept

    def _set_up(self, name: str) -> None:
        target = next(case.target for case in self.cases if case.target.name == name)
        readiness = target.probe()
        if not readiness.ready:
            raise Unavailable(f"{readiness.missing} is missing; {readiness.install}")
        target.prepare()

    def _parity(self, jobs: dict[str, Job]) -> None:
        keys = {
            case_id: addressing.parity_key(self.finished[case_id].case.target, job, self.prepared_of(case_id))
            for case_id, job in jobs.items()
        }
        waiting: dict[str, Job] = {}
        for case_id, job in jobs.items():
            finished = self.finished[case_id]
            finished.key = keys[case_id]
            missing = finished.case.target.coverage(job.artifact)
            if missing:
                finished.end(Unsupported(f"{finished.case.target.name} does not run {'; '.join(missing)}."))
                continue
            known = None if self.settings.fresh else self.case_store.find("parity", keys[case_id])
            if known is None:
                waiting[case_id] = job
            else:
                finished.parity = Parity(**known["parity"])
                finished.measured = Measured(**known["measured"])
                finished.seconds += known["seconds"]
                finished.reused_from = known["run"]

        def measure(case_id: str) -> ParityResult:
            result = measure_parity(waiting[case_id])
            self.case_store.put(
                "parity",
                keys[case_id],
                {
                    "run": self.id,
                    "parity": result.parity.model_dump(mode="json"),
                    "measured": result.measured.model_dump(mode="json"),
                    "seconds": result.seconds,
                },
            )
            return result

        for case_id, result in self._side_by_side("Comparing outputs", waiting, measure).items():
            finished = self.finished[case_id]
            if isinstance(result, CaseError):
                finished.end(result)
            else:
                finished.parity, finished.measured = result.parity, result.measured
                finished.seconds += result.seconds

    def _latency(self, jobs: dict[str, Job]) -> None:
        waiting: dict[str, str] = {}
        for case_id in jobs:
            finished = self.finished[case_id]
            if finished.problem is not None:
                continue
            if not finished.case.timed:
                finished.latency_note = UNTIMED[finished.case.target.timed]
                continue
            key = addressing.latency_key(finished.key, self.settings.plan, self.machine.id, finished.case.target)
            known = None if self.settings.fresh else self.case_store.find("latency", key)
            if known is None:
                waiting[case_id] = key
            else:
                finished.latency = Latency(**known["latency"])
                finished.seconds += known["seconds"]
                finished.reused_from = finished.reused_from and known["run"]

        def measure(case_id: str) -> None:
            begun = time.monotonic()
            latency = measure_latency(jobs[case_id])
            seconds = time.monotonic() - begun
            value = {"run": self.id, "latency": latency.model_dump(mode="json"), "seconds": seconds}
            self.case_store.put("latency", waiting[case_id], value)
            finished = self.finished[case_id]
            finished.latency, finished.reused_from = latency, None
            finished.seconds += seconds

        if not waiting:
            return
        with exclusive_machine(self.progress.note):
            for case_id, result in self._side_by_side("Timing, one at a time", waiting, measure, workers=1).items():
                if isinstance(result, CaseError):
                    self.finished[case_id].end(result)

    def prepared_of(self, case_id: str) -> Prepared:
        prepared = self.prepared[self.finished[case_id].case.model.name]
        assert isinstance(prepared, Prepared)
        return prepared

    def _side_by_side(
        self, name: str, keys: Iterable[Key], work: Callable[[Key], Value], workers: int | None = None
    ) -> dict[Key, Value | CaseError]:
        return side_by_side(name, keys, work, workers or self.settings.workers, self.progress)

    def _record(self, status: Any) -> RunRecord:
        done = [finished for finished in self.finished.values() if finished.is_done(self.settings.parity_only)]
        results = tuple(case_result(finished, self.settings.results, self.settings.policy) for finished in done)
        record = RunRecord(
            id=self.id,
            started=self.started,
            finished=datetime.now(UTC),
            status=status,
            command=self.settings.command,
            harness_version=__version__,
            commit=commit(self.settings.root),
            machine=self.machine,
            models=model_summaries(self.cases, self.prepared, results, self.settings.root),
            cases=results,
            planned_cases=len(self.cases),
            plan=vars(self.settings.plan),
        )
        RunStore(self.settings.results).write(record)
        return record
