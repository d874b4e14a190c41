"""A detector's answers are compared as detections: matched by overlap, whatever their order and their padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifact import TensorInfo
from harness.case_name import CaseName
from harness.gate.judge import judge
from harness.gate.policy import Policy
from harness.model import DetectionOutputs
from harness.parity.comparison import Incomparable
from harness.parity.detection import Detections, agreement, detections, mean_average_precision, overlaps
from harness.parity.edges import compare_edges
from harness.store.record import Measured

NAMES = DetectionOutputs("boxes", "scores", "classes")
INFOS = tuple(
    TensorInfo(name=name, tensor=name, index=index, shape=shape, dtype="float32")
    for index, (name, shape) in enumerate({"boxes": (6, 4), "scores": (6,), "classes": (6,)}.items())
)


def padded(*samples, rows=6):
    """Outputs of samples of detections (class, score, box), zeros behind them."""
    tensors = {"boxes": (4,), "scores": (), "classes": ()}
    tensors = {name: np.zeros((len(samples), rows, *shape), np.float32) for name, shape in tensors.items()}
    for index, sample in enumerate(samples):
        for row, (kind, score, box) in enumerate(sample):
            tensors["classes"][index, row], tensors["scores"][index, row] = kind, score
            tensors["boxes"][index, row] = box
    return tensors


CAT, DOG, LOW = (1, 0.9, (0, 0, 10, 10)), (2, 0.8, (20, 20, 30, 40)), (1, 0.2, (50, 50, 60, 60))
GOLDEN = padded([CAT, DOG, LOW], [DOG])


def verdict(golden, actual, reference=None, labels=None, names=NAMES):
    reference = golden if reference is None else reference
    seen = compare_edges(
        golden, reference, actual, INFOS, labels=labels, task="detection", reference_name="a reference", detection=names
    )
    checks = judge(CaseName("m", "float32", "t", format="tflite"), seen, None, Measured(), Policy())
    return seen, [check for check in checks if not check.passed]


def test_overlap_is_intersection_over_union():
    one = np.array([[0.0, 0, 10, 10]])
    other = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [3, 3, 3, 9]])
    assert overlaps(one, other)[0] == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


@given(st.randoms(use_true_random=False))
def test_the_order_of_detections_is_nothing_and_neither_is_the_padding(random):
    samples = [[CAT, DOG, LOW], [DOG]]
    for sample in samples:
        random.shuffle(sample)
    seen, broken = verdict(GOLDEN, padded(*samples))
    assert broken == []
    assert seen.task.name == "matched_detections"
    assert seen.task.value == 1.0
    wider = detections(padded(*samples, rows=9), NAMES)
    assert agreement(wider, detections(GOLDEN, NAMES), 0.5).share == 1.0


@pytest.mark.parametrize(
    ("changed", "share"),
    [
        ([CAT], 4 / 5),
        ([CAT, DOG, (3, 0.7, (70, 70, 80, 80))], 6 / 7),
        ([(2, 0.9, CAT[2]), DOG], 4 / 6),
        ([(1, 0.9, (0, 4, 10, 14)), DOG], 4 / 6),
        ([(1, 0.7, CAT[2]), DOG], 4 / 6),
    ],
)
def test_what_is_lost_invented_renamed_moved_or_scored_otherwise_is_not_matched(changed, share):
    found = agreement(detections(padded(changed, [DOG]), NAMES), detections(GOLDEN, NAMES), 0.5)
    assert found.share == pytest.approx(share)
    _, broken = verdict(GOLDEN, padded(changed, [DOG]))
    assert {check.rule for check in broken} >= {"parity.runtime.top1_agreement", "task.noninferiority"}


def test_a_score_next_to_the_least_that_counts_is_matched_by_one_that_is_just_below():
    near, below = padded([(1, 0.51, CAT[2])]), padded([(1, 0.49, CAT[2])])
    assert agreement(detections(below, NAMES), detections(near, NAMES), 0.5).share == 1.0


def test_two_detections_of_one_object_are_not_matched_by_one():
    twice = detections(padded([CAT, (1, 0.88, (0, 0, 10, 9.9))]), NAMES)
    assert agreement(twice, detections(padded([CAT]), NAMES), 0.5).matched == 2  # of three


def test_where_nothing_is_found_nothing_was_compared_and_nothing_passes():
    nothing = padded([LOW], [])
    seen, broken = verdict(nothing, nothing)
    assert seen.task is None
    (check,) = broken
    assert check.rule == "parity.measured"
    assert "held no detection in any of 2 samples" in check.message


def test_an_output_that_counts_says_where_padding_begins():
    names = DetectionOutputs("boxes", "scores", "classes", "count")
    tensors = GOLDEN | {"count": np.array([[1.0], [1.0]], np.float32)}
    assert [len(sample) for sample in detections(tensors, names)] == [1, 1]


def test_a_detector_of_one_class_needs_no_output_for_it():
    names = DetectionOutputs("boxes", "scores")
    golden, exchanged, moved = (
        {name: values for name, values in padded(sample).items() if name != "classes"}
        for sample in ([CAT, DOG], [DOG, CAT], [CAT, (2, 0.8, (20, 30, 30, 50))])
    )
    expected = detections(golden, names)
    assert [list(sample.classes) for sample in expected] == [[0, 0]]
    assert agreement(detections(exchanged, names), expected, 0.5).share == 1.0
    assert agreement(detections(moved, names), expected, 0.5).share == 0.5


@pytest.mark.parametrize(("name", "shape"), [("boxes", (2, 6, 5)), ("scores", (2, 5)), ("classes", (2, 6, 2))])
def test_other_shapes_are_told_in_one_sentence(name, shape):
    with pytest.raises(Incomparable, match="are no detections"):
        detections(GOLDEN | {name: np.zeros(shape, np.float32)}, NAMES)


def test_an_output_that_is_not_there_is_named():
    with pytest.raises(Incomparable, match="no output 'box', which `detection` names; there are boxes, scores"):
        detections(GOLDEN, DetectionOutputs("box", "scores", "classes"))


def objects(*samples):
    """Labels: (samples, objects, 5), class and box each, padded with class −1."""
    most = max(map(len, samples))
    found = np.full((len(samples), most, 5), -1.0)
    for index, sample in enumerate(samples):
        for row, (kind, box) in enumerate(sample):
            found[index, row] = (kind, *box)
    return found


def test_average_precision_is_the_area_under_the_envelope_of_precision():
    """Five detections of three objects, right at ranks 1, 3 and 5: recall 1/3, 2/3, 1 at precision 1, 2/3, 3/5."""
    boxes = [(0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 50, 10)]
    wrong = (80, 80, 90, 90)
    found = Detections(
        np.array([boxes[0], wrong, boxes[1], wrong, boxes[2]], float),
        np.array([0.9, 0.8, 0.7, 0.6, 0.5]),
        np.ones(5, np.int64),
    )
    truth = objects([(1, box) for box in boxes])
    assert mean_average_precision([found], truth) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    with_another = objects([*((1, box) for box in boxes), (7, boxes[0])])
    assert mean_average_precision([found], with_another) == pytest.approx((1 + 2 / 3 + 3 / 5) / 6)
    assert mean_average_precision([found], objects([(-1, wrong)])) is None


def test_a_second_detection_of_an_object_that_was_found_is_wrong():
    twice = Detections(np.array([CAT[2], CAT[2]], float), np.array([0.9, 0.8]), np.ones(2, np.int64))
    first_wrong = Detections(np.array([DOG[2], CAT[2]], float), np.array([0.9, 0.8]), np.ones(2, np.int64))
    truth = objects([(1, CAT[2])])
    assert mean_average_precision([twice], truth) == 1.0
    assert mean_average_precision([first_wrong], truth) == 0.5


def test_with_labels_the_task_metric_is_the_mean_average_precision_of_both():
    labels = objects([(1, CAT[2]), (2, DOG[2])], [(2, DOG[2])])
    seen, broken = verdict(GOLDEN, GOLDEN, labels=labels)
    assert (seen.task.name, seen.task.value, seen.task.golden) == ("mean_average_precision", 1.0, 1.0)
    assert broken == []
    worse, broken = verdict(GOLDEN, padded([CAT], [DOG]), labels=labels)
    assert worse.task.value == pytest.approx(0.75)
    assert "task.noninferiority" in {check.rule for check in broken}


def test_a_fault_of_the_conversion_is_on_its_own_edge():
    lost = padded([CAT], [DOG])
    seen, broken = verdict(GOLDEN, lost, reference=lost)
    assert {check.rule for check in broken} == {"task.noninferiority"}
    boxes = {one.output: one for one in seen.runtime}["boxes"]
    assert (boxes.top1_agreement, boxes.answers) == (1.0, 4)
