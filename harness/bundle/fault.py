"""The smallest model that shows a case's fault: one operator with the values that reach it, else the model itself."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import Artifact
from harness.cache import sha256_file
from harness.conversion.golden import Golden, write_golden
from harness.conversion.reference import Reference
from harness.errors import CaseError, Crashed, Failed, Unsupported
from harness.isolation import Isolation
from harness.locate.findings import EdgeFinding
from harness.locate.locator import Locator
from harness.model import Tensors
from harness.operator_outputs import OperatorNode
from harness.ragged import is_sizes
from harness.store.record import Check

SIGNAL = re.compile(r"died of (SIG\w+)")
"""Pattern in the message about a process that died by itself. A process that broke its protocol or was killed shows no
fault."""
WEIGHTS_SENTENCE = "With random numbers in place of its weights it does not show"


class NoFault(Exception):
    """There is nothing to report; the text says why."""


class _FaultNotShown(Failed):
    """A model that does not show a fault."""


@dataclass(frozen=True)
class Fault:
    """A model, what goes in and comes out, and what should: stored values, (samples, *shape) each."""

    artifact: Artifact
    operator: str
    """Operator that is at fault. Empty if no operator can be named."""
    inputs: Tensors
    actual: Tensors
    expected: Tensors
    against: str
    """Who says what should be."""
    broken: tuple[tuple[str, Check], ...]
    """Each output with a rule that it breaks."""
    is_alone: bool
    """Whether the model is the operator alone."""
    notes: tuple[str, ...] = ()
    is_conversion: bool = False
    """Whether it is in what a converter made of the model, which is a SavedModel then."""
    not_isolated_reason: str = ""
    """Why it is not the operator alone, where that was tried."""
    death_signal: str = ""
    """The signal that the runtime's process dies of; nothing comes out then, and nothing is compared."""


