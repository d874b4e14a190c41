"""A candidate is a variant of the project's own, by the same name in every search."""

from harness import registry
from harness.conversion.choices import Choices
from harness.tune.candidates import Candidate, recipes_of
from harness.variant import READY, Format, Recipe, Variant

INT8 = Recipe("int8", 8, "excluded_nodes", choices=({"calibration_samples": 8},))
FORM = Format(
    "fake",
    (Variant("float32", "", {"scheme": "float32"}), Variant("int8", "", {"scheme": "int8", "io": "int8"})),
    converter=None,
    recipes=(Recipe("float32", 32), INT8, Recipe("int4", 4)),
)
BASES = {variant.name: variant for variant in FORM.variants}


def test_a_whole_recipe_is_the_formats_own_variant():
    assert Candidate(INT8).variant(BASES) is BASES["int8"]


def test_operators_in_float_are_options_of_a_variant_that_is_based_on_the_recipe():
    variant = Candidate(INT8, 0).leaving(["b", "a"]).variant(BASES)
    assert variant.options == {"scheme": "int8", "io": "int8", "calibration_samples": 8, "excluded_nodes": ["a", "b"]}
    assert variant.base == "int8"
    assert variant.name.startswith("int8.float2-")
    assert variant.summary == "int8, calibration_samples = 8, 2 operators in float"


def test_weights_of_what_is_in_float_may_be_halved_and_without_any_in_float_nothing_is_changed():
    recipe = Recipe("int8", 8, "excluded_nodes", float16_options={"float_weights": "float16"})
    whole = Candidate(recipe, float16_weights=True)
    assert whole.options == {}
    assert whole.leaving(["a"]).options == {"excluded_nodes": ["a"], "float_weights": "float16"}
    assert whole.leaving(["a"]).label == "int8, 1 operator in float, two bytes a weight"


def test_the_name_follows_from_the_options_alone():
    assert Candidate(INT8).leaving(["b", "a"]).name == Candidate(INT8).leaving(["a", "b"]).name
    assert Candidate(INT8).leaving(["a"]).name != Candidate(INT8).leaving(["b"]).name


def test_recipes_come_from_the_smallest_and_those_that_a_model_has_no_variant_for_are_left_out():
    assert [recipe.variant for recipe in recipes_of(FORM, BASES)] == ["int8", "float32"]


def test_a_format_that_states_none_is_tried_as_its_variants_are():
    plain = Format("plain", FORM.variants, converter=None)
    assert [recipe.variant for recipe in recipes_of(plain, BASES)] == ["float32", "int8"]


def test_a_ready_artifact_is_tried_as_it_was_given_last():
    assert [recipe.variant for recipe in recipes_of(FORM, {"int8": BASES["int8"], "ready": READY})] == ["int8", "ready"]


def test_every_recipe_of_a_format_is_one_of_its_variants_and_changes_what_harness_toml_can_say():
    for form in registry.formats().values():
        for recipe in form.recipes:
            assert form.variant(recipe.variant).name == recipe.variant
            changed = [
                *([recipe.float_operators_option] if recipe.float_operators_option else []),
                *(key for one in (*recipe.choices, recipe.float16_options) for key in one),
            ]
            assert set(changed) <= set(Choices.model_fields)
