"""Targeting, adequacy, cost-benefit, gainers and losers, equivalence scales."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.indicators.distribution import distribution
from microsim.indicators.equivalence import equivalents, parametric
from microsim.indicators.gains import (
    fiscal_impoverishment,
    gains,
    growth_incidence,
    transitions,
)
from microsim.indicators.poverty import aggregate_gap_of_households, poverty
from microsim.indicators.targeting import adequacy, cost_benefit, targeting

amounts = st.floats(0.0, 300.0)
pairs = st.lists(st.tuples(amounts, amounts, st.floats(0.5, 50.0)), min_size=1, max_size=25)


def test_targeting__of_ten_persons():
    # DOMAIN W8: ten persons, poor 1-4, recipients 1, 2, 3, 6, 9 with equal benefits
    one = np.ones(10)
    poor = np.arange(1, 11) <= 4
    receives = np.isin(np.arange(1, 11), [1, 2, 3, 6, 9])
    groups = np.arange(10) // 2
    found = targeting(groups, 5, one, one, poor, receives, 7.0 * receives, 50.0 * one)
    assert found.coverage_of_poor == 0.75
    assert found.exclusion == 0.25
    assert found.inclusion == 0.40
    assert found.differential == pytest.approx(0.4166667, abs=1e-7)
    assert found.coady_grosh_hoddinott == pytest.approx(1.5, abs=1e-15)
    assert found.coverage == 0.5
    assert found.by_group.coverage.tolist() == [1.0, 0.5, 0.5, 0.0, 0.5]
    assert found.by_group.share_of_amount == pytest.approx([0.4, 0.2, 0.2, 0.0, 0.2])


def test_targeting__without_poor_is_undefined():
    one, none = np.ones(2), np.zeros(2, bool)
    found = targeting(np.array([0, 1]), 2, one, one, none, ~none, one, one)
    assert math.isnan(found.exclusion)
    assert math.isnan(found.coady_grosh_hoddinott)
    assert found.inclusion == 1.0


def test_adequacy__of_welfare_and_line():
    weight, size = np.array([1.0, 2.0, 1.0]), np.array([2.0, 1.0, 4.0])
    welfare, amount = np.array([30.0, 60.0, 10.0]), np.array([20.0, 15.0, 0.0])
    receives = amount > 0
    found = adequacy(
        np.array([0, 1, 0]), 2, weight, size, size, welfare, receives, amount, 50.0
    )  # fmt: skip
    assert found.of_welfare == pytest.approx((20 + 30) / (60 + 120))
    assert found.by_group == pytest.approx([20 / 60, 30 / 120])
    assert found.of_line == pytest.approx((2 * 10 / 50 + 2 * 15 / 50) / 4)
    assert found.lifted == 0.5  # the second household's two: 45 before, 60 after


def test_cost_benefit__of_a_small_case():
    one = np.ones(3)
    before, amount = np.array([60.0, 90.0, 200.0]), np.array([20.0, 30.0, 10.0])
    found = cost_benefit(one, one, before, amount, 100.0)
    assert (found.spent, found.gap_before, found.gap_after) == (60.0, 50.0, 20.0)
    assert found.gap_closed_per_unit == 0.5
    assert found.vertical_efficiency == pytest.approx(50 / 60)
    assert found.spillover == pytest.approx(20 / 50)  # 20 of the 50 for the poor overshoot
    assert found.gap_closed_share == 0.6


@given(pairs, st.floats(10.0, 250.0))
def test_fiscal_impoverishment__splits_the_change_of_the_gap(rows, line):
    before, after, w = (np.array(column) for column in zip(*rows, strict=True))
    parts = fiscal_impoverishment(w, before, after, line)
    one = np.ones(w.size)
    change = aggregate_gap_of_households(w, one, after, line) - aggregate_gap_of_households(
        w, one, before, line
    )
    assert parts.impoverished - parts.gained == pytest.approx(change, abs=1e-8)
    assert min(parts.impoverished, parts.gained) >= 0


def test_gains__by_group_and_of_all():
    groups, persons = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 2.0, 2.0])
    before, after = np.array([100.0, 100, 100, 0]), np.array([102.0, 110, 98, 5])
    found = gains(groups, 2, persons, before, after)
    assert found.gaining.tolist() == [[1.0, 0.75], [0.5, 0.5], [0.75, 0.625]]
    assert found.losing.tolist() == [[0.0, 0.0], [0.5, 0.0], [0.25, 0.0]]
    assert found.mean_change == pytest.approx([8.0, 1.5, 38 / 8])
    assert found.relative_change == pytest.approx([0.08, 0.03, 38 / 600])
    assert found.persons.tolist() == [4.0, 4.0, 8.0]


def test_gains__of_a_null_reform_are_exactly_zero():
    y = np.random.default_rng(1).random(50)
    found = gains(np.arange(50) % 10, 10, np.ones(50), y, y)
    assert (found.gaining == 0).all()
    assert (found.losing == 0).all()
    assert (found.mean_change == 0).all()


def test_transitions__count_persons():
    persons = np.array([1.0, 2, 4, 8])
    before, after = np.array([5.0, 5, 15, 15]), np.array([5.0, 15, 5, 10])
    moved = transitions(persons, before, after, 10.0)
    assert vars(moved) == {
        "stays_poor": 1.0, "leaves_poverty": 2.0, "enters_poverty": 4.0, "stays_out": 8.0,
    }  # fmt: skip
    assert transitions(persons, before, after, 10.0, include_line=True).enters_poverty == 12.0
    was, now = (poverty(distribution(y, persons), 10.0).poor for y in (before, after))
    assert now - was == moved.enters_poverty - moved.leaves_poverty


def test_growth_incidence__of_quantiles():
    y, w = np.array([0.0, 10, 20, 40]), np.ones(4)
    found = growth_incidence(distribution(y, w), distribution(y * 1.1, w), (0.25, 0.5, 1.0))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("scale", "income"),
    [("per capita", 460.00), ("oecd modified", 958.33), ("square root", 1028.59)],
)
def test_equivalents__of_two_adults_and_three_children(scale, income):
    # DOMAIN 3.1: household income 2,300
    count = equivalents(scale, np.array([2.0]), np.array([3.0]))
    assert 2300.0 / count[0] == pytest.approx(income, abs=0.005)


def test_equivalents__of_other_scales():
    assert equivalents("oxford", np.array([2.0]), np.array([1.0])).tolist() == [2.2]
    assert equivalents("oecd modified", np.array([0.0]), np.array([2.0])).tolist() == [1.3]
    found = parametric(np.array([2.0]), np.array([2.0]), 0.5, 0.7)
    assert found[0] == pytest.approx(3.0**0.7, rel=1e-15)


def test_equivalents__refuses_unknown_scales_and_empty_households():
    with pytest.raises(InputError, match="unknown scale; found 'oecd'; expected one of per"):
        equivalents("oecd", np.ones(1), np.ones(1))
    with pytest.raises(InputError, match=r"without members; found 1 \(first: row 1\)"):
        equivalents("oxford", np.array([1.0, 0.0]), np.zeros(2))
