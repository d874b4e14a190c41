"""What each target is foretold to say to each variant that was tried.

Where a start takes well under a second one inference is really made, once for each artifact and runtime; browsers and
emulators are asked by operators, kernels and memory, or through a quicker runtime that has the same kernels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.address import address_of
from harness.artifact import Artifact
from harness.assess.assessment import Forecast
from harness.assess.trials import Trials
from harness.cache import Cache
from harness.conversion.converter import Golden, Prepared, read_golden
from harness.errors import CaseError, Crashed, TimedOut, Unavailable
from harness.remedies.explain import known, reason
from harness.run.addressing import decisive
from harness.run.pool import Progress, side_by_side
from harness.target import Footprint, Target

UNTOLD = "It was not started, and neither a quicker runtime nor the kernels that it has tell whether it runs this."


def foretell(
    targets: Mapping[str, Target], prepared: Prepared, trials: Trials, cache: Cache, workers: int, progress: Progress
) -> tuple[Forecast, ...]:
    """The forecasts of every target for every variant of its format, in the order of targets."""
    asked = {name: target for name, target in targets.items() if trials.variants(target.format)}
    quick = {name: target for name, target in asked.items() if target.slot == "processor"}
    slow = {name: target for name, target in asked.items() if name not in quick}
    golden = read_golden(prepared.golden_path)

    def attempt(name: str) -> list[Forecast]:
        return tried(quick[name], golden, prepared, trials, cache)

    answers = side_by_side("Trying quick runtimes", quick, attempt, workers, progress)
    found = {
        (told.target, told.variant): told for list_ in answers.values() if isinstance(list_, list) for told in list_
    }

    def reckon(name: str) -> list[Forecast]:
        return reckoned(slow[name], trials, found)

    answers |= side_by_side("Asking other targets", slow, reckon, workers, progress)
    forecasts: list[Forecast] = []
    for name, target in asked.items():
        answer = answers[name]
        if isinstance(answer, CaseError):  # nothing is dropped in silence
            why = reason(answer)
            answer = [unknown(target, variant, reason=why) for variant in trials.variants(target.format)]
        forecasts += answer
    return tuple(forecasts)


def settled(target: Target, variant: str, trials: Trials) -> Forecast | None:
    """The answer that conversion or the artifact's operators give already."""
    named: dict[str, Any] = {
        "target": target.name,
        "format": target.format,
        "variant": variant,
        "verdict": "does not run",
    }
    artifact = trials.artifacts[(target.format, variant)]
    if isinstance(artifact, CaseError):
        return Forecast(**named, how="conversion", reason=reason(artifact))
    try:
        lacking = target.coverage(artifact)
    except Unavailable:  # it takes the part that is missing to know
        return None
    return Forecast(**named, how="operators", reason=taught(lacking)) if lacking else None


def tried(target: Target, golden: Golden, prepared: Prepared, trials: Trials, cache: Cache) -> list[Forecast]:
    """One real inference of each variant, those of an earlier assessment from the cache."""
    readiness = target.probe()
    told: dict[str, Forecast | None] = {name: settled(target, name, trials) for name in trials.variants(target.format)}
    waiting: list[Artifact] = []
    for variant in [name for name, answer in told.items() if answer is None]:
        artifact = trials.artifact(target.format, variant)
        assert artifact is not None
        before = cache.find("tried", key(target, artifact, prepared)) if readiness.ready else None
        if not readiness.ready:
            told[variant] = unknown(target, variant, missing_here=readiness.missing)
        elif before is not None:
            told[variant] = of_outcome(target, variant, recalled(before.facts))
        else:
            waiting.append(artifact)
    if waiting:
        target.prepare()
        samples = [artifact.stored(golden.inputs, samples=1) for artifact in waiting]
        for artifact, outcome in zip(waiting, target.try_each(waiting, samples), strict=True):
            told[artifact.variant] = of_outcome(target, artifact.variant, outcome)
            if not isinstance(outcome, Crashed | TimedOut):  # which may have had another cause
                remember(cache, key(target, artifact, prepared), outcome)
    return [answer for answer in told.values() if answer is not None]


def remember(cache: Cache, address: str, outcome: Footprint | CaseError) -> None:
    """Keep the outcome of a trial."""
    if isinstance(outcome, CaseError):
        facts: dict[str, Any] = {"problem": str(outcome), "log": outcome.log}
    else:
        facts = {"figures": dict(outcome.figures)}
    cache.make("tried", address, lambda _: facts)


def recalled(facts: Mapping[str, Any]) -> Footprint | CaseError:
    """An outcome that was kept."""
    if "problem" in facts:
        return CaseError(facts["problem"], facts["log"])
    return Footprint(facts["figures"])


def key(target: Target, artifact: Artifact, prepared: Prepared) -> str:
    """Address of a trial: all that decides its outcome."""
    return address_of("tried", artifact, artifact.variant, prepared.golden_digest, *decisive(target))


def of_outcome(target: Target, variant: str, outcome: Footprint | CaseError) -> Forecast:
    """What a trial says."""
    named: dict[str, Any] = {"target": target.name, "format": target.format, "variant": variant, "how": "tried"}
    if isinstance(outcome, CaseError):
        return Forecast(**named, verdict="does not run", reason=reason(outcome))
    return Forecast(**named, verdict="runs", arena_bytes=outcome.figures.get("arena_bytes"))


def reckoned(target: Target, trials: Trials, found: Mapping[tuple[str, str], Forecast]) -> list[Forecast]:
    """What a target that is not started is expected to say."""
    readiness = target.probe()
    missing = "" if readiness.ready else readiness.missing
    if readiness.ready:
        try:
            target.prepare()
        except Unavailable as unavailable:
            missing = str(unavailable)
    told = []
    for variant in trials.variants(target.format):
        forecast = settled(target, variant, trials) or by_other_means(target, variant, trials, found)
        told.append(forecast.model_copy(update={"missing_here": missing}))
    return told


def by_other_means(target: Target, variant: str, trials: Trials, found: Mapping[tuple[str, str], Forecast]) -> Forecast:
    """From the artifact's examination, from the target's quicker kin, or from its operators, all of which it has."""
    named: dict[str, Any] = {"target": target.name, "format": target.format, "variant": variant}
    examination = trials.examination(target.format, variant)
    answer = examination.answers.get(target.name) if examination else None
    if answer is not None and answer.lacks:
        return Forecast(**named, verdict="does not run", how=answer.how, reason=taught(answer.lacks))
    if answer is not None:
        return Forecast(**named, verdict="expected to run", how=answer.how)
    kin = found.get((target.foretold_by, variant))
    if kin is not None:
        verdict = "expected to run" if kin.verdict == "runs" else kin.verdict
        return Forecast(**named, verdict=verdict, how=kin.target, reason=kin.reason)
    if target.slot == "emulator":
        return Forecast(**named, verdict="expected to run", how="operators")
    return unknown(target, variant, reason=UNTOLD)


def unknown(target: Target, variant: str, reason: str = "", missing_here: str = "") -> Forecast:
    """No answer, and why."""
    return Forecast(
        target=target.name,
        format=target.format,
        variant=variant,
        verdict="not known",
        how="",
        reason=reason,
        missing_here=missing_here,
    )


def taught(lacks: Sequence[str]) -> str:
    """What is lacking, with the known remedy."""
    said = "; ".join(dict.fromkeys(lacks))
    explained = known(said)
    return f"{said.rstrip('. ')}. {explained.meaning} {explained.to_do}" if explained else said
