"""Faults put in on purpose, each into a real artifact or a real runtime, and through the real commands: `harness run`,
then `harness gate`. Each is caught by the rule that is there for it, and named.

Many go into one project, one model each, so that one run and one verdict show them all. A browser that falls back from
WebGL to the CPU is in tests/targets/tfjs, a runtime that got slower in test_slower_runtime.py.
"""

import shutil

import numpy as np
import pytest

from tests.harness.gate.faulty_models import OFFSET
from tests.harness.gate.faulty_project import HERE, Project, copy_of, digits
from tests.harness.gate.flatbuffer_faults import (
    with_classes_exchanged,
    with_constant,
    with_one_byte_more,
    with_outputs_swapped,
    with_weight_changed,
    with_zero_point_changed,
    with_zero_point_of_input_changed,
)

BELOW_ZERO = [0.5, 0.25, -1.0, 0.5]
NEGATIVE_SAMPLE = 5
ON_DIGITS = {
    "weight_by_1": lambda content: with_weight_changed(content, 1),
    "weight_by_64": lambda content: with_weight_changed(content, 64),
    "zero_point": lambda content: with_zero_point_changed(content, 200),
    "zero_point_of_input": lambda content: with_zero_point_of_input_changed(content, 40),
    "classes": lambda content: with_classes_exchanged(content, 3, 7),
    "one_byte_more": with_one_byte_more,
    "labels": None,
    "no_fault": None,
}
ON_FLOATS = {
    "two_heads": with_outputs_swapped,
    "root": lambda content: with_constant(content, OFFSET, BELOW_ZERO),
}
LITERT, FAULTY = "tflite/litert-xnnpack", "faulty/litert-nan"
DIGITS = ("--parity-only", "--variant", "int8", "--target", LITERT)
FLOATS = ("--parity-only", "--variant", "float32", "--target", LITERT, "--target", FAULTY)


def accepted(folder, tables, *selection):
    """A project without a fault, run once, accepted, and green; with the key of each model's artifact."""
    project = Project(folder, "\n".join(tables))
    code, record = project.run(*selection)
    assert code == 0, [(case["model"], case["reason"]) for case in record["cases"]]
    assert project.harness("baseline", "accept").returncode == 0
    assert project.gate("--complete") == (0, {})
    return project, {case["model"]: case["artifact"]["key"] for case in record["cases"]}


def judged(project, *selection, **variables):
    """Run again, and what the gate finds: case to rule to message. Both commands have to be red."""
    assert project.run(*selection, **variables)[0] == 1
    code, broken = project.gate(**variables)
    assert code == 1
    return broken


