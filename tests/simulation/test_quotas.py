"""Quotas: the first n by rank over the whole population."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_rules import faults_of, law, with_variable

from microsim.simulation.quotas import cut_off


def test_cut_off__takes_the_first_by_rank_within_the_places():
    rank, weight = np.array([3.0, 1.0, 2.0, 4.0]), np.array([10.0, 10.0, 10.0, 10.0])
    assert cut_off(rank, weight, 25.0) == (2.0, 20.0)
    assert cut_off(rank, weight, 20.0) == (2.0, 20.0)
    assert cut_off(rank, weight, 9.0) == (-np.inf, 0.0)
    assert cut_off(rank, weight, 40.0) == (np.inf, 40.0)
    assert cut_off(np.zeros(0), np.zeros(0), 5.0) == (np.inf, 0.0)


def test_cut_off__keeps_equal_ranks_together():
    assert cut_off(np.array([1.0, 2.0, 2.0, 3.0]), np.ones(4), 2.0) == (1.0, 1.0)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=30),
    st.integers(0, 60),
)
def test_cut_off__never_gives_more_than_the_places_nor_leaves_room_for_the_next_rank(
    people, places
):
    rank = np.array([float(r) for r, _ in people])
    weight = np.array([float(w) for _, w in people])
    cut, taken = cut_off(rank, weight, float(places))
    assert taken == weight[rank <= cut].sum()
    assert taken <= places
    left = rank[rank > cut]
    if left.size:
        assert weight[rank <= left.min()].sum() > places


@pytest.mark.parametrize(
    ("formula", "period", "what"),
    [
        ("among_first(places, age, age < 6)", "month", "belongs in yearly formulas"),
        ("among_first(100, age, age < 6)", "year", "number of places must be a parameter"),
        ("among_first(frame.wage, age, age < 6)", "year", "number of places must be a parameter"),
    ],
)
def test_quota__faults_are_named(formula, period, what):
    definitions = with_variable(law(), "gets", formula, unit="boolean", period=period)
    assert any(what in fault for fault in faults_of(definitions)), faults_of(definitions)
