"""Tables D1 to D6 against direct sums over the same households."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from budget_contents import random_contents, random_records

from microsim.budget import distribution
from microsim.budget.distribution import distribution_tables
from microsim.budget.households import DESIGN_BYTES, KEPT_BYTES, TABLE_BYTES
from microsim.budget.identities import check_identities
from microsim.budget.tables import all_tables

LINE = 1_500.0


@pytest.fixture(scope="module")
def contents():
    """Return contents with records."""
    records = random_records(7)
    return dataclasses.replace(
        random_contents(7), records=records, poverty_lines={"national": LINE, "extreme": 700.0}
    )


@pytest.fixture(scope="module")
def value(contents):
    """Return a function that finds the one row with a key."""
    rows = distribution_tables(contents)

    def find(table, row, **key):
        key = {"scenario": "SQ", "group": "", **key}
        found = [
            r for r in rows
            if (r.table, r.row) == (table, row) and all(getattr(r, k) == v for k, v in key.items())
        ]  # fmt: skip
        assert len(found) == 1, (table, row, key, len(found))
        return found[0]

    return find


def test_poverty__is_weighted_by_persons(contents, value):
    r = contents.records
    persons = r.weight * r.size
    poor = r.welfare[0] < LINE
    expected = 100 * np.sum(persons * poor) / np.sum(persons)
    row = value("D1", "FGT0 Headcount", column="national")
    assert row.value == pytest.approx(expected, rel=1e-12)
    assert row.se_sampling > 0
    assert row.n == 400
    gap = np.sum(persons * np.maximum(0, LINE - np.maximum(r.welfare[0], 0)))
    found = value("D1", "Aggregate gap", column="national").value
    assert found == pytest.approx(12 * gap / 1e6, rel=1e-12)


def test_every_index__has_an_error_where_there_is_a_design(value):
    for table, row, column in (
        ("D1", "Watts index", "national"), ("D1", "Poor", "national"),
        ("D1", "Aggregate gap", "national"), ("D2", "Gini", "welfare"),
        ("D2", "Palma", "disposable income"), ("D2", "Median", "welfare"),
    ):  # fmt: skip
        assert value(table, row, column=column).se_sampling > 0
    change = value("D2", "Gini", column="welfare", scenario="R1-SQ")
    assert 0 < change.se_sampling < 2 * value("D2", "Gini", column="welfare").se_sampling


def test_poverty__counts_members_of_a_group(contents, value):
    r = contents.records
    girls = r.members[:, 1, :2].sum(axis=1)
    women = r.members[:, 1].sum(axis=1)
    poor = r.welfare[0] < LINE
    assert girls.sum() < women.sum()
    found = value("D1", "FGT0 Headcount", column="national", group="sex=female").value
    expected = 100 * np.sum(r.weight * women * poor) / np.sum(r.weight * women)
    assert found == pytest.approx(expected, rel=1e-12)


def test_poverty_difference__has_a_paired_error(value):
    before = value("D1", "FGT0 Headcount", column="national")
    after = value("D1", "FGT0 Headcount", column="national", scenario="R1")
    change = value("D1", "FGT0 Headcount", column="national", scenario="R1-SQ")
    assert change.value == after.value - before.value
    independent = np.hypot(before.se_sampling, after.se_sampling)
    assert 0 < change.se_sampling < independent


def test_poverty__has_no_error_without_a_design(contents):
    records = dataclasses.replace(contents.records, has_design=False)
    rows = distribution_tables(dataclasses.replace(contents, records=records))
    assert all(np.isnan(r.se_sampling) for r in rows)
    assert not [r for r in rows if "interval" in r.row]


def test_decile_shares__add_up(value):
    shares = [
        value("D3", "disposable income, share", column=f"decile {i}").value for i in range(1, 11)
    ]
    assert sum(shares) == pytest.approx(100, rel=1e-12)
    amounts = [
        value("D4", "income tax: share of amount", column=f"decile {i}").value for i in range(1, 11)
    ]
    assert sum(amounts) == pytest.approx(100, rel=1e-12)


def test_incidence__calls_assistance_pro_poor(value):
    row = "concentration coefficient"
    assert value("D4", f"assistance: {row}", column="all").value < 0
    assert value("D4", f"income tax: {row}", column="all").value > 0
    assert value("D4", "assistance: marginal contribution to Gini", column="all").value > 0


def test_targeting__splits_the_poor(contents, value):
    r = contents.records
    amount = r.instruments[0, :, 1]
    poor = r.welfare[0] - amount / r.equivalents < LINE
    persons = r.weight * r.size
    expected = 100 * np.sum(persons * (poor & (amount == 0))) / np.sum(persons * poor)
    found = value("D5", "assistance: exclusion error", column="line national").value
    assert found == pytest.approx(expected, rel=1e-12)


def test_gains__count_everyone_once(contents, value):
    rows = ("Poor before and after", "Leaving poverty", "Entering poverty",
            "Not poor before and after")  # fmt: skip
    moved = [value("D6", row, column="line national", scenario="R1-SQ").value for row in rows]
    persons = np.sum(contents.records.weight * contents.records.size)
    assert sum(moved) == pytest.approx(persons, rel=1e-12)
    gaining = value("D6", "Gaining more than 1 %", column="all", scenario="R1-SQ").value
    assert 0 < gaining < 100


def test_identities__include_group_poverty(contents):
    rows = all_tables(contents)
    identities = check_identities(contents, rows)
    assert [i for i in identities if not i.holds] == []
    added = [i for i in identities if "groups adds up" in i.what]
    assert len(added) >= 2 * 2 * 3 * 6
    row = next(i for i, r in enumerate(rows) if r.table == "D1" and r.group == "sex=male")
    rows[row] = rows[row]._replace(value=rows[row].value * (1 + 1e-6))
    assert [i.id for i in check_identities(contents, rows) if not i.holds] == ["I-17"]


def test_null_reform__moves_no_distribution_figure(contents):
    r = contents.records
    same = {
        name: np.stack([getattr(r, name)[0]] * 2) for name in ("welfare", "concepts", "instruments")
    }
    records = dataclasses.replace(r, **same)
    rows = distribution_tables(dataclasses.replace(contents, records=records))
    changes = [r for r in rows if r.scenario == "R1-SQ" and r.status == "ok"]
    still = ("Poor before and after", "Not poor before and after")
    moved = {r.value for r in changes if r.row not in still}
    assert moved == {0.0}
    assert {r.se_sampling for r in changes if r.table == "D1"} == {0.0}


def test_key_figures__show_poverty_in_the_comparison(contents):
    rows = all_tables(contents)
    found = {r.column: r.value for r in rows if r.row == "FGT0 Headcount, national"}
    assert found["difference"] == found["reform"] - found["status quo"]
    assert found["difference"] != 0


def test_suppression__hides_what_few_households_stand_for(contents):
    r = contents.records
    few = dataclasses.replace(r, region=np.where(np.arange(r.size.size) < 20, 0, 1))
    rows = distribution_tables(dataclasses.replace(contents, records=few))
    north = [r for r in rows if r.table == "D1" and r.group == "region=north"]
    assert north
    assert {r.status for r in north} == {"suppressed"}
    assert all(np.isnan(r.value) for r in north)


def memory_a_household(contents, n: int) -> float:
    """Return the most bytes in use at once while the tables are made, a household."""
    tracemalloc.start()
    distribution_tables(contents)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / n


@pytest.mark.parametrize(
    ("has_design", "expected"),
    [(False, KEPT_BYTES + TABLE_BYTES), (True, KEPT_BYTES + DESIGN_BYTES)],
)
def test_tables__need_a_known_memory_a_household(monkeypatch, has_design, expected):
    """However many scenarios there are: the plan of a run, and its threads, rely on it."""
    monkeypatch.setattr(distribution, "MOST_THREADS", 1)
    n = 60_000
    for scenarios in (("SQ", "R1"), ("SQ", "R1", "R2", "R3")):
        contents = random_contents(3, scenarios)
        records = random_records(3, n, len(scenarios), has_design)
        found = memory_a_household(dataclasses.replace(contents, records=records), n)
        assert expected / 2 < found <= expected, found


def test_tables__are_the_same_with_any_number_of_threads(monkeypatch, contents):
    expected = distribution_tables(contents)
    for enough in (0, 1 << 40):
        monkeypatch.setattr(distribution, "ENOUGH_BYTES", enough)
        assert list(map(repr, distribution_tables(contents))) == list(map(repr, expected))
