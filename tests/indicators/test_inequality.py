"""Inequality: published values, twins, and what must not matter: order, scale, splitting."""

from __future__ import annotations

import math
from fractions import Fraction

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.indicators.distribution import distribution, quantile, share_below
from microsim.indicators.inequality import (
    atkinson,
    entropy_by_group,
    generalised_entropy,
    generalised_lorenz,
    gini,
    inequality,
    log_mean,
    lorenz,
    normalised_gini,
)

resources = st.one_of(st.floats(0.5, 1e6), st.sampled_from([1.0, 2.0, 100.0]))
rows = st.lists(st.tuples(resources, st.floats(0.1, 500.0)), min_size=2, max_size=30)


def arrays(pairs):
    y, w = zip(*pairs, strict=True)
    return np.array(y, float), np.array(w, float)


def of(values, weights=None):
    y = np.array(values, float)
    return distribution(y, np.ones(y.size) if weights is None else np.array(weights, float))


def test_gini__of_published_examples():
    assert gini(of([1, 2, 3, 4])) == pytest.approx(0.25, abs=1e-15)
    # R package phylotools, documentation of gini(): 4/13
    assert gini(of([1, 3, 2, 1, 1, 1, 4])) == pytest.approx(4 / 13, abs=1e-15)
    assert gini(of([1, 2, 3, 4]), small_sample_rows=4) == pytest.approx(1 / 3, abs=1e-15)


@given(rows)
def test_gini__equals_the_mean_absolute_difference(pairs):
    y, w = arrays(pairs)
    assert gini(distribution(y, w)) == pytest.approx(float(reference.gini(y, w)), abs=1e-13)


@given(rows, st.randoms(use_true_random=False))
def test_all_indices__do_not_depend_on_order(pairs, random):
    y, w = arrays(pairs)
    order = np.array(random.sample(range(y.size), y.size))
    assert inequality(distribution(y, w)) == inequality(distribution(y[order], w[order]))


@given(st.lists(st.tuples(resources, st.integers(1, 6)), min_size=2, max_size=20))
def test_all_indices__of_whole_weights_equal_repeated_rows_exactly(pairs):
    y, w = arrays(pairs)
    repeated = np.repeat(y, w.astype(int))
    once, many = distribution(y, w), distribution(repeated, np.ones(repeated.size))
    assert inequality(once) == inequality(many)
    assert [quantile(once, p) for p in (0.1, 0.3)] == [quantile(many, p) for p in (0.1, 0.3)]


@given(rows, st.floats(1e-3, 1e5))
def test_gini__does_not_depend_on_the_scale_of_weights(pairs, factor):
    y, w = arrays(pairs)
    assert gini(distribution(y, w * factor)) == pytest.approx(gini(distribution(y, w)), abs=1e-13)
    assert gini(distribution(y, w * 64)) == gini(distribution(y, w))


def test_gini__is_not_the_formula_that_counts_rows():
    # (2 r - 1) w y, found in public survey code, is right for unit weights only (DOMAIN 3.4).
    y, w = np.array([1.0, 2.0, 5.0]), np.array([3.0, 1.0, 2.0])
    r, n, total = np.cumsum(w), w.sum(), (w * y).sum()
    wrong = ((2 * r - 1) * w * y).sum() / (n * total) - 1
    assert abs(wrong - gini(distribution(y, w))) > 0.01


@given(rows, st.sampled_from([0.1, 0.25, 0.5, 0.6, 0.9]))
def test_quantile__is_the_inverse_of_the_cumulative_distribution(pairs, p):
    y, w = arrays(pairs)
    w = np.round(w) + 1
    assert quantile(distribution(y, w), p) == reference.quantile(y, w, Fraction(str(p)))


def test_quantile__reaches_its_share_despite_binary_fractions():
    # 0.1 * 30 is 3.0000000000000004 in binary: three persons must still reach it.
    assert quantile(of(np.arange(30)), 0.1) == 2.0


@given(rows)
def test_lorenz__shares_add_up(pairs):
    d = distribution(*arrays(pairs))
    curve = lorenz(d, (0.0, 0.2, 0.5, 1.0))
    assert curve[0] == 0.0
    assert curve[-1] == pytest.approx(1.0, abs=1e-14)
    assert (np.diff(curve) >= 0).all()
    assert (curve <= np.array([0.0, 0.2, 0.5, 1.0]) + 1e-14).all()
    assert generalised_lorenz(d, (1.0,))[0] == pytest.approx(d.mean)


