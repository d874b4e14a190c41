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
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.environment import environment
from harness.errors import ANY_ERROR, CaseError, Failed, Unsupported, as_case_error, error_text
from harness.process.child import end_all
from harness.process.warm import end_warm
from harness.run.case_steps import STAGES, StepKey, case_steps, recipe_of, step_keys
from harness.run.costs import StepDurations
from harness.run.cross_place_check import check_exact_figures
from harness.run.machine import commit, this_machine
from harness.run.matrix import Case
from harness.run.measure import Job, ParityResult
from harness.run.measurements import Measurements
from harness.run.place import Place
from harness.run.pool import Progress, side_by_side
from harness.run.reference_check import ReferenceChecker
from harness.run.results import CaseState, case_result, judge_state, model_summaries
from harness.run.schedule import Schedule, ScheduledStep, watched
from harness.run.settings import Conversion, Settings, cores
from harness.run.timing import NOT_TIMED_YET, time_cases
from harness.store.record import Conditioning, Parity, PlaceSummary, RunRecord
from harness.store.runs import RunStore
from harness.target import does_not_run


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
        self.costs = StepDurations(settings.cache)
        self.states: dict[str, CaseState] = {case.id: CaseState(case) for case in cases}
        self.prepared: dict[str, PreparedModel | CaseError] = {}
        self.conditioning: dict[Hashable, Conditioning | None] = {}
        self._jobs: dict[str, Job] = {}
        self._step_results: dict[StepKey, Any] = {}
        self._reference_checker = ReferenceChecker(self.converter, settings.policy, settings.cache / "artifacts")

    def execute(self) -> RunRecord:
        """Run every stage and write the record, also when interrupted. Whatever a stage raises that is of no one case
        ends the cases that are not finished by then."""
        status = "complete"
        try:
            self._run_stages()
        except KeyboardInterrupt as stop:
            status = "interrupted"
            if str(stop):
                self.progress.note(str(stop))
            end_all()
        except ANY_ERROR as error:
            problem = as_case_error(error, "The run")
            for state in self.states.values():
                if not state.is_done(self.settings.parity_only):
                    state.end(problem)
        finally:
            self._close()
        return self._record(status)

    def _close(self) -> None:
        try:
            self.converter.close()
            end_warm()
        except ANY_ERROR as error:  # what it would have ended ends with this process
            self.progress.note(f"The converters were not ended: {error_text(error)}.")

    def _run_stages(self) -> None:
        jobs = self._compare_cases()
        self._compare_again(self._with_checked_references(jobs))
        if not self.settings.parity_only:
            plan, progress = self.settings.plan, self.progress
            time_cases(self.states, jobs, plan, self.measurements, self.machine, progress, self._ending_case_on_error)

    def _compare_cases(self) -> dict[str, Job]:
        """Prepare, convert, set up and compare; the jobs of the cases that got so far, each with its comparison."""
        places = {case.place.name: case.place for case in self.cases if case.place.name}
        steps = self._steps(places)
        schedule = Schedule(
            steps,
            self.settings.workers,
            {"set up": 1},
            self._on_step_ended,
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
        known = [case.id for case in self.cases if case.id in self._jobs]
        return {case_id: self._jobs[case_id] for case_id in known if self.states[case_id].parity is not None}

    def _steps(self, places: Mapping[str, Place]) -> list[ScheduledStep]:
        """The steps of all cases, each once."""
        conversion: Mapping[str, Callable[[Case, Conversion], Any]] = {
            "prepare": self._prepare,
            "convert": self._convert,
            "reference": self._run_reference,
        }

        def by_engine(do: Callable[[Case, Conversion], Any]) -> Callable[[Case], Any]:
            return lambda case: do(case, self.converter)

        def by_place(do: Callable[[Case, Conversion], Any]) -> Callable[[Case, str], Any]:
            return lambda case, name: do(case, self.converter.at(places[name]))

        work: Mapping[str, Callable[[Case], Any]] = {
            **{stage: by_engine(do) for stage, do in conversion.items()},
            "set up": lambda case: case.place.set_up(case.target),
            "compare": self._compare,
        }
        anywhere = {stage: by_place(do) for stage, do in conversion.items()} if places else {}
        steps: dict[Hashable, ScheduledStep] = {}
        for case in self.cases:
            for step in case_steps(case, work, self.costs, anywhere):
                steps.setdefault(step.key, step)
        return list(steps.values())

    def _on_step_ended(self, step: ScheduledStep, result: Any) -> None:
        key = cast(StepKey, step.key)
        kind, name = key
        self._step_results[key] = result
        if kind == "prepare":
            self.prepared[name] = result
        if isinstance(result, CaseError):
            self._report_status(self._end_cases(result, lambda case: key in step_keys(case)))
        elif kind == "compare":
            self._store_result(name, result)
            self._report_status([self.states[name]])
        self.progress.step(step.doing)

    def _end_cases(self, problem: CaseError, concerned: Callable[[Case], bool]) -> list[CaseState]:
        """End the cases that stand on what went wrong; gives those that had not ended before."""
        ending = [self.states[case.id] for case in filter(concerned, self.cases)]
        ending = [state for state in ending if state.problem is None]
        for state in ending:
            state.end(problem)
        return ending

    def _report_status(self, cases: Iterable[CaseState]) -> None:
        """Say how each of them stands. What was measured and breaks a rule may be the reference's doing."""
        for state in cases:
            standing = judge_state(state, self.settings.policy)
            final = standing.problem is not None
            self.progress.ended(state.case.id, standing.outcome, standing.reason, final=final)

    @contextmanager
    def _ending_case_on_error(self, case: Case, doing: str) -> Iterator[None]:
        """Whatever is raised inside ends this case and no other."""
        try:
            yield
        except ANY_ERROR as error:
            self.states[case.id].end(as_case_error(error, doing))

    def _prepare(self, case: Case, by: Conversion) -> PreparedModel:
        return by.prepare(case.model)

    def _convert(self, case: Case, by: Conversion) -> Artifact:
        prepared = self.prepared_of(case.id)
        artifact = by.convert(prepared, case.format, case.variant)
        if fault := prepared.facts.get("golden_fault"):
            raise Failed(fault)
        return artifact

    def _run_reference(self, case: Case, by: Conversion) -> tuple[Artifact, Reference, Reference | None]:
        """The artifact, what the reference makes of it, and the same as a stream where that may be meant."""
        prepared, artifact = self.prepared_of(case.id), self._step_results["convert", recipe_of(case)]
        reference = by.reference(prepared, artifact, case.format)
        self.conditioning[recipe_of(case)] = by.conditioning(prepared, artifact, case.format, reference)
        kept = None
        if artifact.state_to_reset != "none":
            with suppress(Exception):  # for information alone
                stream = artifact.model_copy(update={"sequence": True})
                kept = by.reference(prepared, stream, case.format)
        return artifact, reference, kept

    def _compare(self, case: Case) -> ParityResult | None:
        artifact, reference, kept = self._step_results["reference", recipe_of(case)]
        self._jobs[case.id] = job = self._job(case, artifact, reference, kept)
        return self._measured_before_or_now(case.id, job)

    def _job(self, case: Case, artifact: Artifact, reference: Reference, kept: Reference | None) -> Job:
        """What is measured. Raises `Unsupported` where the target says beforehand that it cannot."""
        state = self.states[case.id]
        state.artifact, state.conditioning = artifact, self.conditioning.get(recipe_of(case))
        prepared = self.prepared_of(case.id)
        plan = self.settings.plan
        job = Job(
            case.target.name,
            artifact,
            prepared.golden_path,
            reference,
            case.model.task,
            plan,
            sequence_reference=kept,
            budget=case.model.budget,
            detection=case.model.detection,
        )
        self.measurements.address(state, job, prepared)
        missing = case.place.unsupported_operators(case.target, artifact)
        if missing:
            raise Unsupported(does_not_run(case.target.name, missing))
        held = self._reference_checker.replace_own_reference(job, prepared, case.format)
        if held is not job:  # rarely, and an address costs a look at all that decides it
            self.measurements.address(state, held, prepared)
        return held

    def _with_checked_references(self, jobs: dict[str, Job]) -> dict[str, Job]:
        """The cases that have to be compared again, because the reference that they were compared with is wrong."""
        again: dict[str, Job] = {}
        groups: dict[str, list[str]] = {}
        for case_id, job in jobs.items():
            if self.states[case_id].parity is not None:
                groups.setdefault(job.reference.digest + job.artifact.digest, []).append(case_id)
        for members in groups.values():
            with self._ending_case_on_error(self.states[members[0]].case, "Checking the reference"):
                again |= self._held_against_others({case_id: jobs[case_id] for case_id in members})
        jobs |= again
        return again

    def _held_against_others(self, jobs: Mapping[str, Job]) -> dict[str, Job]:
        """The cases to compare again, of one artifact and one reference."""
        broken = next((case_id for case_id in jobs if self._is_broken(case_id, jobs[case_id])), None)
        if broken is None:
            return {}
        state, job, prepared = self.states[broken], jobs[broken], self.prepared_of(broken)
        verdict = self._reference_checker.check(
            state.case, job.artifact, job.reference, job.golden, prepared, state.conditioning
        )
        again = {}
        for case_id, one in jobs.items():
            state = self.states[case_id]
            compared = cast(Parity, state.parity).model_copy(update={"conditioning": state.conditioning})
            other = self._reference_checker.job_with_checked_reference(
                verdict, one, prepared, state.case.name, compared
            )
            if other is None:
                state.note_yardstick(verdict.standing, verdict.note)
                continue
            again[case_id], state.parity = other, None
            self.measurements.address(state, other, prepared)
        return again

    def _is_broken(self, case_id: str, job: Job) -> bool:
        state = self.states[case_id]
        return state.parity is not None and self._reference_checker.is_broken(
            state.case.name, job.artifact, state.parity, state.conditioning
        )

    def _measured_before_or_now(self, case_id: str, job: Job) -> ParityResult | None:
        """What comparing gives; None where it is known from an earlier run, and then it is put down already."""
        state = self.states[case_id]
        if self.measurements.recall_parity(state):
            return None
        result = state.case.place.measure_parity(job)
        self.measurements.keep_parity(state, result)
        return result

    def _compare_again(self, jobs: Mapping[str, Job]) -> None:
        """Compares cases again, with another reference than before."""

        def compared(case_id: str, result: ParityResult | CaseError | None) -> None:
            if isinstance(result, CaseError):
                self.states[case_id].end(result)
            else:
                self._store_result(case_id, result)

        lanes = {"": self.settings.workers, **self._places_elsewhere()}
        side_by_side(
            STAGES["compare"],
            jobs,
            lambda case_id: self._measured_before_or_now(case_id, jobs[case_id]),
            1,
            self.progress,
            done=compared,
            lanes=lanes,
            lane_of=lambda case_id: self.states[case_id].case.place.name,
        )

    def _store_result(self, case_id: str, result: ParityResult | None) -> None:
        if result is not None:
            state = self.states[case_id]
            state.parity, state.measured = result.parity, result.measured
            state.seconds += result.seconds

    def prepared_of(self, case_id: str) -> PreparedModel:
        prepared = self.prepared[self.states[case_id].case.model.name]
        assert isinstance(prepared, PreparedModel)
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
        done = [state for state in self.states.values() if state.has_result]
        for state in done:
            if not state.is_done(self.settings.parity_only):
                state.latency_note = NOT_TIMED_YET
        results = check_exact_figures(case_result(state, self.settings.results, self.settings.policy) for state in done)
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
