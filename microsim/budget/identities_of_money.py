"""Identities between the money tables: accounts, receipts, origins, consolidation, comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator

from microsim.budget.accounts import Account
from microsim.budget.consolidation import BALANCE, TOTAL_EXPENDITURE, TOTAL_RECEIPTS, price_base
from microsim.budget.ledger import Ledger, Side
from microsim.budget.money import BENEFIT_ROWS
from microsim.budget.rows import MILLION, difference_name
from microsim.results.classifications import account_row
from microsim.results.contents import KINDS

# Receipts that, when given from outside, come from sectors the households of the run do not show
OUTSIDE = (
    "contributions_employers",
    "contributions_employees",
    "contributions_self_employed",
    "contributions_other",
    "other_receipts",
)


def money_identities(ledger: Ledger) -> Iterator[Side]:
    """Yield identities I-05 to I-08, I-13, I-15 to I-18 for every scenario."""
    for number, name in enumerate(ledger.contents.scenarios):
        accounts = ledger.accounts[number]
        yield from _benefits_by_every_breakdown(ledger, name)
        yield from _receipts_by_origin(ledger, name, accounts)
        yield from _balances(ledger, name, accounts)
        yield from _consolidation(ledger, name, accounts)
        yield from _micro_macro(ledger, number, accounts)
        yield from _government(ledger, name)
        yield from _shares_and_prices(ledger, name)
        if number:
            yield from _differences(ledger, name)
            if _same_incomes(ledger, number):
                yield _closed_system(ledger, number)


def _benefits_by_every_breakdown(ledger: Ledger, name: str) -> Iterator[Side]:
    by_scheme = math.fsum(
        ledger.total(name, "C1", row=row, column="total") for row in BENEFIT_ROWS.values()
    )
    functions = [
        r.value
        for r in ledger.find(name, "C2", row="all kinds", column="total")
        if r.function != "ALL"
    ]
    kinds = [ledger.value(name, "C2", row=kind, column="total", function="ALL") for kind in KINDS]
    crossed = [
        r.value
        for r in ledger.find(name, "C2", row="all kinds", function="ALL")
        if r.column != "total"
    ]
    matrix = [r.value for r in ledger.find(name, "C3") if r.scheme != "ALL" and r.column != "total"]
    lines = [r.value for r in ledger.find(name, "C1") if r.row.startswith("Benefit: ")]
    for what, parts in (
        ("functions", functions),
        ("kinds", kinds),
        ("means test and contributory", crossed),
        ("scheme x function", matrix),
        ("benefit lines", lines),
    ):
        yield Side("I-05", name, f"benefits by scheme = by {what}", by_scheme, math.fsum(parts))
    yield from _crossed(ledger, name)


def _crossed(ledger: Ledger, name: str) -> Iterator[Side]:
    """Each function and kind of C2 is the sum of its cells, and the kinds sum to the function."""
    totals = {(r.function, r.row): r.value for r in ledger.find(name, "C2", column="total")}
    for (function, kind), total in totals.items():
        cells = [
            r.value
            for r in ledger.find(name, "C2", function=function, row=kind)
            if r.column != "total"
        ]
        what = f"cells of C2 add up, {function} {kind}"
        yield Side("I-05", name, what, math.fsum(cells), total)
        if kind == "all kinds":
            added = math.fsum(totals[function, k] for k in KINDS)
            yield Side("I-05", name, f"kinds of {function} add up", added, total)


def _receipts_by_origin(ledger: Ledger, name: str, accounts: list[Account]) -> Iterator[Side]:
    total = account_row(11)
    for scheme in [*(a.scheme.id for a in accounts), "ALL"]:
        by_type = [
            r.value
            for r in ledger.find(name, "C4", scheme=scheme, column="total")
            if r.row != total
        ]
        by_origin = [r.value for r in ledger.find(name, "C5", scheme=scheme) if r.row != total]
        what = f"receipts by type = receipts by origin, {scheme}"
        yield Side("I-06", name, what, math.fsum(by_type), math.fsum(by_origin))


def _balances(ledger: Ledger, name: str, accounts: list[Account]) -> Iterator[Side]:
    for account in accounts:
        scheme = account.scheme.id

        def figure(number: int, scheme: str = scheme) -> float:
            found = [
                r.value
                for r in ledger.find(name, "C6", row=account_row(number), scheme=scheme)
                if r.function in ("", "ALL")
            ]
            return found[0] if found else math.nan

        receipts = math.fsum(figure(i) for i in range(1, 11))
        expenditure = math.fsum(figure(i) for i in range(12, 18))
        yield Side("I-07", name, f"rows 1 to 10 = row 11, {scheme}", receipts, figure(11))
        yield Side("I-07", name, f"rows 12 to 17 = row 18, {scheme}", expenditure, figure(18))
        scale = max(abs(receipts), abs(expenditure))
        if not account.scheme.partial:
            right = figure(11) - figure(18)
            yield Side("I-07", name, f"row 19 = 11 - 18, {scheme}", figure(19), right, scale)
        if not math.isnan(figure(22)):
            right = figure(21) + figure(19)
            scale = max(scale, abs(figure(21)))
            yield Side("I-07", name, f"row 22 = 21 + 19, {scheme}", figure(22), right, scale)


def _consolidation(ledger: Ledger, name: str, accounts: list[Account]) -> Iterator[Side]:
    paid = ledger.total(name, "C6", row=account_row(16))
    received = ledger.total(name, "C6", row=account_row(7))
    yield Side("I-08", name, "transfers to schemes = transfers from schemes", paid, received)
    internal = ledger.value(
        name, "C7", row="Memo: transfers between schemes, eliminated", column="current prices"
    )
    whole = [a.scheme.id for a in accounts if not a.scheme.partial]
    for total, number in ((TOTAL_RECEIPTS, 11), (TOTAL_EXPENDITURE, 18)):
        left = ledger.value(name, "C7", row=total, column="current prices")
        summed = math.fsum(
            ledger.value(name, "C6", row=account_row(number), scheme=scheme) for scheme in whole
        )
        what = f"consolidated {total.lower()} = sum of accounts - internal transfers"
        yield Side("I-08", name, what, left, summed - internal, abs(summed))
    balances = math.fsum(
        ledger.value(name, "C6", row=account_row(19), scheme=scheme) for scheme in whole
    )
    left = ledger.value(name, "C7", row=BALANCE, column="current prices")
    scale = ledger.value(name, "C7", row=TOTAL_RECEIPTS, column="current prices")
    scale = max(abs(scale), abs(left))
    yield Side("I-08", name, "consolidated balance = sum of balances", left, balances, scale)


def _micro_macro(ledger: Ledger, number: int, accounts: list[Account]) -> Iterator[Side]:
    name = ledger.contents.scenarios[number]
    sums = ledger.sums
    for account in accounts:
        scheme = account.scheme.id
        for b in account.scheme.benefits:
            micro = sums.total(number, "benefit", scheme, b.id, "amount")
            if not math.isnan(micro):
                row, column = f"Benefit: {b.id}", "simulated"
                right = ledger.value(name, "C1", row=row, column=column, scheme=scheme)
                what = f"sum over households = C1 line, {scheme} {b.id}"
                yield Side("I-13", name, what, micro / MILLION, right)
        micro = math.fsum(
            amount
            for c in account.scheme.contributions
            if not math.isnan(amount := sums.total(number, "contribution", scheme, c.id, "amount"))
            and c.payer != "government"
        )
        lines = [account_row(i) for i in range(1, 5)]
        macro = math.fsum(
            sign * ledger.value(name, "C4", row=row, scheme=scheme, column=column)
            for row in lines
            for sign, column in ((1.0, "total"), (-1.0, "given"))
        )
        gross = math.fsum(
            abs(ledger.value(name, "C4", row=row, scheme=scheme, column="total")) for row in lines
        )
        what = f"contributions summed over households = C4 lines 1 to 4, {scheme}"
        yield Side("I-13", name, what, micro / MILLION, macro, max(gross, micro / MILLION))


def _government(ledger: Ledger, name: str) -> Iterator[Side]:
    by_type = math.fsum(
        ledger.value(name, "C4", row=account_row(i), scheme="ALL", column="total") for i in (5, 6)
    )
    number = ledger.contents.scenarios.index(name)
    public = math.fsum(a.public_employers for a in ledger.accounts[number]) / MILLION
    by_origin = ledger.value(name, "C5", row="central government", scheme="ALL")
    what = "general revenue and earmarked taxes = receipts from government less its own employers'"
    yield Side("I-15", name, what, by_type, by_origin - public, max(abs(by_origin), abs(by_type)))


def _same_incomes(ledger: Ledger, number: int) -> bool:
    """Tell whether a reform leaves market incomes as they are: people whose lives differ earn
    otherwise, and the system is not closed.
    """
    lives = ledger.contents.lives_of
    static = not lives or lives[number] == lives[0]
    return static and ledger.sums.has("income", "", "disposable", "amount")


def _closed_system(ledger: Ledger, number: int) -> Side:
    """Net cost of a reform to government = gains of households, employers, funds, and the rest."""
    parts = [_sectors(ledger, 0), _sectors(ledger, number)]
    government, others = (parts[1][i] - parts[0][i] for i in (0, 1))
    scale = max(parts[0][2], parts[1][2])
    what = "net cost of the reform to government = gains of all other sectors"
    return Side("I-15", ledger.contents.scenarios[number], what, government, others, scale)


def _sectors(ledger: Ledger, number: int) -> tuple[float, float, float]:
    """Return (government's net outlay, net receipts of all others, gross flows), simulated part."""
    sums, accounts = ledger.sums, ledger.accounts[number]
    taxes = [
        (t, amount)
        for t in ledger.contents.taxes
        if not math.isnan(amount := sums.total(number, "tax", "", t.id, "amount"))
    ]
    matching = math.fsum(_paid_by(ledger, number, a, ("government",)) for a in accounts)
    public = math.fsum(a.public_employers for a in accounts)
    subsidies = math.fsum(a.receipts["general_revenue"] for a in accounts) - matching
    earmarked = math.fsum(a.receipts["earmarked_taxes"] for a in accounts)
    raised = math.fsum(amount for _, amount in taxes)
    government = math.fsum((subsidies, matching, public, earmarked, -raised))
    disposable = sums.total(number, "income", "", "disposable", "amount")
    private = math.fsum(_paid_by(ledger, number, a, ("employers",)) for a in accounts) - public
    corporations = math.fsum(amount for t, amount in taxes if t.origin == "corporations")
    market = -math.fsum((private, corporations))
    funds = math.fsum(a.total_receipts - a.total_expenditure for a in accounts)
    outside = math.fsum(
        amount
        for a in accounts
        for amount in (*(a.given_receipts[x] for x in OUTSIDE), a.receipts["investment_income"])
    )
    external = math.fsum(a.receipts["external"] for a in accounts)
    bought = math.fsum(
        amount
        for a in accounts
        for amount in (
            a.administration,
            a.other_expenditure,
            a.benefits_where(kind="in kind", given=False),
            a.benefits_where(given=True),
        )
    )
    others = math.fsum((disposable, market, funds, -outside, -external, bought))
    gross = math.fsum((abs(disposable), raised, *(a.total_receipts for a in accounts)))
    return government, others, gross


def _paid_by(ledger: Ledger, number: int, account: Account, payers: tuple[str, ...]) -> float:
    amounts = [
        ledger.sums.total(number, "contribution", account.scheme.id, c.id, "amount")
        for c in account.scheme.contributions
        if c.payer in payers
    ]
    return math.fsum(a for a in amounts if not math.isnan(a))


def _shares_and_prices(ledger: Ledger, name: str) -> Iterator[Side]:
    totals = (TOTAL_RECEIPTS, TOTAL_EXPENDITURE)
    shares = [
        r.value
        for r in ledger.find(name, "C7", column="% of total")
        if r.status == "ok" and r.row not in totals
    ]
    expected = [
        100.0
        for total in totals
        if ledger.value(name, "C7", row=total, column="% of total") == 100.0
    ]
    yield Side("I-17", name, "shares of C7 add up to 100", math.fsum(shares), math.fsum(expected))
    _, factor = price_base(ledger.contents)
    for total in totals:
        current = ledger.value(name, "C7", row=total, column="current prices")
        constant = ledger.value(name, "C7", row=total, column="constant prices")
        what = f"constant prices = current / deflator, {total.lower()}"
        yield Side("I-18", name, what, constant / factor, current)


def _differences(ledger: Ledger, name: str) -> Iterator[Side]:
    baseline = ledger.contents.scenarios[0]
    for row in ledger.find(difference_name(name, baseline), "C10", column="difference"):
        key = {"row": row.row, "column": "current prices"}
        after, before = ledger.value(name, "C7", **key), ledger.value(baseline, "C7", **key)
        if math.isnan(after) and math.isnan(before):
            continue  # a key figure, not a line of C7
        change = _or_zero(after) - _or_zero(before)
        what = f"difference = reform - status quo, {row.row}"
        yield Side("I-16", name, what, row.value, change, exact=True)


def _or_zero(value: float) -> float:
    """Return 0 for a line that only the other scenario has."""
    return 0.0 if math.isnan(value) else value
