"""The name of a case: model, variant and target."""

from dataclasses import replace

import pytest

from harness.case_name import CaseName
from harness.errors import HarnessError
from harness.gate.policy import FigureLimit

NAME = CaseName("digits_cnn", "int8", "tflite/litert-xnnpack", format="tflite")


def test_a_name_is_read_as_it_is_written():
    assert str(NAME) == "digits_cnn/int8/tflite/litert-xnnpack"
    assert CaseName.parse(str(NAME)) == NAME


@pytest.mark.parametrize("text", ["", "digits_cnn", "digits_cnn/int8", "digits_cnn/int8/", "/int8/tflite/one", "a//b"])
def test_what_is_no_name_is_refused_in_one_sentence(text):
    with pytest.raises(HarnessError, match="is no case; write MODEL/VARIANT/TARGET"):
        CaseName.parse(text)


def test_what_follows_from_a_name_tells_no_two_apart():
    other = replace(NAME, format="", base="float32")
    assert other == NAME
    assert hash(other) == hash(NAME)
    assert sorted([CaseName("b", "a", "a"), CaseName("a", "b", "b"), NAME])[0].model == "a"


def test_a_rule_is_never_passed_over_because_a_format_is_not_known():
    budget = FigureLimit(figure="artifact_bytes", limit=1, source="s", format="tflite")
    assert budget.covers(NAME)
    assert not budget.covers(replace(NAME, format="tfjs"))
    with pytest.raises(ValueError, match="format of digits_cnn"):
        budget.covers(CaseName.parse(str(NAME)))


def test_a_rule_for_a_target_holds_at_every_place_that_has_it():
    budget = FigureLimit(figure="artifact_bytes", limit=1, source="s", target="tflite/litert-xnnpack")
    there = replace(NAME, target="tflite/litert-xnnpack@bench")
    assert (there.runtime, CaseName.parse(str(there))) == ("tflite/litert-xnnpack", there)
    assert budget.covers(there)
    assert budget.covers(NAME)
    assert not budget.covers(replace(NAME, target="tflite/litert-builtin@bench"))
    here = FigureLimit(figure="artifact_bytes", limit=1, source="s", target="*@bench")
    assert (here.covers(there), here.covers(NAME)) == (True, False)
