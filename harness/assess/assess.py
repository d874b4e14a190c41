"""Assessment: trial conversions into the artifact cache, each artifact examined, each target asked or tried.

Nothing is converted *for* a target, and nothing is measured: what is made here is what `harness convert` would find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.artifact import Artifact
from harness.assess import fates
from harness.assess.assessment import (
    ArtifactOperator,
    Assessment,
    Forecast,
    Microcontroller,
    Size,
)
from harness.assess.examination import Examination
from harness.assess.microcontrollers import smallest
from harness.assess.recommendation import recommend
from harness.conversion.converter import READY, Converter, Prepared, read_golden
from harness.errors import CaseError
from harness.project import ModelEntry
from harness.remedies.explain import known, reason
from harness.run.pool import Progress, side_by_side
from harness.target import Target
from harness.variant import Format, Variant

SIZED = {
    "tflite": ("float32", "float16", "dynamic", "int8", "int16x8"),
    "tfjs": ("float32", "float16", "uint8", "uint16"),
}
"""Variants whose trial tells something new; the others of a format differ from these by their interface alone."""
QUICK_BYTES = 1_000_000
QUICK_MACS = 30_000_000
"""Up to here one inference on an emulator takes seconds: it is run instead of being foretold."""
FALLBACKS = ("select-tf", "custom")
"""Tried where `float32` is refused."""


@dataclass
class Trials:
    """Everything that was tried so far, by format and variant."""

    artifacts: dict[tuple[str, str], Artifact | CaseError] = field(default_factory=dict)
    examinations: dict[tuple[str, str], Examination] = field(default_factory=dict)

    def artifact(self, form: str, *variants: str) -> Artifact | None:
        """The first of the variants that converted."""
        for variant in variants:
            found = self.artifacts.get((form, variant))
            if isinstance(found, Artifact):
                return found
        return None

    def examination(self, form: str, *variants: str) -> Examination | None:
        """The examination of the first of the variants that converted."""
        found = self.artifact(form, *variants)
        return self.examinations.get((form, found.variant)) if found else None


def assess(
    entry: ModelEntry,
    converter: Converter,
    targets: Mapping[str, Target],
    formats: Mapping[str, Format],
    progress: Progress,
    workers: int = 2,
) -> Assessment:
    """Assess one model. Raises a `CaseError` where its source cannot be read at all."""
    prepared = converter.prepare(entry)
    graph = converter.describe(prepared)
    trials = Trials()
    convert(entry, prepared, converter, formats, trials, progress, workers)
    for key, result in trials.artifacts.items():
        examine = formats[key[0]].examine
        if isinstance(result, Artifact) and examine is not None:
            trials.examinations[key] = examine(result)
    asked = {f"{t.name} {variant}": (t, variant) for t in targets.values() for variant in asked_variants(t, trials)}
    forecasts = side_by_side(
        "Asking targets", asked, lambda key: forecast(*asked[key], prepared, trials), workers, progress
    )
    answers = [answer for answer in (forecasts[key] for key in asked) if isinstance(answer, Forecast)]
    known_already = {(answer.target, answer.variant) for answer in answers}
    answers += [answer for answer in micro_forecasts(trials) if (answer.target, answer.variant) not in known_already]
    return put_together(entry, prepared, graph, trials, answers)


def convert(
    entry: ModelEntry,
    prepared: Prepared,
    converter: Converter,
    formats: Mapping[str, Format],
    trials: Trials,
    progress: Progress,
    workers: int,
) -> None:
    """Trial conversions: the sized variants first, op sets beyond the builtin ones where those are refused."""

    def run(wanted: dict[tuple[str, str], Variant]) -> None:
        def one(key: tuple[str, str]) -> Artifact:
            return converter.convert(prepared, formats[key[0]], wanted[key])

        trials.artifacts.update(side_by_side("Trial conversions", wanted, one, workers, progress))

    if entry.source.ready_format is not None:
        run({(entry.source.ready_format, READY.name): READY})
        return
    available = {(form.name, v.name): v for form in formats.values() for v in entry.variants(form)}
    sized = {key for key in available if key[1] in SIZED.get(key[0], ("float32",))}
    if prepared.facts.get("keras"):
        sized |= {key for key in available if key[1] == "layers-float32"}
    sized |= {(name, variant.name) for name, variant in entry.own_variants}
    run({key: available[key] for key in available if key in sized})
    for fallback in FALLBACKS:
        if trials.artifact("tflite", "float32", *FALLBACKS) is None and ("tflite", fallback) in available:
            run({("tflite", fallback): available[("tflite", fallback)]})


def asked_variants(target: Target, trials: Trials) -> list[str]:
    """What a target is asked about: its usual variants among those tried, and what they fell back to."""
    tried = [variant for form, variant in trials.artifacts if form == target.format]
    if tried == [READY.name]:
        return tried
    usual = [variant for variant in tried if variant in (target.default_variants or ("float32", "int8"))]
    return [*usual, *(variant for variant in tried if variant in FALLBACKS)]


def forecast(target: Target, variant: str, prepared: Prepared, trials: Trials) -> Forecast:
    """What one target says: from the conversion, from its operators, and where it is cheap from a real inference."""
    named: dict[str, Any] = {"target": target.name, "variant": variant}
    artifact = trials.artifacts[(target.format, variant)]
    if isinstance(artifact, CaseError):
        return Forecast(**named, verdict="does not run", how="conversion", reason=reason(artifact))
    lacking = (*target.coverage(artifact), *missing(target, trials, variant))
    if lacking:
        return Forecast(**named, verdict="does not run", how="operators", reason="; ".join(dict.fromkeys(lacking)))
    readiness = target.probe()
    examination = trials.examinations.get((target.format, variant), Examination())
    if big := too_big(target, artifact, examination):
        return Forecast(**named, verdict="does not run", how="operators", reason=big)
    quick = artifact.bytes <= QUICK_BYTES and examination.macs <= QUICK_MACS
    if target.slot == "browser" or (target.slot == "emulator" and not (readiness.ready and quick)):
        how = "kernels" if target.slot == "browser" else "operators"
        sure = how != "kernels" or is_sure(target, examination)
        here = "" if readiness.ready else f"not here: {readiness.missing}"
        return Forecast(**named, verdict="expected to run" if sure else "not known", how=how, reason=here)
    if not readiness.ready:
        return Forecast(**named, verdict="not known", how="operators", reason=f"{readiness.missing} is missing")
    try:
        target.prepare()
        golden = read_golden(prepared.golden_path)
        samples = {info.name: info.to_stored(golden.inputs[info.name][:1]) for info in artifact.inputs}
        with target.open(artifact) as session:
            session.infer(samples)
    except CaseError as error:
        return Forecast(**named, verdict="does not run", how="tried", reason=reason(error))
    return Forecast(**named, verdict="runs", how="tried")


def is_sure(target: Target, examination: Examination) -> bool:
    """Whether the backend of a page is known to have every kernel of the artifact."""
    backend = getattr(target, "backend", "")
    return bool(examination.kernels) and all(has.get(backend) for has in examination.kernels.values())


def too_big(target: Target, artifact: Artifact, examination: Examination) -> str:
    """Why a board cannot hold the artifact; empty where it can, or where the target is no board."""
    board = getattr(target, "board", None)
    room, memory = getattr(board, "job_bytes", None), getattr(board, "ram_bytes", None)
    if room is not None and artifact.bytes > room:
        return f"too big: {artifact.bytes:,} bytes where the board has room for {room:,}"
    peak = examination.activation_bytes or 0
    if memory is not None and peak > memory:
        return f"too big: {peak:,} bytes of activations at once where the board has {memory:,} of RAM"
    return ""


def missing(target: Target, trials: Trials, variant: str) -> tuple[str, ...]:
    """What the examination found lacking for a target."""
    found = trials.examinations.get((target.format, variant))
    return found.missing.get(target.name, ()) if found else ()


def micro_forecasts(trials: Trials) -> list[Forecast]:
    """Runtimes that the examinations tried themselves: Micro, allocated and invoked."""
    answers = []
    for (_, variant), examination in trials.examinations.items():
        for trial in examination.trials:
            explained = known(trial.reason)
            why = f"{trial.reason} {explained.meaning} {explained.to_do}" if explained else trial.reason
            verdict = "runs" if trial.runs else "does not run"
            answers.append(Forecast(target=trial.target, variant=variant, verdict=verdict, how="tried", reason=why))  # type: ignore[arg-type]
    return answers


def put_together(
    entry: ModelEntry, prepared: Prepared, graph: dict[str, Any] | None, trials: Trials, answers: list[Forecast]
) -> Assessment:
    """All findings in one value, with notes and the recommendation."""
    facts = prepared.facts
    float_names = (READY.name, "float32", *FALLBACKS)
    found = trials.examination("tflite", *float_names)
    sizes = tuple(
        Size(format=form, variant=variant, problem=reason(result))
        if isinstance(result, CaseError)
        else Size(format=form, variant=variant, bytes=result.bytes)
        for (form, variant), result in trials.artifacts.items()
    )
    assessment = Assessment(
        model=entry.name,
        recognised=facts["recognised"],
        inputs=tuple(facts["inputs"]),
        open_dimensions=facts.get("open_dimensions", {}),
        operators=fates.operator_rows(graph, trials),
        tflite_operators=artifact_operators(found),
        parameters=graph["parameters"] if graph else next((e.parameters for e in trials.examinations.values()), None),
        macs=found.macs if found else None,
        peak_activation_bytes={
            variant: examination.activation_bytes
            for (_, variant), examination in trials.examinations.items()
            if examination.activation_bytes is not None
        },
        types=dict(graph["types"] if graph else next((e.types for e in trials.examinations.values()), {})),
        experimental=found.experimental if found else (),
        sizes=sizes,
        forecasts=tuple(answers),
        microcontroller=microcontroller(trials),
        metadata=dict(found.metadata) if found else {},
        notes=(),
        recommendation=(),
    )
    notes, advice = recommend(assessment, graph, found)
    return assessment.model_copy(update={"notes": notes, "recommendation": advice})


def artifact_operators(found: Examination | None) -> tuple[ArtifactOperator, ...]:
    """The TFLite artifact's operators with counts and multiplications, the heaviest first."""
    rows: dict[str, tuple[int, int]] = {}
    for step in found.steps if found else ():
        count, macs = rows.get(step.operator, (0, 0))
        rows[step.operator] = (count + 1, macs + step.macs)
    ordered = sorted(rows.items(), key=lambda row: (-row[1][1], row[0]))
    return tuple(ArtifactOperator(operator=name, count=count, macs=macs) for name, (count, macs) in ordered)


def microcontroller(trials: Trials) -> Microcontroller | None:
    """The smallest variant that Micro really ran, and the smallest profile it fits; None where it ran none."""
    ran = [
        (result.bytes, variant, trial.ram_bytes)
        for (form, variant), result in trials.artifacts.items()
        if isinstance(result, Artifact) and (form, variant) in trials.examinations
        for trial in trials.examinations[(form, variant)].trials
        if trial.runs and trial.ram_bytes is not None
    ]
    if not ran:
        return None
    size, variant, arena = min(ran)
    profile = smallest(size, arena or 0)
    return Microcontroller(
        variant=variant, model_bytes=size, arena_bytes=arena, profile=profile.name if profile else ""
    )
