"""The search finds about what trying everything finds, in a fraction of the conversions, whatever is refused."""

import math
from dataclasses import replace

import pytest

from harness.tune.attempt import Attempt
from harness.tune.candidates import Operator
from harness.tune.search import Search
from tests.harness.fakes.recipes import DYNAMIC, FLOAT16, FLOAT32, INT8, INT16, RECIPES, MadeUp

CONVERSIONS = 24


def searched(oracle, recipes=RECIPES, conversions=CONVERSIONS, **how):
    search = Search(oracle, recipes, conversions, **how)
    search.run()
    return search


class Scripted:
    """Says of each candidate what a function says of its recipe and its operators in float."""

    def __init__(self, answer, operators=()):
        self.answer, self.its_operators = answer, operators

    def try_(self, candidate):
        verdict, figure, beyond = self.answer(candidate.recipe.variant, set(candidate.floats))
        return Attempt(candidate, verdict, figure, beyond, beyond, verdict)

    def operators(self, attempt):
        return self.its_operators


def names(search):
    return [attempt.candidate.label for attempt in search.attempts]


@pytest.mark.parametrize("operators", [5, 8])
def test_where_the_losses_are_told_rightly_it_is_within_a_tenth_of_the_best_in_a_fifth_of_the_conversions(operators):
    for seed in range(20):
        oracle = MadeUp(seed, operators)
        least, candidates = oracle.exhaustively()
        search = searched(oracle)
        assert search.best.figure <= 1.1 * least, seed
        assert len(oracle.tried) <= candidates / 5, seed


def test_where_the_losses_are_off_by_half_it_is_so_in_all_but_one_of_fifty():
    worse = 0
    for seed in range(50):
        oracle = MadeUp(seed, 7, distortion=0.5)
        least, candidates = oracle.exhaustively()
        search = searched(oracle)
        worse += search.best.figure > 1.1 * least
        assert len(oracle.tried) <= candidates / 5, seed
    assert worse <= 1


def test_a_search_over_the_same_is_the_same():
    assert names(searched(MadeUp(3, 9))) == names(searched(MadeUp(3, 9)))


def test_the_smallest_recipe_that_passes_ends_it():
    oracle = MadeUp(0, 6)
    oracle.limit = math.inf
    assert names(searched(oracle)) == ["int8"]


def test_by_speed_every_recipe_is_tried_since_a_smaller_one_need_not_be_faster():
    speeds = {"int8": 3.0, "dynamic": 2.0, "int16x8": 9.0, "float16": 1.0, "float32": 1.0}
    search = searched(Scripted(lambda recipe, floats: ("passed", speeds[recipe], 0.0)), by_size=False)
    assert len(search.attempts) == 5
    assert search.best.candidate.recipe in (FLOAT16, FLOAT32)


def test_nothing_is_tried_beyond_the_conversions_and_the_search_says_that_it_was_cut_short():
    oracle = next(one for one in (MadeUp(seed, 9) for seed in range(50)) if len(searched(one).attempts) > 8)
    search = searched(oracle, conversions=6)
    assert len(search.attempts) == 6
    assert not search.complete
    assert searched(oracle).complete


def test_where_float32_fails_too_no_operator_is_left_in_float_and_the_closest_miss_is_told():
    misses = {"int8": 9.0, "dynamic": 5.0, "int16x8": 4.0, "float16": 3.0, "float32": 3.5}
    search = searched(Scripted(lambda recipe, floats: ("failed", 1.0, misses[recipe]), [Operator("a", 1.0)]))
    assert search.best is None
    assert len(search.attempts) == 5
    assert search.closest.candidate.recipe == FLOAT16


def test_what_a_target_refuses_in_float_stays_quantised():
    oracle = MadeUp(1, 6)
    worst = max(oracle.noise["int8"], key=oracle.noise["int8"].get)
    oracle.refused = {worst}
    rest = sum(noise for name, noise in oracle.noise["int8"].items() if name != worst)
    oracle.limit = oracle.noise["int8"][worst] + rest / 2
    search = searched(oracle, (INT8, FLOAT32))
    assert search.best is not None
    assert search.best.candidate.floats
    assert worst not in search.best.candidate.floats


def test_a_refused_recipe_is_not_searched_inside():
    answers = {"int8": ("refused", None, math.inf), "float32": ("passed", 100.0, 0.0)}
    search = searched(Scripted(lambda recipe, floats: answers[recipe], [Operator("a", 1.0)]), (INT8, FLOAT32))
    assert names(search) == ["int8", "float32"]


def test_the_inside_of_kin_is_searched_once():
    whole = replace(INT8, interface_group="int8")
    kin = (whole, replace(whole, variant="int8-float-io"), FLOAT32)

    def answer(recipe, floats):
        if recipe == "float32":
            return "passed", 400.0, 0.0
        return ("passed", 200.0, 0.0) if floats else ("failed", 100.0, 5.0)

    search = searched(Scripted(answer, [Operator("a", 1.0, 100)]), kin)
    assert names(search) == ["int8", "int8-float-io", "float32", "int8, 1 operator in float"]


def test_another_calibration_costs_no_byte_and_is_tried_before_any_operator_in_float():
    recipe = replace(INT8, choices=({"calibration_samples": 32}, {"per_tensor": True}))

    class Calibrated(Scripted):
        def try_(self, candidate):
            passed = candidate.recipe is not recipe or candidate.choice == 1
            size = 100.0 if candidate.recipe is recipe else 400.0
            return Attempt(candidate, "passed" if passed else "failed", size, 0.1, 0.0 if passed else 2.0)

    search = searched(Calibrated(None, [Operator("a", 1.0, 10)]), (recipe, FLOAT32))
    assert names(search) == ["int8", "float32", "int8, calibration_samples = 32", "int8, per_tensor = true"]
    assert search.best.candidate.options == {"per_tensor": True}


