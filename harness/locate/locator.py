"""Compares every operator's result of one case with what it should be.

Two edges, as everywhere. *runtime*: this target against the reference interpreter, both on the same artifact.
*conversion*: this artifact against the float32 one of its format, both in the reference interpreter, results matched by
name; what TensorFlow itself computes inside cannot be had, so the float32 artifact stands for it.

The locator makes an artifact that gives its operators' results as outputs (`OperatorOutputs.expose`); every target can
run that. It may keep a runtime from fusing what it would fuse: the outputs of both forms are compared, and a
difference is said.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.artifact import Artifact, TensorInfo
from harness.cache import Cache
from harness.conversion import alternative_references
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.prepared_model import PreparedModel, with_first_samples
from harness.conversion.reference import Reference
from harness.errors import CaseError, Failed, Unsupported
from harness.gate.judge import EdgeRules, judge_edge
from harness.gate.judge_case import name_for_rules
from harness.gate.policy import Edge, Policy
from harness.gate.policy_exceptions import apply_exceptions
from harness.locate.findings import EdgeFinding, OperatorResult, findings
from harness.model import Tensors
from harness.operator_outputs import OperatorNode, OperatorOutputs, with_outputs
from harness.parity.comparison import Incomparable
from harness.parity.ragged_outputs import compare_output
from harness.ragged import sizes_name
from harness.run.matrix import Case
from harness.run.reference_check import ReferenceChecker, ReferenceVerdict
from harness.target import Target
from harness.variant import READY, Variant

FINEST = "float32"
"""The variant that stands for TensorFlow on the conversion edge."""

REAL = {"quantisation": None}
"""What TensorFlow gives has no scale."""

Pair = tuple[Tensors, Tensors, TensorInfo, TensorInfo]
"""Two sets of tensors, in stored values shaped (samples, *shape), and of each what is known of the one to compare."""


class Locator:
    """Compares the operators' results of one case, on either edge."""

    def __init__(self, case: Case, converter: Converter, policy: Policy, samples: int, folder: Path) -> None:
        """`samples`: how many of the golden's samples are looked at, from its beginning; `folder`: where to write what
        is not worth keeping. Raises a `CaseError` where there is no artifact, or none that shows its inside."""
        if case.format.operator_outputs is None:
            raise Unsupported(f"Nothing is known of the inside of {case.format.name} artifacts.")
        self.case, self.converter, self.policy = case, converter, policy
        self.operator_outputs: OperatorOutputs = case.format.operator_outputs
        self._folder = folder
        self.scratch = Cache(folder / "cache")
        self.prepared_whole = converter.prepare(case.model)
        self.prepared = with_first_samples(self.prepared_whole, samples, folder)
        self.golden = read_golden(self.prepared.golden_path)
        self.artifact = converter.convert(self.prepared_whole, case.format, case.variant)
        if fault := self.prepared_whole.facts.get("golden_fault"):
            raise Failed(fault)
        self._reference_checker = ReferenceChecker(converter, policy, folder / "cache")
        self.operations = self.operator_outputs.operations(self.artifact)

    def runtime(self, *, in_doubt: bool = False) -> EdgeFinding:
        """This target against the reference interpreter. If other runtimes agree against the reference, against one
        of them. They are asked if the two differ, if both differ from TensorFlow, or if `in_doubt`. Raises a
        `CaseError`."""
        actual, notes = self._seen_on(self.case.target)
        finding = self._against(None, actual, notes)
        if finding.first_broken is None and not in_doubt and not self._unfaithful(self.artifact):
            return finding
        verdict = self._checked_reference()
        notes += [verdict.note] if verdict.note else []
        name = self.case.target.name
        same_kernels = verdict.reference_for(self._reference_checker.bit_exact_target(self.case.name, self.artifact))
        other = next((found.target for found in verdict.majority if found.target != name), None)
        if same_kernels is not None:
            other = same_kernels.target
        return self._against(other, actual, notes)

    def beside(self, other: Target) -> EdgeFinding:
        """This target against another one, both on the same artifact. Raises a `CaseError`."""
        (actual, notes), (expected, more) = self._seen_on(self.case.target), self._seen_on(other)
        infos = {info.name: info for operation in self.operations for info in operation.results}
        both = {name: info for name, info in infos.items() if name in actual and name in expected}
        pairs = {name: (actual, expected, info, info) for name, info in both.items()}
        return self._finding("runtime", other.name, pairs, (*notes, *more))

    def _seen_on(self, target: Target) -> tuple[dict[str, NDArray[Any]], list[str]]:
        """What a target gives for every result, and whether looking changed its outputs. Raises a `CaseError`."""
        target.require()
        target.prepare()
        target.require_support(self.artifact)
        samples = self.artifact.stored(self.golden.inputs)
        with target.open(self.artifact) as session:
            usual_outputs = session.infer(samples)
        wanted, notes = self._that_can_be_given(target, _results(self.operations, self.artifact))
        exposed_results = self._inner_results_in_parts(target, wanted, samples) if wanted else {}
        if any(
            name in exposed_results and not _same(exposed_results[name], usual_outputs[name]) for name in usual_outputs
        ):
            notes.append(
                f"Looked at from inside, {target.name} gives other outputs than it does otherwise (it cannot fuse what "
                "is looked at), so the fault may lie in what it fuses."
            )
        return {**usual_outputs, **exposed_results}, notes

    def _that_can_be_given(self, target: Target, results: Sequence[TensorInfo]) -> tuple[list[TensorInfo], list[str]]:
        """The results whose type the target accepts as an output, and a sentence that counts the others."""
        one_of_type = {info.dtype: info for info in results}
        refused = {
            dtype
            for dtype, info in one_of_type.items()
            if any(dtype in said for said in target.unsupported_operators(with_outputs(self.artifact, [info])))
        }
        given = [info for info in results if info.dtype not in refused]
        if not refused:
            return given, []
        types = " and ".join(sorted(refused))
        return given, [
            f"{len(results) - len(given)} results are of type {types}, which {target.name} has no outputs of."
        ]

    def _against(self, reference: str | None, actual: Tensors, notes: Sequence[str]) -> EdgeFinding:
        """What the target gives beside what the target `reference` gives, or without one the usual reference."""
        interpreter, expected = self._in_reference(self.artifact, self.operations, reference)
        infos = {info.name: info for operation in self.operations for info in operation.results}
        pairs = {name: (actual, expected, info, info) for name, info in infos.items() if name in actual}
        return self._finding("runtime", interpreter, pairs, tuple(notes))

    def _checked_reference(self) -> ReferenceVerdict:
        """What other runtimes say of the reference that stands for the artifact."""
        reference = self.converter.reference(self.prepared, self.artifact, self.case.format, self.scratch)
        path = self.prepared.golden_path
        return self._reference_checker.check(self.case, self.artifact, reference, path, self.prepared, None)

    def conversion(self) -> EdgeFinding:
        """This artifact against the float32 one, both in the reference interpreter; that one's outputs against
        TensorFlow's. Raises a `CaseError`."""
        if self.case.variant.name == FINEST:
            return self._outputs_against_tensorflow()
        if self.case.variant.name == READY.name:
            raise Unsupported(
                f"{self.artifact.model} {self.artifact.variant} has no finer form to be compared with from inside."
            )
        finest = self.converter.convert(self.prepared_whole, self.case.format, finest_of(self.case))
        finer_operations = self.operator_outputs.operations(finest)
        interpreter, expected = self._in_reference(finest, finer_operations)
        finer = {info.tensor: info for operation in finer_operations for info in operation.results}
        notes = [note for note in [self._unfaithful(finest)] if note]

        def againstfinest_of(other: str | None) -> EdgeFinding:
            _, actual = self._in_reference(self.artifact, self.operations, other)
            pairs = {
                info.name: (actual, expected, info, match)
                for operation in self.operations
                for info in operation.results
                if (match := finer.get(info.tensor)) is not None and info.dtype != "bool"
            }
            return self._finding("conversion", f"the {FINEST} artifact in {interpreter}", pairs, tuple(notes))

        finding = againstfinest_of(None)
        if finding.first_broken is None:
            return finding
        verdict = self._checked_reference()
        if not verdict.majority:
            return finding
        notes.append(verdict.note)
        return againstfinest_of(verdict.majority[0].target)

    def _outputs_against_tensorflow(self) -> EdgeFinding:
        """The outputs alone: what TensorFlow computes inside cannot be seen."""
        found = self.converter.reference(self.prepared, self.artifact, self.case.format, self.scratch)
        outputs = found.read()
        pairs = {
            info.name: (outputs, self.golden.outputs, info, info.model_copy(update=REAL))
            for info in self.artifact.outputs
        }
        finding = self._finding("conversion", "TensorFlow", pairs, ())
        return dataclasses.replace(finding, before=self._unfaithful(self.artifact), outputs_alone=True)

    def _unfaithful(self, artifact: Artifact) -> str:
        """A sentence that an artifact's outputs in the reference already differ from TensorFlow's. Empty if they keep
        to the rules, or if TensorFlow's outputs are not there."""
        if artifact.variant == READY.name:
            return ""
        found = self.converter.reference(self.prepared, artifact, self.case.format, self.scratch)
        outputs = found.read()
        name = dataclasses.replace(self.case.name, variant=artifact.variant)
        rules = EdgeRules(self.policy, "conversion", name)
        for info in artifact.outputs:
            try:
                comparison = compare_output(info.name, outputs, self.golden.outputs, info)
                broken = [check for check in judge_edge(rules, [comparison], len(self.golden)) if not check.passed]
                why = broken[0].message if broken else ""
            except Incomparable as error:
                why = str(error)
            if why:
                return (
                    f"The {FINEST} artifact differs from TensorFlow before any target runs it ({found.interpreter}): "
                    f"{why} The fault is in the conversion."
                )
        return ""

    def _finding(self, edge: Edge, against: str, pairs: Mapping[str, Pair], notes: tuple[str, ...]) -> EdgeFinding:
        seen = self.judged(edge, self.operations, pairs)
        total = sum(len(operation.results) for operation in self.operations)
        return EdgeFinding(edge, against, seen, total - len(seen), notes)

    def judged(
        self, edge: Edge, operations: Sequence[OperatorNode], pairs: Mapping[str, Pair]
    ) -> tuple[OperatorResult, ...]:
        """The results of `operations` held to the rules of an edge of this case; without what cannot be compared."""
        case = self.case
        comparisons, shapes = {}, {}
        for name, (actual, expected, info, against_info) in pairs.items():
            ours, theirs = _of(info, actual, info.tensor), _of(against_info, expected, info.tensor)
            with contextlib.suppress(Incomparable):  # not the same thing, whatever their names say
                comparisons[name] = compare_output(info.tensor, ours, theirs, info, against_info)
                shapes[name] = actual[name].shape
        today = date.today()
        return findings(
            EdgeRules(self.policy, edge, name_for_rules(case.name, self.artifact.scheme)),
            operations,
            comparisons,
            shapes,
            lambda check: apply_exceptions(check, case.name, self.policy.exceptions, today)[0],
        )

    def inside(self, results: Sequence[TensorInfo], against: str) -> dict[str, NDArray[Any]]:
        """What the one that a finding is `against` gives for `results` of the artifact's inside, in stored values.
        Raises a `CaseError`."""
        exposed = self._exposed(self.artifact, results)
        return self.asked(self.prepared, exposed, against).read()

    def asked(self, prepared: PreparedModel, artifact: Artifact, against: str) -> Reference:
        """What the one that a finding is `against` makes of an artifact on a golden's inputs. Raises a `CaseError`."""
        if against in alternative_references.names_of(self.case.format):
            return self.converter.opinion(prepared, artifact, against, self.scratch)
        found = self.converter.reference(prepared, artifact, self.case.format, self.scratch)
        if found.target:
            raise Unsupported(f"{against} does not run it")
        return found

    def _in_reference(
        self, artifact: Artifact, operations: Sequence[OperatorNode], other: str | None = None
    ) -> tuple[str, dict[str, NDArray[Any]]]:
        """The reference interpreter's name and what it gives for every result, in stored values; `other`: the target
        that takes its place."""
        exposed = self._exposed(artifact, _results(operations, artifact))
        if other is not None:
            found = self.converter.opinion(self.prepared, exposed, other, self.scratch)
        else:
            found = self.converter.reference(self.prepared, exposed, self.case.format, self.scratch)
            if found.target == self.case.target.name:
                found = self._another_than(found.target, exposed)
        return found.interpreter, found.read()

    def _another_than(self, target: str, exposed: Artifact) -> Reference:
        """The outputs of the first other runtime that runs the artifact: no runtime is compared with itself."""
        for name in alternative_references.names_of(self.case.format):
            if name != target:
                with contextlib.suppress(CaseError):
                    return self.converter.opinion(self.prepared, exposed, name, self.scratch)
        raise Unsupported(f"No other runtime at hand runs this model, so that nothing tells what is wrong on {target}.")

    def _exposed(self, artifact: Artifact, results: Sequence[TensorInfo]) -> Artifact:
        return self.operator_outputs.expose(artifact, results, Path(tempfile.mkdtemp(dir=self._folder)))

    def _inner_results(
        self, target: Target, results: Sequence[TensorInfo], samples: Tensors
    ) -> dict[str, NDArray[Any]]:
        """What the target gives for `results`, and for the model's outputs along with them. Raises a `CaseError`."""
        with target.open(self._exposed(self.artifact, results)) as session:
            return session.infer(samples)

    def _inner_results_in_parts(
        self, target: Target, results: Sequence[TensorInfo], samples: Tensors
    ) -> dict[str, NDArray[Any]]:
        """What the target gives for `results`. If it refuses to show so many at once (a board's memory), half of them
        are asked for at a time; a result that it refuses alone is left out. Raises the refusal if their number is not
        its reason."""
        try:
            return self._inner_results(target, results, samples)
        except (Unsupported, Failed) as refusal:
            if len(results) < 2:
                return {}
            if all(self._refusal(target, one, samples) == str(refusal) for one in (results[0], results[-1])):
                raise
        middle = len(results) // 2
        first = self._inner_results_in_parts(target, results[:middle], samples)
        return {**first, **self._inner_results_in_parts(target, results[middle:], samples)}

    def _refusal(self, target: Target, one: TensorInfo, samples: Tensors) -> str | None:
        """What the target says to one result alone; None where it shows it."""
        try:
            self._inner_results(target, [one], samples)
        except (Unsupported, Failed) as refusal:
            return str(refusal)
        return None


def _of(info: TensorInfo, tensors: Tensors, name: str) -> dict[str, NDArray[Any]]:
    """One result under another name, with its sizes where these depend on the data."""
    sizes = {sizes_name(name): tensors[sizes_name(info.name)]} if sizes_name(info.name) in tensors else {}
    return {name: tensors[info.name], **sizes}


def _results(operations: Sequence[OperatorNode], artifact: Artifact) -> list[TensorInfo]:
    """The results that are not the artifact's outputs anyway."""
    outputs = {info.name for info in artifact.outputs}
    return [info for operation in operations for info in operation.results if info.name not in outputs]


def finest_of(case: Case) -> Variant:
    """The variant that this one was made from, if any; else the variant that stands for TensorFlow."""
    if case.variant.made_from is not None:
        return case.variant.made_from
    try:
        return case.format.variant(FINEST)
    except KeyError:
        raise Unsupported(f"{case.format.name} has no variant {FINEST} to be compared with.") from None


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()
