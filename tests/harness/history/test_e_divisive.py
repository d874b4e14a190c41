"""E-Divisive against its published examples and against its definition, written out."""

from itertools import combinations

import numpy as np
import pytest
from scipy.special import ndtri

from harness.history.change_points import noisy_steps
from harness.history.e_divisive import best_split

NILE = """
1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150 1250 1260
1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832 764 821 768 845 864
862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801 1040 860 874 848 890 744 749
838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
"""
"""Annual flow of the Nile at Aswan, 1871 to 1970 (Cobb, "The problem of the Nile", Biometrika 65, 1978)."""

HUNTER = [1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96]
HUNTER += [0.50, 0.51, 0.48, 0.48, 0.55, 0.50, 0.49, 0.51, 0.50, 0.49]
"""The series of the tests of DataStax's Hunter, whose change is at 10."""


def normal_of_r(seed: int, count: int) -> np.ndarray:
    """What R's `set.seed(seed); rnorm(count)` gives: its scrambling of the seed, the Mersenne Twister, and inversion
    of a uniform made of two draws (R's RNG.c and snorm.c)."""
    for _ in range(50):
        seed = (69069 * seed + 1) & 0xFFFFFFFF
    state = []
    for _ in range(625):
        seed = (69069 * seed + 1) & 0xFFFFFFFF
        state.append(seed)
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(state[1:], dtype=np.uint32), 624))
    draws = twister.randint(0, 2**32, size=2 * count, dtype=np.uint32) * 2.3283064365386963e-10
    return ndtri((np.floor(134217728 * draws[0::2]) + draws[1::2]) / 134217728)


def test_the_example_of_the_authors_package_is_split_in_the_published_order() -> None:
    """James and Matteson, "ecp", Journal of Statistical Software 62(7), 2014, section 4.1: N(0,1), N(0,3), N(2,1) and
    N(2,4), a hundred each from seed 250, α = 1, at least 30 on a side. `order.found` is 201, 308, 108, and 358 was
    considered last (places counted from 1)."""
    draws = normal_of_r(250, 400)
    values = np.concatenate([draws[:100], 3 * draws[100:200], 2 + draws[200:300], 2 + 4 * draws[300:]])
    parts, found = [(0, 400)], []
    for _ in range(4):
        splits = [(split, start, end) for start, end in parts if (split := best_split(values[start:end], 30))]
        best, start, end = max(splits, key=lambda item: item[0].divergence)
        found.append(start + best.index + 1)
        parts.remove((start, end))
        parts += [(start, start + best.index), (start + best.index, end)]
    assert found == [201, 308, 108, 358]


def test_the_nile_changed_between_1898_and_1899() -> None:
    flows = [float(word) for word in NILE.split()]
    assert len(flows) == 100
    steps = noisy_steps(flows)
    assert [1871 + step.index for step in steps] == [1899]
    assert steps[0].low < -0.2 < steps[0].high < -0.1


def test_the_example_of_hunter_changes_where_it_does_there() -> None:
    assert [step.index for step in noisy_steps(HUNTER)] == [10]


def test_the_split_is_where_the_definition_is_largest() -> None:
    values = np.random.default_rng(1).normal(size=24)
    values[9:17] += 1.5

    def measure(left: np.ndarray, right: np.ndarray) -> float:
        n, m = len(left), len(right)
        across = 2 / (m * n) * sum(abs(x - y) for x in left for y in right)
        within = sum(
            sum(abs(x - y) for x, y in combinations(side, 2)) / (len(side) * (len(side) - 1) / 2)
            for side in (left, right)
        )
        return m * n / (m + n) * (across - within)

    ways = {
        (tau, kappa): measure(values[:tau], values[tau:kappa]) for tau in range(3, 22) for kappa in range(tau + 3, 25)
    }
    tau, kappa = max(ways, key=lambda way: ways[way])
    split = best_split(values, 3)
    assert split is not None
    assert split.index == tau
    assert split.divergence == pytest.approx(ways[tau, kappa])


def test_too_short_a_series_has_no_split() -> None:
    assert best_split(np.arange(9.0), 5) is None
