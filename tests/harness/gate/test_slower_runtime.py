"""A runtime that got slower, through the real commands: the gate times the accepted revision beside the new one.

Here it got 60 % slower, which no noise of a shared machine hides. For 7 % see tests/benchmarks/test_slower_runtime.py,
which tells how often it is found.
"""

import pytest

from tests.harness.gate.paced_project import CASE, accepted_project, gate_when_slower, steps_of

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def project(converter_python, litert_python, shared_cache, tmp_path_factory):
    return accepted_project(tmp_path_factory.mktemp("paced"), shared_cache)


def test_an_unchanged_runtime_is_not_timed_again(project):
    assert project[0].gate() == (0, {})
    said = project[0].harness("gate", "--explain", CASE).stdout
    assert "nothing to time" in said


def test_a_slower_runtime_is_found_by_timing_both_revisions_now(project):
    project, nanoseconds = project
    steps = steps_of(0.6 * nanoseconds)
    code, rules = gate_when_slower(project, steps)
    assert code == 1
    assert set(rules) == {"latency.regression"}
    assert rules["latency.regression"].startswith("Slower than the baseline by +")
    assert "fresh processes confirmed it" in rules["latency.regression"]
    assert f"Changed: revision 0 → {steps}." in rules["latency.regression"]
