"""Linearised values are derivatives by the weights; variances equal their twins and theory."""

from __future__ import annotations

import math

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.indicators import influence, influence_on_poverty
from microsim.indicators.distribution import distribution, quantile, share_below
from microsim.indicators.incidence import concentration
from microsim.indicators.inequality import atkinson, generalised_entropy, gini, inequality
from microsim.indicators.poverty import poverty
from microsim.indicators.sampling import (
    bootstrap,
    bootstrap_weights,
    design,
    estimate,
    standard_error,
    student_quantile,
    variance,
)

RNG = np.random.default_rng(11)
Y = np.round(np.exp(RNG.normal(size=60)) * 50, 0) + 1.0  # rounded: there are ties
W = np.round(RNG.random(60) * 20) + 1.0
X = RNG.random(60) * 10
Z = 50.5


def of(y, w):
    return distribution(y, w)


def fgt(alpha):
    return lambda w: (
        lambda p: (p.headcount, p.gap, p.severity)[alpha]
    )(poverty(of(Y, w), Z))  # fmt: skip


entropy, by_entropy = generalised_entropy, influence.of_generalised_entropy

STATISTICS = {
    "mean": (lambda w: of(Y, w).mean, influence.of_mean(Y, W)),
    "ratio": (lambda w: (w @ X) / (w @ Y), influence.of_ratio(X, Y, W)),
    "headcount": (fgt(0), influence_on_poverty.of_poverty(Y, W, Z, 0)),
    "gap": (fgt(1), influence_on_poverty.of_poverty(Y, W, Z, 1)),
    "severity": (fgt(2), influence_on_poverty.of_poverty(Y, W, Z, 2)),
    "gini": (lambda w: gini(of(Y, w)), influence.of_gini(Y, W)),
    "mld": (lambda w: entropy(of(Y, w), 0), by_entropy(Y, W, 0)),
    "theil": (lambda w: entropy(of(Y, w), 1), by_entropy(Y, W, 1)),
    "ge2": (lambda w: entropy(of(Y, w), 2), by_entropy(Y, W, 2)),
    "atkinson .5": (lambda w: atkinson(of(Y, w), 0.5), influence.of_atkinson(Y, W, 0.5)),
    "atkinson 1": (lambda w: atkinson(of(Y, w), 1.0), influence.of_atkinson(Y, W, 1.0)),
    "atkinson 2": (lambda w: atkinson(of(Y, w), 2.0), influence.of_atkinson(Y, W, 2.0)),
    "sst": (lambda w: poverty(of(Y, w), Z).sst, influence_on_poverty.of_sst(Y, W, Z)),
    "sen": (lambda w: poverty(of(Y, w), Z).sen, influence_on_poverty.of_sen(Y, W, Z)),
    "watts": (lambda w: poverty(of(Y, w), Z).watts, influence_on_poverty.of_watts(Y, W, Z)),
    "lorenz": (lambda w: share_below(of(Y, w), 0.37), influence.of_lorenz(Y, W, 0.37)),
    "s80_s20": (lambda w: inequality(of(Y, w)).s80_s20, influence.of_share_ratio(Y, W, 0.2, 0.2)),
    "palma": (lambda w: inequality(of(Y, w)).palma, influence.of_share_ratio(Y, W, 0.1, 0.4)),
    "concentration": (lambda w: concentration(Y, X, w), influence.of_concentration(Y, X, W)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(STATISTICS))
def test_linearised_value__is_the_derivative_by_the_weight(name):
    statistic, u = STATISTICS[name]
    for k in (0, 7, 31, 59):
        step = np.zeros(60)
        step[k] = 1e-3
        numeric = (statistic(W + step) - statistic(W - step)) / 2e-3
        assert u[k] == pytest.approx(numeric, rel=1e-5, abs=1e-9)
    assert (W * u).sum() == pytest.approx(0.0, abs=1e-11)


@pytest.mark.parametrize("alpha", [1, 2])
@pytest.mark.parametrize("share", [0.6, 0.9])
def test_linearised_value__under_a_share_of_the_mean_is_the_derivative(alpha, share):
    u = influence_on_poverty.of_poverty_relative(Y, W, alpha, share, of_quantile_p=None)

    def statistic(w):
        found = poverty(of(Y, w), share * of(Y, w).mean)
        return (found.headcount, found.gap, found.severity)[alpha]

    for k in (0, 20, 59):
        step = np.zeros(60)
        step[k] = 1e-3
        numeric = (statistic(W + step) - statistic(W - step)) / 2e-3
        assert u[k] == pytest.approx(numeric, rel=1e-4, abs=1e-9)


def test_standard_error__of_median_and_relative_poverty_agrees_with_theory():
    # 400 samples of 400 from a log-normal law: the mean estimated error against the spread of the
    # estimates. Both have relative sampling error near 4 per cent; 15 per cent is beyond 3 sd of
    # that and leaves room for the bias of the kernel density (the draws are fixed).
    rng = np.random.default_rng(20)
    n, medians, errors, rates, rate_errors = 400, [], [], [], []
    for _ in range(400):
        y, w = np.exp(rng.normal(size=n) * 0.6), np.ones(n)
        plan = design(None, None, n)
        medians.append(quantile(of(y, w), 0.5))
        errors.append(standard_error(influence.of_quantile(y, w, 0.5), w, plan))
        rates.append(poverty(of(y, w), 0.6 * medians[-1]).headcount)
        rate_errors.append(
            standard_error(influence_on_poverty.of_poverty_relative(y, w, 0, 0.6), w, plan)
        )
    assert np.mean(errors) / np.std(medians) == pytest.approx(1.0, abs=0.15)
    assert np.mean(rate_errors) / np.std(rates) == pytest.approx(1.0, abs=0.15)
    theory = math.sqrt(math.pi / 2) * 0.6 / math.sqrt(n)
    assert np.std(medians) == pytest.approx(theory, rel=0.15)


def test_density__of_a_normal_sample():
    y = np.random.default_rng(2).normal(size=50_000)
    at_zero = influence.density(y, np.ones(y.size), 0.0)
    assert at_zero == pytest.approx(1 / math.sqrt(2 * math.pi), rel=0.03)
    assert influence.density(y, np.full(y.size, 7.0), 0.0) == pytest.approx(at_zero, rel=1e-12)


rows = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(0.5, 9), st.integers(0, 3), st.integers(0, 2)),
    min_size=4,
    max_size=30,
)


