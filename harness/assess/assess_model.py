"""Assesses a model: converts it on trial, examines each artifact, and asks or tries each target.

Nothing is converted *for* a target, and nothing is measured: what is made here is what `harness convert` would find,
and what was tried once is not tried again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from harness.artifact import Artifact
from harness.assess import operator_support
from harness.assess.assessment import ArtifactOperator, Assessment, MicrocontrollerNeeds, Prediction, Size
from harness.assess.microcontrollers import FLOAT_SCHEMES, PROFILES, smallest
from harness.assess.predictions import predict
from harness.assess.recommendation import recommend
from harness.assess.reference_recheck import ReferenceRechecker
from harness.assess.trials import FALLBACKS, FLOATING, Trials
from harness.conversion.converter import Converter
from harness.conversion.golden import read_golden
from harness.conversion.model_entry import ModelEntry
from harness.conversion.prepared_model import PreparedModel, with_first_samples
from harness.conversion.reference import Reference
from harness.errors import CaseError
from harness.examination import Examination
from harness.remedies.explain import reason
from harness.run.pool import Progress, side_by_side
from harness.target import Target
from harness.variant import READY, Format

SIZED = {
    "tflite": ("float32", "float16", "dynamic", "int8", "int16x8"),
    "tfjs": ("float32", "float16", "uint8", "uint16"),
}
"""Variants whose trial tells something new; the others of a format differ from these by their interface alone."""
LARGE_BYTES = 50_000_000
"""Weights of a prepared model from which on its trials are the deciding ones alone: a conversion takes seconds each."""
VERY_LARGE_BYTES = 250_000_000
"""Weights from which on one conversion at a time is enough: it takes up to twenty times as much memory."""
GRAPH = ("the model's", "graph")
"""Key of the model's graph summary, among the keys of variants."""
DECIDING = {"tflite": ("float32", "int8"), "tfjs": ("float32",)}
"""Variants that decide what runs where; what the others add is a size, which follows from the number of weights."""


def assess_model(
    entry: ModelEntry,
    converter: Converter,
    targets: Mapping[str, Target],
    formats: Mapping[str, Format],
    progress: Progress,
    workers: int = 2,
    named: Collection[str] = (),
) -> Assessment:
    """Assess one model. `named`: variants that are tried beside the usual ones. Raises a `CaseError` where its source
    cannot be read at all."""
    prepared = converter.prepare(entry, converts_side_by_side=entry.source.ready_format is None and workers > 1)
    trials, converting = Trials(), converters_at_once(prepared, workers)
    graph = convert(entry, prepared, converter, formats, trials, progress, converting, named)
    examine(trials, formats, prepared, workers, progress)
    with tempfile.TemporaryDirectory(prefix="harness-assess-") as folder:
        one = with_first_samples(prepared, 1, Path(folder))
        references = compute_references(trials, formats, targets, one, converter, converting, progress)
        trials.references.update({key: reference.read() for key, reference in references.items()})
        closer = ReferenceRechecker(entry, converter, formats, one, references)
        predictions = predict(targets, prepared, trials, converter.cache, workers, progress, closer)
    usual = tuple(name for name, target in targets.items() if target.default_variants)
    return put_together(entry, prepared, graph, trials, predictions, usual)


