"""Predicts for each target whether it runs each variant that was converted on trial.

A runtime that starts in well under a second makes one real inference of each artifact. A browser or an emulator is not
started: its answer follows from operators, kernels and memory, or from a quicker runtime that has the same kernels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.address import address_of
from harness.artifact import Artifact
from harness.assess.assessment import Prediction
from harness.assess.trials import Trials
from harness.cache import Cache, Entry
from harness.case_name import CaseName
from harness.conversion.golden import Golden, read_golden
from harness.conversion.prepared_model import PreparedModel
from harness.conversion.target_address import answer_identity
from harness.errors import ANY_ERROR, CaseError, Crashed, TimedOut, Unavailable, as_case_error
from harness.gate.judge import EdgeRules, judge_edge
from harness.gate.judge_case import name_for_rules
from harness.gate.policy import Policy
from harness.gate.severity import worst
from harness.model import Tensors
from harness.named_arrays import read_arrays, write_arrays
from harness.remedies.explain import find_remedy, reason
from harness.run.pool import Progress, side_by_side
from harness.store.record import Conditioning
from harness.target import Footprint, Target, Tried

ReferenceRecheck = Callable[[Target, Artifact], tuple[Tensors, Conditioning | None]]
"""Gives a checked reference and the artifact's conditioning, for values that break a rule. It costs seconds, and is
asked only where something is wrong."""

OUTPUTS = "outputs.npz"
NOT_KNOWN = "It was not started, and neither a quicker runtime nor the kernels that it has tell whether it runs this."


def predict(
    targets: Mapping[str, Target],
    prepared: PreparedModel,
    trials: Trials,
    cache: Cache,
    workers: int,
    progress: Progress,
    closer: ReferenceRecheck | None = None,
) -> tuple[Prediction, ...]:
    """The predictions of every target for every variant of its format, in the order of targets."""
    asked = {name: target for name, target in targets.items() if trials.variants(target.format)}
    quick = {name: target for name, target in asked.items() if target.slot == "processor"}
    slow = {name: target for name, target in asked.items() if name not in quick}
    golden = read_golden(prepared.golden_path)

    def try_quick(name: str) -> list[Prediction]:
        return trial_runs(quick[name], golden, prepared, trials, cache, closer)

    answers = side_by_side("Trying quick runtimes", quick, try_quick, workers, progress)
    tried = [one for answer in answers.values() if isinstance(answer, list) for one in answer]
    found = {(one.target, one.variant): one for one in tried}

    def deduce(name: str) -> list[Prediction]:
        return deduce_predictions(slow[name], trials, found)

    answers |= side_by_side("Asking other targets", slow, deduce, workers, progress)
    predictions: list[Prediction] = []
    for name, target in asked.items():
        answer = answers[name]
        if isinstance(answer, CaseError):  # nothing is dropped in silence
            why = reason(answer)
            answer = [unknown(target, variant, reason=why) for variant in trials.variants(target.format)]
        predictions += answer
    return tuple(predictions)


def static_verdict(target: Target, variant: str, trials: Trials) -> Prediction | None:
    """The prediction that follows from the conversion or from the artifact's operators; None where neither decides."""
    named: dict[str, Any] = {
        "target": target.name,
        "format": target.format,
        "variant": variant,
        "verdict": "does not run",
    }
    artifact = trials.artifacts[(target.format, variant)]
    if isinstance(artifact, CaseError):
        return Prediction(**named, how="conversion", reason=reason(artifact))
    try:
        lacking = target.unsupported_operators(artifact)
    except Unavailable:  # it takes the part that is missing to know
        return None
    except ANY_ERROR as error:
        return unknown(target, variant, reason=reason(as_case_error(error, "Asking it")))
    return Prediction(**named, how="operators", reason=with_remedy(lacking)) if lacking else None


