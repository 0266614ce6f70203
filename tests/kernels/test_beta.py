"""The Beta distribution against SciPy, which is needed in tests only."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import config
from scipy import special

from microsim.kernels.beta import (
    beta_quantile,
    beta_quantile_array,
    beta_share,
    beta_share_array,
    beta_split,
    log_beta,
    log_gamma,
)

ACCURACY = 1e-10
parameters = st.floats(-4.0, 6.0).map(lambda x: 10.0**x)


def quantile(a: float, b: float, u: float) -> float:
    log_b = log_beta(a, b)
    return beta_quantile(a, b, u, log_b, beta_share(a, b, beta_split(a, b), log_b))


@given(st.floats(1e-6, 1e7))
def test_log_gamma__agrees_with_scipy(x):
    assert log_gamma(x) == pytest.approx(special.gammaln(x), rel=1e-14, abs=1e-14)


@given(parameters, parameters, st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_quantile__agrees_with_scipy(a, b, u):
    assert quantile(a, b, u) == pytest.approx(special.betaincinv(a, b, u), rel=0, abs=ACCURACY)


def test_quantile__agrees_with_scipy_everywhere():
    """Many at once, with tails down to the smallest draws there are."""
    rng = np.random.default_rng(7)
    n = 200 if config.DISABLE_JIT else 60_000
    a, b = (10.0 ** rng.uniform(-4.0, 6.0, n) for _ in range(2))
    u = rng.random(n)
    u[: n // 10] = 10.0 ** rng.uniform(-15.9, -3.0, n // 10)
    u[n // 10 : n // 5] = 1.0 - 10.0 ** rng.uniform(-15.5, -3.0, n // 10)
    found = beta_quantile_array(a, b, u)
    assert np.abs(found - special.betaincinv(a, b, u)).max() < ACCURACY
    assert ((found >= 0.0) & (found <= 1.0)).all()


def test_quantile__has_small_relative_errors_below():
    """Small densities are right to many digits, not only near 0."""
    u = 10.0 ** np.linspace(-15.0, -1.0, 200)
    for a, b in ((0.5, 2.0), (2.0, 3.0), (8.0, 1.5), (0.05, 0.4)):
        exact = special.betaincinv(a, b, u)
        found = beta_quantile_array(np.full(200, a), np.full(200, b), u)
        there = exact > 1e-290
        np.testing.assert_allclose(found[there], exact[there], rtol=1e-11)


@given(parameters, parameters, st.floats(0.0, 1.0))
def test_share__agrees_with_scipy(a, b, x):
    found = beta_share(a, b, x, log_beta(a, b))
    assert found == pytest.approx(special.betainc(a, b, x), rel=1e-8, abs=1e-8)


@given(st.floats(0.05, 200.0), st.floats(0.05, 200.0), st.floats(1e-6, 1.0 - 1e-6))
def test_share__of_a_quantile_is_the_draw(a, b, u):
    x = quantile(a, b, u)
    if 1e-12 < x < 1.0 - 1e-12:  # beyond, the next number is another share
        slope = math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta(a, b))
        assert abs(beta_share(a, b, x, log_beta(a, b)) - u) < 1e-11 + 1e-15 * slope


def test_quantile__of_plain_distributions():
    u = np.array([0.001, 0.25, 0.5, 0.9])
    ones, twos = np.ones(4), np.full(4, 2.0)
    np.testing.assert_allclose(beta_quantile_array(ones, ones, u), u, rtol=1e-14)
    np.testing.assert_allclose(beta_quantile_array(twos, ones, u), np.sqrt(u), rtol=1e-14)
    np.testing.assert_allclose(beta_quantile_array(ones, twos, u), 1 - np.sqrt(1 - u), rtol=1e-12)


def test_quantile__rises_with_the_draw():
    n = 50 if config.DISABLE_JIT else 5000
    u = np.sort(np.random.default_rng(3).random(n))
    for a, b in ((0.3, 0.2), (2.0, 5.0), (400.0, 100.0)):
        found = beta_quantile_array(np.full(n, a), np.full(n, b), u)
        assert (np.diff(found) >= -1e-15).all()


def test_quantile__has_the_bits_it_always_had():
    """Nothing but + - * / is used, so that every machine has these."""
    u = np.array([0.125, 0.5, 0.875])
    found = beta_quantile_array(np.full(3, 2.2), np.full(3, 1.8), u)
    assert [x.hex() for x in found.tolist()] == PINNED


def test_share__at_the_ends():
    ends = np.array([-1.0, 0.0, 1.0, 2.0])
    fives = np.full(4, 5.0)
    np.testing.assert_array_equal(beta_share_array(fives, fives, ends), [0.0, 0.0, 1.0, 1.0])


PINNED = ["0x1.12e3c1e09ddf3p-2", "0x1.1e3f3bd109652p-1", "0x1.a527b722f6124p-1"]
