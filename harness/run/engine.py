"""One run: prepare, convert and compare side by side, then time each case alone; judge; write the record.

Every step ends in a result or in the `CaseError` that ended it, so that nothing is ever dropped: whatever ends early
carries its reason to every case that stands on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from pydantic import ValidationError

from harness import __version__
from harness.artifact import Artifact
from harness.cache import Cache, sha256_json
from harness.conversion.converter import Converter
from harness.conversion.elsewhere import Elsewhere
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared import Prepared
from harness.conversion.reference import Reference
from harness.environment import environment
from harness.errors import WHATEVER, CaseError, Failed, NoClock, PlaceLost, Unsupported, as_case_error, error_text
from harness.gate.policy import Policy
from harness.process.child import end_all
from harness.process.warm import end_warm
from harness.run import addressing
from harness.run.agreement import held_together
from harness.run.case_steps import STAGES, StepKey, case_steps, recipe_of, step_keys
from harness.run.costs import Costs
from harness.run.exclusive import exclusive_machine
from harness.run.machine import commit, this_machine
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult
from harness.run.place import HERE
from harness.run.pool import Progress, side_by_side
from harness.run.results import Finished, case_result, model_summaries
from harness.run.schedule import Schedule, Step, watched
from harness.run.yardsticks import Yardsticks
from harness.store.record import Conditioning, Latency, Measured, Parity, PlaceSummary, RunRecord
from harness.store.runs import CaseStore, RunStore
from harness.target import TimingPlan
from harness.variant import Format, Variant

Value = TypeVar("Value")


def cores() -> int:
    """Of this machine: no more processes hold a TensorFlow at once."""
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """Where a run reads and writes, and how it measures."""

    root: Path
    cache: Path
    results: Path
    command: str = ""
    parity_only: bool = False
    fresh: bool = False
    plan: TimingPlan = field(default_factory=lambda: TimingPlan(per_operator=True, kernels=True))
    workers: int = field(default_factory=lambda: cores() + 1)
    """Steps side by side: one more than there are cores, because the processes that steps wait for wait as well, for
    each other, a disk, the start of a page. A third of two cores was idle with two."""
    policy: Policy = field(default_factory=Policy)


class Conversion(Protocol):
    """What a run needs of `harness.conversion.converter.Converter`. Each raises a `CaseError`."""

    def prepare(self, entry: ModelEntry) -> Prepared:
        """The prepared form of a model, with its golden."""

    def convert(self, prepared: Prepared, form: Format, variant: Variant) -> Artifact:
        """One variant of it."""

    def reference(self, prepared: Prepared, artifact: Artifact, form: Format) -> Reference:
        """What the reference interpreter makes of the artifact."""

    def conditioning(
        self, prepared: Prepared, artifact: Artifact, form: Format, reference: Reference
    ) -> Conditioning | None:
        """How far its outputs move when its operators round otherwise."""

    def opinion(self, prepared: Prepared, artifact: Artifact, name: str) -> Reference:
        """What another target makes of it."""

    def at(self, elsewhere: Elsewhere) -> Conversion:
        """The same, done there as far as it can be, and under the same addresses."""

    def close(self) -> None:
        """End every child process."""


NEVER_TIMED = "Not timed: milliseconds on this machine say nothing of the device that this stands for."
NOT_TIMED_BY_DEFAULT = (
    "Not timed by default: a software renderer says nothing of a GPU's speed; name the target to time it."
)
NOT_TIMED_YET = "Not timed: the run was stopped before its turn; the same command goes on there."


class Interrupted(KeyboardInterrupt):
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
        self.converter = converter or Converter(cache, environment("converter"), min(cores(), settings.workers))
        self.case_store = CaseStore(settings.cache)
        self.costs = Costs(settings.cache)
        self.finished: dict[str, Finished] = {case.id: Finished(case) for case in cases}
        self.prepared: dict[str, Prepared | CaseError] = {}
        self.conditioning: dict[Hashable, Conditioning | None] = {}
        self.identities = addressing.Identities()
        self._yardsticks = Yardsticks(self.converter, settings.policy, settings.cache / "artifacts")

    def execute(self) -> RunRecord:
        """Run every stage and write the record, also when interrupted. Whatever a stage raises that is of no one case
        ends the cases that are not finished by then."""
        status = "complete"
        try:
            self._stages()
        except KeyboardInterrupt as stop:
            status = "interrupted"
            if str(stop):
                self.progress.note(str(stop))
            end_all()
        except WHATEVER as error:
            problem = as_case_error(error, "The run")
            for finished in self.finished.values():
                if not finished.is_done(self.settings.parity_only):
                    finished.end(problem)
        finally:
            self._close()
        return self._record(status)

    def _close(self) -> None:
        try:
            self.converter.close()
            end_warm()
        except WHATEVER as error:  # what it would have ended ends with this process
            self.progress.note(f"The converters were not ended: {error_text(error)}.")

    def _stages(self) -> None:
        jobs = self._compared()
        self._compare_again(self._checked_yardsticks(jobs))
        if not self.settings.parity_only:
            self._latency(jobs)

    def _compared(self) -> dict[str, Job]:
        """Prepare, convert, set up and compare; the jobs of the cases that got so far, each with its comparison."""
        jobs: dict[str, Job] = {}
        results: dict[StepKey, Any] = {}

        def ended(step: Step, result: Any) -> None:
            kind, name = key = cast(StepKey, step.key)
            results[key] = result
            if kind == "prepare":
                self.prepared[name] = result
            if isinstance(result, CaseError):
                self._end(result, lambda case: key in step_keys(case))
            elif kind == "compare":
                self._put_down(name, result)
            self.progress.step(step.doing)

        def compare(case: Case) -> ParityResult | None:
            artifact, reference, kept = results["reference", recipe_of(case)]
            jobs[case.id] = job = self._job(case, artifact, reference, kept)
            return self._measured_before_or_now(case.id, job)

        conversion: dict[str, Callable[[Case, Conversion], Any]] = {
            "prepare": lambda case, by: by.prepare(case.model),
            "convert": lambda case, by: self._convert(by, case, self.prepared_of(case.id)),
            "reference": lambda case, by: self._refer(
                by, case, self.prepared_of(case.id), results["convert", recipe_of(case)]
            ),
        }
        places = {case.place.name: case.place for case in self.cases if case.place.name}

        def here(do: Callable[[Case, Conversion], Any]) -> Callable[[Case], Any]:
            return lambda case: do(case, self.converter)

        def there(do: Callable[[Case, Conversion], Any]) -> Callable[[Case, str], Any]:
            return lambda case, where: do(case, self.converter.at(places[where]))

        anywhere = {stage: there(do) for stage, do in conversion.items()} if places else {}
        work: dict[str, Callable[[Case], Any]] = {
            **{stage: here(do) for stage, do in conversion.items()},
            "set up": lambda case: case.place.set_up(case.target),
            "compare": compare,
        }
        steps: dict[Hashable, Step] = {}
        for case in self.cases:
            for step in case_steps(case, work, self.costs, anywhere):
                steps.setdefault(step.key, step)
        schedule = Schedule(
            steps.values(),
            self.settings.workers,
            {"set up": 1},
            ended,
            self._places_elsewhere(),
            lambda: [name for name, place in places.items() if place.converts],
        )
        self.progress.stage("Converting and comparing", len(steps))
        try:
            with watched(schedule, self.progress):
                schedule.run()
        except BaseException:
            end_all()  # which frees the threads that wait for a child: what they then report counts for nothing
            raise
        finally:
            self.costs.keep()
        # In the order of the cases, so that what is timed first does not hang on what was compared first.
        known = [case.id for case in self.cases if case.id in jobs]
        return {case_id: jobs[case_id] for case_id in known if self.finished[case_id].parity is not None}

    def _end(self, result: object, concerned: Callable[[Case], bool]) -> None:
        """Where `result` is an error, the cases that stand on it end with it."""
        if isinstance(result, CaseError):
            for case in filter(concerned, self.cases):
                self.finished[case.id].end(result)

    @contextmanager
    def _ending(self, case: Case, doing: str) -> Iterator[None]:
        """Whatever is raised inside ends this case and no other."""
        try:
            yield
        except WHATEVER as error:
            self.finished[case.id].end(as_case_error(error, doing))

    def _convert(self, by: Conversion, case: Case, prepared: Prepared) -> Artifact:
        artifact = by.convert(prepared, case.format, case.variant)
        if fault := prepared.facts.get("golden_fault"):
            raise Failed(fault)
        return artifact

    def _refer(
        self, by: Conversion, case: Case, prepared: Prepared, artifact: Artifact
    ) -> tuple[Artifact, Reference, Reference | None]:
        """The artifact, what the reference makes of it, and the same as a stream where that may be meant."""
        reference = by.reference(prepared, artifact, case.format)
        self.conditioning[recipe_of(case)] = by.conditioning(prepared, artifact, case.format, reference)
        kept = None
        if artifact.renewed != "none":
            with suppress(Exception):  # for information alone
                stream = artifact.model_copy(update={"sequence": True})
                kept = by.reference(prepared, stream, case.format)
        return artifact, reference, kept

    def _job(self, case: Case, artifact: Artifact, reference: Reference, kept: Reference | None) -> Job:
        """What is measured. Raises `Unsupported` where the target says beforehand that it cannot."""
        finished = self.finished[case.id]
        finished.artifact, finished.conditioning = artifact, self.conditioning.get(recipe_of(case))
        identity = self.identities.of(case.target, case.place)
        finished.fingerprint = identity.fingerprint
        prepared = self.prepared_of(case.id)
        plan = self.settings.plan
        job = Job(
            case.target.name,
            artifact,
            prepared.golden_path,
            reference,
            case.model.task,
            plan,
            kept=kept,
            budget=case.model.budget,
            detection=case.model.detection,
        )
        finished.key = addressing.parity_key(identity, job, prepared)
        missing = case.place.coverage(case.target, artifact)
        if missing:
            raise Unsupported(f"{case.target.name} does not run {'; '.join(missing)}.")
        held = self._yardsticks.other_than_itself(job, prepared, case.format)
        if held is not job:  # rarely, and an address costs a look at all that decides it
            finished.key = addressing.parity_key(identity, held, prepared)
        return held

    def _checked_yardsticks(self, jobs: dict[str, Job]) -> dict[str, Job]:
        """The cases that have to be compared again, because the reference that they were compared with is wrong."""
        again: dict[str, Job] = {}
        groups: dict[str, list[str]] = {}
        for case_id, job in jobs.items():
            if self.finished[case_id].parity is not None:
                groups.setdefault(job.reference.digest + job.artifact.digest, []).append(case_id)
        for members in groups.values():
            with self._ending(self.finished[members[0]].case, "Checking the reference"):
                again |= self._held_against_others({case_id: jobs[case_id] for case_id in members})
        jobs |= again
        return again

    def _held_against_others(self, jobs: Mapping[str, Job]) -> dict[str, Job]:
        """The same of the cases of one artifact and one reference."""
        broken = next((case_id for case_id in jobs if self._is_broken(case_id, jobs[case_id])), None)
        if broken is None:
            return {}
        finished, job, prepared = self.finished[broken], jobs[broken], self.prepared_of(broken)
        verdict = self._yardsticks.check(
            finished.case, job.artifact, job.reference, job.golden, prepared, finished.conditioning
        )
        again = {}
        for case_id, one in jobs.items():
            finished = self.finished[case_id]
            compared = cast(Parity, finished.parity).model_copy(update={"conditioning": finished.conditioning})
            other = self._yardsticks.by(verdict, one, prepared, finished.case.name, compared)
            if other is None:
                finished.note_yardstick(verdict.standing, verdict.note)
                continue
            again[case_id], finished.parity = other, None
            identity = self.identities.of(finished.case.target, finished.case.place)
            finished.key = addressing.parity_key(identity, other, prepared)
        return again

    def _is_broken(self, case_id: str, job: Job) -> bool:
        finished = self.finished[case_id]
        return finished.parity is not None and self._yardsticks.is_broken(
            finished.case.name, job.artifact, finished.parity, finished.conditioning
        )

    def _measured_before_or_now(self, case_id: str, job: Job) -> ParityResult | None:
        """What comparing gives; None where it is known from an earlier run, and then it is put down already."""
        finished = self.finished[case_id]
        known = None if self.settings.fresh else self.case_store.find("parity", finished.key)
        try:
            if known is not None:
                finished.parity, finished.measured = Parity(**known["parity"]), Measured(**known["measured"])
                finished.seconds += known["seconds"]
                finished.reused_from = known["run"]
                return None
        except (ValidationError, KeyError, TypeError):  # of another version of the harness
            finished.parity = None
        result = finished.case.place.measure_parity(job)
        self._check_unchanged(finished.case)
        if not result.measured.note:  # figures that are missing may be there next time
            value = {
                "parity": result.parity.model_dump(mode="json"),
                "measured": result.measured.model_dump(mode="json"),
                "seconds": result.seconds,
            }
            self._keep("parity", finished.key, value)
        return result

    def _compare_again(self, jobs: Mapping[str, Job]) -> None:
        """Against another reference than before."""

        def compared(case_id: str, result: ParityResult | CaseError | None) -> None:
            if isinstance(result, CaseError):
                self.finished[case_id].end(result)
            else:
                self._put_down(case_id, result)

        lanes = {"": self.settings.workers, **self._places_elsewhere()}
        self._side_by_side(
            STAGES["compare"],
            jobs,
            lambda case_id: self._measured_before_or_now(case_id, jobs[case_id]),
            lanes,
            done=compared,
        )

    def _put_down(self, case_id: str, result: ParityResult | None) -> None:
        if result is not None:
            finished = self.finished[case_id]
            finished.parity, finished.measured = result.parity, result.measured
            finished.seconds += result.seconds

    def _latency(self, jobs: Mapping[str, Job]) -> None:
        waiting: dict[str, str] = {}
        for case_id in jobs:
            finished = self.finished[case_id]
            if finished.problem is not None:
                continue
            if not finished.case.timed:
                can_be_timed = finished.case.target.timed
                finished.latency_note = NOT_TIMED_BY_DEFAULT if can_be_timed else NEVER_TIMED
                continue
            with self._ending(finished.case, "Addressing the timing"):
                key = self._latency_key(finished)
                known = None if self.settings.fresh else self.case_store.find("latency", key)
                try:
                    finished.latency = Latency(**known["latency"]) if known else None
                except (ValidationError, KeyError, TypeError):
                    known = None
                if known is None:
                    waiting[case_id] = key
                else:
                    finished.seconds += known["seconds"]
                    if finished.reused_from is not None:  # else its outputs were compared in this run
                        finished.reused_from = known["run"]

        def measure(case_id: str) -> tuple[Latency, float]:
            begun = time.monotonic()
            latency = self.finished[case_id].case.place.measure_latency(jobs[case_id])
            seconds = time.monotonic() - begun
            self._check_unchanged(self.finished[case_id].case)
            value = {"latency": latency.model_dump(mode="json"), "seconds": seconds}
            self._keep("latency", waiting[case_id], value)
            return latency, seconds

        def measured(case_id: str, result: tuple[Latency, float] | CaseError) -> None:
            finished = self.finished[case_id]
            if isinstance(result, NoClock | PlaceLost):
                finished.latency_note = f"Not timed: {result}"
            elif isinstance(result, CaseError):
                finished.end(result)
            else:
                finished.latency, finished.reused_from = result[0], None
                finished.seconds += result[1]

        here = [case_id for case_id in waiting if not self._place_name(case_id)]
        elsewhere = [case_id for case_id in waiting if self._place_name(case_id)]
        if here:
            with exclusive_machine(self.progress.note):
                self._side_by_side("Timing, one at a time", here, measure, {"": 1}, done=measured)
        if elsewhere:  # not beside what is timed here, as the answers are read here; each place locks itself
            lanes = {case.place.name: case.place.timings for case in self.cases if case.place.name}
            self._side_by_side("Timing, one at a time a machine", elsewhere, measure, lanes, done=measured)

    def _latency_key(self, finished: Finished) -> str:
        place = finished.case.place
        machine = self.machine if place is HERE else place.machine
        identity = self.identities.of(finished.case.target, place)
        return addressing.latency_key(finished.key, self.settings.plan, machine.id, identity)

    def _check_unchanged(self, case: Case) -> None:
        """Raises `Failed` where what was measured is another target than the one that it would be kept under."""
        if changed := self.identities.changed(case.target, case.place):
            raise Failed(f"{case.target.name} was changed while it was measured ({changed}); run it again.")

    def _keep(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Into the store of finished cases, for the next run; this one has its figures also where that fails."""
        try:
            self.case_store.put(kind, key, {"run": self.id, **value})
        except OSError as error:
            self.progress.note(f"What was measured cannot be kept for the next run: {error_text(error)}.")

    def prepared_of(self, case_id: str) -> Prepared:
        prepared = self.prepared[self.finished[case_id].case.model.name]
        assert isinstance(prepared, Prepared)
        return prepared

    def _place_summaries(self) -> tuple[PlaceSummary, ...]:
        places = {case.place.name: case.place for case in self.cases if case.place.name}
        return tuple(
            PlaceSummary(name=name, machine=place.machine, machines=place.timings) for name, place in places.items()
        )

    def _side_by_side(
        self,
        name: str,
        case_ids: Iterable[str],
        work: Callable[[str], Value],
        lanes: Mapping[str, int],
        done: Callable[[str, Value | CaseError], None],
    ) -> None:
        """`lanes`: how many at once for each place by its name."""
        side_by_side(name, case_ids, work, 1, self.progress, done, lanes, self._place_name)

    def _place_name(self, case_id: str) -> str:
        return self.finished[case_id].case.place.name

    def _places_elsewhere(self) -> dict[str, int]:
        """How many cases each place takes at once, this machine aside."""
        return {case.place.name: case.place.workers for case in self.cases if case.place.name}

    def _record(self, status: Any) -> RunRecord:
        done = [finished for finished in self.finished.values() if finished.has_result]
        for finished in done:
            if not finished.is_done(self.settings.parity_only):
                finished.latency_note = NOT_TIMED_YET
        results = held_together(case_result(finished, self.settings.results, self.settings.policy) for finished in done)
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
            places=self._place_summaries(),
        )
        RunStore(self.settings.results).write(record)
        return record
