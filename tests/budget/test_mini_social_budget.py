"""The worked social budget of three schemes (W32 of the domain specification), figure by figure."""

from __future__ import annotations

import pytest

from microsim.budget.identities import check_identities
from microsim.budget.tables import all_tables
from microsim.results.contents import FUNCTIONS

TOLERANCE = 1e-9


@pytest.fixture
def value(mini):
    """Return a function that finds the one figure with a key."""
    rows = all_tables(mini)

    def find(table, **key):
        found = [
            r.value for r in rows
            if r.table == table and all(getattr(r, name) == v for name, v in key.items())
        ]  # fmt: skip
        assert len(found) == 1, (table, key, len(found))
        return pytest.approx(found[0], rel=TOLERANCE, abs=1e-12)

    return find


ACCOUNTS = {  # row of C6 -> NSSF, NHIS, SCT, LCU million
    "1 Contributions employers": (1200, 400, 0),
    "2 Contributions employees": (800, 400, 0),
    "3 Contributions self-employed / voluntary": (100, 50, 0),
    "4 Contributions other protected persons": (0, 0, 0),
    "5 Government: earmarked taxes": (0, 500, 0),
    "6 Government: general revenue": (0, 0, 700),
    "7 Transfers from other schemes": (0, 60, 0),
    "8 Investment income": (350, 20, 0),
    "9 External grants": (0, 0, 100),
    "10 Other": (10, 0, 0),
    "11 TOTAL RECEIPTS": (2460, 1430, 800),
    "15 Administration": (90, 70, 80),
    "16 Transfers to other schemes": (60, 0, 0),
    "17 Other": (0, 0, 0),
    "18 TOTAL EXPENDITURE": (1600, 1410, 800),
    "19 Balance": (860, 20, 0),
    "20 Primary balance (excl. investment)": (510, 0, 0),
}


@pytest.mark.parametrize("row", ACCOUNTS)
def test_scheme_account__gives_every_line(value, row):
    for name, expected in zip(("NSSF", "NHIS", "SCT"), ACCOUNTS[row], strict=True):
        assert expected == value("C6", scheme=name, row=row)


@pytest.mark.parametrize(
    ("row", "nssf", "nhis", "sct"),
    [
        ("12 Benefits cash periodic", 1420, 140, 700),
        ("13 Benefits cash lump sum", 30, 0, 0),
        ("14 Benefits in kind", 0, 1200, 20),
    ],
)
def test_scheme_account__adds_benefits_by_kind(value, row, nssf, nhis, sct):
    for name, expected in (("NSSF", nssf), ("NHIS", nhis), ("SCT", sct)):
        assert expected == value("C6", scheme=name, row=row, function="ALL")


def test_scheme_account__gives_the_fund_its_ratios(value):
    key = {"table": "C6", "scheme": "NSSF"}
    assert value(row="21 Reserve opening", **key) == 5000
    assert value(row="22 Reserve closing", **key) == 5860
    assert value(row="26 PAYG cost rate = 18 / 23", **key) == 8.0
    assert value(row="26 PAYG cost rate, net = (18 - 16) / 23", **key) == 7.7
    assert value(row="27 Collected contribution rate = (1 + 2 + 3 + 4) / 23", **key) == 10.5
    assert value(row="28 Reserve ratio = 22 / 18", **key) == 3.6625


CONSOLIDATED = {
    "Contributions employers": 1600,
    "Contributions employees": 1200,
    "Contributions self-employed / voluntary": 150,
    "Contributions other protected persons": 0,
    "Government: earmarked taxes": 500,
    "Government: general revenue": 700,
    "Investment income": 370,
    "External grants": 100,
    "Other receipts": 10,
    "Total receipts": 4630,
    "Administration": 240,
    "Other expenditure": 0,
    "Total expenditure": 3750,
    "Balance": 880,
    "Memo: transfers between schemes, eliminated": 60,
}
BY_FUNCTION = {
    "OLD": 1330, "SUR": 200, "DIS": 120, "HEALTH": 1200, "SICK": 80, "MAT": 60, "FAM": 520,
}  # fmt: skip


@pytest.mark.parametrize("row", CONSOLIDATED)
def test_social_budget__eliminates_transfers(value, row):
    assert CONSOLIDATED[row] == value("C7", row=row, column="current prices")
    assert CONSOLIDATED[row] * 100 / 120 == value("C7", row=row, price_basis="constant_2020")
    assert CONSOLIDATED[row] / 1000 == value("C7", row=row, column="% of GDP")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_social_budget__gives_every_function(value, function):
    expected = BY_FUNCTION.get(function, 0)
    key = {"table": "C7", "function": function}
    assert expected == value(column="current prices", **key)
    assert 100 * expected / 3750 == value(column="% of total", **key)


def test_expenditure_by_function__splits_kinds_and_means_test(value):
    key = {"table": "C2", "function": "ALL"}
    assert value(row="all kinds", column="total", **key) == 3510
    assert value(row="cash periodic", column="total", **key) == 2260
    assert value(row="cash lump sum", column="total", **key) == 30
    assert value(row="in kind", column="total", **key) == 1220
    assert value(row="all kinds", column="means-tested, non-contributory", **key) == 500
    assert value(row="all kinds", column="means-tested, contributory", **key) == 0
    assert value(row="all kinds", column="non-means-tested, contributory", **key) == 2790
    assert value(row="all kinds", column="non-means-tested, non-contributory", **key) == 220


def test_receipts_by_origin__counts_government(value):
    assert value("C5", row="central government", scheme="ALL") == 1200
    assert value("C5", row="11 TOTAL RECEIPTS", scheme="ALL") == 4690
    assert value("C5", row="social security funds", scheme="ALL") == 60


def test_identities__hold_in_the_worked_budget(mini):
    identities = check_identities(mini, all_tables(mini))
    assert [i for i in identities if not i.holds] == []
    assert {"I-05", "I-06", "I-07", "I-08", "I-15", "I-17", "I-18"} <= {i.id for i in identities}