def test_of_a_recipe_whose_interface_a_target_refuses_the_other_one_is_tried():
    """A page takes no int8 input; the same weights with float32 in and out it does."""
    recipe = replace(INT8, choices=({"io": "float32"},))

    class Page(Scripted):
        def try_(self, candidate):
            if candidate.recipe is recipe and candidate.choice is None:
                return Attempt(candidate, "refused", reason="a/page: int8 inputs", targets=("a/page",))
            return Attempt(candidate, "passed", 100_000.0 if candidate.recipe is recipe else 400_000.0, 0.1, 0.0)

    search = searched(Page(None), (recipe, FLOAT32))
    assert names(search) == ["int8", 'int8, io = "float32"']
    assert search.best.candidate.options == {"io": "float32"}


def test_what_is_not_needed_is_quantised_again():
    """One operator does it all, which the losses do not tell."""
    operators = [Operator("large", 8.0, 10_000), Operator("middling", 4.0, 3_000), Operator("guilty", 2.0, 1_000)]

    def answer(recipe, floats):
        if recipe == "float32":
            return "passed", 40_000.0, 0.0
        size = 10_000.0 + sum(one.added_bytes for one in operators if one.name in floats)
        return ("passed", size, 0.0) if "guilty" in floats else ("failed", size, 3.0)

    search = searched(Scripted(answer, operators), (INT8, FLOAT32))
    assert search.best.candidate.floats == ("guilty",)


def test_what_cannot_be_smaller_by_something_worth_it_is_not_tried():
    """The dynamic artifact is 1 % larger than int8, which fails: nothing in float can beat it by much."""
    sizes = {"int8": 100_000.0, "dynamic": 101_000.0}

    def answer(recipe, floats):
        return ("failed" if recipe == "int8" else "passed"), sizes[recipe], 3.0

    search = searched(Scripted(answer, [Operator("a", 1.0, 300)]), (INT8, DYNAMIC, INT16))
    assert names(search) == ["int8", "dynamic"]


def test_of_a_tiny_model_every_recipe_is_tried_since_tables_outweigh_weights():
    sizes = {"int8": 3320.0, "float32": 3092.0}
    search = searched(Scripted(lambda recipe, floats: ("passed", sizes[recipe], 0.0)), (INT8, FLOAT32))
    assert search.best.candidate.recipe == FLOAT32


def test_an_operator_that_costs_too_much_in_float_keeps_no_other_from_being_tried():
    operators = [Operator("huge", 8.0, 90_000), Operator("guilty", 2.0, 1_000), Operator("beside", 1.0, 1_000)]
    sizes = {one.name: one.added_bytes for one in operators}

    def answer(recipe, floats):
        if recipe == "float16":
            return "passed", 80_000.0, 0.0
        passed = {"guilty", "beside"} <= floats
        return ("passed" if passed else "failed"), 40_000.0 + sum(sizes[name] for name in floats), 30.0

    assert searched(Scripted(answer, operators), (INT8, FLOAT16)).best.candidate.floats == ("beside", "guilty")


def test_where_no_number_of_operators_in_float_does_that_is_known_after_few_conversions():
    """A hundred operators of which two are expected to do, and what fails lies elsewhere."""
    operators = [Operator(f"operator{index}", 2.0**-index, 100) for index in range(100)]

    def answer(recipe, floats):
        return ("passed", 90_000.0, 0.0) if recipe == "float32" else ("failed", 20_000.0 + 100 * len(floats), 3.0)

    search = searched(Scripted(answer, operators), (INT8, FLOAT32), conversions=32)
    assert search.complete
    assert max(len(attempt.candidate.floats) for attempt in search.attempts) == 100
    assert len(search.attempts) <= 10


HALVED = replace(INT8, float16_options={"float_weights": "float16"})


def halving(refuses):
    """Two of three operators have to be in float; `refuses` where their weights take two bytes."""
    operators = [Operator("a", 8.0, 1_000), Operator("b", 4.0, 1_000), Operator("c", 1e-3, 1_000)]

    class Halving(Scripted):
        def try_(self, candidate):
            if candidate.recipe.variant == "float32":
                return Attempt(candidate, "passed", 80_000.0, 0.0, 0.0)
            if candidate.float16_weights and candidate.floats and refuses:
                return Attempt(candidate, "refused", reason="a/board: DEQUANTIZE of float16", targets=("a/board",))
            size = 40_000.0 + (1_000 if candidate.float16_weights else 3_000) * len(candidate.floats)
            passed = {"a", "b"} <= set(candidate.floats)
            return Attempt(candidate, "passed" if passed else "failed", size, 0.1, 0.0 if passed else 9.0)

    return Halving(None, operators)


def test_operators_in_float_have_two_bytes_a_weight_where_the_recipe_can_store_them_so():
    best = searched(halving(refuses=False), (HALVED, FLOAT32)).best
    assert (best.candidate.floats, best.candidate.float16_weights) == (("a", "b"), True)


def test_where_a_target_refuses_that_they_have_four_and_it_is_asked_once():
    search = searched(halving(refuses=True), (HALVED, replace(HALVED, variant="int8-too"), FLOAT32))
    assert (search.best.candidate.floats, search.best.candidate.float16_weights) == (("a", "b"), False)
    assert sum(attempt.verdict == "refused" for attempt in search.attempts) == 1


def test_by_speed_bytes_a_weight_are_of_no_use():
    search = searched(halving(refuses=False), (HALVED, FLOAT32), by_size=False)
    assert not any(attempt.candidate.float16_weights for attempt in search.attempts)
