"""What other runtimes than the reference interpreter make of an artifact: asked where that one cannot run it, or is in
doubt. Each is a target, in a process of its own."""

from __future__ import annotations

import contextlib
from typing import Any

from numpy.typing import NDArray

from harness import registry
from harness.address import address_of
from harness.artifact import Artifact
from harness.conversion.target_address import answer_identity
from harness.errors import CaseError, Crashed
from harness.model import Tensors
from harness.target import Target
from harness.variant import Format


def names_of(artifact_format: Format) -> tuple[str, ...]:
    """The targets that can be asked of a format's artifacts, in their order."""
    known = registry.targets()
    return tuple(name for group in artifact_format.alternative_references for name in group if name in known)


def identities(artifact_format: Format) -> list[str]:
    """What decides the answers of those that are there: part of the address of a golden that one of them may make."""
    known, found = registry.targets(), []
    for name in names_of(artifact_format):
        with contextlib.suppress(CaseError):  # what cannot say what it is cannot be asked either
            if known[name].probe().ready:
                found.append(address_of("opinion", *answer_identity(known[name])))
    return found


def ready(name: str, artifact: Artifact) -> Target:
    """The target, set up to be asked of `artifact`. Raises `Unavailable`, `Unsupported`."""
    target = registry.targets()[name]
    target.require()
    target.prepare()
    target.require_support(artifact)
    return target


def outputs_of(target: Target, artifact: Artifact, samples: Tensors) -> dict[str, NDArray[Any]]:
    """Stored outputs by canonical name, (samples, *shape) each. Raises a `CaseError`."""
    with target.open(artifact) as session:
        outputs = session.infer(samples)
    lacking = [info.name for info in artifact.outputs if info.name not in outputs]
    if lacking:
        raise Crashed(f"{target.name} gives no output '{lacking[0]}'.")
    return outputs


def refused_by_all(first: CaseError, others: dict[str, CaseError]) -> CaseError:
    """The reference interpreter's refusal, with the names of other runtimes that also refused."""
    if not others:
        return first
    return type(first)(f"{str(first).rstrip('.')}; {', '.join(others)} cannot run it either.", first.log)
