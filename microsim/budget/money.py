"""Prints the accounts as tables C1 to C6: expenditure, receipts, origins, scheme accounts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.accounts import Account
from microsim.budget.rows import TableRows, ratio
from microsim.results.classifications import account_row, classifications, receipt_labels
from microsim.results.contents import FUNCTIONS, KINDS, Contents, Row

Accounts = Sequence[Sequence[Account]]

BENEFIT_ROWS = {
    "cash periodic": "Benefits cash periodic",
    "cash lump sum": "Benefits cash lump sum",
    "in kind": "Benefits in kind",
}

# Rows of C6 beyond the 28, for funds whose members have accounts of their own
BALANCES, ASSETS_OVER_BALANCES = "Members' balances", "Assets over members' balances"


def expenditure_by_scheme(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C1: expenditure by scheme and type, LCU million; `given` is the part given."""
    table = TableRows("C1", contents.year)
    for scenario in accounts:
        for account in scenario:
            _expenditure(table, account)
        _totals(table, scenario)
    return table.rows


def _expenditure(table: TableRows, account: Account) -> None:
    name, scheme = account.scenario, account.scheme.id
    for b in account.benefits:
        column = "given" if b.given else "simulated"
        table.money(
            name, f"Benefit: {b.id}", b.amount, scheme=scheme, function=b.function, column=column
        )
    for kind, row in BENEFIT_ROWS.items():
        table.money(name, row, account.benefits_where(kind=kind), scheme=scheme, column="total")
        given = account.benefits_where(kind=kind, given=True)
        table.money(name, row, given, scheme=scheme, column="given")
    for row, amount, given in (
        ("Administration", account.administration, account.given_administration),
        ("Transfers to other schemes", account.paid_to_schemes, account.paid_to_schemes),
        ("Other expenditure", account.other_expenditure, account.other_expenditure),
    ):
        table.money(name, row, amount, scheme=scheme, column="total")
        table.money(name, row, given, scheme=scheme, column="given")
    total = account.total_expenditure
    table.money(name, "Total expenditure", total, scheme=scheme, column="total")


def _totals(table: TableRows, accounts: Sequence[Account]) -> None:
    if not accounts:
        return
    name = accounts[0].scenario
    total = math.fsum(a.total_expenditure for a in accounts)
    internal = math.fsum(a.paid_to_schemes for a in accounts)
    table.money(name, "Total expenditure of all schemes", total, column="total")
    table.money(name, "of which transfers between schemes", internal, column="total")


