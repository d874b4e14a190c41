"""What an operator loses is the noise that it adds, for itself and in part for what reads it."""

import math

import pytest

from harness.artifact import TensorInfo
from harness.locate.findings import EdgeFinding, OperatorResult
from harness.operator_outputs import OperatorNode
from harness.store.record import Comparison
from harness.tune.candidates import Candidate
from harness.tune.operator_losses import NOT_FINITE, operators_of
from harness.variant import Recipe


def result(name, tensor):
    return TensorInfo(name=name, tensor=tensor, index=0, shape=(1, 4), dtype="float32")


FIRST = OperatorNode(0, "CONV_2D", (result("@0.0", "conv/Relu"),), (), 4000)
SECOND = OperatorNode(1, "ADD", (result("@1.0", "add"),), ("@0.0",), 0)
SHAPELESS = OperatorNode(2, "ASSIGN_VARIABLE", ())


def seen(operation, level, lost=None, finite=True):
    known = dict.fromkeys(("max_abs", "mean_abs", "rmse", "cosine", "smallest_tolerance"))
    tensor = operation.results[0]
    comparison = Comparison(output=tensor.tensor, finite=finite, elements=4, sqnr_db=level, **known)
    return OperatorResult(operation, tensor, (1, 4), comparison, (), lost, lost is None)


def operators(*results, weights_alone=False, float16_weights=False):
    finding = EdgeFinding("conversion", "float32", tuple(results), 0)
    recipe = Recipe("int8", 8.0, weights_alone=weights_alone)
    return {
        one.name: one
        for one in operators_of([FIRST, SECOND, SHAPELESS], finding, Candidate(recipe, float16_weights=float16_weights))
    }


def test_it_is_the_noise_of_the_result_without_that_of_what_it_reads():
    assert operators(seen(FIRST, 30.0), seen(SECOND, 20.0, lost=10.0))["add"].loss == pytest.approx(1e-2 - 1e-3)
    assert operators(seen(FIRST, 30.0))["conv/Relu"].loss == pytest.approx(1e-3)


def test_an_operator_that_adds_nothing_stands_in_for_half_of_what_it_reads():
    found = operators(seen(FIRST, 20.0), seen(SECOND, 20.0, lost=0.0))
    assert found["add"].loss == pytest.approx(found["conv/Relu"].loss / 2)


def test_what_makes_the_input_of_one_that_loses_much_stands_in_for_half_of_it():
    """One channel may hide in the range of a result whose other channels are what the next operator needs."""
    found = operators(seen(FIRST, 50.0), seen(SECOND, 10.0, lost=40.0))
    assert found["conv/Relu"].loss == pytest.approx(found["add"].loss / 2)


def test_what_cannot_be_seen_loses_nothing_and_is_there():
    found = operators(seen(FIRST, None))
    assert set(found) == {"conv/Relu", "add"}
    assert found["add"].loss == 0.0


def test_a_result_that_is_not_finite_is_worse_than_any_other():
    assert operators(seen(FIRST, None, finite=False))["conv/Relu"].loss == NOT_FINITE
    assert math.isfinite(NOT_FINITE)


def test_an_operator_in_float_costs_what_its_weights_take_more():
    found = operators()
    assert found["conv/Relu"].added_bytes == 3000
    assert found["add"].added_bytes == 0


def test_with_two_bytes_a_weight_it_costs_a_third_of_that():
    assert operators(float16_weights=True)["conv/Relu"].added_bytes == 1000


def test_of_weights_alone_an_operator_without_any_is_float_already_and_no_neighbour_stands_in_for_another():
    found = operators(seen(FIRST, 50.0), seen(SECOND, 10.0, lost=40.0), weights_alone=True)
    assert set(found) == {"conv/Relu"}
    assert found["conv/Relu"].loss == pytest.approx(1e-5)
