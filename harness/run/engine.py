"""One run: prepare, convert and compare side by side, then time each case alone; judge; write the record.

Every step ends in a result or in the `CaseError` that ended it, so that nothing is ever dropped: whatever ends early
carries its reason to every case that stands on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast

from harness import __version__
from harness.artifact import Artifact
from harness.cache import Cache, sha256_json
from harness.conversion.converter import Converter
from harness.conversion.prepared import Prepared
from harness.conversion.reference import Reference
from harness.environment import environment
from harness.errors import WHATEVER, CaseError, Failed, Unsupported, as_case_error, error_text
from harness.process.child import end_all
from harness.process.warm import end_warm
from harness.run.agreement import held_together
from harness.run.case_steps import STAGES, StepKey, case_steps, recipe_of, step_keys
from harness.run.costs import Costs
from harness.run.machine import commit, this_machine
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult
from harness.run.measurements import Measurements
from harness.run.pool import Progress, side_by_side
from harness.run.results import Finished, case_result, model_summaries, standing_of
from harness.run.schedule import Schedule, Step, watched
from harness.run.settings import Conversion, Settings, cores
from harness.run.timing import NOT_TIMED_YET, time_cases
from harness.run.yardsticks import Yardsticks
from harness.store.record import Conditioning, Parity, PlaceSummary, RunRecord
from harness.store.runs import RunStore


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
        self.measurements = Measurements(settings.cache, self.id, progress.note, fresh=settings.fresh)
        self.costs = Costs(settings.cache)
        self.finished: dict[str, Finished] = {case.id: Finished(case) for case in cases}
        self.prepared: dict[str, Prepared | CaseError] = {}
        self.conditioning: dict[Hashable, Conditioning | None] = {}
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
            plan, progress = self.settings.plan, self.progress
            time_cases(self.finished, jobs, plan, self.measurements, self.machine, progress, self._ending)

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
                self._tell(self._end(result, lambda case: key in step_keys(case)))
            elif kind == "compare":
                self._put_down(name, result)
                self._tell([self.finished[name]])
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

    def _end(self, problem: CaseError, concerned: Callable[[Case], bool]) -> list[Finished]:
        """End the cases that stand on what went wrong; gives those that had not ended before."""
        ending = [self.finished[case.id] for case in filter(concerned, self.cases)]
        ending = [finished for finished in ending if finished.problem is None]
        for finished in ending:
            finished.end(problem)
        return ending

    def _tell(self, cases: Iterable[Finished]) -> None:
        """Say how each of them stands. What was measured and breaks a rule may be the reference's doing."""
        for finished in cases:
            standing = standing_of(finished, self.settings.policy)
            final = standing.problem is not None
            self.progress.ended(finished.case.id, standing.outcome, standing.reason, final=final)

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
        self.measurements.address(finished, job, prepared)
        missing = case.place.coverage(case.target, artifact)
        if missing:
            raise Unsupported(f"{case.target.name} does not run {'; '.join(missing)}.")
        held = self._yardsticks.other_than_itself(job, prepared, case.format)
        if held is not job:  # rarely, and an address costs a look at all that decides it
            self.measurements.address(finished, held, prepared)
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
            self.measurements.address(finished, other, prepared)
        return again

    def _is_broken(self, case_id: str, job: Job) -> bool:
        finished = self.finished[case_id]
        return finished.parity is not None and self._yardsticks.is_broken(
            finished.case.name, job.artifact, finished.parity, finished.conditioning
        )

    def _measured_before_or_now(self, case_id: str, job: Job) -> ParityResult | None:
        """What comparing gives; None where it is known from an earlier run, and then it is put down already."""
        finished = self.finished[case_id]
        if self.measurements.recall_parity(finished):
            return None
        result = finished.case.place.measure_parity(job)
        self.measurements.keep_parity(finished, result)
        return result

    def _compare_again(self, jobs: Mapping[str, Job]) -> None:
        """Against another reference than before."""

        def compared(case_id: str, result: ParityResult | CaseError | None) -> None:
            if isinstance(result, CaseError):
                self.finished[case_id].end(result)
            else:
                self._put_down(case_id, result)

        lanes = {"": self.settings.workers, **self._places_elsewhere()}
        side_by_side(
            STAGES["compare"],
            jobs,
            lambda case_id: self._measured_before_or_now(case_id, jobs[case_id]),
            1,
            self.progress,
            compared,
            lanes,
            lambda case_id: self.finished[case_id].case.place.name,
        )

    def _put_down(self, case_id: str, result: ParityResult | None) -> None:
        if result is not None:
            finished = self.finished[case_id]
            finished.parity, finished.measured = result.parity, result.measured
            finished.seconds += result.seconds

    def prepared_of(self, case_id: str) -> Prepared:
        prepared = self.prepared[self.finished[case_id].case.model.name]
        assert isinstance(prepared, Prepared)
        return prepared

    def _place_summaries(self) -> tuple[PlaceSummary, ...]:
        places = {case.place.name: case.place for case in self.cases if case.place.name}
        return tuple(
            PlaceSummary(name=name, machine=place.machine, machines=place.timings) for name, place in places.items()
        )

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
