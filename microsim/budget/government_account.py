"""Makes table C8: what the social budget asks of the government, against what it had before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.accounts import Account
from microsim.budget.consolidation import frame_value
from microsim.budget.key_figures import government_outlay, taxes_total
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import Sums
from microsim.results.contents import Contents, Row

OUTLAY = "Outlay: general revenue and earmarked taxes"
AS_EMPLOYER = "Contributions as employer"
REQUIRED, AVAILABLE, GAP = "Required", "Available", "Fiscal gap"
OPTIONS = "ways to close the gap"


def government_account(
    sums: Sums, accounts: Sequence[Sequence[Account]], first: float, first_gdp: float
) -> list[Row]:
    """Return table C8 of a year; schemes with one side only are left out, as in C7.

    What is available is the status quo's requirement of the first year, grown with GDP; the gap is
    what is required less that.

    Parameters
    ----------
    sums, accounts
        Of the year.
    first
        What the status quo required of the government in the first year, currency a year.
    first_gdp
        GDP of the first year, currency a year.
    """
    contents = sums.contents
    table = TableRows("C8", contents.year)
    available = first * ratio(frame_value(contents, "gdp"), first_gdp)
    for scenario, name in enumerate(contents.scenarios):
        lines = _lines(accounts[scenario])
        lines[AVAILABLE] = available
        lines[GAP] = lines[REQUIRED] - available
        for row, amount in lines.items():
            _print(table, contents, name, row, amount)
        _options(table, sums, scenario, accounts[scenario], lines[GAP])
    return table.rows


def required(accounts: Sequence[Account]) -> float:
    """Return what the social budget asks of the government, currency a year."""
    return _lines(accounts)[REQUIRED]


def _lines(accounts: Sequence[Account]) -> dict[str, float]:
    whole = [a for a in accounts if not a.scheme.partial]
    matching = math.fsum(a.matching for a in whole)
    revenue = math.fsum(a.receipts["general_revenue"] for a in whole)
    covered = math.fsum(a.deficit_covered for a in whole)
    outlay = government_outlay(whole)
    employer = math.fsum(a.public_employers for a in whole)
    uncovered = math.fsum(a.uncovered_deficit for a in whole)
    return {
        "General revenue: benefits and subsidies": revenue - matching - covered,
        "General revenue: deficits covered": covered,
        "Contributions matched": matching,
        "Earmarked taxes": math.fsum(a.receipts["earmarked_taxes"] for a in whole),
        OUTLAY: outlay,
        AS_EMPLOYER: employer,
        "Deficits that no reserve covers": uncovered,
        REQUIRED: math.fsum((outlay, employer, uncovered)),
    }


def _print(table: TableRows, contents: Contents, name: str, row: str, amount: float) -> None:
    table.money(name, row, amount, column="current prices")
    for column, unit, series in (
        ("% of GDP", "% GDP", "gdp"),
        ("% of government expenditure", "%", "government_expenditure"),
        ("% of tax revenue", "%", "tax_revenue"),
    ):
        share = 100 * ratio(amount, frame_value(contents, series))
        table.add(name, row, share, unit, column=column)


def _options(
    table: TableRows, sums: Sums, scenario: int, accounts: Sequence[Account], gap: float
) -> None:
    """Print the gap as what each single source would have to bear."""
    name = sums.contents.scenarios[scenario]
    insurable = [a.insurable for a in accounts if not math.isnan(a.insurable)]
    largest = max(insurable, default=math.nan)
    taxes = math.fsum(taxes_total(sums, scenario, earmarked=one) for one in (True, False))
    spending = frame_value(sums.contents, "government_expenditure")
    for row, base in (
        ("Contribution points (largest insurable earnings of a scheme)", largest),
        ("Surcharge on simulated taxes", taxes),
        ("Cut of other government expenditure", spending - gap),
    ):
        table.add(name, row, 100 * ratio(gap, base), "%", column=OPTIONS)
