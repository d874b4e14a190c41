"""Which of several interpreters is wrong is decided by what they give, and by nothing that is known of them."""

import numpy as np
import pytest

from harness.parity.triangulation import Witness, decide, votes


def witness(name, value, kernels=None, faithful=False):
    return Witness(name, hash(name) if kernels is None else kernels, {"y": np.float32([value])}, faithful)


def agree(one, other):
    return abs(float(one["y"][0]) - float(other["y"][0])) < 0.5


def decided(reference, *others, has_golden=False):
    return decide(reference, others, agree, has_golden=has_golden)


def test_a_reference_that_others_agree_with_is_confirmed():
    found = decided(witness("reference", 1), witness("builtin", 1), witness("micro", 1.1))
    assert (found.standing, found.supporters, found.majority) == ("confirmed", ("builtin", "micro"), ())


def test_two_that_agree_against_it_outvote_it():
    found = decided(witness("reference", 9), witness("builtin", 1), witness("micro", 1.1))
    assert (found.standing, found.majority) == ("outvoted", ("builtin", "micro"))


def test_those_with_the_same_kernels_and_the_same_bytes_have_one_vote():
    shared = [witness("builtin", 1, kernels=7), witness("xnnpack", 1, kernels=7)]
    assert votes(shared) == 1
    assert votes([shared[0], witness("xnnpack", 1.1, kernels=7)]) == 2
    assert decided(witness("reference", 9), *shared).standing == "disputed"


@pytest.mark.parametrize(("reference", "other", "standing"), [(False, True, "outvoted"), (True, False, "confirmed")])
def test_tensorflow_votes_for_the_side_that_is_faithful_to_it(reference, other, standing):
    found = decided(witness("reference", 9, faithful=reference), witness("builtin", 1, faithful=other), has_golden=True)
    assert found.standing == standing


def test_tensorflow_has_no_vote_where_both_sides_are_as_faithful():
    found = decided(witness("reference", 9, faithful=True), witness("builtin", 1, faithful=True), has_golden=True)
    assert found.standing == "disputed"


def test_those_that_disagree_with_everybody_outvote_nobody():
    found = decided(witness("reference", 9), witness("builtin", 1), witness("micro", 4))
    assert found.standing == "disputed"
    assert decided(witness("reference", 9), witness("builtin", 9), witness("micro", 4)).standing == "confirmed"
