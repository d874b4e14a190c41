"""The assessment in words: notes on what will cost something, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.assess.assessment import Assessment, Prediction
from harness.assess.rewrites import REWRITES
from harness.examination import Examination

UNUSUAL_TYPES = {
    "float64": "TFLite's operators and Micro have none, TensorFlow.js holds it as float32; build the model in float32",
    "float16": "TFLite's operators compute in float32; build the model in float32 and convert the variant `float16`",
    "bfloat16": "no target computes in it; build the model in float32",
    "complex64": "neither quantisation nor Micro has complex numbers",
    "complex128": "no target has complex128",
    "string": "no target takes strings as a plain tensor",
    "int64": "TensorFlow.js holds int64 as int32",
    "uint32": "few TFLite operators take uint32",
    "uint64": "few TFLite operators take uint64",
}


def recommend(
    assessment: Assessment, graph: dict[str, Any] | None, examination: Examination | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Notes, and the recommendation."""
    return tuple(notes(assessment, graph, examination)), tuple(advice(assessment))


def notes(assessment: Assessment, graph: dict[str, Any] | None, examination: Examination | None) -> list[str]:
    """Types, dynamic shapes, loops, experimental operators."""
    told = []
    for kind, consequence in UNUSUAL_TYPES.items():
        if kind in assessment.types:
            told.append(f"{plural(assessment.types[kind], 'tensor is', 'tensors are')} {kind}: {consequence}.")
    described = [
        f"{name} ({'×'.join('?' if size is None else str(size) for size in shape)})"
        for name, shape in assessment.open_dimensions.items()
    ]
    if described:
        leave = plural(len(described), "input leaves", "inputs leave")
        told.append(
            f"{leave} a size open: {', '.join(described)}. All are fixed for export: a dynamic batch keeps TFLite"
            " from delegating (several times slower) and LiteRT.js from loading; sizes come from `data` or from"
            " [models.NAME.inputs], else they are one."
        )
    inner = examination.open_shapes if examination else graph["open_shapes"] if graph else 0
    if inner:
        have = plural(inner, "tensor has", "tensors have")
        told.append(
            f"{have} a shape known at run time only: TFLite allocates such tensors in every inference, and Micro does"
            " not take them."
        )
    if examination and examination.loops:
        stay = plural(examination.loops, "loop stays a loop", "loops stay loops")
        told.append(f"{stay}: multiplications in it are counted for one turn.")
    if assessment.experimental:
        told.append(f"TFLite's guide calls these experimental or custom: {', '.join(assessment.experimental)}.")
    return told


def plural(count: int, one: str, many: str) -> str:
    """A number and its words."""
    return f"{count} {one if count == 1 else many}"


def advice(assessment: Assessment) -> list[str]:
    """What to do, target family by target family."""
    return [*tflite_advice(assessment), *tfjs_advice(assessment), *micro_advice(assessment)]


@dataclass(frozen=True)
class Trial:
    """Whether a variant was tried, and why it was refused; `refusal` is empty where it converted."""

    tried: bool
    refusal: str = ""

    @property
    def converted(self) -> bool:
        return self.tried and not self.refusal


def trial_of(assessment: Assessment, artifact_format: str, variant: str) -> Trial:
    """What came of converting to a variant."""
    for size in assessment.sizes:
        if (size.format, size.variant) == (artifact_format, variant):
            return Trial(tried=True, refusal=size.problem)
    return Trial(tried=False)


def tflite_advice(assessment: Assessment) -> list[str]:
    """Convertible directly, needs select TF, or needs refactoring."""
    if any(size.format == "tflite" and size.variant == "ready" for size in assessment.sizes):
        ran = [answer.target for answer in assessment.predictions if answer.verdict == "runs"]
        return [f"TFLite: a ready file; it was invoked on {', '.join(ran) or 'nothing that is here'}."]
    trial = trial_of(assessment, "tflite", "float32")
    if not trial.tried:
        return []
    if trial.converted:
        refusing = refused_everywhere(assessment, "tflite")
        said = ["TFLite: convertible directly, with builtin operators alone."]
        if refusing:
            names = ", ".join(target for targets in refusing.values() for target in targets)
            said = [f"TFLite: it converts with builtin operators alone, but no variant is of use on {names}."]
            said += [f"Not on {', '.join(targets)}: {why}" for why, targets in refusing.items()]
        blocked = [
            (size.variant, size.problem) for size in assessment.sizes if size.format == "tflite" and size.problem
        ]
        return said + [f"TFLite {variant} is refused: {why}" for variant, why in blocked]
    lacking = [row.operator for row in assessment.operators if row.tflite in ("select TF", "custom")]
    if trial_of(assessment, "tflite", "select-tf").converted:
        said = [f"TFLite: needs select TF for {', '.join(lacking) or 'some operators'} (the variant `select-tf`)."]
    elif trial_of(assessment, "tflite", "custom").converted:
        said = [f"TFLite: needs custom operators for {', '.join(lacking) or 'some operators'} (the variant `custom`)."]
    else:
        said = [f"TFLite: needs refactoring: {trial.refusal}"]
    return said + rewrites([*lacking, *(row.operator for row in assessment.operators if row.operator in trial.refusal)])