def test_shares__split_the_person_at_the_boundary():
    # Three persons: the bottom 40 per cent is the first and a fifth of the second.
    d = of([1, 2, 7])
    assert share_below(d, 0.4) == pytest.approx((1 + 0.2 * 2) / 10, abs=1e-15)
    found = inequality(d)
    assert found.palma == pytest.approx((0.3 * 7 / 10) / 0.14, abs=1e-14)
    assert found.s80_s20 == pytest.approx((0.6 * 7) / (0.6 * 1), abs=1e-13)


@given(rows, st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]))
def test_entropy__adds_up_over_groups(pairs, a):
    y, w = arrays(pairs)
    groups = np.arange(y.size) % 3
    parts = entropy_by_group(y, w, groups, 4, a)
    whole = generalised_entropy(distribution(y, w), a)
    assert parts.total == pytest.approx(whole, rel=1e-9, abs=1e-11)
    assert math.isnan(parts.index[3])
    assert parts.persons[3] == 0.0


def test_entropy__of_a_textbook_pair():
    d = of([1, 3])
    assert generalised_entropy(d, 0) == pytest.approx(math.log(2 / math.sqrt(3)))
    assert generalised_entropy(d, 1) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    assert generalised_entropy(d, 2) == pytest.approx(0.125)  # half the squared variation
    assert atkinson(d, 1) == pytest.approx(1 - math.sqrt(3) / 2)
    assert atkinson(d, 2) == pytest.approx(1 - 1.5 / 2)
    assert atkinson(d, 0.5) == pytest.approx(1 - ((1 + math.sqrt(3)) / 2) ** 2 / 2)
    assert atkinson(d, 0.8) == pytest.approx(1 - (0.5 * (0.5**0.2 + 1.5**0.2)) ** 5)
    assert log_mean(d) == pytest.approx(math.log(3) / 2)


def test_inequality__of_equal_resources_is_zero():
    found = inequality(of([7.0, 7.0, 7.0]))
    assert (found.gini, found.theil, found.mld, found.atkinson_2) == (0.0, 0.0, 0.0, 0.0)
    assert (found.p90_p10, found.s80_s20, found.palma) == pytest.approx((1.0, 1.0, 0.25))


def test_inequality__says_why_an_index_is_undefined():
    found = inequality(of([-5.0, 1.0, 2.0]))
    assert math.isnan(found.gini)
    assert found.notes["gini"] == "mean is not above 0"
    assert math.isnan(found.p90_p10)
    assert found.notes["p90_p10"] == "mean is not above 0"
    assert found.notes["theil"].startswith("leaves out 33.3333% of persons")
    nobody = inequality(of([]))
    assert math.isnan(nobody.gini)
    assert nobody.notes["gini"] == "no persons"


def test_inequality__leaves_non_positive_resources_out_of_logarithms_and_says_so():
    found = inequality(of([0.0, 1.0, 3.0]))
    assert found.mld == generalised_entropy(of([1.0, 3.0]), 0)
    assert found.share_of_non_positive == pytest.approx(1 / 3)
    assert found.notes["mld"].startswith("leaves out 33.3333%")
    assert "gini" not in found.notes
    assert math.isnan(generalised_entropy(of([0.0, 1.0]), 0))
    assert generalised_entropy(of([0.0, 1.0]), 1) == pytest.approx(math.log(2))
    assert atkinson(of([0.0, 1.0]), 1) == 1.0


def test_normalised_gini__lies_between_0_and_1_with_negatives():
    assert normalised_gini(of([0.0, 0.0, 4.0])) == pytest.approx(1.0)
    assert normalised_gini(of([-3.0, 0.0, 4.0])) == pytest.approx(1.0)
    assert normalised_gini(of([2.0, 2.0])) == 0.0
    # Without negatives: the small-sample Gini
    assert normalised_gini(of([1, 2, 3, 4])) == pytest.approx(0.25 * 4 / 3)


@pytest.mark.parametrize(
    ("y", "w", "what"),
    [
        ([1.0, math.nan], [1.0, 1.0], "resources are not finite"),
        ([1.0, 2.0], [1.0, math.inf], "weights are not finite"),
        ([1.0, 2.0], [1.0, -1.0], "weights are negative"),
        ([1.0, 2.0], [1.0], "differ in length"),
    ],
)
def test_distribution__refuses_what_it_cannot_measure(y, w, what):
    with pytest.raises(InputError, match=what):
        distribution(np.array(y), np.array(w))


def test_distribution__forgets_rows_of_weight_zero():
    assert inequality(of([1.0, 5.0, 9.0], [1, 0, 1])) == inequality(of([1.0, 9.0]))


def test_entropy_by_group__of_nobody_is_undefined():
    none = entropy_by_group(np.ones(2), np.zeros(2), np.zeros(2, int), 1, 0.0)
    assert math.isnan(none.total)