def convert(
    entry: ModelEntry,
    prepared: PreparedModel,
    converter: Converter,
    formats: Mapping[str, Format],
    trials: Trials,
    progress: Progress,
    workers: int,
    named: Collection[str] = (),
) -> dict[str, Any] | None:
    """Trial conversions: the sized variants first, op sets beyond the builtin ones where those are refused. Gives the
    summary of the model's graph, which is made behind the first: most conversions take longer. Raises a `CaseError`
    where there is none."""
    available = {
        (artifact_format.name, v.name): v
        for artifact_format in formats.values()
        for v in entry.variants(artifact_format)
    }
    asked = {(artifact_format, variant.name) for artifact_format, variant in entry.own_variants} | {
        key for key in available if key[1] in named
    }

    def one(key: tuple[str, str]) -> Any:
        if key == GRAPH:
            return converter.graph_summary(prepared)
        return converter.convert(prepared, formats[key[0]], available[key])

    def run(*keys: tuple[str, str]) -> dict[tuple[str, str], Any]:
        found = side_by_side("Trial conversions", keys, one, workers, progress)
        trials.artifacts.update({key: found[key] for key in keys if key != GRAPH})
        return found

    if entry.source.ready_format is not None:
        return graph_in(run(*(key for key in available if available[key] is READY or key in asked), GRAPH))
    sized = {key for key in available if key[1] in SIZED.get(key[0], ("float32",))}
    if prepared.facts.get("keras"):
        sized |= {key for key in available if key[1] == "layers-float32"}
    if weights_bytes(prepared) > LARGE_BYTES:
        deciding = {key for key in available if key[1] in DECIDING.get(key[0], ("float32",))}
        trials.left_out = tuple(f"{artifact_format} {variant}" for artifact_format, variant in sorted(sized - deciding))
        sized = deciding
    sized |= asked
    graph = graph_in(run(*(key for key in available if key in sized), GRAPH))
    for fallback in FALLBACKS:
        if trials.artifact("tflite", "float32", *FALLBACKS) is None and ("tflite", fallback) in available:
            run(("tflite", fallback))
    return graph


def graph_in(found: Mapping[tuple[str, str], Any]) -> dict[str, Any] | None:
    """The summary of the graph among what was made; raises the `CaseError` that is there instead."""
    graph: dict[str, Any] | CaseError | None = found[GRAPH]
    if isinstance(graph, CaseError):
        raise graph
    return graph


def converters_at_once(prepared: PreparedModel, workers: int) -> int:
    """How many conversions of the model go side by side: a second TensorFlow takes longer to start than most of them
    together, and those of a very large model want more memory than most machines have."""
    return workers if LARGE_BYTES < weights_bytes(prepared) < VERY_LARGE_BYTES else 1


def weights_bytes(prepared: PreparedModel) -> int:
    """Bytes of a prepared model's largest file of weights; 0 where it has none."""
    folder = prepared.folder / "saved_model" / "variables"
    return max((file.stat().st_size for file in folder.glob("variables.data*")), default=0)


def examine(
    trials: Trials, formats: Mapping[str, Format], prepared: PreparedModel, workers: int, progress: Progress
) -> None:
    """Each format's own findings on each artifact. An artifact that cannot be examined has none, which is noted."""
    golden = read_golden(prepared.golden_path)
    wanted = [key for key, found in trials.artifacts.items() if isinstance(found, Artifact) and formats[key[0]].examine]

    def one(key: tuple[str, str]) -> Examination:
        artifact, examination = trials.artifacts[key], formats[key[0]].examine
        assert isinstance(artifact, Artifact)
        assert examination is not None
        return examination(artifact, {i.name: i.to_stored(golden.inputs[i.name][0]) for i in artifact.inputs})

    for key, found in side_by_side("Examining artifacts", wanted, one, workers, progress).items():
        if isinstance(found, CaseError):
            trials.unexamined[key] = found
        else:
            trials.examinations[key] = found


def compute_references(
    trials: Trials,
    formats: Mapping[str, Format],
    targets: Mapping[str, Target],
    one: PreparedModel,
    converter: Converter,
    workers: int,
    progress: Progress,
) -> dict[tuple[str, str], Reference]:
    """The reference's outputs for one golden sample of `one`, where a target's outputs can be compared with it. If
    the reference does not run an artifact, that artifact is compared with nothing: whether it runs is no question of
    an assessment."""
    tried = {target.format for target in targets.values() if target.slot == "processor"}
    wanted = [
        (artifact_format, variant)
        for (artifact_format, variant), found in trials.artifacts.items()
        if isinstance(found, Artifact)
        and (artifact_format in tried or _has_values(trials.examinations.get((artifact_format, variant))))
    ]

    def reference(key: tuple[str, str]) -> Reference:
        artifact = trials.artifacts[key]
        assert isinstance(artifact, Artifact)
        return converter.reference(one, artifact, formats[key[0]])

    found = side_by_side("Computing references", wanted, reference, workers, progress)
    return {key: values for key, values in found.items() if not isinstance(values, CaseError)}


