"""Earnings follow the frame's wages; welfare answers to what households have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from projections import rows_of

from microsim.simulation.in_turn import in_turn
from microsim.simulation.merging_records import lived_welfare
from microsim.simulation.run import open_run
from microsim.simulation.wage_alignment import average_formal_earnings
from microsim.simulation.worlds import WorldKey

AVERAGE = "average earnings of formal employees"
money = arrays(float, 12, elements=st.floats(0.0, 1e6))


def miss(outcome) -> dict[int, float]:
    """Return how far earnings are from the frame's wage by year, relative to the first year."""
    of = {
        column: {row.year: row.value for row in rows_of(outcome, "T2", row=AVERAGE, column=column)}
        for column in ("target", "achieved")
    }
    ratio = {year: of["achieved"][year] / of["target"][year] for year in of["target"]}
    first = ratio[min(ratio)]
    return {year: value / first - 1.0 for year, value in ratio.items()}


def test_wages__are_met_where_all_markets_are_looked_at(projected):
    assert max(map(abs, miss(projected).values())) < 1e-9


def test_factors__are_frozen_with_the_run(perennia, projected):
    run = open_run(perennia.folder / "reference")
    factors = run.frozen.wages["0-0"]
    assert len(factors) == 11
    assert factors[0] == 1.0
    assert all(0.5 < factor < 2.0 for factor in factors)
    written, aligned = run.written_horizon(0, WorldKey()), run.horizon(0, WorldKey())
    levels = [one.groups[0].tables.earnings.wage_level for one in (written, aligned)]
    np.testing.assert_array_equal(levels[1], levels[0] * np.array(factors))


def test_average_formal_earnings__is_of_formal_employees_alone():
    earnings = np.array([100.0, 300.0, 5000.0, 0.0])
    status = np.array([1, 2, 3, 7], np.int8)
    assert average_formal_earnings(earnings, status) == 200.0
    assert average_formal_earnings(earnings, np.array([3, 3, 3, 3], np.int8)) == 0.0


@given(money, money, st.floats(0.0, 1.0))
def test_welfare__stays_where_income_does(welfare, income, propensity):
    np.testing.assert_array_equal(lived_welfare(welfare, income, income, propensity), welfare)


@given(money, money, money, st.floats(0.0, 1.0))
def test_welfare__rises_with_income_and_never_falls_below_nothing(
    welfare, income, reference, propensity
):
    found = lived_welfare(welfare, income, reference, propensity)
    assert (found >= 0.0).all()
    more = lived_welfare(welfare, income + 1.0, reference, propensity)
    assert (more >= found).all()
    gained = income >= reference
    expected = welfare + propensity * (income - reference)
    np.testing.assert_allclose(found[gained], expected[gained], rtol=1e-12)


def test_welfare__stays_where_the_reference_is_not_known():
    found = lived_welfare(np.array([7.0]), np.array([5.0]), np.array([math.nan]), 1.0)
    assert found.tolist() == [7.0]


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (2, 2), (3, 7)])
def test_in_turn__keeps_the_order_and_hands_errors_on(threads, ahead):
    assert list(in_turn(lambda k: k * k, range(20), threads, ahead)) == [k * k for k in range(20)]
    with pytest.raises(ZeroDivisionError):
        list(in_turn(lambda k: 1 // (5 - k), range(20), threads, ahead))
