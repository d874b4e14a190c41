"""Both edges of one case."""

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.parity.comparison import Incomparable
from harness.parity.edges import compare_edges

SCORES = TensorInfo(
    name="scores", tensor="t", index=0, shape=(1, 3), dtype="int8", quantisation=Quantisation(scale=0.01, zero_point=0)
)
LATENT = TensorInfo(name="latent", tensor="u", index=1, shape=(1, 2), dtype="float32")


def tensors():
    golden = {
        "scores": np.array([[[1.0, 0.0, 0.5]], [[0.0, 1.0, 0.5]]], dtype=np.float32),
        "latent": np.ones((2, 1, 2), dtype=np.float32),
    }
    reference = {"scores": SCORES.to_stored(golden["scores"]), "latent": golden["latent"] * np.float32(1.5)}
    actual = {"scores": reference["scores"] - np.int8(2), "latent": reference["latent"].copy()}
    return golden, reference, actual


def build(golden, reference, actual, labels=None, task="classification", **more):
    return compare_edges(
        golden,
        reference,
        actual,
        (SCORES, LATENT),
        labels=labels,
        task=task,
        reference_name="reference kernels",
        **more,
    )


def test_a_converters_error_is_on_one_edge_and_a_runtimes_on_the_other():
    result = build(*tensors())
    assert [comparison.output for comparison in result.conversion] == ["scores", "latent"]
    scores, latent = range(2)
    assert result.conversion[scores].max_abs == pytest.approx(0.0, abs=1e-6)
    assert result.conversion[latent].max_abs == pytest.approx(0.5)
    assert result.runtime[scores].max_lsb == 2
    assert result.runtime[scores].max_abs == pytest.approx(0.02, rel=1e-5)
    assert result.runtime[latent].max_abs == 0.0
    assert result.end_to_end[scores].max_abs == pytest.approx(0.02, rel=1e-5)
    assert (result.samples, result.reference) == (2, "reference kernels")


def test_the_task_metric_is_of_the_target_against_the_golden():
    golden, reference, actual = tensors()
    actual["scores"] = actual["scores"][:, :, ::-1].copy()
    task = build(golden, reference, actual, labels=np.array([0, 1])).task
    assert task is not None
    assert (task.golden, task.value) == (1.0, 0.5)


def test_labels_go_to_the_output_that_has_the_classes():
    golden, reference, actual = tensors()
    result = compare_edges(
        golden, reference, actual, (LATENT, SCORES), labels=np.array([2, 1]), task="classification", reference_name="r"
    )
    assert result.task is not None
    assert result.task.golden == 0.5


def test_other_tasks_are_not_ranked():
    assert build(*tensors(), task="regression").runtime[0].top1_agreement is None
    assert build(*tensors()).runtime[0].top1_agreement == 1.0


def test_reconstruction_is_measured_against_the_input():
    inputs = {"x": np.ones((2, 1, 2), dtype=np.float32)}
    result = build(*tensors(), task="reconstruction", inputs=inputs)
    assert result.task is not None
    assert result.task.value == pytest.approx(0.25)


@pytest.mark.parametrize(("side", "whose"), [(0, "golden"), (1, "reference kernels"), (2, "target's")])
def test_a_missing_output_is_named(side, whose):
    sides = tensors()
    del sides[side]["latent"]
    with pytest.raises(Incomparable, match=f"'latent'.*{whose}"):
        build(*sides)


def test_an_output_too_many_is_named():
    golden, reference, actual = tensors()
    with pytest.raises(Incomparable, match="'more'"):
        build(golden, reference, {**actual, "more": actual["latent"]})


def test_swapped_outputs_of_different_shape_are_refused():
    golden, reference, actual = tensors()
    swapped = {"scores": actual["latent"], "latent": actual["scores"]}
    with pytest.raises(Incomparable, match="swapped"):
        build(golden, reference, swapped)


def test_the_record_can_be_written_and_read():
    result = build(*tensors())
    assert type(result).model_validate_json(result.model_dump_json()) == result


def alike_outputs():
    one = TensorInfo(name="p", tensor="t", index=0, shape=(1, 4), dtype="float32")
    infos = (one, one.model_copy(update={"name": "q", "index": 1}))
    random = np.random.default_rng(1)
    return infos, {name: random.normal(size=(16, 1, 4)).astype(np.float32) for name in ("p", "q")}


def test_outputs_swapped_by_the_converter_look_so_on_that_edge_and_to_the_user():
    infos, golden = alike_outputs()
    swapped = {"p": golden["q"], "q": golden["p"]}
    result = compare_edges(golden, swapped, swapped, infos, task="regression", reference_name="r")
    assert [item.looks_like for item in result.conversion] == ["q", "p"]
    assert [item.looks_like for item in result.runtime] == [None, None]
    assert [item.looks_like for item in result.end_to_end] == ["q", "p"]


def test_classes_exchanged_by_the_runtime_look_so_on_that_edge():
    golden, reference, actual = tensors()
    actual["scores"] = reference["scores"][:, :, [1, 0, 2]]
    result = build(golden, reference, actual)
    assert result.conversion[0].exchanged_classes == ()
    assert result.runtime[0].exchanged_classes == (0, 1)


def test_outputs_of_other_shapes_that_are_swapped_are_both_named():
    golden, reference, actual = tensors()
    swapped = {"scores": actual["latent"], "latent": actual["scores"]}
    with pytest.raises(Incomparable, match="look swapped: 'scores' has the shape of 'latent' of reference kernels"):
        build(golden, reference, swapped)


def test_exchanged_labels_are_a_matter_of_the_float32_model_alone():
    golden = {"scores": np.eye(3, dtype=np.float32)[np.repeat([0, 1, 2], 4)].reshape(12, 1, 3)}
    stored = {"scores": SCORES.to_stored(golden["scores"])}
    labels = np.repeat([1, 0, 2], 4)
    task = compare_edges(
        golden, stored, stored, (SCORES,), labels=labels, task="classification", reference_name="r"
    ).task
    assert task.exchanged_labels == (0, 1)