class FaultFinder:
    """Looks for the smallest model, in what `harness locate` knows of a case."""

    def __init__(self, locator: Locator, folder: Path, *, without_weights: bool) -> None:
        """`folder`: where artifacts are written. Raises `Unsupported` for a format that cuts nothing out."""
        artifact_format = locator.case.format
        if artifact_format.isolation is None:
            raise Unsupported(f"Nothing is cut out of {artifact_format.name} artifacts.")
        self.locator, self.folder, self.without_weights = locator, folder, without_weights
        self.isolation: Isolation = artifact_format.isolation

    def candidates(self, finding: EdgeFinding) -> Iterator[Fault]:
        """Models that show the fault of a finding, the smallest first; each is there once it is asked for. Raises
        `NoFault` where nothing is wrong; `Failed` where no model is left that shows it, with the reasons."""
        seen = finding.first_broken
        reasons = []
        if seen is not None:
            name = seen.operation.operator
            try:
                yield self._shown(*self._operator(seen.operation, finding), name, finding)
            except CaseError as error:
                reasons.append(f"{name} alone: {str(error).rstrip('.')}")
        try:  # what a runtime fuses where nobody looks inside may be wrong there alone
            whole = self._shown(*self._model(), "" if seen is None else seen.operation.operator, finding)
            yield replace(whole, not_isolated_reason="; ".join(reasons))
        except CaseError as error:
            if seen is None and isinstance(error, _FaultNotShown):
                inside = f"each result inside is what {finding.against} gives"
                raise NoFault(inside if finding.exact else "all results inside keep to the rules") from error
            reasons.append(f"the model: {str(error).rstrip('.')}")
        raise Failed(f"No model by itself shows it ({'; '.join(reasons)}).")

    def crash_fault(self, crash: Crashed) -> Fault:
        """The whole model, which kills the runtime's process, with one sample if that is enough. Raises the given
        `crash` if the target runs the model, because then another process died."""
        artifact, inputs = self._model()
        if self.without_weights:
            artifact = self.isolation.randomise_weights(artifact, self._folder())
        is_stream = artifact.sequence and artifact.state != "none"
        one = inputs if is_stream else {name: values[:1] for name, values in inputs.items()}
        for given in (one, inputs):
            if found := self._signal(artifact, given):
                return Fault(
                    artifact=artifact,
                    operator="",
                    inputs=given,
                    actual={},
                    expected={},
                    against="",
                    broken=(),
                    is_alone=False,
                    death_signal=found,
                    not_isolated_reason="operators are not tried by themselves where a process dies",
                )
        raise Crashed(WEIGHTS_SENTENCE, crash.log) if self.without_weights else crash

    def _signal(self, artifact: Artifact, inputs: Tensors) -> str:
        """What the target's process dies of; empty where it does not."""
        try:
            with self.locator.case.target.open(artifact) as session:
                session.infer(inputs)
        except Crashed as error:
            found = SIGNAL.search(str(error))
            return found.group(1) if found else ""
        return ""

    def _operator(self, operation: OperatorNode, finding: EdgeFinding) -> tuple[Artifact, Tensors]:
        """The operator by itself, and what reaches it in the reference."""
        artifact = self.locator.artifact
        reads = self.isolation.operator_inputs(artifact, operation)
        if not reads:
            raise Unsupported("it reads constants alone")
        given = artifact.stored(self.locator.golden.inputs)
        inner = [info for info in reads if info.name not in given]
        reached = {**given, **(self.locator.inside(inner, finding.against) if inner else {})}
        if any(is_sizes(name, reached) for name in reached):
            raise Unsupported("sizes inside depend on the data")
        inputs = [reached[info.name] for info in reads]
        shaped = [
            info.model_copy(update={"shape": values.shape[1:], "dtype": str(values.dtype)})
            for info, values in zip(reads, inputs, strict=True)
        ]
        made = self.isolation.extract_operator(artifact, operation, shaped, self._folder())
        return made, {info.name: values for info, values in zip(made.inputs, inputs, strict=True)}

    def _model(self) -> tuple[Artifact, Tensors]:
        artifact = self.locator.artifact
        return self.isolation.strip_metadata(artifact, self._folder()), artifact.stored(self.locator.golden.inputs)

    def _shown(self, artifact: Artifact, inputs: Tensors, operator: str, finding: EdgeFinding) -> Fault:
        """The fault as `artifact` shows it, on the one sample that is worst if that is enough. Raises a `CaseError`
        where it does not show."""
        if self.without_weights:
            artifact = self.isolation.randomise_weights(artifact, self._folder())
        self.locator.case.target.require_support(artifact)
        is_stream = artifact.sequence and artifact.state != "none"
        worst = self._fault(artifact, inputs, operator, finding)
        if is_stream or len(next(iter(inputs.values()))) == 1:
            return worst
        comparison = worst.broken[0][0]
        place = _worst_sample(worst.actual[comparison], worst.expected[comparison])
        try:
            return self._fault(
                artifact, {name: values[place : place + 1] for name, values in inputs.items()}, operator, finding
            )
        except Failed:  # the rule is about all of them
            return worst

    def _fault(self, artifact: Artifact, inputs: Tensors, operator: str, finding: EdgeFinding) -> Fault:
        should_be = self._expected(artifact, inputs, finding.against).read()
        with self.locator.case.target.open(artifact) as session:
            came_out = session.infer(inputs)
        if any(is_sizes(name, tensors) for tensors in (came_out, should_be) for name in tensors):
            raise Unsupported("sizes of its outputs depend on the data")
        operation = OperatorNode(0, operator, artifact.outputs)
        pairs = {info.name: (came_out, should_be, info, info) for info in artifact.outputs}
        results = self.locator.judged("runtime", (operation,), pairs)
        broken = tuple((one.result.name, check) for one in results for check in one.broken)
        if not broken:
            raise _FaultNotShown(WEIGHTS_SENTENCE if self.without_weights else "it keeps to the rules there")
        is_alone = len(artifact.operators) == 1 and sum(artifact.operators.values()) == 1
        return Fault(
            artifact,
            operator,
            inputs,
            came_out,
            should_be,
            finding.against,
            broken,
            is_alone,
            finding.notes,
        )

    def _expected(self, artifact: Artifact, inputs: Tensors, against: str) -> Reference:
        """What `artifact` gives on the runtime that the case was compared with. Raises a `CaseError`."""
        locator, folder = self.locator, self._folder()
        real = {info.name: info.to_real(inputs[info.name]) for info in artifact.inputs}
        path = folder / "golden.npz"
        write_golden(path, Golden(real, {}, None))
        prepared = replace(locator.prepared, folder=folder, golden_digest=sha256_file(path))
        return locator.asked(prepared, artifact, against)

    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))


def _worst_sample(actual: NDArray[Any], expected: NDArray[Any]) -> int:
    """The sample with the largest difference; one that is not finite before all others."""
    apart = np.abs(actual.astype(np.float64) - expected.astype(np.float64)).reshape(len(actual), -1)
    return int(np.argmax(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(axis=1)))
