"""The cases of a selection at places: one for each place that has the target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from harness.artifact import Artifact
from harness.case_name import place_of, runtime_of
from harness.conversion.model_entry import ModelEntry
from harness.conversion.worker_request import WorkerRequest
from harness.errors import HarnessError, Unavailable
from harness.places.remote_place import RemotePlace
from harness.run.matrix import Case, Selection, cases, without
from harness.run.measure import Job, ParityResult
from harness.run.place import LOCAL_PLACE
from harness.store.record import Latency, Machine
from harness.suggestion import did_you_mean
from harness.target import Target
from harness.variant import Format


@dataclass(frozen=True)
class UnavailablePlace:
    """What stands for a place where none has the target: its cases are unavailable, for this reason."""

    why: str
    name = ""
    converts = False
    workers = 0
    timings = 0

    @property
    def machine(self) -> Machine:
        return LOCAL_PLACE.machine

    def set_up(self, target: Target) -> None:
        raise Unavailable(self.why)

    def fingerprint(self, target: Target) -> dict[str, str]:
        raise Unavailable(self.why)

    def unsupported_operators(self, target: Target, artifact: Artifact) -> tuple[str, ...]:
        raise Unavailable(self.why)

    def convert(self, operation: WorkerRequest, identity: str) -> dict[str, Any] | None:
        return None

    def measure_parity(self, job: Job) -> ParityResult:
        raise Unavailable(self.why)

    def measure_latency(self, job: Job) -> Latency:
        raise Unavailable(self.why)


def cases_at(
    places: Mapping[str, RemotePlace],
    selection: Selection,
    models: Mapping[str, ModelEntry],
    targets: Mapping[str, Target],
    formats: Mapping[str, Format],
) -> list[Case]:
    """The matrix of a selection over places. Globs of targets may name a place, as `tflite/*@bench`.

    Raises `HarnessError` for a glob that matches nothing, and for a selection without a case.
    """
    anywhere = tuple(dict.fromkeys(map(runtime_of, selection.targets)))
    chosen = cases(replace(selection, targets=anywhere, without=()), models, targets, formats)
    for glob in filter(None, map(place_of, selection.targets)):
        if not any(fnmatchcase(name, glob) for name in places):
            raise HarnessError(f"No place matches '{glob}'; there are {', '.join(places)}.{did_you_mean(glob, places)}")
    found = [case for one in chosen for case in _at_each(one, places, selection.targets)]
    return without(found, selection.without)


def _at_each(case: Case, places: Mapping[str, RemotePlace], globs: Iterable[str]) -> list[Case]:
    name = case.target.name
    having = [place for place in places.values() if name in place.targets and place.targets[name].ready]
    asked = [place for place in having if _is_asked(name, place.name, globs)]
    if not asked:
        return [replace(case, place=UnavailablePlace(_why(name, places)))]
    return [replace(case, place=place, several=len(having) > 1) for place in asked]


def _is_asked(target: str, place: str, globs: Iterable[str]) -> bool:
    """Whether one of the globs names the target at this place; all do where there is none."""
    wanted = tuple(globs)
    return not wanted or any(
        fnmatchcase(target, runtime_of(glob)) and fnmatchcase(place, place_of(glob) or "*") for glob in wanted
    )


def _why(target: str, places: Mapping[str, RemotePlace]) -> str:
    """Why no place has a target: what each lacks, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for place in places.values():
        readiness = place.targets.get(target)
        lacking = f"{readiness.missing} is missing ({readiness.install})" if readiness else "there is no such target"
        reasons.setdefault(lacking, []).append(place.name)
    told = "; ".join(f"at {', '.join(names)} {reason}" for reason, names in reasons.items())
    return f"No place has {target}: {told}."


def unavailable_notices(chosen: Iterable[Case]) -> list[str]:
    """A sentence for each target that no place has, before a run that will find its cases unavailable."""
    return list(dict.fromkeys(case.place.why for case in chosen if isinstance(case.place, UnavailablePlace)))
