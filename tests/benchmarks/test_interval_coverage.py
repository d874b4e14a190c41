"""How often the interval of a median holds what it should. Run by hand, on the machine in question:

    python -m pytest tests/benchmarks/test_interval_coverage.py --benchmark-only -s

On made-up samples the truth is known. On a real process the median of a stretch around each window stands for it: twice
the window (what the interval speaks of), eight times, and the whole trace; then that of other processes. The moods of a
machine outlast a timing run of a quick model, so the latter are held less often, by any rule that sees one window.

- `HARNESS_COVERAGE_TRIALS`: made-up runs of each kind (1000 unless set)
- `HARNESS_COVERAGE_SECONDS`, `HARNESS_COVERAGE_PROCESSES`: of the real part (60 and 12)
"""

import os

import numpy as np
import pytest

from harness import registry
from harness.ab.side_builder import SideBuilder
from harness.ab.side_options import SideOptions
from harness.baseline.files import Baseline
from harness.cache import Cache
from harness.case_name import CaseName
from harness.conversion.converter import Converter
from harness.environment import environment
from harness.latency.interval import median_interval
from harness.latency.steady_state import classify
from harness.paths import cache_directory
from harness.project import model_entries
from harness.target import TimingPlan
from tests.benchmarks.test_detection import binomial_interval
from tests.harness.latency.series import noise
from tests.parts import on_target

TRIALS = int(os.environ.get("HARNESS_COVERAGE_TRIALS", "1000"))
SECONDS = float(os.environ.get("HARNESS_COVERAGE_SECONDS", "60"))
PROCESSES = int(os.environ.get("HARNESS_COVERAGE_PROCESSES", "12"))
CASES = [
    on_target(target, f"keyword_dscnn/float32/{target}") for target in ("tflite/litert-xnnpack", "tfjs/chromium-wasm")
]


def autoregression(memory):
    def make(count, seed):
        from scipy.signal import lfilter  # a second of processor, which every process that collects would spend

        fresh = np.random.default_rng(seed).normal(0.0, 0.03 * np.sqrt(1.0 - memory**2), count + 2000)
        return np.exp(lfilter([1.0], [1.0, -memory], fresh)[2000:])

    return make


def regimes(count, seed, dwell=30):
    """Two levels 6 % apart, the slower one three tenths of the time, `dwell` samples in a row on average."""
    random = np.random.default_rng(seed)
    slow = np.empty(count + 10 * dwell, bool)
    place, state = 0, random.random() < 0.3
    while place < len(slow):
        length = random.geometric(1.0 / (dwell if state else dwell * 7.0 / 3.0))
        slow[place : place + length] = state
        place, state = place + length, not state
    return np.exp(random.normal(0.0, 0.02, count) + 0.06 * slow[-count:])


KINDS = {
    "independent": autoregression(0.0),
    "autoregression 0.5": autoregression(0.5),
    "autoregression 0.9": autoregression(0.9),
    "autoregression 0.97": autoregression(0.97),
    "jitter, bursts, spikes": lambda count, seed: noise(count, seed, memory=0.9, bursts=3 * count / 1000),
    "two regimes": regimes,
}


def line(what, held, trials):
    low, high = binomial_interval(held, trials)
    print(f"{what}: {held} of {trials} = {held / trials:.1%} (95 % interval {low:.1%} to {high:.1%})")


def holds(interval, truth):
    return interval[0] <= truth <= interval[1]


@pytest.mark.timeout(0)
def test_coverage_on_made_up_samples(benchmark):
    def all_kinds():
        print()
        for kind, make in KINDS.items():
            truth = float(np.median(np.concatenate([make(20_000, 10**7 + seed) for seed in range(20)])))
            for count in (100, 300, 1000, 2000):
                held = sum(holds(median_interval(make(count, seed)), truth) for seed in range(TRIALS))
                line(f"{kind}, {count} samples", held, TRIALS)

    benchmark.pedantic(all_kinds, rounds=1, iterations=1)


@pytest.mark.timeout(0)
@pytest.mark.needs("converter")
@pytest.mark.parametrize("case", CASES)
def test_coverage_on_a_real_process(benchmark, tmp_path, case):
    converter = Converter(Cache(cache_directory() / "artifacts"), environment("converter"), 1)
    try:
        parts = model_entries(tmp_path), registry.targets(), registry.formats(), converter, Baseline({}, {})
        builder = SideBuilder(tmp_path, *parts)
        side = builder.side(CaseName.parse(case), SideOptions("now", {}))
        samples = side.stored(builder.inputs(CaseName.parse(case)))
    finally:
        converter.close()

    def measured(plan):
        with side.target.open(side.artifact) as session:
            session.time(samples, TimingPlan(50, 0.3, 5000, 2.0))
            timing = session.time(samples, plan)
        return timing.samples_ns, timing.clock_resolution_ns

    def real():
        trace, step = measured(TimingPlan(100, SECONDS, 5_000_000, SECONDS))
        median = float(np.median(trace))
        count = int(min(2000, max(100, 5e8 / median)))  # as many as the engine's plan takes
        begins = range(0, len(trace) - count + 1, max(count, len(trace) // 200))
        held = {2: 0, 8: 0, None: 0}
        widths = []
        for begin in begins:
            window = trace[begin : begin + count]
            interval = median_interval(window[classify(window, step).begin :])
            widths.append((interval[1] - interval[0]) / median)
            for times in held:
                reach = len(trace) if times is None else (times - 1) * count // 2
                around = trace[max(0, begin - reach) : begin + count + reach]
                held[times] += holds(interval, float(np.median(around)))
        print(f"\n{case}: {median / 1e6:.3f} ms, windows of {count}, load {os.getloadavg()[0]:.1f}")
        print(f"width {np.mean(widths):.2%} of the median")
        for times, number in held.items():
            line(f"  the median of {'the whole trace' if times is None else f'{times} times the window'}", number,
                 len(begins))  # fmt: skip
        runs = [measured(TimingPlan())[0] for _ in range(PROCESSES)]
        medians = [float(np.median(run)) for run in runs]
        line("  the median of other processes", sum(holds(median_interval(run), np.median(medians)) for run in runs),
             PROCESSES)  # fmt: skip
        print(f"  processes differ with a standard deviation of {np.std(medians) / np.median(medians):.2%}")

    benchmark.pedantic(real, rounds=1, iterations=1)
