"""Incidence, concentration, progressivity, Shapley shares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.indicators.distribution import distribution
from microsim.indicators.incidence import (
    concentration,
    incidence,
    income_ladder,
    marginal_contribution,
    progressivity,
    quantile_groups,
    shapley,
)
from microsim.indicators.inequality import gini
from microsim.indicators.poverty import poverty

rows = st.lists(
    st.tuples(st.floats(1.0, 1000.0), st.floats(0.0, 100.0), st.floats(0.5, 50.0)),
    min_size=3,
    max_size=25,
)


def columns(pairs):
    return (np.array(column, float) for column in zip(*pairs, strict=True))


def test_quantile_groups__of_equal_persons():
    y = np.arange(20.0)[::-1].copy()
    assert quantile_groups(y, np.ones(20), 10).tolist() == [9 - i // 2 for i in range(20)]


def test_quantile_groups__keep_equal_resources_together_and_count_persons():
    y = np.array([0.0, 0.0, 0.0, 5.0, 9.0])
    assert quantile_groups(y, np.ones(5), 5).tolist() == [1, 1, 1, 3, 4]
    # A household of eight persons of ten has its mid-rank in the middle.
    assert quantile_groups(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 1.0]), 5).tolist() == [
        0, 2, 4,
    ]  # fmt: skip


@given(rows, st.randoms(use_true_random=False))
def test_quantile_groups__do_not_depend_on_order(pairs, random):
    y, _, w = columns(pairs)
    order = np.array(random.sample(range(y.size), y.size))
    assert (quantile_groups(y[order], w[order], 5) == quantile_groups(y, w, 5)[order]).all()


def test_quantile_groups__of_weight_zero_have_a_group():
    y, w = np.array([1.0, 2.0, 3.0, 99.0]), np.array([1.0, 0.0, 1.0, 0.0])
    assert quantile_groups(y, w, 2).tolist() == [0, 1, 1, 1]


def test_quantile_groups__of_nobody_leave_all_out():
    assert quantile_groups(np.array([1.0, 2.0]), np.zeros(2), 5).tolist() == [-1, -1]


def test_incidence__of_a_small_case():
    groups, weight, size = np.array([0, 0, 1]), np.array([2.0, 1, 3]), np.array([4.0, 2, 1])
    receives, amount = np.array([True, False, True]), np.array([10.0, 0, 5])
    income = np.array([100.0, 50, 200])
    found = incidence(groups, 2, weight, size, receives, amount, income)
    assert found.persons.tolist() == [10.0, 3.0]
    assert found.recipients.tolist() == [8.0, 3.0]
    assert found.coverage.tolist() == [0.8, 1.0]
    assert found.share_of_recipients == pytest.approx([8 / 11, 3 / 11])
    assert found.share_of_amount == pytest.approx([20 / 35, 15 / 35])
    assert found.amount_of_income == pytest.approx([20 / 250, 15 / 600])
    empty = incidence(groups, 3, weight, size, receives, amount, income)
    assert np.isnan(empty.coverage[2])


def test_income_ladder__means_and_shares():
    groups, weight, size = np.array([0, 1]), np.array([2.0, 1.0]), np.array([2.0, 1.0])
    ladder = income_ladder(groups, 2, weight, size, np.array([[40.0, 0.0], [60.0, 7.0]]))
    assert ladder.mean.tolist() == [[20.0, 0.0], [60.0, 7.0]]
    assert ladder.share == pytest.approx(np.array([[80 / 140, 0.0], [60 / 140, 1.0]]))


@given(rows)
def test_concentration__by_its_own_rank_is_gini(pairs):
    y, _, w = columns(pairs)
    assert concentration(y, y, w) == pytest.approx(gini(distribution(y, w)), abs=1e-12)
    assert concentration(y, np.ones(y.size), w) == pytest.approx(0.0, abs=1e-12)


@given(rows, st.randoms(use_true_random=False))
def test_concentration__does_not_depend_on_order(pairs, random):
    y, x, w = columns(pairs)
    y = np.round(y, -2)  # ties
    order = np.array(random.sample(range(y.size), y.size))
    again = concentration(y[order], x[order], w[order])
    assert np.array_equal(again, concentration(y, x, w), equal_nan=True)


def test_concentration__of_what_only_the_poorest_get():
    assert concentration(np.arange(4.0), np.array([1.0, 0, 0, 0]), np.ones(4)) == -0.75


@given(rows)
def test_progressivity__parts_add_up(pairs):
    y, x, w = columns(pairs)
    if not (w * x).sum() > 1e-6:
        return
    benefit = progressivity(y, x, w)
    assert benefit.redistribution == pytest.approx(
        benefit.vertical_equity - benefit.reranking, abs=1e-12
    )
    b = benefit.rate
    assert benefit.vertical_equity == pytest.approx(b / (1 + b) * benefit.kakwani, abs=1e-9)
    tax = progressivity(y, -0.5 * np.minimum(x, y), w)
    t = tax.rate
    assert tax.vertical_equity == pytest.approx(t / (1 - t) * tax.kakwani, abs=1e-9)


def test_progressivity__of_a_proportional_tax_is_zero():
    y = np.array([1.0, 2, 3, 10])
    found = progressivity(y, -0.1 * y, np.ones(4))
    assert found.kakwani == pytest.approx(0.0, abs=1e-15)
    assert found.redistribution == pytest.approx(0.0, abs=1e-15)
    assert found.rate == pytest.approx(0.1)


def test_marginal_contribution__is_above_zero_where_the_index_falls():
    y, x, w = np.array([10.0, 20, 100]), np.array([8.0, 0, 0]), np.ones(3)
    assert marginal_contribution(y, x, w, gini) > 0
    fall = marginal_contribution(y, x, w, lambda d: poverty(d, 12.0).gap)
    assert fall == pytest.approx((10 / 12 - 2 / 12) / 3)


@given(rows)
def test_shapley__shares_add_up_to_the_whole_change(pairs):
    y, x, w = columns(pairs)
    instruments = np.stack([x, -0.1 * y, 5.0 + 0 * y, 0 * y], axis=1)
    shares = shapley(y, instruments, w, gini)
    whole = gini(distribution(y, w)) - gini(distribution(y + instruments.sum(axis=1), w))
    assert shares.sum() == pytest.approx(whole, abs=1e-12)
    assert shares[3] == pytest.approx(0.0, abs=1e-15)


def test_shapley__refuses_too_many_instruments():
    with pytest.raises(InputError, match="too many instruments; found 11; expected at most 10"):
        shapley(np.ones(2), np.zeros((2, 11)), np.ones(2), gini)
