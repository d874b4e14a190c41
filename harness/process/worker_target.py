"""Targets whose worker loads several artifacts in turn, for runtimes whose start costs more than an inference."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.artifact import Artifact
from harness.errors import ANY_ERROR, CaseError, as_case_error
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.target import DEFAULT_LIMITS, Session, SessionTimeouts, Target, Tried, sizes_of


def try_in_one_process(
    start: Callable[[], ChildProcess],
    load: Callable[[ChildProcess, Artifact], Session],
    artifacts: Sequence[Artifact],
    samples: Sequence[Tensors],
) -> list[Tried | CaseError]:
    """What one `infer` of each artifact's samples gave, or the `CaseError` that ended it. An artifact whose process
    dies gets that error; the next artifact gets a new process."""
    answers: list[Tried | CaseError] = []
    child: ChildProcess | None = None
    try:
        for artifact, tensors in zip(artifacts, samples, strict=True):
            try:
                if child is None or not child.alive():
                    if child is not None:
                        child.close()
                    child = start()
                session = load(child, artifact)
                outputs = session.infer(tensors)
                answers.append(Tried(sizes_of(session), outputs))
            except ANY_ERROR as error:
                answers.append(as_case_error(error, "Trying it"))
    finally:
        if child is not None:
            child.close()
    return answers


class WorkerTarget(Target):
    """A target whose sessions each have a worker process, which can load one artifact after another."""

    @abc.abstractmethod
    def _start(self, limits: SessionTimeouts) -> ChildProcess:
        """A worker with nothing loaded."""

    @abc.abstractmethod
    def _load(self, child: ChildProcess, artifact: Artifact, limits: SessionTimeouts) -> Session:
        """A session on `artifact` in that worker. Raises a `CaseError`."""

    @contextmanager
    def open(self, artifact: Artifact, limits: SessionTimeouts = DEFAULT_LIMITS) -> Iterator[Session]:
        with self._start(limits) as child:
            yield self._load(child, artifact, limits)

    def try_each(
        self, artifacts: Sequence[Artifact], samples: Sequence[Tensors], limits: SessionTimeouts = DEFAULT_LIMITS
    ) -> list[Tried | CaseError]:
        """Tries all artifacts in one process, because a runtime may take seconds to start."""
        return try_in_one_process(
            lambda: self._start(limits), lambda child, one: self._load(child, one, limits), artifacts, samples
        )
