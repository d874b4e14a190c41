"""JUnit XML: a test per case, failures addressed, and the structure that both schemas in use ask for."""

from xml.etree import ElementTree

import pytest

from harness.exchange.junit import junit


@pytest.fixture
def suites(result):
    return ElementTree.fromstring(junit(result))


def test_there_is_a_test_for_every_case_in_a_suite_per_model(suites):
    assert [(suite.get("name"), suite.get("tests")) for suite in suites] == [("m", "3"), ("n", "3")]
    assert [case.get("name") for case in suites.iter("testcase")] == ["tflite/one"] * 6


def test_the_counts_are_those_of_the_elements(suites):
    for suite in suites:
        for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == len(list(suite.iter(element))), attribute


def test_a_failure_is_addressed_to_model_variant_target_and_metric(suites):
    failure = next(suites.iter("failure"))
    assert "model=m variant=float32 target=tflite/one metric=runtime.p.sqnr_db" in failure.text
    assert failure.get("type") == "parity.runtime.sqnr_db"
    assert "harness run --model m --variant float32 --target tflite/one --fresh" in failure.text


def test_a_crash_is_an_error_and_what_is_not_installed_is_skipped(suites):
    assert next(suites.iter("error")).get("type") == "outcome"
    assert next(suites.iter("skipped")).get("message") == "unavailable: not installed"


def test_control_characters_of_a_runtime_do_not_break_the_document(result):
    assert "\x00" not in junit(result)
    assert "\x1b" not in junit(result)


def test_elements_and_attributes_come_as_the_schemas_want_them(suites):
    # JUnit.xsd (windyroad) demands all of these, in this order; junit-10.xsd (Jenkins) allows them.
    for suite in suites:
        assert set(suite.keys()) >= {
            "id",
            "package",
            "name",
            "timestamp",
            "hostname",
            "tests",
            "failures",
            "errors",
            "time",
        }
        assert suite[0].tag == "properties"
        assert [child.tag for child in suite][-2:] == ["system-out", "system-err"]
        assert suite.get("timestamp") == "2026-11-20T12:00:00"
    for case in suites.iter("testcase"):
        assert len(case) <= 1
        assert set(case.keys()) == {"classname", "name", "time"}
