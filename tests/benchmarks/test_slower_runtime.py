"""A runtime 7 % slower, through `harness run` and `harness gate`: how often the gate says so. Run by hand:

    python -m pytest tests/benchmarks/test_slower_runtime.py --benchmark-only -s

`HARNESS_SLOWER_TRIALS` (10) gates, old and new revision timed in turns every time; `HARNESS_SLOWER_SHARE` (0.07) is the
share. test_detection.py has the rates of the decision itself over many more trials.
"""

import os
import time

from harness.paths import cache_directory
from tests.harness.gate.paced_project import PACED, accepted_project, steps_of

TRIALS = int(os.environ.get("HARNESS_SLOWER_TRIALS", "10"))
SHARE = float(os.environ.get("HARNESS_SLOWER_SHARE", "0.07"))


def test_a_slower_runtime_is_named_by_the_gate(benchmark, tmp_path):
    paced = accepted_project(tmp_path, cache_directory(), PACED)
    steps = steps_of(SHARE * paced.nanoseconds)
    found = []

    def trials():
        for _ in range(TRIALS):
            begun = time.monotonic()
            code, rules = paced.gate_when_slower(steps)
            found.append(code)
            load = os.getloadavg()[0]
            print(f"exit {code} after {time.monotonic() - begun:.0f} s at load {load:.1f}: {rules or 'nothing broken'}")

    benchmark.pedantic(trials, rounds=1, iterations=1)
    print(
        f"\n{SHARE:.0%} slower ({steps} steps in {paced.nanoseconds / 1e3:.0f} µs): "
        f"named by {sum(found)} of {TRIALS} gates"
    )
    assert len(found) == TRIALS
