"""Tables of a projection: accounts that run on, tables made over years, identities of each year."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from budget_contents import random_contents, random_records
from budget_years import FIRST, LAST, MEASURES, years

from microsim.budget import actuarial
from microsim.budget.projection import (
    accounts_over_years,
    projection_identities,
    projection_tables,
)
from microsim.budget.tables import all_tables
from microsim.results.classifications import account_row
from microsim.results.contents import Fund, Measure

N = LAST - FIRST + 1


@pytest.fixture(scope="module")
def projection():
    """Return contents of eight years."""
    return years()


@pytest.fixture(scope="module")
def rows(projection):
    """Return their tables."""
    return projection_tables(projection)


@pytest.fixture(scope="module")
def value(rows):
    """Return a function that finds the one figure with a key."""
    found = {}
    for r in rows:
        key = (r.table, r.scenario, r.year, r.scheme, r.row, r.column, r.group, r.function)
        assert key not in found, key
        found[key] = r

    def find(table, row, *, year=LAST, scenario="baseline", scheme="ALL", column="amount",
             group="", function=""):  # fmt: skip
        return found[table, scenario, year, scheme, row, column, group, function]

    return find


def test_identities__hold_in_every_year(projection, rows):
    identities = projection_identities(projection, rows)
    assert [i for i in identities if not i.holds] == []
    found = {int(i.id[2:]) for i in identities}
    assert found == {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
    for year in range(FIRST, LAST + 1):
        assert any(i.id == "I-08" and i.what.endswith(f", {year}") for i in identities)
    between = [i for i in identities if i.id in ("I-01", "I-03")]
    assert not [i for i in between if i.what.endswith(f", {FIRST}")]


@pytest.mark.parametrize("seed", range(4))
def test_identities__hold_for_other_people_and_life_groups(seed):
    made = years(seed, ("baseline", "R1", "R2"), lives_of=(0, 0, 1))
    found = projection_tables(made)
    assert [i for i in projection_identities(made, found) if not i.holds] == []
    for table in ("A1", "A2", "A3"):
        assert {r.scenario for r in found if r.table == table} == {"baseline", "R2"}


@pytest.mark.parametrize(
    ("table", "row", "identity"),
    [
        ("A2", "Births", "I-01"), ("B3", "New awards", "I-03"),
        ("C6", account_row(21), "I-07"), ("C9", "Expenditure per head of population", "I-18"),
        ("C8", "Outlay: general revenue and earmarked taxes", "I-15"),
    ],
)  # fmt: skip
def test_identities__catch_a_changed_figure(projection, rows, table, row, identity):
    changed = list(rows)
    place = next(
        i for i, r in enumerate(rows)
        if (r.table, r.row, r.year, r.status) == (table, row, LAST, "ok") and r.value > 0
    )  # fmt: skip
    changed[place] = rows[place]._replace(value=rows[place].value * 1.001)
    broken = {i.id for i in projection_identities(projection, changed) if not i.holds}
    assert identity in broken


def test_population_account__runs_from_year_to_year(value):
    for group in ("", "sex=male", "sex=female"):
        opening, births, deaths, net, closing = (
            value("A2", row, group=group).value
            for row in ("Opening", "Births", "Deaths", "Net migration", "Closing")
        )
        assert opening + births - deaths + net == pytest.approx(closing, rel=1e-12)
        earlier = value("A1", "Total", year=LAST - 1, group=group).value
        assert opening == pytest.approx(earlier, rel=1e-15)
        assert closing == pytest.approx(value("A1", "Total", group=group).value, rel=1e-15)
    came, went = (value("A2", row).value for row in ("Immigrants", "Emigrants"))
    assert came - went == pytest.approx(value("A2", "Net migration").value, rel=1e-12)


def test_beneficiaries__have_flows_by_cause(value):
    key = {"scheme": "pension", "column": "old", "function": "OLD"}
    first = value("B3", "New awards", year=FIRST, **key)
    assert first.status == "not applicable"
    causes = [
        value("B3", f"Terminations: {cause}", **key).value
        for cause in ("death", "emigration", "other causes")
    ]
    assert sum(causes) == pytest.approx(value("B3", "Terminations", **key).value, rel=1e-12)
    women = value("B3", "Closing", group="sex=female", **key).value
    men = value("B3", "Closing", group="sex=male", **key).value
    assert women + men == pytest.approx(value("B3", "Closing", **key).value, rel=1e-12)


def test_beneficiary_flows__are_suppressed_with_the_stock(projection):
    last = projection[-1]
    place = MEASURES.index(Measure("benefit", "pension", "old", "ever"))
    n = last.cells.persons_n.copy()
    n[:, place] = np.where(n[:, place] > 0, 5, 0)
    few = dataclasses.replace(last, cells=dataclasses.replace(last.cells, persons_n=n))
    made = [*projection[:-1], few]
    rows = projection_tables(made)
    flows = {
        r.status for r in rows
        if (r.table, r.scheme, r.year, r.row) == ("B3", "pension", LAST, "New awards")
    }  # fmt: skip
    assert flows == {"suppressed"}
    assert [i for i in projection_identities(made, rows) if not i.holds] == []


@pytest.mark.parametrize("flow", ["closing", "opening", "death"])
def test_identities__catch_a_wrong_flow(projection, flow):
    last = projection[-1]
    key = ("baseline", "pension", "old", "female")
    of = {**last.benefit_flows[key], flow: last.benefit_flows[key][flow] * 1.01}
    wrong = dataclasses.replace(last, benefit_flows={**last.benefit_flows, key: of})
    made = [*projection[:-1], wrong]
    broken = {i.id for i in projection_identities(made, projection_tables(made)) if not i.holds}
    assert broken == {"I-03"}


@pytest.mark.parametrize(("scheme", "rate"), [("pension", 0.07), ("savings", 0.08)])
def test_reserve__runs_on_with_the_returns(value, scheme, rate):
    for year in range(FIRST, LAST + 1):
        key = {"scheme": scheme, "year": year}
        opening, closing, income, balance = (
            value("C6", row, **key).value
            for row in (account_row(21), account_row(22),
                        account_row(8), account_row(19))
        )  # fmt: skip
        timing = "mid-year" if scheme == "pension" else "half-interest"
        expected = actuarial.investment_income(opening, balance - income, rate, timing)
        assert income == pytest.approx(expected, rel=1e-9)
        assert closing == pytest.approx(opening + balance, rel=1e-12)
        if year > FIRST:
            last = value("C6", account_row(22), scheme=scheme,
                         year=year - 1)  # fmt: skip
            assert opening == last.value
    assert value("C6", account_row(21), scheme="pension", year=FIRST).value == 150_000.0


def test_members_balances__stand_beside_the_assets(value):
    balances = value("C6", "Members' balances", scheme="savings").value
    assets = value("C6", account_row(22), scheme="savings").value
    covered = value("C6", "Assets over members' balances", scheme="savings").value
    assert covered == pytest.approx(assets / balances, rel=1e-12)


def test_given_investment_income__takes_the_place_of_the_returns(projection):
    from budget_contents import given

    first = projection[0]
    pension = dataclasses.replace(first.schemes[0], given=(given("investment income", 7),))
    first = dataclasses.replace(first, schemes=(pension, *first.schemes[1:]))
    accounts = accounts_over_years([first, *projection[1:]])
    assert accounts[0][0][0].receipts["investment_income"] == 7e6
    assert accounts[1][0][0].receipts["investment_income"] > 1e8


def test_covered_deficit__leaves_the_reserve_as_it_is(projection):
    """The subsidy comes during the year and earns too."""
    first = projection[0]
    pension = dataclasses.replace(first.schemes[0], balance="general_revenue")
    first = dataclasses.replace(first, schemes=(pension, *first.schemes[1:]))
    account = accounts_over_years([first])[0][0][0]
    assert account.deficit_covered > 0
    assert account.balance == pytest.approx(0.0, abs=1e-3)
    net = account.balance - account.receipts["investment_income"]
    expected = actuarial.investment_income(account.reserve_opening, net, 0.07)
    assert account.receipts["investment_income"] == pytest.approx(expected, rel=1e-9)


def test_level_premium__of_the_table_ends_with_no_reserve(projection, value):
    accounts = [of[0][0] for of in accounts_over_years(projection)]
    rate = value("C11", "General average premium (GAP)", scheme="pension", column="horizon").value
    net = [rate / 100 * a.insurable - a.total_expenditure for a in accounts]
    held = actuarial.reserves(150e9, net, 0.07)
    assert held[-1] == pytest.approx(0.0, abs=1e-6 * max(held))
    wanted = value(
        "C11", "Premium for a last reserve of 3 years of expenditure", scheme="pension",
        column="horizon",
    )  # fmt: skip
    net = [wanted.value / 100 * a.insurable - a.total_expenditure for a in accounts]
    expected = 3 * accounts[-1].total_expenditure
    assert actuarial.reserves(150e9, net, 0.07)[-1] == pytest.approx(expected, rel=1e-9)


def test_fund_indicators__name_events_or_say_that_there_is_none(value):
    key = {"column": "horizon"}
    exhausted = value("C11", "Year the reserve is exhausted", scheme="pension", **key)
    assert (exhausted.value, exhausted.unit) == (2027.0, "year")
    sooner = value("C11", "Year the reserve is exhausted", scheme="pension", scenario="R1", **key)
    assert sooner.value <= exhausted.value
    never = value("C11", "Year the reserve is exhausted", scheme="savings", **key)
    assert never.status == "not within horizon"
    none = value("C11", "Year the reserve is exhausted", scheme="closed", **key)
    assert none.status == "not applicable"


def test_fund_indicators__measure_liabilities(value):
    key = {"scheme": "closed", "column": "horizon"}
    accrued, closed, whole = (
        value("C11", f"{name}, benefits paid up to {LAST}", **key).value
        for name in (
            "Accrued liability",
            f"Closed-group liability (who was there in {FIRST})",
            "Open-group liability",
        )
    )
    assert 0 < accrued < closed < whole
    deficit = value(
        "C11", f"Open-group deficit up to {LAST} (liability less contributions and reserve)", **key
    ).value
    assert deficit == whole


def test_differences__are_reform_minus_status_quo(rows, value):
    for table, row, unit in (
        ("C11", "General average premium (GAP)", "percentage points"),
        ("C11", f"Open-group liability, benefits paid up to {LAST}", "LCU million"),
    ):
        key = {"scheme": "pension", "column": "horizon"}
        change = value(table, row, scenario="R1-baseline", **key)
        after, before = (value(table, row, scenario=s, **key).value for s in ("R1", "baseline"))
        assert change.value == after - before > 0
        assert change.unit == unit
    tables = {r.table for r in rows if r.scenario == "R1-baseline"}
    assert tables >= {"C8", "C9", "C10", "C11"}


def test_cumulated__adds_the_years_up(projection, value):
    changes = [
        value("C10", "Total expenditure", year=year, scenario="R1-baseline", column="difference")
        for year in range(FIRST, LAST + 1)
    ]
    total = value(
        "C10", "Total expenditure", scenario="R1-baseline", column="difference, cumulated"
    ).value
    assert total == pytest.approx(sum(r.value for r in changes), rel=1e-9)
    present = value(
        "C10", "Total expenditure", scenario="R1-baseline", column="difference, present value"
    ).value
    expected = sum(r.value / 1.06 ** (t + 0.5) for t, r in enumerate(changes))
    assert present == pytest.approx(expected, rel=1e-9)
    gdp = sum(c.frame["gdp"].value for c in projection) / 1e6
    share = value(
        "C10", "Total expenditure", scenario="R1-baseline",
        column="difference, cumulated, % of GDP of all years",
    ).value  # fmt: skip
    assert share == pytest.approx(100 * total / gdp, rel=1e-9)


def test_present_value__is_not_available_without_interest():
    rows = projection_tables(years(interest=None))
    found = [r for r in rows if r.column.endswith("present value")]
    assert found
    assert {r.status for r in found} == {"not available"}


def test_null_reform__changes_nothing():
    made = years(reform=1.0)
    rows = projection_tables(made)
    assert [i for i in projection_identities(made, rows) if not i.holds] == []
    columns = ("status quo", "reform")
    changes = [
        r for r in rows
        if r.scenario == "R1-baseline" and r.status == "ok" and not r.column.startswith(columns)
    ]  # fmt: skip
    assert len(changes) > 1000
    assert {r.value for r in changes} == {0.0}


def test_constant_prices__are_those_of_the_first_year(value):
    key = {"row": "Total expenditure", "column": "constant prices"}
    current = value("C7", "Total expenditure", column="current prices").value
    assert value("C7", **key).value == pytest.approx(current / 1.04 ** (N - 1), rel=1e-12)
    assert value("C7", **key).price_basis == f"constant_{FIRST}"


def test_places__are_told_apart_in_years_with_distribution_tables():
    made = years(last=FIRST + 1)
    assert not made[1].in_detail
    rows = projection_tables([with_groups(made[0], ("baseline", "R1")), made[1]])
    for table in ("B3", "B6"):
        places = [r for r in rows if r.table == table and r.group.startswith("region=")]
        assert {r.year for r in places} == {FIRST}


def test_government_account__compares_with_what_there_was(value):
    key = {"column": "current prices"}
    first = value("C8", "Fiscal gap", year=FIRST, **key).value
    assert first == pytest.approx(0.0, abs=1e-6)
    required, available = (value("C8", row, **key).value for row in ("Required", "Available"))
    start = value("C8", "Required", year=FIRST, **key).value
    assert available == pytest.approx(start * 1.04 ** (N - 1), rel=1e-9)
    gap = value("C8", "Fiscal gap", **key).value
    assert gap == pytest.approx(required - available, rel=1e-9)
    matched = value("C8", "Contributions matched", **key).value
    assert matched > 0
    assert value("C8", "Required", column="% of tax revenue").status == "ok"


def test_registers__show_assumptions_and_what_lives_reached(value):
    row = "inflation (data: central bank)"
    figures = [value("A5", row, year=FIRST, column=c).value for c in ("baseline", "low", "high")]
    assert figures == [0.05, 0.03, 0.07]
    other = value("A5", "wages above prices (assumption: none)", year=FIRST, column="low")
    assert other.status == "not available"
    assert value("T2", "births", column="miss").value == 1.0
    assert value("T2", "births", column="miss, %").value == pytest.approx(0.1, rel=1e-12)
    rates = value("T2", "births", column="of which the rates, %").value
    assert rates == pytest.approx(0.2, rel=1e-12)
    assert value("T2", "births", column="chance, %").value == pytest.approx(2.0, rel=1e-12)


def with_groups(contents, scenarios):
    """Return contents of a year with records of two life groups."""
    groups = []
    for g, names in enumerate(filter(None, (scenarios[:2], scenarios[2:]))):
        places = [scenarios.index(n) for n in names]
        cells = dataclasses.replace(
            contents.cells, persons=contents.cells.persons[places],
            persons_n=contents.cells.persons_n[places], places=contents.cells.places[places],
        )  # fmt: skip
        groups.append(dataclasses.replace(
            contents, scenarios=names, labels=names, cells=cells, regions=("north", "south"),
            records=random_records(g, n_scenarios=len(names)),
        ))  # fmt: skip
    return dataclasses.replace(contents, groups=tuple(groups))


def test_life_groups__are_compared_in_levels_only():
    scenarios = ("baseline", "R1", "R2")
    made = [
        dataclasses.replace(one, poverty_lines={"national": 1_500.0})
        for one in years(scenarios=scenarios, lives_of=(0, 0, 1), last=FIRST + 1)
    ]
    made[0] = with_groups(made[0], scenarios)
    rows = projection_tables(made)
    assert [i for i in projection_identities(made, rows) if not i.holds] == []
    poverty = [r for r in rows if r.table == "D1" and r.row.startswith("FGT0") and not r.group]
    poverty = {r.scenario: r for r in poverty if r.column == "national"}
    assert set(poverty) == {"baseline", "R1", "R2", "R1-baseline", "R2-baseline"}
    paired, unpaired = poverty["R1-baseline"], poverty["R2-baseline"]
    assert paired.se_sampling > 0
    assert math.isnan(unpaired.se_sampling)
    assert unpaired.row == ("FGT0 Headcount, difference of levels (other people, no paired error)")
    assert unpaired.value == poverty["R2"].value - poverty["baseline"].value
    assert {r.scenario for r in rows if r.table == "D6"} == {"R1-baseline"}
    key = [r for r in rows if r.table == "C10" and r.row.startswith("FGT0")]
    assert {r.scenario for r in key} == {"R1-baseline", "R2-baseline"}
    assert {r.year for r in rows if r.table[0] == "D"} == {FIRST}


def test_poverty__of_the_old_is_by_sex_in_a_projection():
    one = years(last=FIRST)[0]
    records = random_records(3)
    one = dataclasses.replace(one, poverty_lines={"national": 1_500.0})
    group = dataclasses.replace(one, records=records, regions=("north", "south"))
    rows = projection_tables([dataclasses.replace(one, groups=(group,))])
    women = next(
        r for r in rows
        if (r.table, r.row, r.group, r.scenario)
        == ("D1", "FGT0 Headcount", "older=women 65+", "baseline")
    )  # fmt: skip
    old = records.members[:, 1, 5:].sum(axis=1)
    poor = records.welfare[0] < 1_500.0
    expected = 100 * np.sum(records.weight * old * poor) / np.sum(records.weight * old)
    assert women.value == pytest.approx(expected, rel=1e-12)


def test_one_year__has_the_tables_it_had():
    contents = random_contents(4)
    rows = all_tables(contents)
    assert {r.table for r in rows}.isdisjoint({"A2", "A5", "C8", "C9", "C11", "T2"})
    assert not [r for r in rows if r.group.startswith("older=")]
    assert {r.row for r in rows if r.table == "B3" and r.status == "not applicable"} == {
        "Opening", "New awards", "Terminations",
    }  # fmt: skip


def test_fund_of_a_single_year__opens_with_what_the_law_states(projection):
    first = dataclasses.replace(projection[0], horizon=None)
    rows = all_tables(first)
    found = [r.value for r in rows if r.row == account_row(21) and r.scheme == "pension"]
    assert found == [150_000.0, 150_000.0]


def test_measures__of_a_fund_without_returns_are_discounted_at_the_frames_interest(projection):
    closed = projection[0].schemes[2]
    assert closed.fund == Fund("defined benefit", closed=True)
    paid = [
        c.cells.persons[0, MEASURES.index(Measure("fund", "closed", "service", "closed"))].sum()
        for c in projection
    ]
    expected = actuarial.present_value(paid, 0.06) / 1e6
    rows = projection_tables(projection)
    found = next(
        r for r in rows
        if r.table == "C11" and r.scheme == "closed" and r.row.startswith("Closed-group")
        and r.scenario == "baseline"
    )  # fmt: skip
    assert found.value == pytest.approx(expected, rel=1e-9)
