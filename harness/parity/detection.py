"""Detections compared as what they are: boxes matched by overlap, whatever their order and however many there are.

Two honest runtimes give a detector's outputs in another order as soon as two scores change places, so that values
cannot be compared place by place. Here a detection of one side is *matched* by one of the other that has its class, a
score within `SCORE_TOLERANCE` of its own, and boxes that overlap; each is matched once, those of the highest score
choose first. That is the assignment of the PASCAL VOC challenge (Everingham et al., "The PASCAL Visual Object Classes
(VOC) Challenge", International Journal of Computer Vision 88, 2010, section 4.2), with the other side in the place of
the ground truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.model import DetectionOutputs, Tensors
from harness.parity.comparison import Incomparable
from harness.store.record import TaskMetric

SAME_OBJECT = 0.5
"""Intersection over union from which two boxes are of one object: VOC's (2010, section 4.2)."""
SAME_BOX = 0.9
"""Overlap (intersection over union) from which two runtimes gave one box for the same artifact and input. It is near
the upper end of COCO's range of 0.5 to 0.95 (Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014),
because only rounding lies between the two."""
SCORE_TOLERANCE = 0.1
"""How far scores of one detection may differ: 25 steps of a score that is quantised to eight bits."""


@dataclass(frozen=True)
class Detections:
    """One sample: `boxes` (n, 4) as two corners, either axis first; `scores` and `classes` (n,). Without padding."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Agreement:
    """How many of the detections of both sides, those of at least the asked-for score, the other side matches."""

    matched: int
    counted: int

    @property
    def share(self) -> float | None:
        """The share of matched detections. None if neither side has any, so nothing was compared."""
        return self.matched / self.counted if self.counted else None


def detections(tensors: Tensors, names: DetectionOutputs) -> list[Detections]:
    """What each sample holds. `tensors`: output name → real values (samples, …). Rows beyond the count, where an output
    for it is named, and rows whose score is not above zero are padding. Raises `Incomparable` for shapes that are none
    of a detector's."""
    missing = [name for name in (names.boxes, names.scores, names.classes) if name and name not in tensors]
    if missing:
        raise Incomparable(
            f"There is no output {missing[0]!r}, which `detection` names; there are {', '.join(tensors)}."
        )
    boxes, scores = (np.asarray(tensors[name], np.float64) for name in (names.boxes, names.scores))
    classes = np.asarray(tensors[names.classes], np.float64) if names.classes else np.zeros_like(scores)
    samples = len(boxes)
    if boxes.shape[-1:] != (4,) or boxes.size != 4 * scores.size or scores.size != classes.size:
        raise Incomparable(
            f"Boxes of shape {boxes.shape}, scores {scores.shape} and classes {classes.shape} (samples first) are no"
            " detections: four values a box, one score and one class for each."
        )
    boxes, scores, classes = boxes.reshape(samples, -1, 4), scores.reshape(samples, -1), classes.reshape(samples, -1)
    counts = np.full(samples, scores.shape[1])
    if names.count:
        counts = np.asarray(tensors[names.count], np.float64).reshape(samples, -1)[:, 0].round().astype(np.int64)
    found = []
    for sample, count in enumerate(counts):
        real = np.flatnonzero(scores[sample, : max(0, int(count))] > 0.0)
        kinds = classes[sample, real].round().astype(np.int64)
        found.append(Detections(boxes[sample, real], scores[sample, real], kinds))
    return found


def overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each pair of boxes, shaped (len(one), len(other)); zero for boxes without area."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0.0), axis=2)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None, :] - common
    result: NDArray[np.float64] = np.where(union > 0.0, common / np.where(union > 0.0, union, 1.0), 0.0)
    return result


def agreement(
    actual: Sequence[Detections], expected: Sequence[Detections], min_score: float, overlap: float = SAME_OBJECT
) -> Agreement:
    """Both ways: detections of either side that score at least `min_score`, and those of them that are matched by any
    detection of the other side, also one that scores a little less."""
    matched = counted = 0
    for one, other in zip(actual, expected, strict=True):
        for chosen, others in ((one, other), (other, one)):
            counted += int(np.count_nonzero(chosen.scores >= min_score))
            matched += _matched(chosen, others, min_score, overlap)
    return Agreement(matched, counted)


def _matched(chosen: Detections, others: Detections, min_score: float, overlap: float) -> int:
    table = overlaps(chosen.boxes, others.boxes)
    alike = (chosen.classes[:, None] == others.classes[None, :]) & (
        np.abs(chosen.scores[:, None] - others.scores[None, :]) <= SCORE_TOLERANCE
    )
    table = np.where(alike, table, -1.0)
    matched = 0
    for row in np.argsort(-chosen.scores, kind="stable"):
        if chosen.scores[row] < min_score or not table.shape[1]:
            continue
        best = int(np.argmax(table[row]))
        if table[row, best] >= overlap:
            table[:, best] = -1.0  # each is matched once
            matched += 1
    return matched


def detection_metric(
    golden: Sequence[Detections], actual: Sequence[Detections], labels: NDArray[Any] | None, min_score: float
) -> TaskMetric | None:
    """The mean average precision where there are labels, else the share of detections that the float32 model's match.
    None if there is nothing to be found."""
    if labels is not None:
        before, after = (mean_average_precision(side, labels) for side in (golden, actual))
        if before is None or after is None:
            return None
        return TaskMetric(name="mean_average_precision", value=after, golden=before, samples=len(golden))
    share = agreement(actual, golden, min_score).share
    if share is None:
        return None
    return TaskMetric(name="matched_detections", value=share, golden=1.0, samples=len(golden))


def mean_average_precision(
    detections: Sequence[Detections], truth: NDArray[Any], overlap: float = SAME_OBJECT
) -> float | None:
    """Mean over classes of the average precision: the area under the precision that is reached at each recall or a
    higher one (VOC 2010's rule, all points). None without an object.

    `truth` is shaped (samples, objects, 5): class and two corners each; a negative class is padding.
    """
    if truth.ndim != 3 or truth.shape[-1] != 5 or len(truth) != len(detections):
        raise Incomparable(f"Labels shaped {truth.shape} are no objects: (samples, objects, 5), class and two corners.")
    classes = sorted({int(kind) for kind in np.unique(truth[:, :, 0].round()) if kind >= 0})
    figures = [_average_precision(detections, truth, kind, overlap) for kind in classes]
    return float(np.mean(figures)) if figures else None


def _average_precision(detections: Sequence[Detections], truth: NDArray[Any], kind: int, overlap: float) -> float:
    objects = [rows[rows[:, 0].round() == kind][:, 1:].astype(np.float64) for rows in truth]
    taken = [np.zeros(len(boxes), bool) for boxes in objects]
    ranked = sorted(
        (
            (float(sample.scores[row]), index, row)
            for index, sample in enumerate(detections)
            for row in np.flatnonzero(sample.classes == kind)
        ),
        key=lambda item: (-item[0], item[1], item[2]),
    )
    hits = np.zeros(len(ranked), bool)
    for rank, (_, index, row) in enumerate(ranked):
        table = overlaps(detections[index].boxes[row : row + 1], objects[index])[0]
        best = int(np.argmax(table)) if len(table) else -1
        if best >= 0 and table[best] >= overlap and not taken[index][best]:
            hits[rank] = taken[index][best] = True
    if not ranked:
        return 0.0
    right = np.cumsum(hits)
    recall = np.r_[0.0, right / sum(len(boxes) for boxes in objects)]
    precision = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision))
