"""Several artifacts tried in one child process, for runtimes whose start costs more than an inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.artifact import Artifact
from harness.errors import CaseError
from harness.model import Tensors
from harness.process.child import ChildProcess
from harness.target import Footprint, Session


def tried_in_one(
    start: Callable[[], ChildProcess],
    load: Callable[[ChildProcess, Artifact], Session],
    artifacts: Sequence[Artifact],
    samples: Sequence[Tensors],
) -> list[Footprint | CaseError]:
    """For each artifact the footprint after one `infer` of its samples, or the `CaseError` that ended it. One that
    takes the process down with it is answered by that alone: the next gets a new process."""
    answers: list[Footprint | CaseError] = []
    child: ChildProcess | None = None
    try:
        for artifact, tensors in zip(artifacts, samples, strict=True):
            try:
                if child is None or not child.alive():
                    if child is not None:
                        child.close()
                    child = start()
                session = load(child, artifact)
                session.infer(tensors)
                answers.append(session.footprint())
            except CaseError as error:
                answers.append(error)
    finally:
        if child is not None:
            child.close()
    return answers
