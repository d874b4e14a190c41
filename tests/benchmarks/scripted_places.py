"""Targets and a converter that do next to nothing, in real processes and at real places, and note when they did it."""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.cache import Cache
from harness.conversion import steps
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.worker_request import InputFiles, WorkerRequest
from harness.environment import environment
from harness.places import request_handlers
from harness.run.measure import Job
from harness.variant import Format, Variant
from tests.harness.fakes.converter import FakeConverter
from tests.harness.fakes.target import FakeSession, FakeTarget

LOG = "HARNESS_KILLED_PLACES_LOG"
ASKED = threading.local()
"""`by`: the trial and run that asked for what this thread of a place does."""

ENGINE = "engine"
"""Where work is noted to have been done that no place did."""
MADE, CONVERTING_SECONDS = "made", 0.3
WAIT_SECONDS = 180.0
"""For what takes a second or two on a machine that does nothing else."""


def unpacked(job: Mapping[str, Any], folder: Path) -> Job:
    """As that of `request_handlers`. What a run asks for names its golden by where that is on the engine's side."""
    trial, run, *_ = Path(job["golden"]).parts[-4:]
    ASKED.by = f"{trial}/{run}"
    return unpacked_by_harness(job, folder)


unpacked_by_harness = request_handlers.unpack_job


class NotedTarget(FakeTarget):
    """Notes the begin and end of what it measures in a file that all processes share."""

    @contextmanager
    def open(self, artifact: Any, limits: Any = None) -> Iterator[FakeSession]:
        with noted("open", artifact.model), super().open(artifact) as session:
            yield NotedSession(session.child, session.seconds, artifact.model)


class NotedSession(FakeSession):
    def __init__(self, child: Any, seconds: float, model: str) -> None:
        super().__init__(child, seconds)
        self.model = model

    def time(self, samples: Any, plan: Any) -> Any:
        with noted("time", self.model):
            return super().time(samples, plan)


class ScriptedChildren:
    """What stands for the converter's processes, on the engine's side and at places: writes what it read, twice."""

    @contextmanager
    def lend(self, _environment: object) -> Iterator[ScriptedChildren]:
        yield self

    def call(self, _operation: str, seconds: float, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        with noted("convert", "any"):
            time.sleep(CONVERTING_SECONDS)
            Path(given["output"], MADE).write_bytes(2 * Path(given["golden"]).read_bytes())
        return {}, {}


class PlacedConverter(FakeConverter):
    """Converts by an operation that places do as well; what came of it is in the cache."""

    def __init__(self, folder: Path, cache: Path) -> None:
        super().__init__(folder)
        self.steps = steps.ConversionSteps(Cache(cache / "artifacts"), environment("converter"), 1)
        self.steps._children = ScriptedChildren()  # type: ignore[assignment]

    def at(self, elsewhere: Any) -> PlacedConverter:
        other = copy.copy(self)
        other.steps = self.steps.at(elsewhere)
        return other

    def convert(self, prepared: PreparedModel, form: Format, variant: Variant) -> Artifact:
        def write(folder: Path) -> dict[str, Any]:
            reads = {"golden": InputFiles.of(prepared.golden_path)}
            return self.steps._do(WorkerRequest("convert", WAIT_SECONDS, {}, reads, {"output": folder}))

        self.steps._entry("converted", prepared.model, write)
        return super().convert(prepared, form, variant)

    def close(self) -> None:
        """Nothing: its children are none."""


@contextmanager
def noted(what: str, model: str) -> Iterator[None]:
    """One line before and one after, each written in one piece."""
    by = getattr(ASKED, "by", "nobody")
    work = f"{what} {model} {os.environ.get('HARNESS_PLACE', ENGINE)} {os.getpid()} {by} {time.monotonic_ns()}"

    def write(edge: str) -> None:
        with Path(os.environ[LOG]).open("a") as stream:
            stream.write(f"{work} {edge} {time.monotonic()}\n")

    write("begin")
    try:
        yield
    finally:
        write("end")


@dataclass
class Noted:
    """One piece of work at a place; `end` is infinite for what was killed or is being done."""

    what: str
    model: str
    place: str
    process: int
    asked_by: str
    begin: float
    end: float = float("inf")


def read_notes(log: Path) -> list[Noted]:
    found: dict[str, Noted] = {}
    for line in log.read_text().splitlines():
        work, edge, moment = line.rsplit(" ", 2)
        if edge == "begin":
            what, model, place, process, asked_by, _ = work.split()
            found[work] = Noted(what, model, place, int(process), asked_by, float(moment))
        else:
            found[work].end = float(moment)
    return list(found.values())
