"""Bootstrap intervals of a median, for samples that depend on their neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
_SEED = 20171024


def dependence_length(samples: NDArray[np.floating | np.integer]) -> int:
    """How many neighbours to keep together when resampling `samples`, shaped (n,): at least n^(1/3), at most n/5.

    Timings of a shared machine come in bursts, so a plain bootstrap, which takes each sample for independent, gives
    intervals that are too narrow. n^(1/3) is the order that is optimal for a weakly dependent series (Künsch 1989;
    Lahiri 2003, chapter 7). Where the samples hang together for longer, twice the integrated autocorrelation time of
    1[sample > median] is taken instead: that indicator is what a median's variance depends on (its influence function).
    The sum stops at the first autocorrelation that is not above noise, 2/√n (after Politis and White 2004).
    """
    count = len(samples)
    if count < 10:
        return 1
    shortest, longest = max(1, round(math.cbrt(count))), max(1, count // 5)
    above = (samples > np.median(samples)).astype(np.float64)
    above -= above.mean()
    power = float((above * above).sum())
    if power == 0.0:
        return min(shortest, longest)
    size = 1 << (2 * count - 1).bit_length()  # zero-padded: no wrap-around
    spectrum = np.fft.rfft(above, size)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum), size)[1 : longest + 1] / power
    noise = correlation < 2.0 / np.sqrt(count)
    until = int(np.argmax(noise)) if noise.any() else longest
    time = 1.0 + 2.0 * float(correlation[:until].sum())
    return min(max(round(2.0 * time), shortest), longest)


def median_interval(
    samples: NDArray[np.floating | np.integer],
    confidence: float = 0.95,
    block: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = _SEED,
) -> tuple[float, float]:
    """Percentile interval of the median of `samples`, shaped (n,), in their unit, by the moving-block bootstrap.

    Blocks of `block` neighbours (`dependence_length` by default) are drawn with replacement and laid end to end
    (Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989,
    1217–1241); blocks wrap around the end, so that every sample is drawn equally often (the circular form of Politis
    and Romano 1992). The random numbers are seeded: equal samples give equal intervals. The interval always holds the
    median itself. Raises ValueError without samples.
    """
    count = len(samples)
    if count == 0:
        raise ValueError("no samples")
    length = min(count, block or dependence_length(samples))
    order = np.argsort(samples, kind="stable")
    ordered = np.asarray(samples)[order].astype(np.float64)
    # Medians of ranks are medians of samples, and small integers are partitioned several times faster.
    ranks = np.empty(count, dtype=np.uint16 if count <= 1 << 16 else np.uint32)
    ranks[order] = np.arange(count)
    wrapped = np.concatenate([ranks, ranks[: length - 1]])
    windows = np.lib.stride_tricks.sliding_window_view(wrapped, length)
    generator = np.random.Generator(np.random.Philox(seed))
    needed = -(-count // length)
    batch = max(1, min(resamples, (1 << 22) // count))
    lower, upper = (count - 1) // 2, count // 2
    medians = np.empty(resamples, dtype=np.float64)
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        starts = generator.integers(0, count, size=(size, needed))
        drawn = windows[starts].reshape(size, -1)[:, :count]
        middle = np.partition(drawn, (lower, upper), axis=1)
        medians[start : start + size] = 0.5 * (ordered[middle[:, lower]] + ordered[middle[:, upper]])
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(medians, (tail, 100.0 - tail))
    median = float(np.median(ordered))
    return min(float(low), median), max(float(high), median)
