"""Makes table C9: expenditure per head of population and per beneficiary."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.accounts import Account
from microsim.budget.consolidation import TOTAL_EXPENDITURE, Consolidated
from microsim.budget.frame_tables import POPULATION
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import Sums, add_up
from microsim.results.contents import AGES, Row

PER_HEAD = "Expenditure per head of population"
UNIT = "LCU/year"
CHILDREN, OLDER = slice(0, AGES.index("15-24")), slice(AGES.index("65-79"), len(AGES))


def per_head(
    sums: Sums, accounts: Sequence[Sequence[Account]], budgets: Sequence[Consolidated]
) -> list[Row]:
    """Return table C9 of a year, currency a year; schemes with one side only are left out."""
    table = TableRows("C9", sums.contents.year)
    for scenario, name in enumerate(sums.contents.scenarios):
        whole = [a for a in accounts[scenario] if not a.scheme.partial]
        _national(table, sums, scenario, whole, budgets[scenario])
        for account in whole:
            _scheme(table, name, account)
    return table.rows


def _national(
    table: TableRows,
    sums: Sums,
    scenario: int,
    accounts: Sequence[Account],
    budget: Consolidated,
) -> None:
    name = sums.contents.scenarios[scenario]
    total = budget.amount(TOTAL_EXPENDITURE)
    old, family = (math.fsum(a.benefits_where(f) for a in accounts) for f in ("OLD", "FAM"))
    everyone = older = children = math.nan
    if POPULATION in sums.position:
        persons = sums.persons(scenario, POPULATION)
        everyone, older, children = (
            add_up(persons[:, ages]) for ages in (slice(None), OLDER, CHILDREN)
        )
    for row, amount, of in (
        (PER_HEAD, total, everyone),
        ("Old-age benefits per person 65+", old, older),
        ("Family benefits per child under 15", family, children),
    ):
        table.add(name, row, ratio(amount, of), UNIT)
    administration = math.fsum(a.administration for a in accounts)
    table.add(name, "Administration, % of expenditure", 100 * ratio(administration, total), "%")


def _scheme(table: TableRows, name: str, account: Account) -> None:
    of, simulated = account.beneficiaries, account.benefits_where(given=False)
    share = 100 * ratio(account.administration, account.total_expenditure)
    for row, value, unit in (
        ("Benefits per beneficiary", ratio(simulated, of), UNIT),
        ("Administration per beneficiary", ratio(account.administration, of), UNIT),
        ("Administration, % of expenditure", share, "%"),
    ):
        table.add(name, row, value, unit, scheme=account.scheme.id)
