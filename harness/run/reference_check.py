"""Chooses what outputs are compared with: another reference if the first is wrong, or if it is the very target that is
judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.address import address_of
from harness.artifact import Artifact
from harness.cache import Cache
from harness.case_name import CaseName
from harness.conversion import alternative_references
from harness.conversion.golden import read_golden, write_golden
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.reference import Reference
from harness.errors import CaseError
from harness.gate.judge import EdgeRules, judge_edge
from harness.gate.judge_case import name_for_rules
from harness.gate.policy import Edge, Policy
from harness.model import Tensors
from harness.parity.comparison import Incomparable
from harness.parity.ragged_outputs import compare_output
from harness.parity.triangulation import Decision, Witness, decide
from harness.run.matrix import Case
from harness.run.measure import Job
from harness.run.settings import Conversion
from harness.store.record import Comparison, Conditioning, Parity, ReferenceStanding
from harness.variant import READY, Format


@dataclass(frozen=True)
class ReferenceVerdict:
    """What was found of a reference: its standing and a sentence (`Parity`), those that take its place, and those that
    agree with it."""

    standing: ReferenceStanding
    note: str
    majority: tuple[Reference, ...] = ()
    supporters: tuple[Reference, ...] = ()

    def reference_for(self, target: str) -> Reference | None:
        """What that target gives, if it agrees with whatever the reference is now."""
        sound = self.majority or self.supporters
        return next((found for found in sound if target and found.target == target), None)


class ReferenceChecker:
    """Checks and replaces references, from outputs alone."""

    def __init__(self, converter: Conversion, policy: Policy, cache: Path) -> None:
        self._converter, self._policy = converter, policy
        self._cache = Cache(cache)

    def replace_own_reference(self, job: Job, prepared: PreparedModel, artifact_format: Format) -> Job:
        """The job with a reference that is not its own target. A reference that stands in for the usual one is named;
        where no other runtime runs the model, the job says that its runtime edge is unmeasured."""
        if not job.reference.target:
            return job
        first = job.reference.target
        if first != job.target:
            note = f"The usual reference interpreter does not run this model; {first} stands in for it."
            return dataclasses.replace(job, reference_standing="stand-in", reference_note=note)
        for name in alternative_references.names_of(artifact_format):
            if name == job.target:
                continue
            try:
                other = self._converter.opinion(prepared, job.artifact, name)
            except CaseError:
                continue
            note = f"The usual reference interpreter does not run this model; {name} stands in for it."
            golden = self._golden(job, other, prepared)
            return dataclasses.replace(
                job, reference=other, golden=golden, reference_standing="stand-in", reference_note=note
            )
        why = f"No other runtime at hand runs this model, so that nothing is known of what {job.target} makes of it."
        return dataclasses.replace(job, unmeasured=why)

    def bit_exact_target(self, case: CaseName, artifact: Artifact) -> str:
        """The target whose very bytes are asked of a case's stored integers; empty where a distance is allowed."""
        rule = self._policy.parity_rule("runtime", "max_lsb", name_for_rules(case, artifact.scheme))
        return "" if rule is None else rule.bytes_of

    def is_broken(self, case: CaseName, artifact: Artifact, parity: Parity, conditioning: Conditioning | None) -> bool:
        """Whether outputs of a case break a rule, on either edge. `conditioning`: of its artifact, if it is known."""
        where = name_for_rules(case, artifact.scheme)
        edges: tuple[tuple[Edge, Sequence[Comparison]], ...] = (
            ("conversion", parity.conversion),
            ("runtime", parity.runtime),
        )
        return any(
            not self._keeps_limits(edge, where, found, parity.samples, artifact, conditioning) for edge, found in edges
        )

    def check(
        self,
        case: Case,
        artifact: Artifact,
        reference: Reference,
        golden_path: Path,
        prepared: PreparedModel,
        conditioning: Conditioning | None,
    ) -> ReferenceVerdict:
        """What other runtimes say of the reference that `case`, one of an artifact's, was compared with."""
        others: list[tuple[Reference, int]] = []
        for kernel_family, names in enumerate(case.format.alternative_references):
            for name in names:
                if name == reference.target or name not in alternative_references.names_of(case.format):
                    continue
                try:
                    others.append((self._converter.opinion(prepared, artifact, name), kernel_family))
                except CaseError:
                    continue
        if not others:
            return ReferenceVerdict("", "")
        golden = read_golden(golden_path)
        # The reference may have been given fewer samples than there are: what all of them have is compared.
        count = min(
            len(values) for found in (reference, *(other for other, _ in others)) for values in found.read().values()
        )
        golden = golden.first(min(count, len(golden)))
        has_golden = artifact.variant != READY.name
        # Rules of some targets ask for the very bytes of the usual reference: among others the usual limits hold.
        where = dataclasses.replace(
            name_for_rules(case.name, artifact.scheme), target=case.format.alternative_references[0][0]
        )

        def witness(reference: Reference, kernel_family: int) -> Witness:
            outputs = {name: values[: len(golden)] for name, values in reference.read().items()}
            edge = self._compared(artifact, outputs, golden.outputs, real=True) if has_golden else ()
            faithful = edge is not None and self._keeps_limits(
                "conversion", where, edge, len(golden), artifact, conditioning
            )
            return Witness(reference.interpreter, kernel_family, outputs, has_golden and faithful)

        def agree(actual: Tensors, expected: Tensors) -> bool:
            edge = self._compared(artifact, actual, expected, real=False)
            return edge is not None and self._keeps_limits("runtime", where, edge, len(golden), artifact, conditioning)

        decision = decide(witness(reference, -1), [witness(*other) for other in others], agree, has_golden=has_golden)
        references = {found.interpreter: found for found, _ in others}
        majority = tuple(references[name] for name in decision.majority) if decision.standing == "outvoted" else ()
        supporters = tuple(references[name] for name in decision.supporters)
        note = describe_decision(reference.interpreter, decision, has_golden=has_golden)
        return ReferenceVerdict(decision.standing, note, majority, supporters)

    def job_with_checked_reference(
        self, verdict: ReferenceVerdict, job: Job, prepared: PreparedModel, case: CaseName, parity: Parity
    ) -> Job | None:
        """The job of `case` with the reference that it has to be compared with, after `verdict`:

        - one of those that outvoted its reference;
        - the sound target whose kernels it has, if `parity` shows that its bytes are not the reference's;
        - None if its reference stands.
        """
        wanted = self.bit_exact_target(case, job.artifact)
        same_kernels = verdict.reference_for(wanted)
        if same_kernels is not None and not self._keeps_runtime_limits(case, job.artifact, parity):
            return self._held_to_kernel_twin(job, same_kernels, verdict, prepared)
        if not verdict.majority:
            return self._unmeasured_without_twin(wanted, job, case, parity)
        judged = dataclasses.replace(job, reference_standing=verdict.standing, reference_note=verdict.note)
        others = [reference for reference in verdict.majority if reference.target != job.target]
        if not others:
            why = f"Nothing but {job.target} itself is left to hold it against: {verdict.note}"
            return dataclasses.replace(judged, reference=verdict.majority[0], unmeasured=why)
        return dataclasses.replace(judged, reference=others[0], golden=self._golden(job, others[0], prepared))

    def _held_to_kernel_twin(
        self, job: Job, reference: Reference, verdict: ReferenceVerdict, prepared: PreparedModel
    ) -> Job:
        """The job held to the very bytes of another build of its target's kernels."""
        standing = verdict.standing
        if standing == "confirmed" and job.reference_standing:
            standing = job.reference_standing
        why = (
            f"{job.target} has the kernels of {reference.interpreter} and is held to its bytes, which are not those of "
            f"{job.reference.interpreter}."
        )
        return dataclasses.replace(
            job,
            reference=reference,
            golden=self._golden(job, reference, prepared),
            reference_standing=standing,
            reference_note=" ".join(filter(None, (job.reference_note, verdict.note, why))),
        )

    def _unmeasured_without_twin(self, wanted: str, job: Job, case: CaseName, parity: Parity) -> Job | None:
        """The job of a target that is held to the bytes of another one, which cannot be asked, where it differs from
        the reference by no more than any two runtimes do: that is neither right nor wrong. None elsewhere."""
        known = registry.targets().get(wanted)
        readiness = known.probe() if known is not None else None
        if not wanted or job.unmeasured or (readiness is not None and readiness.ready):
            return None
        as_any = dataclasses.replace(name_for_rules(case, job.artifact.scheme), target=job.reference.interpreter)
        if not self._keeps_limits("runtime", as_any, parity.runtime, parity.samples, job.artifact, parity.conditioning):
            return None
        if self._keeps_runtime_limits(case, job.artifact, parity):
            return None
        lacking = f"{readiness.missing} is missing" if readiness is not None else "it is not installed"
        why = (
            f"{job.target} is held to the bytes of {wanted}, which cannot be asked ({lacking}); it gives others than "
            f"{job.reference.interpreter}, within the limits for any two runtimes."
        )
        return dataclasses.replace(job, unmeasured=why)

    def _golden(self, job: Job, reference: Reference, prepared: PreparedModel) -> Path:
        """The golden of a job that is compared with `reference`. For a ready artifact it is what that reference makes
        of it."""
        artifact = job.artifact
        if artifact.variant != READY.name:
            return job.golden
        key = address_of("golden", prepared.golden_digest, reference.digest, artifact)
        found = self._cache.find("golden", key)
        if found is None:

            def write_entry(folder: Path) -> dict[str, str]:
                real = artifact.real(reference.read())
                before = read_golden(prepared.golden_path)
                write_golden(folder / "golden.npz", dataclasses.replace(before, outputs=real))
                return {}

            found = self._cache.make("golden", key, write_entry)
        return found.folder / "golden.npz"

    def _compared(
        self, artifact: Artifact, actual: Tensors, expected: Tensors, *, real: bool
    ) -> tuple[Comparison, ...] | None:
        """Each output compared; None where they cannot be. `real`: what is expected is in real units."""
        try:
            return tuple(
                compare_output(info.name, actual, expected, info, None if real else info) for info in artifact.outputs
            )
        except (Incomparable, KeyError):
            return None

    def _keeps_runtime_limits(self, case: CaseName, artifact: Artifact, parity: Parity) -> bool:
        where = name_for_rules(case, artifact.scheme)
        return self._keeps_limits("runtime", where, parity.runtime, parity.samples, artifact, parity.conditioning)

    def _keeps_limits(
        self,
        edge: Edge,
        case: CaseName,
        comparisons: Sequence[Comparison],
        samples: int,
        artifact: Artifact,
        conditioning: Conditioning | None,
    ) -> bool:
        own = {info.name for info in artifact.outputs if info.quantisation is None and "int" in info.dtype}
        checks = judge_edge(
            EdgeRules(self._policy, edge, case, conditioning, samples), comparisons, samples, own_integers=own
        )
        return all(check.passed for check in checks)


def describe_decision(reference: str, decision: Decision, *, has_golden: bool) -> str:
    """A decision in one sentence."""
    others = ", ".join(decision.majority)
    if decision.standing == "outvoted":
        beside = " and TensorFlow" if has_golden else ""
        return (
            f"The reference interpreter ({reference}) is wrong here: {others}{beside} agree against it, so that "
            f"{decision.majority[0]} is the reference."
        )
    if decision.standing == "disputed":
        return f"The reference interpreter ({reference}) is in doubt: {others} disagree with it, and nothing decides."
    if decision.supporters:
        return f"The reference was checked: {', '.join(decision.supporters)} agree with {reference}."
    return ""
