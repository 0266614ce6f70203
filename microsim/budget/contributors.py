"""Makes tables B1 and B2: who contributes, how regularly, and on which earnings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.accounts import Account
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import EMPLOYED, LABOUR_FORCE, Sums, add_up
from microsim.results.contents import SEXES, STATUSES, Measure, Row

POPULATION = Measure("population", "", "", "persons")


def contributors(sums: Sums, accounts: Sequence[Sequence[Account]]) -> list[Row]:
    """Return table B1: contributors by scheme, sex and status, persons."""
    table = TableRows("B1", sums.contents.year)
    for scenario, of_scenario in enumerate(accounts):
        for account in of_scenario:
            if sums.has("scheme", account.scheme.id, "", "contributor_months"):
                _counts(table, sums, scenario, account)
                _rates(table, sums, scenario, account)
            _compliance(table, sums, scenario, account)
    return table.rows


def _counts(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    name, scheme = account.scenario, account.scheme.id
    table.add(name, "Registered", math.nan, "persons", scheme=scheme)
    for row, statistic, months in (
        ("Active in the year", "contributor_ever", 1),
        ("Average contributors", "contributor_months", 12),
        ("Contributors in December", "contributor_december", 1),
    ):
        measure = Measure("scheme", scheme, "", statistic)
        if measure not in sums.position:
            table.add(name, row, math.nan, "persons", scheme=scheme)
            continue
        total = add_up(sums.persons(scenario, measure)) / months
        table.add(name, row, total, "persons", scheme=scheme, n=sums.n(scenario, measure))
        for group, value, n in sums.groups(scenario, measure, "sex", "status"):
            if group.startswith("sex=") or value:
                table.add(name, row, value / months, "persons", scheme=scheme, group=group, n=n)
    _sex_by_status(table, sums, scenario, account)


def _sex_by_status(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    measure = Measure("scheme", account.scheme.id, "", "contributor_months")
    cells, n = sums.persons(scenario, measure), sums.households(scenario, measure)
    for i, sex in enumerate(SEXES):
        for j, status in enumerate(STATUSES):
            value = add_up(cells[i, :, j]) / 12
            if value:
                table.add(
                    account.scenario,
                    "Average contributors",
                    value,
                    "persons",
                    scheme=account.scheme.id,
                    group=f"sex={sex};status={status}",
                    n=int(n[i, :, j].max(initial=0)),
                )


def _rates(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    name, scheme = account.scenario, account.scheme.id
    months = sums.total(scenario, "scheme", scheme, "", "contributor_months")
    ever = sums.total(scenario, "scheme", scheme, "", "contributor_ever")
    average = ratio(months, ever)
    n = sums.n(scenario, Measure("scheme", scheme, "", "contributor_months"))
    table.add(name, "Average months paid", average, "months", scheme=scheme, n=n)
    row = "Density (months paid of the year, active contributors)"
    table.add(name, row, 100 * average / 12, "%", scheme=scheme, n=n)
    persons = None
    if POPULATION in sums.position:
        persons = sums.persons(scenario, POPULATION)
    for row, statuses in (
        ("Contributors / labour force", LABOUR_FORCE),
        ("Contributors / employed", EMPLOYED),
    ):
        base = math.nan if persons is None else add_up(persons[:, :, list(statuses)])
        table.add(name, row, 100 * ratio(months / 12, base), "%", scheme=scheme, n=n)


def _compliance(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    for c in account.scheme.contributions:
        amount = sums.total(scenario, "contribution", account.scheme.id, c.id, "amount")
        due = sums.total(scenario, "contribution", account.scheme.id, c.id, "due")
        table.add(
            account.scenario,
            "Compliance",
            100 * ratio(amount, due),
            "%",
            scheme=account.scheme.id,
            column=c.id,
        )


def insurable_earnings(sums: Sums, accounts: Sequence[Sequence[Account]]) -> list[Row]:
    """Return table B2: earnings of the covered and the part on which contributions are due."""
    table = TableRows("B2", sums.contents.year)
    for scenario, of_scenario in enumerate(accounts):
        for account in of_scenario:
            if sums.has("scheme", account.scheme.id, "", "insurable"):
                _earnings(table, sums, scenario, account)
    return table.rows


def _earnings(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    name, scheme = account.scenario, account.scheme.id
    measure = {
        statistic: Measure("scheme", scheme, "", statistic)
        for statistic in ("covered_wages", "insurable", "contributor_months")
    }
    found: dict[str, dict[str, float]] = {}
    for statistic, of in measure.items():
        if of in sums.position:
            groups = sums.groups(scenario, of, "sex")
            whole = ("", add_up(sums.persons(scenario, of)), 0)
            found[statistic] = {group: value for group, value, _ in (whole, *groups)}
    for group in found["insurable"]:
        wages, earnings, months = (found.get(s, {}).get(group, math.nan) for s in measure)
        key = {"scheme": scheme, "group": group}
        table.money(name, "Earnings and income of the covered", wages, **key)
        table.money(name, "Insurable earnings", earnings, **key)
        average = ratio(earnings, months)
        row = "Average insurable earnings"
        table.add(name, row, average, "LCU/month", scheme=scheme, group=group)
        row = "Insurable earnings / earnings of the covered"
        share = 100 * ratio(earnings, wages)
        table.add(name, row, share, "%", scheme=scheme, group=group)
    table.add(name, "Contributors at the ceiling", math.nan, "%", scheme=scheme)