def trial_runs(
    target: Target,
    golden: Golden,
    prepared: PreparedModel,
    trials: Trials,
    cache: Cache,
    closer: ReferenceRecheck | None = None,
) -> list[Prediction]:
    """Makes one real inference of each variant; takes the outcome of an earlier assessment from the cache."""
    readiness = target.probe()
    names = trials.variants(target.format)
    answers: dict[str, Prediction | None] = {name: static_verdict(target, name, trials) for name in names}
    waiting: list[Artifact] = []
    samples: list[Tensors] = []

    def predicted(variant: str, outcome: Tried | CaseError) -> Prediction:
        try:
            return trial_prediction(target, variant, outcome, trials, closer)
        except ANY_ERROR as error:  # one variant costs no other its answer
            return unknown(target, variant, reason=reason(as_case_error(error, "Looking at it more closely")))

    for variant in [name for name, answer in answers.items() if answer is None]:
        artifact = trials.artifact(target.format, variant)
        assert artifact is not None
        before = cache.find("tried", trial_key(target, artifact, prepared)) if readiness.ready else None
        if not readiness.ready:
            answers[variant] = unknown(target, variant, missing_here=readiness.missing)
        elif before is not None:
            answers[variant] = predicted(variant, stored_outcome(before))
        else:
            try:
                samples.append(artifact.stored(golden.inputs, samples=1))
                waiting.append(artifact)
            except CaseError as error:  # it has no value for an input of the golden's
                answers[variant] = predicted(variant, error)
    if waiting:
        target.prepare()
        for artifact, outcome in zip(waiting, target.try_each(waiting, samples), strict=True):
            answers[artifact.variant] = predicted(artifact.variant, outcome)
            if not isinstance(outcome, Crashed | TimedOut):  # which may have had another cause
                store_trial(cache, trial_key(target, artifact, prepared), outcome)
    return [answer for answer in answers.values() if answer is not None]


def store_trial(cache: Cache, address: str, outcome: Tried | CaseError) -> None:
    """Keep the outcome of a trial run in the cache."""

    def write_entry(folder: Path) -> dict[str, Any]:
        if isinstance(outcome, CaseError):
            return {"problem": str(outcome), "log": outcome.log}
        write_arrays(folder / OUTPUTS, outcome.outputs)
        return {"figures": dict(outcome.footprint.figures)}

    with contextlib.suppress(OSError):  # it is known now, and asked again next time
        cache.make("tried", address, write_entry)


def stored_outcome(entry: Entry) -> Tried | CaseError:
    """The outcome that `store_trial` kept."""
    if "problem" in entry.facts:
        return CaseError(entry.facts["problem"], entry.facts["log"])
    return Tried(Footprint(entry.facts["figures"]), read_arrays(entry.folder / OUTPUTS))


def trial_key(target: Target, artifact: Artifact, prepared: PreparedModel) -> str:
    """Address of a trial run: the hash of all that decides its outcome."""
    return address_of(
        "tried with its values", artifact, artifact.variant, prepared.golden_digest, *answer_identity(target)
    )


def trial_prediction(
    target: Target, variant: str, outcome: Tried | CaseError, trials: Trials, closer: ReferenceRecheck | None = None
) -> Prediction:
    """The prediction that a trial run gives: by its values, and not by its having run."""
    named: dict[str, Any] = {"target": target.name, "format": target.format, "variant": variant, "how": "tried"}
    if isinstance(outcome, CaseError):
        return Prediction(**named, verdict="does not run", reason=reason(outcome))
    named["arena_bytes"] = outcome.footprint.figures.get("arena_bytes")
    if wrong := wrong_values(target, variant, trials, outcome.outputs, closer):
        return Prediction(**named, verdict="wrong", reason=wrong)
    return Prediction(**named, verdict="runs")


def deduce_predictions(target: Target, trials: Trials, found: Mapping[tuple[str, str], Prediction]) -> list[Prediction]:
    """The predictions for a target that is not started."""
    readiness = target.probe()
    missing = "" if readiness.ready else readiness.missing
    if readiness.ready:
        try:
            target.prepare()
        except Unavailable as unavailable:
            missing = str(unavailable)
    predictions = []
    for variant in trials.variants(target.format):
        prediction = static_verdict(target, variant, trials) or infer_from_relative(target, variant, trials, found)
        predictions.append(prediction.model_copy(update={"missing_here": missing}))
    return predictions