@pytest.fixture(scope="module")
def digits_project(converter, litert_python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    saved_model, arrays = digits(converter)
    return accepted(folder, [copy_of(saved_model, arrays, folder, name) for name in ON_DIGITS], *DIGITS)


@pytest.fixture(scope="module")
def on_digits(digits_project):
    """Model to rule to message, with every fault of a classifier put in."""
    project, keys = digits_project
    for model, fault in ON_DIGITS.items():
        if fault is not None:
            project.put_in(keys[model], fault)
    labels = project.folder / "labels.npz"
    arrays = dict(np.load(labels))
    arrays["labels"] = np.choose(arrays["labels"], [0, 8, 2, 3, 4, 5, 6, 7, 1, 9])
    np.savez(labels, **arrays)
    broken = judged(project, *DIGITS)
    return {model: broken.get(f"{model}/int8/{LITERT}", {}) for model in ON_DIGITS}


@pytest.fixture(scope="module")
def on_floats(converter_python, litert_python, tmp_path_factory):
    """(model, whether its runtime is the faulty one) to rule to message, with the faults of float32 models put in."""
    folder = tmp_path_factory.mktemp("floats")
    (folder / "source").mkdir()
    shutil.copy(HERE / "faulty_models.py", folder / "source")
    random = np.random.default_rng(11)
    positive = random.uniform(1.5, 3.0, size=(64, 1, 4)).astype(np.float32)
    positive[NEGATIVE_SAMPLE, 0, 2] = 0.5
    heads = random.normal(size=(64, 1, 8)).astype(np.float32)
    tables = []
    for name, x in (("two_heads", heads), ("two_heads_again", heads + 1), ("root", positive)):
        np.savez(folder / f"{name}.npz", x=x)
        function = name.removesuffix("_again")
        source = f'path = "source"\nentry = "faulty_models:{function}"\ndata = "{name}.npz"'
        tables.append(f"[models.{name}]\n{source}\n")
    project, keys = accepted(folder, tables, *FLOATS)
    for model, fault in ON_FLOATS.items():
        project.put_in(keys[model], fault)
    broken = judged(project, *FLOATS, HARNESS_FAULTY_NAN="17:left")
    return {
        (model, faulty): broken.get(f"{model}/float32/{target}", {})
        for model in ("two_heads", "two_heads_again", "root")
        for faulty, target in ((False, LITERT), (True, FAULTY))
    }


def on_the_runtimes_edge(rules):
    return [rule for rule in rules if rule.startswith("parity.runtime")]


def test_where_no_fault_was_put_in_nothing_is_found(on_digits):
    assert on_digits["no_fault"] == {}


def test_one_weight_off_by_one_step_is_other_bytes_of_the_same_recipe(on_digits):
    rules = on_digits["weight_by_1"]
    assert "source, recipe and converter are the accepted ones" in rules["baseline.artifact"]
    assert "the file was changed after it" in rules["baseline.artifact"]
    assert "Its outputs are others as well" in rules["baseline.artifact"]


def test_one_weight_off_by_64_steps_is_other_bytes_and_costs_parity(on_digits):
    rules = on_digits["weight_by_64"]
    assert "baseline.artifact" in rules
    assert "drop of" in rules["baseline.parity.conversion"]
    # It is the converter's edge that has the fault: runtime and reference agree on the changed file.
    assert not on_the_runtimes_edge(rules)


@pytest.mark.parametrize("place", ["zero_point", "zero_point_of_input"])
def test_a_wrong_zero_point_is_a_fault_of_the_conversion(on_digits, place):
    rules = on_digits[place]
    assert "parity.conversion.sqnr_db" in rules or "baseline.parity.conversion" in rules
    assert not on_the_runtimes_edge(rules)


def test_swapped_outputs_are_named_with_both_places(on_floats):
    message = on_floats["two_heads", False]["parity.conversion.swapped_outputs"]
    assert "the outputs look swapped against the float32 golden: output 0 (" in message
    assert "agrees with its output 1 (" in message
    assert "output 1 (" in message
    assert not on_the_runtimes_edge(on_floats["two_heads", False])


def test_two_exchanged_classes_are_named(on_digits):
    assert "classes 3 and 7 look exchanged" in on_digits["classes"]["parity.conversion.exchanged_classes"]
    assert "task.noninferiority" in on_digits["classes"]


def test_two_exchanged_labels_are_a_fault_of_the_data(on_digits):
    rules = on_digits["labels"]
    assert "classes 1 and 8 look exchanged in the data" in rules["task.exchanged_labels"]
    assert "the model, its data or its labels" in rules["baseline.golden"].lower()
    assert not [rule for rule in rules if rule.startswith("parity.")]


def test_a_nan_that_an_artifact_gives_for_one_input_is_placed(on_floats):
    message = on_floats["root", False]["parity.conversion.finite"]
    assert "'root'" in message
    assert f"sample {NEGATIVE_SAMPLE}, index [0, 2]" in message


def test_a_nan_that_a_runtime_gives_for_one_input_is_placed_on_its_edge_and_in_its_case(on_floats):
    assert on_floats["two_heads_again", False] == {}
    assert set(on_floats["two_heads_again", True]) == {"parity.runtime.finite"}
    message = on_floats["two_heads_again", True]["parity.runtime.finite"]
    assert "'left'" in message
    assert "sample 17, index [0, 5]" in message


def test_one_byte_more_is_growth_by_one(on_digits):
    assert "by 1 (" in on_digits["one_byte_more"]["growth"]
    assert "artifact_bytes grew from" in on_digits["one_byte_more"]["growth"]


def test_a_person_is_told_rule_and_place_and_how_to_see_it_again(digits_project, on_digits):
    said = digits_project[0].harness("gate").stdout
    assert (
        "✗ classes/int8/tflite/litert-xnnpack\n    parity.conversion.exchanged_classes: Conversion: classes 3" in said
    )
    assert "again: harness run --model classes --variant int8 --target tflite/litert-xnnpack --fresh" in said
    assert said.rstrip().splitlines()[-1].startswith(f"✗ 7 of {len(ON_DIGITS)} cases break a rule")
