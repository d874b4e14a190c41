"""The two edges of parity, and both together.

*conversion*: the artifact in a reference interpreter against the TensorFlow float32 golden: what the converter cost.
*runtime*: this target against that interpreter on the same artifact, the same bytes in: what the runtime changed.
*end to end*: this target against the golden: what a user will see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.artifact import TensorInfo, real_outputs
from harness.model import DetectionOutputs, Tensors
from harness.parity.comparison import Incomparable
from harness.parity.detection import SAME_BOX, SAME_OBJECT, Detections, agreement, detection_metric, detections
from harness.parity.misplaced_outputs import exchanged_classes, exchanged_labels, shapes_look_swapped, swapped_outputs
from harness.parity.ragged_outputs import compare_output, fixed_size_outputs, is_ragged
from harness.parity.task_metric import Task, task_metric
from harness.ragged import is_sizes
from harness.store.record import Comparison, Parity, TaskMetric

EXPLAINED_ALREADY_DB = 30.0
"""An output this near to its reference (3 % of the signal) has its classes in their places."""


def compare_edges(
    golden: Tensors,
    reference: Tensors,
    actual: Tensors,
    artifact_outputs: Sequence[TensorInfo],
    *,
    task: Task,
    reference_name: str,
    labels: NDArray[Any] | None = None,
    inputs: Tensors | None = None,
    detection: DetectionOutputs | None = None,
) -> Parity:
    """Compare one target's outputs along both edges.

    Args:
        golden: canonical output name → real values (samples, *shape) of the TensorFlow float32 model. Outputs whose
            size depends on the data are as `harness.ragged` keeps them, on every side.
        reference, actual: canonical output name → values (samples, *shape) of the artifact's own dtypes, from the
            reference interpreter and from the target.
        artifact_outputs: the artifact's outputs; their order is kept.
        labels: class indices (samples,) or regression targets; None where the data set has none.
        task: decides whether outputs are ranked (top-1, top-5) and which task metric is computed.
        reference_name: says which reference interpreter it was.
        inputs: canonical input name → real values, needed for the reconstruction error alone.
        detection: which outputs hold the detections, of a detector; these are matched by overlap.

    The task metric is taken on the first output that fits it; it is null where none does.

    Raises `Incomparable` where an output is missing on one side or has another shape.
    """
    _same_names(golden, artifact_outputs, "the golden outputs")
    _same_names(reference, artifact_outputs, f"the outputs of {reference_name}")
    _same_names(actual, artifact_outputs, "the target's outputs")
    ranked = task == "classification"
    infos = {info.name: info for info in artifact_outputs}
    converted, ran = real_outputs(reference, artifact_outputs), real_outputs(actual, artifact_outputs)
    _same_shapes(converted, golden, "the golden")
    _same_shapes(ran, converted, reference_name)
    found_elsewhere = detection.names if detection is not None else ()

    def compared(actual: Tensors, expected: Tensors, sides: str, *, real: bool) -> list[Comparison]:
        return [
            compare_output(
                name,
                actual,
                expected,
                info,
                None if real else info,
                ranked=ranked,
                matched=name in found_elsewhere,
                sides=sides,
            )
            for name, info in infos.items()
        ]

    conversion = compared(reference, golden, f"{reference_name} against the golden", real=True)
    runtime = compared(actual, reference, f"the target against {reference_name}", real=False)
    end_to_end = compared(actual, golden, "the target against the golden", real=True)
    metrics = (
        _with_labels(task_metric(golden[name], ran[name], labels, task, inputs), golden[name], labels, task)
        for name in infos
        if not is_ragged(name, golden, ran) and _holds_the_task(golden[name], labels, task)
    )
    task_result = next((metric for metric in metrics if metric is not None), None)
    if detection is not None:
        in_golden, in_reference, in_actual = (detections(side, detection) for side in (golden, converted, ran))
        conversion = _with_detections(conversion, detection, in_reference, in_golden, SAME_OBJECT)
        runtime = _with_detections(runtime, detection, in_actual, in_reference, SAME_BOX)
        end_to_end = _with_detections(end_to_end, detection, in_actual, in_golden, SAME_OBJECT)
        task_result = detection_metric(in_golden, in_actual, labels, detection.min_score)
        ranked = False
    return Parity(
        samples=len(next(iter(golden.values()))) if golden else 0,
        reference=reference_name,
        conversion=_placed(conversion, converted, golden, ranked),
        runtime=_placed(runtime, ran, converted, ranked),
        end_to_end=_placed(end_to_end, ran, golden, ranked),
        task=task_result,
    )


def _with_detections(
    comparisons: Sequence[Comparison],
    names: DetectionOutputs,
    actual: Sequence[Detections],
    expected: Sequence[Detections],
    overlap: float,
) -> list[Comparison]:
    """The comparisons with what is matched, of the outputs that hold detections."""
    found = agreement(actual, expected, names.min_score, overlap)
    matched = {"top1_agreement": found.share, "answers": found.counted}
    return [
        one.model_copy(update={"detection_of": names.boxes} | (matched if one.output == names.boxes else {}))
        if one.output in names.names
        else one
        for one in comparisons
    ]


def _same_names(tensors: Tensors, outputs: Sequence[TensorInfo], whose: str) -> None:
    missing = [info.name for info in outputs if info.name not in tensors]
    if missing:
        raise Incomparable(
            f"Output {missing[0]!r} of the artifact is not among {whose} ({', '.join(sorted(tensors)) or 'none'}): its"
            " signature gives the outputs other names, or several names to one tensor."
        )
    known = {info.name for info in outputs}
    surplus = sorted(name for name in set(tensors) - known if not is_sizes(name, tensors))
    if surplus:
        raise Incomparable(f"Output {surplus[0]!r} is among {whose}, but the artifact does not have it.")


def _same_shapes(actual: Tensors, expected: Tensors, whose: str) -> None:
    moved = shapes_look_swapped(*fixed_size_outputs(actual, expected))
    if moved:
        pairs = ", ".join(f"{name!r} has the shape of {other!r} of {whose}" for name, other in moved.items())
        raise Incomparable(f"The outputs look swapped: {pairs}.")


def _placed(
    comparisons: Sequence[Comparison], actual: Tensors, expected: Tensors, ranked: bool
) -> tuple[Comparison, ...]:
    """Each comparison with what its values look like, where they are wrong."""
    moved = swapped_outputs(*fixed_size_outputs(actual, expected))
    placed = []
    for found in comparisons:
        wrong = found.finite and found.sqnr_db is not None and found.sqnr_db < EXPLAINED_ALREADY_DB
        classes: tuple[int, ...] = ()
        if ranked and wrong and found.output not in moved and not is_ragged(found.output, actual, expected):
            classes = exchanged_classes(actual[found.output], expected[found.output])
        if found.detection_of:  # their order is nothing
            placed.append(found)
            continue
        placed.append(found.model_copy(update={"looks_like": moved.get(found.output), "exchanged_classes": classes}))
    return tuple(placed)


def _with_labels(
    metric: TaskMetric | None, golden: NDArray[Any], labels: NDArray[Any] | None, task: Task
) -> TaskMetric | None:
    if metric is None or labels is None or task != "classification":
        return metric
    return metric.model_copy(update={"exchanged_labels": exchanged_labels(golden, labels)})


def _holds_the_task(output: NDArray[Any], labels: NDArray[Any] | None, task: Task) -> bool:
    """Whether `output` (samples, *shape) can be scored with `labels`: one row of enough classes, to classify."""
    if task != "classification":
        return True
    if labels is None or labels.shape != (len(output),) or output.dtype.kind != "f" or output.size == 0:
        return False
    classes = output.shape[-1] if output.ndim > 1 else 1
    one_row = output.size == len(output) * classes
    return one_row and int(np.max(labels)) < max(2, classes)
