"""The resolver holds a model's operators and no others; the names of its methods are Micro's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import Unsupported
from harness_targets.mcu.micro.build import operators_header
from harness_targets.mcu.micro.resolver import RESOLVER_HEADER, additions, methods_of, usual_method

HEADER = """
  TfLiteStatus AddConv2D(
      const TFLMRegistration& registration = Register_CONV_2D()) {
    return AddBuiltin(BuiltinOperator_CONV_2D, registration, ParseConv2D);
  }

  TfLiteStatus AddDelay() {
    // A comment.
    return AddCustom("SignalDelay", tflite::tflm_signal::Register_DELAY());
  }
"""


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    (tmp_path / RESOLVER_HEADER).parent.mkdir(parents=True)
    (tmp_path / RESOLVER_HEADER).write_text(HEADER)
    return tmp_path


def test_methods_are_read_from_the_users_headers(headers: Path):
    assert methods_of(headers) == {"CONV_2D": "AddConv2D", "CUSTOM SignalDelay": "AddDelay"}


def test_an_operator_is_added_once(headers: Path):
    assert additions(["CONV_2D", "CONV_2D"], methods_of(headers)) == ["AddConv2D"]
    assert operators_header(["AddConv2D"], 0).count("AddConv2D()") == 1


def test_an_operator_that_micro_lacks_is_named(headers: Path):
    with pytest.raises(Unsupported, match="RFFT2D has no kernel"):
        additions(["CONV_2D", "RFFT2D"], methods_of(headers))


@pytest.mark.needs("micro-headers")
def test_the_usual_names_are_those_of_the_real_headers():
    named = Path(os.environ["TFLM_INCLUDE"])
    real = {operator: method for operator, method in methods_of(named).items() if " " not in operator}
    assert len(real) > 80
    assert {operator: usual_method(operator) for operator in real} == real