def _has_values(examination: Examination | None) -> bool:
    return examination is not None and any(answer.outputs for answer in examination.answers.values())


def put_together(
    entry: ModelEntry,
    prepared: PreparedModel,
    graph: dict[str, Any] | None,
    trials: Trials,
    predictions: tuple[Prediction, ...],
    default_targets: tuple[str, ...] = (),
) -> Assessment:
    """The assessment: all findings, with notes and the recommendation."""
    facts = prepared.facts
    found = trials.examination("tflite", *FLOATING)
    sizes = tuple(
        Size(format=artifact_format, variant=variant, problem=reason(result))
        if isinstance(result, CaseError)
        else Size(format=artifact_format, variant=variant, bytes=result.bytes)
        for (artifact_format, variant), result in trials.artifacts.items()
    )
    assessment = Assessment(
        model=entry.name,
        recognised=facts["recognised"],
        inputs=tuple(facts["inputs"]),
        open_dimensions=facts.get("open_dimensions", {}),
        operators=operator_support.operator_rows(graph, trials),
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
        predictions=predictions,
        default_targets=default_targets,
        microcontroller=microcontroller(trials, predictions),
        metadata=dict(found.metadata) if found else {},
        notes=(),
        recommendation=(),
    )
    notes, advice = recommend(assessment, graph, found)
    return assessment.model_copy(update={"notes": (*notes, *conversion_notes(trials)), "recommendation": advice})


def conversion_notes(trials: Trials) -> tuple[str, ...]:
    """The notes that conversion made about the artifacts, each with the variants that it is about."""
    variants: dict[tuple[str, str], list[str]] = {}
    for (artifact_format, variant), result in trials.artifacts.items():
        for note in result.notes if isinstance(result, Artifact) else ():
            variants.setdefault((artifact_format, note), []).append(variant)
    for (artifact_format, variant), problem in trials.unexamined.items():
        variants.setdefault((artifact_format, f"nothing is known of its inside: {reason(problem)}"), []).append(variant)
    told = tuple(
        f"{artifact_format} {', '.join(names)}: {note.rstrip('.')}."
        for (artifact_format, note), names in variants.items()
    )
    if trials.left_out:
        left = ", ".join(trials.left_out)
        told += (f"Not tried, since the model is large: {left}; `harness convert` makes them.",)
    return told


def artifact_operators(examination: Examination | None) -> tuple[ArtifactOperator, ...]:
    """The TFLite artifact's operators with counts and multiplications, the heaviest first."""
    rows: dict[str, tuple[int, int]] = {}
    for step in examination.steps if examination else ():
        count, macs = rows.get(step.operator, (0, 0))
        rows[step.operator] = (count + 1, macs + step.macs)
    ordered = sorted(rows.items(), key=lambda row: (-row[1][1], row[0]))
    return tuple(ArtifactOperator(operator=name, count=count, macs=macs) for name, (count, macs) in ordered)


def microcontroller(trials: Trials, predictions: tuple[Prediction, ...]) -> MicrocontrollerNeeds | None:
    """The variant that ran in a runtime which counts its arena (Micro) and fits the smallest profile, the smallest of
    those; None where none ran."""
    ran = [
        (smallest(artifact.bytes, told.arena_bytes, floats=artifact.scheme in FLOAT_SCHEMES), artifact.bytes, told)
        for told in predictions
        if told.verdict == "runs" and told.arena_bytes is not None
        if (artifact := trials.artifact("tflite", told.variant)) is not None
    ]
    if not ran:
        return None
    ranks = {profile: rank for rank, profile in enumerate((*PROFILES, None))}
    profile, size, told = min(ran, key=lambda one: (ranks[one[0]], one[1]))
    assert told.arena_bytes is not None
    return MicrocontrollerNeeds(
        variant=told.variant, model_bytes=size, arena_bytes=told.arena_bytes, profile=profile.name if profile else ""
    )