@given(rows)
def test_variance__equals_its_twin(pairs):
    u, w, psu, stratum = (np.array(column) for column in zip(*pairs, strict=True))
    plan = design(psu, stratum, u.size)
    got = variance(u, w, plan)
    if plan.degrees_of_freedom < 1:
        assert math.isnan(got)
    else:
        true = reference.design_variance(u, w, psu, stratum)
        assert got == pytest.approx(true, rel=1e-10, abs=1e-12)


def test_standard_error__of_a_mean_is_the_textbook_one():
    y = np.array([3.0, 5, 8, 11, 2])
    u = influence.of_mean(y, np.ones(5))
    se = standard_error(u, np.ones(5), design(None, None, 5))
    assert se == pytest.approx(y.std(ddof=1) / math.sqrt(5), rel=1e-14)
    half = design(None, None, 5, sampled_share={0: 0.5})
    assert standard_error(u, np.ones(5), half) == pytest.approx(se * math.sqrt(0.5))
    found = estimate(float(y.mean()), u, np.ones(5), design(None, None, 5))
    assert found.degrees_of_freedom == 4
    assert found.high - found.value == pytest.approx(2.7764451051977987 * se, rel=1e-9)
    assert found.low + found.high == pytest.approx(2 * found.value)


def test_standard_error__of_clusters_is_larger():
    u = np.array([1.0, 1, -1, -1])
    alone = standard_error(u, np.ones(4), design(None, None, 4))
    clustered = standard_error(u, np.ones(4), design(np.array([1, 1, 2, 2]), None, 4))
    assert clustered == pytest.approx(math.sqrt(2 * 8.0))
    assert alone == pytest.approx(math.sqrt(4 / 3 * 4))


