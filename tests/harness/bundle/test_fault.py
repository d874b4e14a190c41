"""The smallest model that shows a fault, found in a chain of three operators."""

import numpy as np
import pytest

from harness.bundle.fault import FaultFinder, NoFault
from harness.errors import Failed, Unsupported
from tests.harness.fakes.chain import FORMAT, STEPS, ChainTarget, locator
from tests.harness.fakes.converter import FAKE_FORMAT


def finder(folder, target=None, *, without_weights=False, form=FORMAT, **more):
    made, _ = locator(folder, target, form=form, **more)
    return FaultFinder(made, folder / "scratch", without_weights=without_weights), made.runtime(in_doubt=True)


def test_the_operator_at_fault_is_alone_with_what_reaches_it(tmp_path):
    find, finding = finder(tmp_path, ChainTarget({"SHIFT": 0.25}))
    fault = next(find.candidates(finding))
    assert fault.artifact.operators == {"SHIFT": 1}
    assert fault.is_alone
    assert fault.operator == "SHIFT"
    scaled = dict(STEPS)["SCALE"](find.locator.golden.inputs["x"])
    assert any((fault.inputs["input_0"] == row[None]).all() for row in scaled), "one of the samples that reach it"
    np.testing.assert_allclose(fault.actual["output_0"] - fault.expected["output_0"], 0.25, rtol=1e-6)


def test_one_sample_is_enough_where_it_shows_the_fault(tmp_path):
    find, finding = finder(tmp_path, ChainTarget({"SCALE": 0.25}))
    fault = next(find.candidates(finding))
    assert [len(values) for values in fault.inputs.values()] == [1]


def test_the_model_follows_where_the_operator_alone_does_not_show_it(tmp_path):
    """What a runtime fuses is sound by itself."""
    find, finding = finder(tmp_path, ChainTarget(fused=0.5))
    fault = next(find.candidates(finding))
    assert fault.inputs.keys() == {"x"}
    assert fault.operator == ""


def test_the_candidates_end_with_why_there_is_none(tmp_path):
    find, finding = finder(tmp_path, ChainTarget({"SHIFT": 0.25}))
    candidates = find.candidates(finding)
    assert [next(candidates).is_alone, next(candidates).inputs.keys()] == [True, {"x"}]
    with pytest.raises(Failed, match="No model by itself shows it"):
        next(candidates)


def test_what_is_sound_has_nothing_to_report(tmp_path):
    find, finding = finder(tmp_path)
    with pytest.raises(NoFault, match="is what the reference gives"):
        next(find.candidates(finding))


def test_a_fault_that_goes_with_the_weights_is_not_shown_without_them(tmp_path):
    find, finding = finder(tmp_path, ChainTarget({"SHIFT": 0.25}), without_weights=True)
    with pytest.raises(Failed, match="With random numbers in place of its weights it does not show"):
        next(find.candidates(finding))


def test_a_format_that_cuts_nothing_out_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="inside of fake artifacts"):
        finder(tmp_path, form=FAKE_FORMAT)
