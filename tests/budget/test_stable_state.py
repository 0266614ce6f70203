"""Closed forms of the stable state: worked numbers, the order of premiums, rates of return."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.budget.actuarial import investment_income
from microsim.budget.stable_state import (
    StableScheme,
    account_at_retirement,
    annuity_certain,
    annuity_certain_due,
    annuity_divisor,
    annuity_due,
    internal_rate_of_return,
)

DE_MOIVRE = [100.0 - x for x in range(100)]
TO_80 = [1.0] * 80


@st.composite
def schemes(draw):
    """Return a stable scheme with any table of survivors and any profile of wages."""
    deaths = draw(st.lists(st.floats(0.0, 0.15), min_size=99, max_size=99))
    survivors = np.concatenate([[1.0], np.cumprod(1.0 - np.array(deaths))])
    entry = draw(st.integers(15, 30))
    retirement = draw(st.integers(45, 70))
    wages = draw(st.lists(st.floats(0.2, 3.0), min_size=60, max_size=60))
    return StableScheme(
        survivors, entry, retirement, draw(st.floats(0.1, 1.0)),
        growth=draw(st.floats(-0.02, 0.04)), wage_growth=draw(st.floats(0.0, 0.1)),
        indexation=draw(st.floats(0.0, 0.1)), profile=wages[: retirement - entry],
    )  # fmt: skip


def test_stationary_scheme__has_the_worked_rate():
    """W18 of DOMAIN.md: de Moivre's table, replacement 50 %."""
    scheme = StableScheme(DE_MOIVRE, 20, 60, 0.5)
    assert scheme.dependency() == pytest.approx(820 / 2420, rel=1e-14)
    assert scheme.dependency() == pytest.approx(0.3388429752, rel=1e-9)
    assert 100 * scheme.payg() == pytest.approx(16.94214876, rel=1e-9)


def test_stable_scheme__has_the_worked_rate():
    """W18 of DOMAIN.md: everybody lives to 80, replacement 40 %, without and with growth."""
    still = StableScheme(TO_80, 20, 60, 0.4)
    assert still.dependency() == 0.5
    assert still.payg() == pytest.approx(0.2, rel=1e-14)
    growing = dataclasses.replace(still, growth=0.02)
    assert growing.dependency() == pytest.approx(0.2707102066, rel=1e-9)
    assert 100 * growing.payg() == pytest.approx(10.82840826, rel=1e-9)


def test_cohort__earns_the_growth_of_earnings():
    """W18 of DOMAIN.md: 1.02 x 1.01 - 1 = 3.02 %, whatever the lives."""
    scheme = StableScheme(DE_MOIVRE, 20, 60, 0.4, growth=0.02, wage_growth=0.01, indexation=0.01)
    flows = scheme.flows_of_member(scheme.payg())
    assert internal_rate_of_return(flows) == pytest.approx(0.0302, abs=1e-12)
    value = sum(f / 1.0302**t for t, f in enumerate(flows))
    assert abs(value) < 1e-14 * sum(map(abs, flows))


@given(schemes())
def test_payg_member__earns_the_growth_of_earnings(scheme):
    """Whatever lives, wages and indexation (Aaron 1966, Samuelson 1958)."""
    flows = scheme.flows_of_member(scheme.payg())
    assert internal_rate_of_return(flows) == pytest.approx(scheme.earnings_growth, abs=1e-9)


@given(schemes(), st.floats(0.0001, 0.1))
def test_interest_above_growth__orders_the_premiums(scheme, above):
    interest = scheme.earnings_growth + above
    level, awards = scheme.general_average_premium(interest), scheme.terminal_funding(interest)
    assert level < awards < scheme.payg()


@given(schemes())
def test_interest_equal_to_growth__makes_the_premiums_equal(scheme):
    interest = scheme.earnings_growth
    expected = pytest.approx(scheme.payg(), rel=1e-11)
    assert scheme.general_average_premium(interest) == expected
    assert scheme.terminal_funding(interest) == expected


@given(schemes(), st.floats(0.01, 0.1), st.floats(0.0, 1.0))
def test_stable_reserve__stays_in_step_with_earnings(scheme, above, share):
    interest = scheme.earnings_growth + above
    rate = share * scheme.payg()
    held = scheme.reserve(rate, interest)
    net = rate - scheme.payg()
    later = held + net + investment_income(held, net, interest, "start")
    assert later == pytest.approx(held * (1 + scheme.earnings_growth), rel=1e-9, abs=1e-12)


def test_stable_reserve__at_the_terminal_funding_rate_is_the_value_of_pensions_in_payment():
    scheme = StableScheme(DE_MOIVRE, 20, 60, 0.5, growth=0.01)
    interest = 0.03
    held = scheme.reserve(scheme.terminal_funding(interest), interest)
    survivors = np.array(DE_MOIVRE) / 1.01 ** np.arange(100)
    earnings = survivors[20:60].sum()
    later = [annuity_due(DE_MOIVRE[x:], interest) - 1.0 for x in range(60, 99)]
    after_pensions = 0.5 * np.dot(survivors[60:99], later) / earnings
    # A year on: the value has earned interest, and earnings have grown.
    assert held == pytest.approx(after_pensions * 1.03 / 1.01, rel=1e-9)


def test_annuities__have_their_closed_forms():
    assert annuity_certain_due(20, 0.03) == pytest.approx(15.3237991, rel=1e-8)
    assert annuity_certain_due(7, 0.0) == 7.0
    assert annuity_certain(20, 0.03) == pytest.approx(14.8774749, rel=1e-8)
    assert annuity_due([1.0] * 20, 0.03) == pytest.approx(annuity_certain_due(20, 0.03), rel=1e-13)
    v = 1 / 1.04
    assert annuity_due([8.0, 4.0, 2.0], 0.04) == pytest.approx(1 + v / 2 + v * v / 4, rel=1e-15)


def test_notional_account__pays_its_share_of_the_final_wage():
    """W23 of DOMAIN.md: 10 %, 40 years, interest = wage growth = 2 %, divisor 20."""
    growth = 0.02
    wages = [(1 + growth) ** t for t in range(40)]
    balance = account_at_retirement([0.1 * w for w in wages], growth)
    divisor = annuity_divisor([1.0] * 20, growth, growth)
    assert divisor == 20.0
    assert balance / divisor == pytest.approx(0.2 * wages[-1], rel=1e-12)


def test_defined_contribution__pays_an_annuity_certain():
    """W23 of DOMAIN.md: 1,000 a year, 30 years, 4 %; 20 years at 3 %."""
    balance = account_at_retirement([1000.0] * 30, 0.04)
    assert balance == pytest.approx(56_084.94, abs=0.005)
    assert balance / annuity_certain_due(20, 0.03) == pytest.approx(3_659.99, abs=0.005)
