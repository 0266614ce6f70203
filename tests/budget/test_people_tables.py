"""Tables of people: contributors, beneficiaries, benefit levels, coverage; and account rules."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from budget_contents import (
    MEASURES,
    SHAPE,
    M,
    benefit,
    contents,
    frame,
    given,
    random_contents,
    scheme,
)

from microsim.budget.accounts import all_accounts
from microsim.budget.frame_tables import series_labels
from microsim.budget.tables import all_tables
from microsim.errors import InputError
from microsim.results.contents import Benefit, Contribution, FrameValue, Measure, Tax

WOMAN_IN_FORMAL_JOB = (1, 3, 2)
MAN_IN_FORMAL_JOB = (0, 3, 2)
OLD_MAN = (0, 5, 10)


def _small(n=100, **scheme_keys):
    """One scheme: 3 women and 1 man contribute, 2 old men get a pension for half a year."""
    values = {
        Measure("population", "", "", "persons"): {
            WOMAN_IN_FORMAL_JOB: 10, MAN_IN_FORMAL_JOB: 10, OLD_MAN: 5},
        Measure("scheme", "fund", "", "contributor_months"): {
            WOMAN_IN_FORMAL_JOB: 24, MAN_IN_FORMAL_JOB: 12},
        Measure("scheme", "fund", "", "contributor_ever"): {
            WOMAN_IN_FORMAL_JOB: 3, MAN_IN_FORMAL_JOB: 1},
        Measure("scheme", "fund", "", "insurable"): {
            WOMAN_IN_FORMAL_JOB: 2400, MAN_IN_FORMAL_JOB: 2400},
        Measure("contribution", "fund", "own", "amount"): {
            WOMAN_IN_FORMAL_JOB: 120, MAN_IN_FORMAL_JOB: 120},
        Measure("contribution", "fund", "own", "due"): {
            WOMAN_IN_FORMAL_JOB: 200, MAN_IN_FORMAL_JOB: 120},
        Measure("benefit", "fund", "pension", "amount"): {OLD_MAN: 600},
        Measure("benefit", "fund", "pension", "entitlement"): {OLD_MAN: 700},
        Measure("benefit", "fund", "pension", "months"): {OLD_MAN: 12},
        Measure("benefit", "fund", "pension", "ever"): {OLD_MAN: 2},
        Measure("benefit", "fund", "pension", "december"): {OLD_MAN: 1},
        Measure("benefit", "fund", "pension", "eligible_months"): {OLD_MAN: 48},
        Measure("benefit", "fund", "pension", "at_minimum_months"): {OLD_MAN: 3},
        Measure("coverage", "", "older", "covered"): {OLD_MAN: 2},
        Measure("coverage", "", "older", "target"): {OLD_MAN: 5},
    }  # fmt: skip
    cells = np.zeros((1, len(values), *SHAPE))
    for i, of in enumerate(values.values()):
        for place, value in of.items():
            cells[(0, i, *place)] = value
    keys = {
        "contributions": (Contribution("own", "employees"),),
        "benefits": (Benefit("pension", "OLD", "cash periodic", False, "person", 40.0, True),),
        **scheme_keys,
    }
    return contents(
        (scheme("fund", **keys),), tuple(values), cells, n=np.where(cells, n, 0),
        frame=frame(gdp=60_000.0, average_wage=2_400.0), poverty_lines={"national": 25.0},
    )  # fmt: skip


@pytest.fixture(scope="module")
def value():
    """Return a function that finds the one figure with a key."""
    rows = all_tables(_small())

    def find(table, row, **key):
        key = {"group": "", **key}
        found = [
            r for r in rows
            if (r.table, r.row) == (table, row) and all(getattr(r, k) == v for k, v in key.items())
        ]  # fmt: skip
        assert len(found) == 1, (table, row, key, found)
        return found[0].value

    return find


def test_contributors__are_counted_and_rated(value):
    assert value("B1", "Average contributors") == 3
    assert value("B1", "Average contributors", group="sex=female") == 2
    group = "sex=male;status=formal private employee"
    assert value("B1", "Average contributors", group=group) == 1
    assert value("B1", "Active in the year") == 4
    assert value("B1", "Average months paid") == 9
    assert value("B1", "Compliance", column="own") == 75
    assert value("B1", "Contributors / employed") == 15
    assert math.isnan(value("B1", "Registered"))


def test_insurable_earnings__are_averaged_over_months(value):
    assert value("B2", "Average insurable earnings") == pytest.approx(4800 / 36)
    assert value("B2", "Average insurable earnings", group="sex=female") == 100


def test_beneficiaries__have_stocks_but_no_flows(value):
    key = {"column": "pension"}
    assert math.isnan(value("B3", "New awards", **key))
    assert value("B3", "Recipients in December (lump sums: in the year)", **key) == 1
    assert value("B3", "Average in year", **key) == 1
    assert value("B3", "Average in year", group="age_group=65-79", **key) == 1
    assert value("B3", "Effective take-up", **key) == 25


def test_macro_frame__has_plain_names_with_units(value):
    assert value("A4", "Gross domestic product", unit="LCU/year") == 60_000
    assert value("A4", "Average wage") == 2_400
    assert math.isnan(value("A4", "Minimum wage"))
    assert value("A4", "poverty line national", unit="LCU/month") == 25


def test_series_labels__are_those_of_the_frame_file_where_there_is_no_plain_name():
    frame = {
        "gdp": FrameValue(1.0, "currency/year", "", "GDP of the budget"),
        "health_cost": FrameValue(1.0, "currency/year", "", "Cost of care"),
        "care": FrameValue(1.0, "currency/year", "", "Cost of care"),
        "output": FrameValue(1.0, "currency/year", "", "Gross domestic product"),
        "civil_wages": FrameValue(1.0, "currency/month", ""),
    }
    assert series_labels(frame) == {
        "gdp": "Gross domestic product",
        "health_cost": "Cost of care (health_cost)",
        "care": "Cost of care (care)",
        "output": "Gross domestic product (output)",
        "civil_wages": "civil_wages",
    }


def test_benefit_levels__are_compared(value):
    key = {"column": "pension"}
    assert value("B4", "Average monthly benefit", **key) == 50
    assert value("B4", "Recipients at the minimum", **key) == 25
    assert value("B4", "Average benefit, % of average wage", **key) == 25
    assert math.isnan(value("B4", "Average benefit, % of minimum wage", **key))
    assert value("B4", "Average benefit, % of poverty line national", **key) == 200
    assert value("B4", "Expenditure, % GDP", **key) == 1
    assert value("B4", "Arrears (entitlement not paid)", **key) == pytest.approx(100 / M)


def test_ratios__give_the_payg_rate(value):
    dependency = value("B5", "System dependency ratio (pensioners / contributors)")
    replacement = value("B5", "Financial ratio (average pension / average insurable earnings)")
    assert dependency == pytest.approx(100 / 3)
    assert replacement == pytest.approx(37.5)
    assert dependency * replacement / 100 == pytest.approx(100 * 600 / 4800)
    assert value("B5", "Old-age coverage (pensioners / persons above retirement age)") == 40


def test_effective_coverage__is_given_by_group(value):
    row = "Older persons receiving a pension"
    assert value("B6", row, column="rate") == 40
    assert value("B6", row, column="rate", group="sex=male") == 40
    assert value("B6", row, column="target", group="area=urban") == 5
    assert math.isnan(value("B6", "Unemployed receiving a benefit", column="rate"))


def test_suppression__hides_counts_of_few_households():
    rows = {(r.table, r.row, r.group): r for r in all_tables(_small(n=24))}
    row = rows["B1", "Average contributors", "sex=female"]
    assert row.status == "suppressed"
    assert math.isnan(row.value)
    assert {r.status for r in all_tables(_small(n=25))} == {
        "ok", "not applicable", "not available",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "rate", "expected"),
    [("share_of_benefits", 0.1, 60.0), ("share_of_contributions", 0.5, 120.0),
     ("per_recipient", 7.0, 7.0), ("", 9.0, 0.0)],
)  # fmt: skip
def test_administration__follows_its_basis(basis, rate, expected):
    fund = _small(administration_basis=basis, administration_value=rate)
    assert all_accounts(fund)[0][0].administration == pytest.approx(expected)


def test_balance__is_a_subsidy_of_the_deficit_only():
    account = all_accounts(_small(balance="general_revenue", external=0.1))[0][0]
    assert account.receipts["external"] == pytest.approx(60)
    assert account.receipts["general_revenue"] == pytest.approx(300)
    assert account.balance == pytest.approx(0, abs=1e-9)
    rich = _small(balance="general_revenue", given=(given("investment income", 1),))
    assert all_accounts(rich)[0][0].receipts["general_revenue"] == 0.0


def test_employers__of_public_employees_are_government():
    rows = all_tables(random_contents(9))
    public = [r for r in rows if r.table == "C5" and r.row == "central government"]
    assert any(r.scheme == "pension" and r.value > 0 for r in public)


def test_earmarked_tax__is_a_receipt_of_its_scheme():
    measure = Measure("tax", "", "levy", "amount")
    cells = np.zeros((1, 1, *SHAPE))
    cells[(0, 0, *OLD_MAN)] = 5 * M
    fund = contents(
        (scheme("housing", given=(benefit("HOU", "in kind", 4),)),), (measure,), cells,
        taxes=(Tax("levy", "Levy", "earmarked tax", "corporations", "housing"),),
    )  # fmt: skip
    account = all_accounts(fund)[0][0]
    assert account.receipts["earmarked_taxes"] == 5 * M
    assert account.origins()["central government"] == 5 * M


def test_partial_scheme__stays_out_of_the_social_budget():
    rows = all_tables(_small(partial=True))
    budget = {(r.row, r.column): r.value for r in rows if r.table == "C7"}
    assert budget["Total expenditure", "current prices"] == 0
    memo = "Memo: expenditure of partial schemes, left out"
    assert budget[memo, "current prices"] == pytest.approx(600 / M)
    balance = next(r for r in rows if r.table == "C6" and r.row == "19 Balance")
    assert balance.status == "not applicable"


def test_frame__that_nobody_gives_leaves_shares_out():
    fund = dataclasses.replace(_small(), frame=frame())
    shares = [r for r in all_tables(fund) if r.table == "C7" and r.unit == "% GDP"]
    assert shares
    assert {r.status for r in shares} == {"not available"}


def test_transfer__may_be_stated_by_either_partner():
    for side, line, partner in (("a", "transfers to schemes", "b"),
                                ("b", "transfers from schemes", "a")):  # fmt: skip
        lines = {side: (given(line, 60, partner=partner),)}
        fund = contents(
            [scheme(s, given=lines.get(s, ())) for s in ("a", "b")],
            (MEASURES[0],),
            np.zeros((1, 1, *SHAPE)),
        )
        payer, receiver = all_accounts(fund)[0]
        assert payer.paid_to_schemes == receiver.receipts["transfers_from"] == 60 * M


def test_given_lines__that_contradict_are_all_named():
    lines = {
        "a": (given("transfers to schemes", 60, partner="b"), given("gifts", 1)),
        "b": (given("transfers from schemes", 50, partner="a"),
              given("transfers to schemes", 1, partner="c")),
    }  # fmt: skip
    fund = contents(
        [scheme(s, given=g) for s, g in lines.items()], (MEASURES[0],), np.zeros((1, 1, *SHAPE))
    )
    with pytest.raises(InputError, match="state different amounts; found a: 6e") as caught:
        all_accounts(fund)
    assert len(caught.value.faults) == 3
    assert "'gifts': is not a line of the account" in str(caught.value)
    assert "names a scheme that nobody defines; found 'c'" in str(caught.value)