def refused_everywhere(assessment: Assessment, artifact_format: str) -> dict[str, list[str]]:
    """The targets of the default matrix on which no variant of a format runs rightly, by the first reason of each."""
    told: dict[str, list[Prediction]] = {}
    for answer in assessment.predictions:
        if answer.format == artifact_format and answer.target in assessment.default_targets:
            told.setdefault(answer.target, []).append(answer)
    refusing: dict[str, list[str]] = {}
    for target, answers in told.items():
        if all(answer.verdict in ("does not run", "wrong") for answer in answers):
            refusing.setdefault(answers[0].reason, []).append(target)
    return refusing


def rewrites(operators: list[str]) -> list[str]:
    """Known rewrites of some operators."""
    return [f"A known rewrite of {name}: {REWRITES[name]}." for name in dict.fromkeys(operators) if name in REWRITES]


def tfjs_advice(assessment: Assessment) -> list[str]:
    """Whether the web takes it, and where."""
    trial = trial_of(assessment, "tfjs", "float32")
    if not trial.tried:
        trial = trial_of(assessment, "tfjs", "ready")
    if not trial.tried:
        return []
    if trial.refusal:
        lacking = [row.operator for row in assessment.operators if "no" in row.tfjs.values()]
        return [f"TensorFlow.js: needs refactoring: {trial.refusal}", *rewrites(lacking)]
    told = [
        answer
        for answer in assessment.predictions
        if answer.format == "tfjs" and answer.variant in ("float32", "ready")
    ]
    against: dict[str, list[str]] = {}
    for answer in told:
        if answer.verdict in ("does not run", "wrong"):
            against.setdefault(answer.reason, []).append(answer.target)
    runs = [answer.target for answer in told if answer.verdict in ("runs", "expected to run")]
    unknown = [answer.target for answer in told if answer.verdict == "not known"]
    if len(runs) == len(told):
        said = ["TensorFlow.js: convertible directly; every backend is expected to run it."]
    else:
        said = [f"TensorFlow.js: convertible; expected to run on {', '.join(runs) or 'no backend'}."]
    said += [f"Not on {'any' if len(t) == len(told) else ', '.join(t)}: {why}" for why, t in against.items()]
    said += [f"Nothing is known of {', '.join(unknown)}."] if unknown else []
    layers = trial_of(assessment, "tfjs", "layers-float32")
    if layers.refusal:
        said.append(f"TensorFlow.js: the layers form is refused: {layers.refusal}")
    return said


def micro_advice(assessment: Assessment) -> list[str]:
    """Whether a microcontroller takes it, and the smallest."""
    asked = [answer for answer in assessment.predictions if answer.target == "tflm/host"]
    if not asked:
        return []
    fits = assessment.microcontroller
    if fits is None:
        why = next((answer.reason for answer in asked if answer.variant in ("int8", "ready", "float32")), "")
        if why and why == trial_of(assessment, "tflite", "float32").refusal:
            return ["Microcontrollers: Micro runs none; what it might take does not convert (see TFLite, above)."]
        if all(answer.verdict == "does not run" for answer in asked):
            return [f"Microcontrollers: Micro runs none of the variants tried. {why}".strip()]
        return ["Microcontrollers: Micro runs it; its memory could not be read."]
    needs = f"{fits.variant} takes {fits.model_bytes:,} bytes of flash and an arena of {fits.arena_bytes:,} bytes"
    if not fits.profile:
        return [f"Microcontrollers: too big for every profile ({needs}); prune, distil or narrow the model."]
    return [f"Microcontrollers: {needs}; the smallest profile it fits is {fits.profile}."]
