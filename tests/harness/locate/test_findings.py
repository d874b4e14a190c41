"""From compared tensors to the operator at fault."""

import numpy as np
import pytest

from harness.artifact import Quantisation, TensorInfo
from harness.case_name import CaseName
from harness.gate.judge import EdgeRules
from harness.gate.policy import Policy
from harness.locate.findings import EdgeFinding, findings
from harness.operator_outputs import OperatorNode
from harness.parity.comparison import compare

RIGHT = np.linspace(-1, 1, 200).reshape(2, 1, 100).astype(np.float32)


def result(name, dtype="float32", quantisation=None):
    return TensorInfo(
        name=name, tensor=f"model/{name}", index=0, shape=(1, 100), dtype=dtype, quantisation=quantisation
    )


def operation(index, name, *reads, info=None):
    return OperatorNode(index, name, (info or result(f"@{index}.0"),), tuple(f"@{read}.0" for read in reads))


def rules(target="tflite/litert-builtin", variant="float32"):
    return EdgeRules(Policy(), "runtime", CaseName("model", variant, target, format="tflite"))


def finding(operations, errors):
    """`errors`: what is added to the values of each result; those left out were not seen."""
    comparisons = {
        f"@{index}.0": compare(f"@{index}.0", RIGHT + np.float32(error), RIGHT) for index, error in errors.items()
    }
    shapes = dict.fromkeys(comparisons, RIGHT.shape)
    return EdgeFinding("runtime", "the reference", findings(rules(), operations, comparisons, shapes), 0)


CHAIN = [
    operation(0, "CONV_2D"),
    operation(1, "RELU", 0),
    operation(2, "FULLY_CONNECTED", 1),
    operation(3, "SOFTMAX", 2),
]


def test_nothing_differs():
    found = finding(CHAIN, dict.fromkeys(range(4), 0.0))
    assert found.exact
    assert found.first_broken is None
    assert found.largest_loss is None
    assert not any(seen.introduces for seen in found.seen)


def test_the_first_that_breaks_a_rule_is_at_fault_and_not_those_that_pass_it_on():
    found = finding(CHAIN, {0: 0.0, 1: 1e-7, 2: 0.1, 3: 0.2})
    assert found.first_broken.operation.operator == "FULLY_CONNECTED"
    assert found.first_differing.operation.operator == "RELU"
    assert found.largest_loss.operation.operator == "FULLY_CONNECTED"
    assert found.largest_loss.lost_db == pytest.approx(120, abs=5)
    assert [seen.introduces for seen in found.seen] == [False, True, False, False]


def test_small_differences_that_keep_to_the_rules_are_told_and_are_no_fault():
    found = finding(CHAIN, {0: 1e-7, 1: 1.1e-7, 2: 1e-7, 3: 1e-7})
    assert found.first_broken is None
    assert found.first_differing.operation.index == 0
    assert found.largest_loss is None, "nothing doubled"


def test_two_branches_can_each_begin_to_differ():
    branches = [operation(0, "CONV_2D"), operation(1, "CONV_2D"), operation(2, "ADD", 0, 1)]
    found = finding(branches, {0: 1e-6, 1: 1e-6, 2: 2e-6})
    assert [seen.introduces for seen in found.seen] == [True, True, False]


def test_a_result_that_was_not_seen_neither_hides_nor_blames_its_readers():
    found = finding(CHAIN, {0: 0.0, 2: 0.1, 3: 0.1})
    assert [seen.operation.index for seen in found.seen] == [0, 2, 3]
    assert found.first_broken.operation.index == 2
    assert found.seen[1].introduces, "as far as can be seen"


def test_a_nan_is_a_fault_where_it_appears_first():
    found = finding(CHAIN, {0: 0.0, 1: np.nan, 2: np.nan, 3: np.nan})
    assert found.first_broken.operation.index == 1
    assert found.first_broken.broken[0].rule == "parity.runtime.finite"


def test_integers_of_the_model_itself_are_not_taken_for_quantised_values():
    """A shape or an index that is off by one is no rounding."""
    index = result("@0.0", dtype="int32")
    right = np.arange(20, dtype=np.int32).reshape(2, 10)
    comparison = compare("@0.0", right + 1, right, index, index)
    (seen,) = findings(rules(), [operation(0, "ARG_MAX", info=index)], {"@0.0": comparison}, {"@0.0": right.shape})
    assert [check.rule for check in seen.broken] == ["parity.runtime.top1_agreement"]


def test_quantised_values_are_held_to_the_limit_in_steps_of_their_scale():
    info = result("@0.0", dtype="int8", quantisation=Quantisation(scale=0.1, zero_point=3))
    right = np.arange(20, dtype=np.int8).reshape(2, 10)
    comparison = compare("@0.0", right + np.int8(1), right, info, info)
    on_a_board = rules("mcu/qemu-cortex-m4", "int8")
    (seen,) = findings(on_a_board, [operation(0, "CONV_2D", info=info)], {"@0.0": comparison}, {"@0.0": right.shape})
    assert seen.broken, "boards have to be exact"
    on_xnnpack = rules("tflite/litert-xnnpack", "int8")
    (seen,) = findings(on_xnnpack, [operation(0, "CONV_2D", info=info)], {"@0.0": comparison}, {"@0.0": right.shape})
    assert not seen.broken


def output_of(errors, *, seen=True):
    """The chain with the model's output at its end, or with an output that cannot be seen."""
    last = operation(3, "SOFTMAX", 2, info=result("y" if seen else "@3.0"))
    comparisons = {
        info.name: compare(info.name, RIGHT + np.float32(errors[found.index]), RIGHT)
        for found in [*CHAIN[:3], last]
        for info in found.results
    }
    shapes = dict.fromkeys(comparisons, RIGHT.shape)
    return EdgeFinding("runtime", "the reference", findings(rules(), [*CHAIN[:3], last], comparisons, shapes), 0)


@pytest.mark.parametrize(
    ("errors", "seen", "hold"),
    [((0, 0, 0.1, 1e-7), True, True), ((0, 0, 0.1, 0.1), True, False), ((0, 0, 0.1, 1e-7), False, False)],
)
def test_outputs_hold_only_where_they_were_seen_to(errors, seen, hold):
    assert output_of(errors, seen=seen).outputs_hold is hold


def test_a_broken_rule_that_the_policy_excuses_is_no_fault():
    comparison = compare("@0.0", RIGHT + np.float32(0.1), RIGHT)
    shapes = {"@0.0": RIGHT.shape}
    let_through = findings(
        rules(), CHAIN[:1], {"@0.0": comparison}, shapes, lambda check: check.model_copy(update={"passed": True})
    )
    assert findings(rules(), CHAIN[:1], {"@0.0": comparison}, shapes)[0].broken
    assert not let_through[0].broken
