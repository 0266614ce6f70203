"""The accounts of a projected fund: premiums of one run, set as the contribution rate of a second,
do what their definitions say; indicators are those of the account's own rows.

Lives do not depend on the contribution rate, so that two runs have the same people and earnings,
and no tolerance for chance is needed.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from projections import WEIGHT, Perennia, life_of, make_perennia, rows_of, series_of, value_of

from microsim.budget import actuarial
from microsim.simulation.run import Outcome, open_run

FIRST, LAST = 2025, 2035
YEARS = range(FIRST, LAST + 1)
OPENING = 200.0  # LCU million, the opening reserve of the law
INTEREST = 0.05  # its returns
ANNUITY = 12  # capital value of a pension of one a year, of its law
EXACT = 1e-9
SPENT, INSURABLE = "18 TOTAL EXPENDITURE", "23 Insurable earnings"


@pytest.fixture(scope="module")
def country(rules_cache, perennia, tmp_path_factory) -> Perennia:
    """Return Perennia without reforms."""
    mine = make_perennia(tmp_path_factory.mktemp("accounts"), perennia.population)
    mine.without_reforms()
    return mine


@pytest.fixture(scope="module")
def outcome(country) -> Outcome:
    return country.run("first")


def account(outcome: Outcome, row: str) -> list[float]:
    """Return a row of the fund's account (C6) in every year, LCU million or persons."""
    found = series_of(outcome, "C6", scheme="fund", row=row)
    return [found[year] for year in YEARS]


def indicator(outcome: Outcome, row: str) -> float:
    """Return what C11 says of the whole horizon."""
    return value_of(outcome, "C11", scheme="fund", column="horizon", row=row)


def rerun(country: Perennia, outcome: Outcome, premium: str) -> Outcome:
    """Run again with a premium of the first run as contribution rate."""
    rate = indicator(outcome, premium) / 100
    again = country.run(premium.split(" ")[0], settings=(f"fund.rate={rate!r}",))
    for table in ("A1", "A2", "A3"):
        assert [str(row) for row in rows_of(again, table)] == [
            str(row) for row in rows_of(outcome, table)
        ]
    for row in (SPENT, INSURABLE):
        assert account(again, row) == account(outcome, row)
    return again


def test_general_average_premium__leaves_nothing_at_the_end(country, outcome):
    again = rerun(country, outcome, "General average premium (GAP)")
    closing = account(again, "22 Reserve closing")
    assert max(closing) > 1.0
    assert abs(closing[-1]) < EXACT * max(map(abs, closing))


def test_scaled_premium__leaves_the_last_reserve_as_it_was(country, outcome):
    again = rerun(country, outcome, "Scaled premium")
    closing = account(again, "22 Reserve closing")
    assert closing[-1] == pytest.approx(closing[-2], rel=EXACT)
    assert abs(closing[-2] - closing[-3]) > 1e-4 * abs(closing[-2])


def test_premium_for_a_reserve__leads_to_that_reserve(country, outcome):
    again = rerun(country, outcome, "Premium for a last reserve of 3 years of expenditure")
    closing, spent = account(again, "22 Reserve closing"), account(again, SPENT)
    assert closing[-1] / spent[-1] == pytest.approx(3.0, rel=EXACT)


def test_reserve__runs_on_with_interest(outcome):
    receipts, spent = account(outcome, "11 TOTAL RECEIPTS"), account(outcome, SPENT)
    earned = account(outcome, "8 Investment income")
    net = [r - e - s for r, e, s in zip(receipts, earned, spent, strict=True)]
    expected = actuarial.reserves(OPENING, net, INTEREST)
    assert account(outcome, "22 Reserve closing") == pytest.approx(expected, rel=EXACT)
    opening = account(outcome, "21 Reserve opening")
    assert opening == [OPENING, *account(outcome, "22 Reserve closing")[:-1]]


def test_rates_of_years__are_quotients_of_the_account(outcome):
    spent, base = account(outcome, SPENT), account(outcome, INSURABLE)
    rates = series_of(outcome, "C11", scheme="fund", row="PAYG cost rate")
    payg = [100 * rate for rate in actuarial.payg_rates(spent, base)]
    assert [rates[year] for year in YEARS] == pytest.approx(payg, rel=EXACT)
    paid = account(outcome, "2 Contributions employees")
    assert [p / b for p, b in zip(paid, base, strict=True)] == pytest.approx([0.1] * len(base))


def test_terminal_funding__is_the_value_of_awards_person_by_person(outcome):
    """People live on again, and awards are found from their pensions of two years."""
    rates = series_of(outcome, "C11", scheme="fund", row="Terminal funding rate")
    awards = series_of(outcome, "B3", scheme="fund", row="New awards", column="old_age", group="")
    wage, base = series_of(outcome, "A4", row="Average wage"), account(outcome, INSURABLE)
    life = life_of(open_run(outcome.out))
    names = [state.name for state, _ in life.group.model.carried.states]
    place = names.index("fund_pension_share")
    for k, year in enumerate(YEARS):
        passage = life.begin_year()
        life.evaluate(1)
        if passage is None:
            continue
        now = life.last.states[0][place]
        there = passage.source >= 0
        earlier = np.where(there, life.before.states[0][place][passage.source], now)
        new = (earlier == 0) & (now > 0)
        assert new.sum() * WEIGHT == pytest.approx(awards[year], rel=EXACT)
        value = ANNUITY * 12 * wage[year] * now[new].sum() * WEIGHT / 1e6
        assert rates[year] == pytest.approx(100 * value / base[k], rel=EXACT), year
    assert sum(rates.values()) > 10


def test_premiums__are_those_of_the_accounts_series(outcome):
    spent, base = account(outcome, SPENT), account(outcome, INSURABLE)
    gap = actuarial.general_average_premium(spent, base, INTEREST, opening=OPENING)
    assert indicator(outcome, "General average premium (GAP)") == pytest.approx(
        100 * gap, rel=EXACT
    )
    paid = account(outcome, "2 Contributions employees")
    balance = actuarial.actuarial_balance(
        paid, spent, base, INTEREST, opening=OPENING, target_ratio=3
    )
    assert indicator(outcome, "Actuarial balance") == pytest.approx(
        100 * balance.balance, rel=EXACT
    )


def test_open_group_deficit__is_what_is_missing_at_the_start(outcome):
    """DOMAIN 6.8: liability less contributions less reserve; its worth at the end is the debt."""
    deficit = indicator(
        outcome, f"Open-group deficit up to {LAST} (liability less contributions and reserve)"
    )
    worth = -deficit * 1.05 ** len(YEARS)
    closing = account(outcome, "22 Reserve closing")[-1]
    assert worth == pytest.approx(closing, rel=1e-8, abs=1e-8 * OPENING)


def test_exhaustion__is_the_first_year_below_zero(country, outcome):
    poor = country.run("poor", settings=("fund.rate=0.02",))
    closing = account(poor, "22 Reserve closing")
    first = next(year for year, held in zip(YEARS, closing, strict=True) if held < 0)
    assert FIRST < first < LAST
    assert indicator(poor, "Year the reserve is exhausted") == first
    rich = country.run("rich", settings=("fund.rate=0.9",))
    assert math.isnan(indicator(rich, "Year the reserve is exhausted"))