def test_lonely_psu__policies():
    u, w = np.array([1.0, 3.0, 5.0]), np.ones(3)
    psu, stratum = np.array([1, 2, 1]), np.array([7, 7, 8])
    plans = {p: design(psu, stratum, 3, lonely=p) for p in ("centre", "average", "certainty")}
    assert variance(u, w, plans["certainty"]) == pytest.approx(4.0)
    assert variance(u, w, plans["average"]) == pytest.approx(8.0)
    assert variance(u, w, plans["centre"]) == pytest.approx(4.0 + (5 - 3) ** 2)
    with pytest.raises(InputError, match=r"strata with one PSU; found 1 \(first: 8\)"):
        design(psu, stratum, 3, lonely="error")
    with pytest.raises(InputError, match="found 'ignore'; expected one of error, centre"):
        design(psu, stratum, 3, lonely="ignore")


def test_standard_error__of_a_paired_difference_is_smaller_than_of_independent_ones():
    after = Y + X / 5
    plan = design(None, None, 60)
    u0, u1 = influence.of_gini(Y, W), influence.of_gini(after, W)
    paired = standard_error(u1 - u0, W, plan)
    apart = math.hypot(standard_error(u0, W, plan), standard_error(u1, W, plan))
    assert 0 < paired < 0.2 * apart
    assert standard_error(u0 - u0, W, plan) == 0.0


def test_in_domain__keeps_all_psus():
    domain = np.arange(60) % 2 == 0
    u = influence.in_domain(influence.of_mean(Y[domain], W[domain]), domain)
    assert u.shape == (60,)
    assert (u[~domain] == 0).all()
    ratio = influence.of_ratio(Y * domain, domain.astype(float), W)
    assert u == pytest.approx(ratio, abs=1e-15)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 9, 30, 200, 1000, 1001, 40_000])
@pytest.mark.parametrize("p", [0.75, 0.95, 0.975, 0.995])
def test_student_quantile__agrees_with_scipy(df, p):
    from scipy.stats import t

    assert student_quantile(p, df) == pytest.approx(float(t.ppf(p, df)), rel=1e-10)


def test_bootstrap_weights__keep_stratum_totals_and_depend_on_the_set_only():
    stratum, psu = np.repeat([1, 2, 3], [20, 20, 20]), np.repeat(np.arange(12), 5)
    plan = design(psu, stratum, 60)
    one = np.ones(60)
    first = bootstrap_weights(one, plan, 1, 0)
    assert [first[stratum == h].sum() for h in (1, 2, 3)] == pytest.approx([20.0] * 3)
    assert set(np.round(first * 3 / 4, 12)) <= {0.0, 1.0, 2.0, 3.0}
    assert (first == bootstrap_weights(one, plan, 1, 0)).all()
    assert (first != bootstrap_weights(one, plan, 1, 1)).any()
    order = np.random.default_rng(1).permutation(60)
    shuffled = design(psu[order], stratum[order], 60)
    assert (bootstrap_weights(one, shuffled, 1, 0) == first[order]).all()


def test_bootstrap__agrees_with_the_linearised_error_of_a_mean():
    # The bootstrap variance of a mean with 600 sets has relative sd sqrt(2 / 600) = 6 per cent,
    # its root 3; 12 per cent is beyond 3 sd of it. The draws are fixed.
    stratum, psu = np.arange(60) % 3, np.arange(60) // 3
    plan = design(psu, stratum, 60)
    found = bootstrap(lambda w: float(w @ Y / w.sum()), W, plan, seed=4, n_sets=600)
    linear = standard_error(influence.of_mean(Y, W), W, plan)
    assert found.se == pytest.approx(linear, rel=0.12)
    assert math.isnan(found.low)
    full = bootstrap(lambda w: float(w @ Y / w.sum()), W, plan, seed=4, n_sets=1000)
    assert full.low < full.value < full.high
    assert full.high - full.low == pytest.approx(2 * 1.96 * full.se, rel=0.15)
    assert (full.sets[:600] == found.sets).all()


def test_linearised_values__refuse_nobody_and_a_mean_of_zero():
    with pytest.raises(InputError, match="found no weight above 0; expected some persons"):
        influence.of_mean(Y, 0 * W)
    with pytest.raises(InputError, match="found no weight above 0"):
        influence_on_poverty.of_sst(Y, 0 * W, Z)
    with pytest.raises(InputError, match=r"found a mean of 0\.0; expected one above 0"):
        influence.of_gini(0 * Y, W)
