"""The firmware's own exp, log, tanh, logistic and square root, against double precision."""

from __future__ import annotations

import numpy as np
import pytest

from harness_targets.mcu.host import HostKernels


def reference_logistic(x: np.ndarray) -> np.ndarray:
    """Micro's: exp(x) below -9 and 1 above 16.6, by design."""
    return np.where(x < -9, np.exp(x), np.where(x > 16.619047164916992, 1.0, 1 / (1 + np.exp(-x))))


REFERENCES = {
    "exponential": (np.exp, np.linspace(-87, 88.7, 200_001), 1.5),
    "hyperbolic_tangent": (np.tanh, np.linspace(-12, 12, 200_001), 3.0),
    "natural_logarithm": (np.log, np.geomspace(1e-44, 3e38, 200_001), 2.0),
    "sine": (np.sin, np.linspace(-30, 30, 200_001), 3.0),
    "cosine": (np.cos, np.linspace(-30, 30, 200_001), 3.0),
    "logistic": (reference_logistic, np.linspace(-80, 20, 200_001), 3.0),
}


@pytest.mark.parametrize("name", list(REFERENCES))
def test_the_error_stays_below_a_few_units_in_the_last_place(name: str, host_kernels: HostKernels):
    function, points, limit = REFERENCES[name]
    values = points.astype(np.float32)
    exact = function(values.astype(np.float64))
    error = np.abs(host_kernels.apply(name, values).astype(np.float64) - exact)
    units = error / np.maximum(np.spacing(np.abs(exact).astype(np.float32)), np.finfo(np.float32).tiny)
    assert units.max() <= limit


def test_limits_and_not_a_number_pass_through(host_kernels: HostKernels):
    values = np.array([np.inf, -np.inf, np.nan, 200.0, -200.0], np.float32)
    np.testing.assert_array_equal(host_kernels.apply("exponential", values), [np.inf, 0, np.nan, np.inf, 0])
    np.testing.assert_array_equal(host_kernels.apply("hyperbolic_tangent", values), [1, -1, np.nan, 1, -1])


def test_waves_are_exact_far_from_zero(host_kernels: HostKernels):
    """Of all magnitudes: the nearest multiple of a quarter turn is known to as many bits as the angle has."""
    bits = np.random.default_rng(2).integers(0x3F000000, 0x7F800000, 20_000).astype(np.uint32)
    values = bits.view(np.float32)
    for name, function in (("sine", np.sin), ("cosine", np.cos)):
        exact = function(values.astype(np.float64))
        np.testing.assert_allclose(host_kernels.apply(name, values), exact, rtol=4e-7, atol=0)


def test_the_logarithm_has_its_limits(host_kernels: HostKernels):
    values = np.array([0.0, -0.0, 1.0, np.inf, -1.0, np.nan], np.float32)
    found = host_kernels.apply("natural_logarithm", values)
    np.testing.assert_array_equal(found, [-np.inf, -np.inf, 0, np.inf, np.nan, np.nan])


def test_square_roots_are_correctly_rounded(host_kernels: HostKernels):
    """Of all magnitudes, the subnormal ones included, and of what has no root."""
    bits = np.random.default_rng(1).integers(0, 0x7F800000, 20_000).astype(np.uint32)
    special = np.array([0.0, -0.0, 1.0, 2.0, 4.0, 1e-45, np.inf, -1.0, -np.inf, np.nan], np.float32)
    values = np.concatenate([bits.view(np.float32), special])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(host_kernels.apply("square_root", values), np.sqrt(values))
