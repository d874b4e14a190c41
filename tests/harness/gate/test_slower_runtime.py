"""A runtime that got slower, through the real commands: the gate times the accepted revision beside the new one.

By a clock that goes by the work alone, so that no busy machine hides or makes a slowdown. How often one is found by a
real clock: tests/benchmarks/test_slower_runtime.py.
"""

import pytest

from tests.harness.gate.paced_project import BY_WORK, accepted_project


@pytest.fixture(scope="module")
def paced(converter_python, litert_python, shared_cache, tmp_path_factory):
    return accepted_project(tmp_path_factory.mktemp("paced"), shared_cache, BY_WORK)


def test_an_unchanged_runtime_is_not_timed_again(paced):
    assert paced.project.gate() == (0, {})
    said = paced.project.harness("gate", "--explain", paced.case).stdout
    assert "nothing to time" in said


def test_a_slower_runtime_is_found_by_timing_both_revisions_now(paced):
    extra = round(0.6 * paced.nanoseconds)
    code, rules = paced.gate_when_slower(extra)
    assert code == 1
    assert set(rules) == {"latency.regression"}
    assert rules["latency.regression"].startswith("Slower than the baseline by +")
    assert "fresh processes confirmed it" in rules["latency.regression"]
    assert f"Changed: revision 0 → {extra}." in rules["latency.regression"]