def infer_from_relative(
    target: Target, variant: str, trials: Trials, predictions: Mapping[tuple[str, str], Prediction]
) -> Prediction:
    """The prediction from the artifact's examination, from a quicker target with the same kernels (the relative), or,
    for an emulator, from the operators: the target has them all."""
    named: dict[str, Any] = {"target": target.name, "format": target.format, "variant": variant}
    examination = trials.examination(target.format, variant)
    answer = examination.answers.get(target.name) if examination else None
    if answer is not None and answer.lacks:
        return Prediction(**named, verdict="does not run", how=answer.how, reason=with_remedy(answer.lacks))
    if answer is not None:
        wrong = wrong_values(target, variant, trials, answer.outputs) if answer.outputs else ""
        if wrong:
            return Prediction(**named, verdict="wrong", how=answer.how, reason=wrong)
        return Prediction(**named, verdict="expected to run", how=answer.how)
    relative = predictions.get((target.predicted_by, variant))
    if relative is not None and relative.verdict == "wrong" and not target.predicted_values:
        return unknown(target, variant, reason=f"It was not started, and {relative.target} gives other values.")
    if relative is not None:
        verdict = "expected to run" if relative.verdict == "runs" else relative.verdict
        return Prediction(**named, verdict=verdict, how=relative.target, reason=relative.reason)
    if target.slot in ("emulator", "board"):
        return Prediction(**named, verdict="expected to run", how="operators")
    return unknown(target, variant, reason=NOT_KNOWN)


def wrong_values(
    target: Target, variant: str, trials: Trials, outputs: Tensors, closer: ReferenceRecheck | None = None
) -> str:
    """The worst rule of the runtime edge that the values of one sample break; empty where they keep to all, or where
    there are none to compare with. With `closer`, a broken rule is looked at once more before it is believed."""
    artifact = trials.artifact(target.format, variant)
    reference = trials.references.get((target.format, variant))
    if artifact is None or not reference:
        return ""
    broken = broken_rule(target, artifact, outputs, reference)
    if broken and closer is not None:
        return broken_rule(target, artifact, outputs, *closer(target, artifact))
    return broken


def broken_rule(
    target: Target, artifact: Artifact, outputs: Tensors, reference: Tensors, conditioning: Conditioning | None = None
) -> str:
    """The worst rule that a target's values break against those of a reference; empty where they keep to all."""
    from harness.parity.comparison import Incomparable
    from harness.parity.ragged_outputs import compare_output

    if any(values.dtype.kind == "f" and np.isnan(values).any() for values in reference.values()):
        return ""  # a NaN compares with nothing, and no target has brought it in
    try:
        compared = [compare_output(info.name, outputs, reference, info, info) for info in artifact.outputs]
    except (Incomparable, KeyError) as error:
        return f"{error}"
    name = CaseName(artifact.model, artifact.variant, target.name, format=target.format)
    case = name_for_rules(name, artifact.scheme)
    integers = {info.name for info in artifact.outputs if info.quantisation is None and info.dtype[:5] != "float"}
    rules = EdgeRules(Policy(), "runtime", case, conditioning, 1)
    found = worst(judge_edge(rules, compared, 1, own_integers=integers))
    return found.message if found is not None else ""


def unknown(target: Target, variant: str, reason: str = "", missing_here: str = "") -> Prediction:
    """A prediction that leaves the answer open, and why."""
    return Prediction(
        target=target.name,
        format=target.format,
        variant=variant,
        verdict="not known",
        how="",
        reason=reason,
        missing_here=missing_here,
    )


def with_remedy(lacks: Sequence[str]) -> str:
    """The missing operators in a sentence, with the known remedy."""
    said = "; ".join(dict.fromkeys(lacks))
    explained = find_remedy(said)
    return f"{said.rstrip('. ')}. {explained.meaning} {explained.to_do}" if explained else said