def expenditure_by_function(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C2: benefits by function, kind, means test and contributory scheme."""
    table = TableRows("C2", contents.year)
    used = _functions_used(accounts)
    for scenario, name in zip(accounts, contents.scenarios, strict=True):
        for function in (*used, ""):
            for kind in (*KINDS, ""):
                _by_kind(table, scenario, name, function, kind)
    return table.rows


def _by_kind(
    table: TableRows, accounts: Sequence[Account], name: str, function: str, kind: str
) -> None:
    benefits = [
        b
        for account in accounts
        for b in account.benefits
        if (not function or b.function == function) and (not kind or b.kind == kind)
    ]
    row, code = kind or "all kinds", function or "ALL"
    for tested in (True, False):
        for contributory in (True, False):
            amount = math.fsum(
                b.amount
                for b in benefits
                if b.means_tested is tested and b.contributory is contributory
            )
            column = "means-tested" if tested else "non-means-tested"
            column += ", contributory" if contributory else ", non-contributory"
            table.money(name, row, amount, function=code, column=column)
    table.money(name, row, math.fsum(b.amount for b in benefits), function=code, column="total")


def _functions_used(accounts: Accounts) -> list[str]:
    used = {b.function for scenario in accounts for a in scenario for b in a.benefits}
    return [code for code in FUNCTIONS if code in used]


def scheme_by_function(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C3: benefits by scheme and function, LCU million."""
    table = TableRows("C3", contents.year)
    used = _functions_used(accounts)
    for scenario, name in zip(accounts, contents.scenarios, strict=True):
        for account in scenario:
            key = {"scheme": account.scheme.id}
            for function in used:
                amount = account.benefits_where(function)
                table.money(name, account.scheme.label, amount, column=function, **key)
            table.money(name, account.scheme.label, account.benefits_where(), column="total", **key)
        for function in (*used, ""):
            amount = math.fsum(a.benefits_where(function) for a in scenario)
            table.money(name, "All schemes", amount, column=function or "total")
    return table.rows


def receipts_by_type(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C4: receipts by scheme and type, LCU million; `given` is the part given."""
    table = TableRows("C4", contents.year)
    labels = receipt_labels()
    for scenario, name in zip(accounts, contents.scenarios, strict=True):
        for a in scenario:
            for code, label in labels.items():
                table.money(name, label, a.receipts[code], scheme=a.scheme.id, column="total")
                given = a.given_receipts[code]
                table.money(name, label, given, scheme=a.scheme.id, column="given")
            table.money(name, account_row(11), a.total_receipts, scheme=a.scheme.id, column="total")
        for code, label in labels.items():
            table.money(name, label, math.fsum(a.receipts[code] for a in scenario), column="total")
        total = math.fsum(a.total_receipts for a in scenario)
        table.money(name, account_row(11), total, column="total")
    return table.rows


def receipts_by_origin(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C5: receipts by scheme and sector of origin, LCU million."""
    table = TableRows("C5", contents.year)
    sectors = classifications()["origins"]
    for scenario, name in zip(accounts, contents.scenarios, strict=True):
        by_scheme = {a.scheme.id: a.origins() for a in scenario}
        for scheme, origins in by_scheme.items():
            for sector in sectors:
                table.money(name, sector, origins[sector], scheme=scheme)
            table.money(name, account_row(11), math.fsum(origins.values()), scheme=scheme)
        for sector in sectors:
            table.money(name, sector, math.fsum(o[sector] for o in by_scheme.values()))
        total = math.fsum(v for o in by_scheme.values() for v in o.values())
        table.money(name, account_row(11), total)
    return table.rows


def scheme_accounts(contents: Contents, accounts: Accounts) -> list[Row]:
    """Return table C6: the account of each scheme, rows 1 to 28, and what members own of it."""
    table = TableRows("C6", contents.year)
    for scenario in accounts:
        for account in scenario:
            _account(table, account)
    return table.rows


def _account(table: TableRows, a: Account) -> None:
    name, scheme = a.scenario, a.scheme.id
    for label, amount in zip(receipt_labels().values(), a.receipts.values(), strict=True):
        table.money(name, label, amount, scheme=scheme)
    table.money(name, account_row(11), a.total_receipts, scheme=scheme)
    for number, kind in zip((12, 13, 14), KINDS, strict=True):
        for function in FUNCTIONS:
            amount = a.benefits_where(function, kind)
            if amount:
                table.money(name, account_row(number), amount, scheme=scheme, function=function)
        amount = a.benefits_where(kind=kind)
        table.money(name, account_row(number), amount, scheme=scheme, function="ALL")
    unknown = "not applicable" if a.scheme.partial else "not available"
    for number, amount in (
        (15, a.administration),
        (16, a.paid_to_schemes),
        (17, a.other_expenditure),
        (18, a.total_expenditure),
        (19, a.balance),
        (20, a.balance - a.receipts["investment_income"]),
        (21, a.reserve_opening),
        (22, a.reserve_closing),
        (23, a.insurable),
    ):
        table.money(name, account_row(number), amount, scheme=scheme, missing=unknown)
    for number, persons in ((24, a.contributors), (25, a.beneficiaries)):
        table.add(name, account_row(number), persons, "persons", scheme=scheme)
    _ratios(table, a)


def _ratios(table: TableRows, a: Account) -> None:
    name, scheme = a.scenario, a.scheme.id
    net = a.total_expenditure - a.paid_to_schemes
    net_rate, opening_ratio = (
        "26 PAYG cost rate, net = (18 - 16) / 23",
        "28 Reserve ratio = 21 / 18",
    )
    for row, value, unit in (
        (account_row(26), 100 * ratio(a.total_expenditure, a.insurable), "%"),
        (net_rate, 100 * ratio(net, a.insurable), "%"),
        (account_row(27), 100 * ratio(a.contributions, a.insurable), "%"),
        (account_row(28), ratio(a.reserve_closing, a.total_expenditure), "years"),
        (opening_ratio, ratio(a.reserve_opening, a.total_expenditure), "years"),
    ):
        table.add(name, row, value, unit, scheme=scheme)
    if not math.isnan(a.members_balances):
        table.money(name, BALANCES, a.members_balances, scheme=scheme)
        covered = ratio(a.reserve_closing, a.members_balances)
        table.add(name, ASSETS_OVER_BALANCES, covered, "ratio", scheme=scheme)
