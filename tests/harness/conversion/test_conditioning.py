"""How a model's answer to rounding is measured: with a format whose operators are a matrix here."""

from types import SimpleNamespace

import numpy as np
import pytest

from harness.conversion.conditioning import UNIT_DB, Unmeasured, conditioning, off_by_a_unit

GENERATOR = np.random.default_rng(1)
X = GENERATOR.normal(size=(64, 8)).astype(np.float32)
FLOAT = {"name": "y", "quantisation": None}
INT8 = {"name": "y", "quantisation": {"scale": 0.5, "zero_point": 3}}


def figures(function, still, *, info=FLOAT, step=None, work=1000, by="reference", noise=0.0, samples=64, **more):
    """What is said of an output of `function`, whose results are off by `noise`."""

    def disturbed(samples, generator):
        result = function(samples["x"]).astype(np.float64)
        return by, {"y": (result * (1 + noise * generator.standard_normal(result.shape))).astype(still.dtype)}

    module = SimpleNamespace(
        work=lambda path: work,
        disturbed=lambda path, inspected: disturbed,
        output_steps=lambda path, inspected: {} if step is None else {"y": step},
        **more,
    )
    found = conditioning(module, None, {"outputs": [info]}, {"x": X[:samples]}, {"y": still[:samples]}, "reference")
    return found, found["outputs"][0]


def test_half_of_the_inputs_move_by_one_unit_in_the_last_place_and_zeros_stay():
    values = np.array([0.0, np.inf, np.nan, *GENERATOR.normal(size=2000)], np.float32)
    moved = off_by_a_unit(values, np.random.default_rng(2))
    np.testing.assert_array_equal(moved[:3], values[:3])
    share = np.mean(moved[3:] != values[3:])
    assert 0.45 < share < 0.55
    assert set(np.unique(np.abs(moved[3:].view(np.int32) - values[3:].view(np.int32)))) == {0, 1}
    labels = np.arange(5)
    assert off_by_a_unit(labels, np.random.default_rng(2)) is labels


def test_a_model_that_takes_a_difference_of_near_numbers_is_ill_conditioned():
    well = figures(lambda x: x * 3, X * 3)[1]["sqnr_db"]
    ill = figures(lambda x: (x + np.float32(1000)) - np.float32(1000), (X + np.float32(1000)) - np.float32(1000))
    ill = figures(lambda x: x, X, noise=1e-4)[1]["sqnr_db"]
    assert well > 130
    assert 75 < ill < 85


def test_the_same_twice():
    assert figures(lambda x: x * 3, X * 3, noise=1e-6) == figures(lambda x: x * 3, X * 3, noise=1e-6)


def test_an_output_that_does_not_move_is_off_by_a_unit_all_the_same():
    found = figures(lambda x: np.ones_like(x), np.ones_like(X))[1]
    assert found["sqnr_db"] == pytest.approx(UNIT_DB)
    assert found["peak"] == 0


def test_an_output_of_zeros_has_no_signal_to_compare_with():
    found = figures(lambda x: np.zeros_like(x), np.zeros_like(X))[1]
    assert found["sqnr_db"] is None


def test_steps_are_counted_and_one_in_a_hundred_is_taken_to_move():
    stored = np.clip(np.round(X * 20), -128, 127).astype(np.int8)
    found = figures(lambda x: np.clip(np.round(x * 20), -128, 127), stored, info=INT8)[1]
    assert found["steps"] in (0, 1)
    assert found["step"] == 0.5
    signal = np.square(stored.astype(float) - 3).sum()
    assert found["sqnr_db"] <= 10 * np.log10(signal / (0.01 * stored.size)) + 1e-9


def test_a_float_output_with_steps_is_counted_in_them():
    grid = (np.round(X / 0.25) * 0.25).astype(np.float32)
    found = figures(lambda x: np.round(x / 0.25) * 0.25 + 0.5, grid, step=0.25)[1]
    assert found["steps"] == 2


def test_a_class_index_has_no_figures():
    index = X.argmax(axis=1)
    found = figures(lambda x: x.argmax(axis=1), index)[1]
    assert found["sqnr_db"] is found["steps"] is None


def test_what_becomes_infinite_or_not_a_number_has_no_figures():
    found = figures(lambda x: np.where(x > 1, np.nan, x), X)[1]
    assert found["sqnr_db"] is None


@pytest.mark.parametrize(("work", "samples", "draws"), [(1000, 64, 4), (400_000_000, 20, 1), (10**12, 2, 1)])
def test_large_models_get_fewer_samples_and_draws(work, samples, draws):
    found, _ = figures(lambda x: x, X, work=work)
    assert (found["samples"], found["draws"]) == (samples, draws)


@pytest.mark.parametrize(
    ("samples", "work", "draws"), [(32, 1000, 4), (31, 1000, 8), (9, 1000, 8), (9, 150_000_000, 5)]
)
def test_few_samples_are_moved_more_often(samples, work, draws):
    """What jumps in one value of thousands was missed by two draws on nine samples, and sound runtimes failed."""
    assert figures(lambda x: x, X, work=work, samples=samples)[0]["draws"] == draws


def test_another_interpreter_in_its_place_measures_nothing():
    with pytest.raises(Unmeasured, match="reference does not run it"):
        figures(lambda x: x, X, by="another")


def test_where_another_stands_in_for_the_reference_the_formats_own_interpreter_answers_for_both_sides():
    """MediaPipe's selfie segmentation, which XNNPACK alone runs: without a figure two sound runtimes failed."""

    def own(path, inspected, samples):
        return "XNNPACK", {"y": samples["x"] * 2}

    elsewhere = X * np.float32(1.5)  # what the stand-in gave: nothing of its distance is to be seen
    _, output = figures(lambda x: x * 2, elsewhere, by="XNNPACK", noise=1e-6, undisturbed=own)
    assert 115 < output["sqnr_db"] < 125
    with pytest.raises(Unmeasured, match="reference does not run it"):
        figures(lambda x: x, X, by="BUILTIN", undisturbed=own)
