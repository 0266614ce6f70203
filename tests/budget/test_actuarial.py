"""Reserves, premiums and liabilities: worked numbers of the specification, and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from microsim.budget import actuarial as a
from microsim.errors import InputError

TOLERANCE = 1e-9
YEARS = 25

rates = st.floats(-0.02, 0.15)
timings = st.sampled_from(a.TIMINGS)
# Nothing, or an amount whose products are no subnormal numbers, which have few digits.
money = st.just(0.0) | st.floats(1e-3, 1e9)
amounts = st.lists(st.floats(1.0, 1e9), min_size=2, max_size=YEARS)


@st.composite
def funds(draw):
    """Return expenditure, base and interest of as many years."""
    base = draw(amounts)
    n = len(base)
    spent = draw(st.lists(money, min_size=n, max_size=n))
    interest = draw(st.lists(rates, min_size=n, max_size=n))
    return spent, base, interest


# W20 of DOMAIN.md: reserve 1,000, 5 %, contributions 200, benefits 150
@pytest.mark.parametrize(
    ("timing", "expected"),
    [("mid-year", 1101.2347538), ("half-interest", 1101.25), ("start", 1102.5), ("end", 1100.0)],
)
def test_reserve__earns_interest_as_the_timing_says(timing, expected):
    assert a.reserves(1000.0, [50.0], 0.05, timing) == [pytest.approx(expected, rel=TOLERANCE)]
    income = a.investment_income(1000.0, 50.0, 0.05, timing)
    assert income == pytest.approx(expected - 1050.0, rel=1e-7)


def test_timing__must_be_known():
    with pytest.raises(InputError, match=r"unknown timing 'noon'.*mid-year, half-interest"):
        a.growth_in_year(0.05, "noon")


def test_average_premium__is_that_of_the_worked_fund():
    """W21 of DOMAIN.md."""
    base, spent, i = [1000.0, 1050.0, 1100.0], [80.0, 100.0, 130.0], 0.05
    payg = [100 * rate for rate in a.payg_rates(spent, base)]
    assert payg == pytest.approx([8.0, 9.5238095, 11.8181818], rel=1e-8)
    without = a.general_average_premium(spent, base, i)
    assert 100 * without == pytest.approx(9.7791225416, rel=TOLERANCE)
    rate = a.general_average_premium(spent, base, i, opening=60.0)
    assert 100 * rate == pytest.approx(7.7281821689, rel=TOLERANCE)
    net = [rate * s - b for s, b in zip(base, spent, strict=True)]
    held = a.reserves(60.0, net, i)
    assert held[:2] == pytest.approx([60.2146961, 43.9057405], rel=1e-8)
    assert held[2] == pytest.approx(0.0, abs=1e-9)


@given(funds(), money, timings)
def test_average_premium__spends_the_reserve_to_zero(fund, opening, timing):
    spent, base, interest = fund
    rate = a.general_average_premium(spent, base, interest, opening=opening, timing=timing)
    net = [rate * s - b for s, b in zip(base, spent, strict=True)]
    gross = opening + math.fsum(spent) + abs(rate) * math.fsum(base)
    grown = gross / a.end_discount(interest, len(base))
    assert abs(a.reserves(opening, net, interest, timing)[-1]) <= 1e-11 * max(grown, gross)


@given(funds(), money, st.floats(0.0, 5.0), timings)
def test_target_premium__ends_with_the_wanted_ratio(fund, opening, ratio, timing):
    spent, base, interest = fund
    rate = a.target_ratio_premium(spent, base, interest, ratio, opening=opening, timing=timing)
    net = [rate * s - b for s, b in zip(base, spent, strict=True)]
    gross = opening + (1 + ratio) * math.fsum(spent) + abs(rate) * math.fsum(base)
    gross /= min(1.0, a.end_discount(interest, len(base)))
    last = a.reserves(opening, net, interest, timing)[-1]
    assert last == pytest.approx(ratio * spent[-1], abs=1e-11 * gross)


@given(funds(), money, timings)
def test_scaled_premium__keeps_the_last_reserve_level(fund, opening, timing):
    spent, base, interest = fund
    assume(all(rate >= 0.0 for rate in interest))
    rate = a.scaled_premium(spent, base, interest, opening=opening, timing=timing)
    net = [rate * s - b for s, b in zip(base, spent, strict=True)]
    held = a.reserves(opening, net, interest, timing)
    gross = opening + math.fsum(spent) + abs(rate) * math.fsum(base)
    gross /= a.end_discount(interest, len(base))
    assert held[-1] == pytest.approx(held[-2], abs=1e-11 * gross)


def test_scaled_premium__of_force_is_that_of_exponential_flows():
    """B = e^(b z), S = e^(g z): the integrals are known."""
    b, g, d, years, opening = 0.07, 0.03, 0.05, 20.0, 2.0
    z = np.linspace(0.0, years, 401)
    found = a.scaled_premium_of_force(np.exp(b * z), np.exp(g * z), d, years, opening)

    def integral(rate):
        return (math.exp(rate * years) - math.exp(d * years)) / (rate - d)

    needed = math.exp(b * years) + d * integral(b) - d * opening * math.exp(d * years)
    expected = needed / (math.exp(g * years) + d * integral(g))
    assert found == pytest.approx(expected, rel=1e-9)
    reserve = opening * math.exp(d * years) + found * integral(g) - integral(b)
    change = d * reserve + found * math.exp(g * years) - math.exp(b * years)
    assert change == pytest.approx(0.0, abs=1e-8)


def test_scaled_premium__of_years_tends_to_that_of_force():
    b, g, d, years = 0.06, 0.02, 0.04, 10.0
    z = np.linspace(0.0, years, 2001)
    expected = a.scaled_premium_of_force(np.exp(b * z), np.exp(g * z), d, years)
    steps = 4000
    moments = (np.arange(steps) + 0.5) * years / steps
    interest = math.exp(d * years / steps) - 1.0
    spent, base = (np.exp(rate * moments) * years / steps for rate in (b, g))
    assert a.scaled_premium(spent, base, interest) == pytest.approx(expected, rel=1e-4)


@given(funds(), money, st.floats(0.0, 5.0), timings)
def test_actuarial_balance__is_zero_at_the_premium_that_reaches_the_target(
    fund, opening, ratio, timing
):
    spent, base, interest = fund
    rate = a.target_ratio_premium(spent, base, interest, ratio, opening=opening, timing=timing)
    paid = [rate * s for s in base]
    found = a.actuarial_balance(
        paid, spent, base, interest, opening=opening, target_ratio=ratio, timing=timing
    )
    scale = max(1.0, abs(found.income_rate), abs(rate))
    assert found.balance == pytest.approx(0.0, abs=1e-10 * scale)


def test_actuarial_balance__is_the_change_of_rate_that_closes_it():
    base, spent, i = [1000.0, 1050.0, 1100.0], [80.0, 100.0, 130.0], 0.05
    paid = [0.07 * s for s in base]
    found = a.actuarial_balance(paid, spent, base, i, opening=60.0)
    assert found.balance == pytest.approx(0.07 - 0.077281821689, abs=1e-11)


def test_terminal_funding__divides_the_value_of_new_awards_by_earnings():
    assert a.terminal_funding_rates([50.0, 63.0], [1000.0, 1050.0]) == [0.05, 0.06]


def test_present_value__discounts_half_a_year_less_than_at_the_end():
    v = 1 / 1.05
    expected = [v**0.5, v**1.5, v**2.5]
    assert a.discount_factors(0.05, 3) == pytest.approx(expected, rel=1e-15)
    found = a.present_value([1.0, 2.0], [0.05, 0.08], "end")
    assert found == pytest.approx(1 / 1.05 + 2 / (1.05 * 1.08), rel=1e-15)


def test_events__name_the_first_years():
    years = [2025, 2026, 2027, 2028]
    spent, paid, income = [5.0, 7.0, 9.0, 12.0], [6.0] * 4, [8.0] * 4
    found = a.funding_events(years, spent, paid, income, [3.0, 4.0, 3.0, -1.0])
    assert (found.above_contributions, found.above_income, found.exhausted) == (2026, 2027, 2028)
    never = a.funding_events(years, [1.0] * 4, paid, income, [3.0, 4.0, 3.0, 0.0])
    assert (never.above_contributions, never.above_income, never.exhausted) == (None, None, None)


@given(funds(), money, st.floats(0.0, 1.0), timings)
def test_liabilities__of_the_open_group_less_contributions_and_reserve_are_the_deficit(
    fund, reserve, share, timing
):
    """With the level premium as the contribution rate the open group has no deficit."""
    spent, base, interest = fund
    rate = a.general_average_premium(spent, base, interest, opening=reserve, timing=timing)
    paid = [rate * s for s in base]
    closed = [share * b for b in spent]
    accrued = [0.5 * b for b in closed]
    found = a.liabilities(accrued, closed, spent, paid, interest, reserve=reserve, timing=timing)
    scale = found.open_group + abs(found.contributions) + reserve
    assert abs(found.open_group_deficit) <= 1e-11 * max(1.0, scale)
    assert found.accrued <= found.closed_group <= found.open_group
    assert found.implicit_pension_debt == found.accrued - reserve
