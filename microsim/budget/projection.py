"""Makes the tables of a projection: those of each year, with accounts that run on, and those that
stand for all years.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from microsim.budget.accounts import Account, all_accounts
from microsim.budget.consolidation import consolidate, frame_value
from microsim.budget.cumulated import cumulated
from microsim.budget.fund_indicators import fund_indicators
from microsim.budget.government_account import government_account, required
from microsim.budget.identities import check_identities, judge
from microsim.budget.identities_of_years import identities_of_years
from microsim.budget.per_head import per_head
from microsim.budget.population_account import alignment, assumptions, population_account
from microsim.budget.rows import difference_name
from microsim.budget.sums import Sums
from microsim.budget.tables import all_tables
from microsim.results.contents import Contents, FrameValue, Identity, Row

AccountsOfYears = list[list[list[Account]]]
COMPARED = ("C8", "C9", "C11")  # C7 and key figures are compared in C10, poverty in D1
CHANGE_UNITS = {"%": "percentage points", "% GDP": "percentage points", "year": "years"}


def accounts_over_years(years: Sequence[Contents]) -> AccountsOfYears:
    """Return the accounts by year, scenario and scheme; each reserve opens as the last one closed.

    Raises
    ------
    InputError
        As `all_accounts`.
    """
    found: AccountsOfYears = []
    carried: dict[tuple[str, str], float] = {}
    for contents in years:
        accounts = all_accounts(contents, carried)
        found.append(accounts)
        carried = {
            (a.scenario, a.scheme.id): a.reserve_closing
            for of_scenario in accounts
            for a in of_scenario
        }
    return found


def in_prices_of_first(years: Sequence[Contents]) -> list[Contents]:
    """Return the contents with the first year's prices as the constant ones, unless the frame of a
    year states others.
    """
    cpi = years[0].frame.get("cpi")
    if cpi is None or cpi.value is None:
        return list(years)
    base = {
        "price_base_year": FrameValue(float(years[0].year), "year", "first year of the run"),
        "cpi_base": replace(cpi, source="first year of the run"),
    }
    return [
        one if "cpi_base" in one.frame else replace(one, frame={**one.frame, **base})
        for one in years
    ]


def projection_tables(years: Sequence[Contents]) -> list[Row]:
    """Return all tables of all years in tidy form.

    Rows that stand for all years (C10 cumulated, C11 over the horizon) carry the last one, the
    register of assumptions (A5) the first.

    Parameters
    ----------
    years
        Contents of each year, in order. Records, or groups with records, where distribution tables
        are wanted.

    Raises
    ------
    InputError
        As `all_tables`.
    """
    years = in_prices_of_first(years)
    accounts = accounts_over_years(years)
    rows = assumptions(years[0])
    first_gdp = frame_value(years[0], "gdp")
    first = required(accounts[0][0])
    before: Sums | None = None
    for contents, of_year in zip(years, accounts, strict=True):
        sums = Sums(contents)
        rows += all_tables(contents, of_year)
        if before is not None:
            rows += population_account(sums, before)
        budgets = [
            consolidate(name, of) for name, of in zip(contents.scenarios, of_year, strict=True)
        ]
        rows += government_account(sums, of_year, first, first_gdp)
        rows += per_head(sums, of_year, budgets)
        rows += alignment(contents)
        before = sums
    rows += fund_indicators(years, accounts)
    rows += cumulated(years, rows)
    return rows + differences(rows, years[0].scenarios)


def differences(rows: Iterable[Row], scenarios: Sequence[str]) -> list[Row]:
    """Return each reform minus the status quo for tables that are made scenario by scenario.

    A figure that one of the two lacks has no difference.
    """
    baseline, reforms = scenarios[0], set(scenarios[1:])
    compared = [row for row in rows if row.table in COMPARED]
    before = {_key(row): row for row in compared if row.scenario == baseline}
    found = []
    for after in compared:
        old = before.get(_key(after))
        if after.scenario not in reforms or old is None:
            continue
        states = {after.status, old.status} - {"ok"}
        status = "not available" if "not available" in states else "not applicable"
        found.append(
            after._replace(
                scenario=difference_name(after.scenario, baseline),
                value=math.nan if states else after.value - old.value,
                unit=CHANGE_UNITS.get(after.unit, after.unit),
                status=status if states else "ok",
            )
        )
    return found


def _key(row: Row) -> tuple[int, str, str, str, str, str, str]:
    return (row.year, row.table, row.row, row.column, row.scheme, row.function, row.group)


def projection_identities(years: Sequence[Contents], rows: Sequence[Row]) -> list[Identity]:
    """Return every identity of each year, and those between years; each says its year.

    Parameters
    ----------
    years
        Contents of each year; records are not needed.
    rows
        All tables made from them.
    """
    years = in_prices_of_first(years)
    by_year: dict[int, list[Row]] = {contents.year: [] for contents in years}
    for row in rows:
        by_year[row.year].append(row)
    accounts = accounts_over_years(years)
    found: list[Identity] = []
    for contents, of_year in zip(years, accounts, strict=True):
        of = check_identities(contents, by_year[contents.year], of_year)
        found += [replace(one, what=f"{one.what}, {contents.year}") for one in of]
    return found + [judge(side) for side in identities_of_years(years, by_year, accounts)]
