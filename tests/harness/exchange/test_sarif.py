"""SARIF 2.1.0: every broken check a result of a rule that is described."""

import json

import pytest

from harness.exchange.sarif import sarif


@pytest.fixture
def log(result):
    (run,) = json.loads(sarif(result, "gates.toml"))["runs"]
    return run


def test_every_broken_check_is_a_result(log, result):
    broken = [check for verdict in result.verdicts for check in verdict.broken]
    assert len(log["results"]) == len(broken) > 3


def test_results_point_to_their_rules(log):
    rules = log["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for found in log["results"]:
        assert rules[found["ruleIndex"]]["id"] == found["ruleId"]


def test_a_result_says_where_and_how_to_see_it_again(log):
    (found,) = [found for found in log["results"] if found["ruleId"] == "growth"]
    (place,) = found["locations"]
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "m/int8/tflite/one/artifact_bytes"
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "gates.toml"
    assert "by 1" in found["message"]["text"]
    assert "harness run --model m --variant int8" in found["message"]["text"]
    assert found["properties"]["measured"] == 1001


def test_the_same_fault_has_the_same_fingerprint_in_the_next_run(result):
    def prints():
        return [r["partialFingerprints"] for r in json.loads(sarif(result))["runs"][0]["results"]]

    assert prints() == prints()
    assert len({json.dumps(p) for p in prints()}) == len(prints())


def test_required_members_are_there_and_of_their_type(result):
    # What the OASIS schema (2.1.0) demands of the objects used here.
    document = json.loads(sarif(result))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run["tool"]["driver"]["name"]
    assert all(rule["id"] and rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
    assert run["results"]
    for found in run["results"]:
        assert found["level"] in {"none", "note", "warning", "error"}
        assert isinstance(found["message"]["text"], str)
        assert found["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
