"""How many neighbours hang together."""

import numpy as np

from harness.latency.dependence import dependence_length


def test_neighbours_kept_together():
    random = np.random.default_rng(0)
    independent = random.normal(size=2000)
    assert dependence_length(independent) == 13  # the cube root
    assert dependence_length(np.repeat(random.normal(size=40), 50)) > 60
    assert dependence_length(np.ones(100)) == 5
