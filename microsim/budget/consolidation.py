"""Adds the scheme accounts up to the social budget (C7), transfers between schemes eliminated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from microsim.budget.accounts import Account
from microsim.budget.rows import TableRows, ratio
from microsim.results.classifications import function_labels, receipt_labels
from microsim.results.contents import Contents, Row

TOTAL_RECEIPTS, TOTAL_EXPENDITURE, BALANCE = "Total receipts", "Total expenditure", "Balance"


@dataclass(frozen=True)
class Line:
    """One line of the consolidated budget; `side` is receipts, expenditure, balance or memo."""

    row: str
    function: str
    side: str
    amount: float


@dataclass(frozen=True)
class Consolidated:
    """The social budget of one scenario, currency a year; partial schemes only as memo lines."""

    scenario: str
    lines: tuple[Line, ...]

    def amount(self, row: str) -> float:
        """Return the amount of a line."""
        return next(line.amount for line in self.lines if line.row == row)


def consolidate(scenario: str, accounts: Sequence[Account]) -> Consolidated:
    """Return the social budget of one scenario from its scheme accounts."""
    whole = [a for a in accounts if not a.scheme.partial]
    partial = [a for a in accounts if a.scheme.partial]
    inside = {a.scheme.id for a in whole}
    internal = math.fsum(v for a in whole for to, v in a.transfers_to.items() if to in inside)
    receipts = _receipts(whole, internal)
    expenditure = _expenditure(whole, internal)
    total_in = math.fsum(line.amount for line in receipts)
    total_out = math.fsum(line.amount for line in expenditure)
    lines = [
        *receipts,
        Line(TOTAL_RECEIPTS, "", "receipts", total_in),
        *expenditure,
        Line(TOTAL_EXPENDITURE, "", "expenditure", total_out),
        Line(BALANCE, "", "balance", total_in - total_out),
        Line("Memo: transfers between schemes, eliminated", "", "memo", internal),
    ]
    if partial:
        got = math.fsum(a.total_receipts for a in partial)
        spent = math.fsum(a.total_expenditure for a in partial)
        lines += [
            Line("Memo: receipts of partial schemes, left out", "", "memo", got),
            Line("Memo: expenditure of partial schemes, left out", "", "memo", spent),
        ]
    return Consolidated(scenario, tuple(lines))


def _receipts(accounts: Sequence[Account], internal: float) -> list[Line]:
    lines = []
    for code, label in receipt_labels().items():
        row = label.split(" ", 1)[1]
        amount = math.fsum(a.receipts[code] for a in accounts)
        if code == "transfers_from":
            amount -= internal
            row = "Transfers from partial schemes"
            if abs(amount) <= 1e-9 * abs(internal):
                continue
        row = "Other receipts" if row == "Other" else row
        lines.append(Line(row, "", "receipts", amount))
    return lines


def _expenditure(accounts: Sequence[Account], internal: float) -> list[Line]:
    lines = [
        Line(label, code, "expenditure", math.fsum(a.benefits_where(code) for a in accounts))
        for code, label in function_labels().items()
    ]
    administration = math.fsum(a.administration for a in accounts)
    lines.append(Line("Administration", "", "expenditure", administration))
    out = math.fsum(a.paid_to_schemes for a in accounts) - internal
    if abs(out) > 1e-9 * abs(internal):
        lines.append(Line("Transfers to partial schemes", "", "expenditure", out))
    other = math.fsum(a.other_expenditure for a in accounts)
    lines.append(Line("Other expenditure", "", "expenditure", other))
    return lines


def frame_value(contents: Contents, name: str) -> float:
    """Return a value of the macro frame; NaN where nobody gives it."""
    found = contents.frame.get(name)
    return math.nan if found is None or found.value is None else found.value


def price_base(contents: Contents) -> tuple[int, float]:
    """Return the base year of constant prices and the factor from current prices to it.

    The frame may give `price_base_year` with `cpi_base` (the price index of that year); else the
    base is the run's own year and the factor is 1.
    """
    year, base = frame_value(contents, "price_base_year"), frame_value(contents, "cpi_base")
    factor = ratio(base, frame_value(contents, "cpi"))
    if math.isnan(year) or math.isnan(factor):
        return contents.year, 1.0
    return int(year), factor


def social_budget(contents: Contents, budgets: Sequence[Consolidated]) -> list[Row]:
    """Return table C7 in four blocks: LCU million current and constant, % GDP, % of total."""
    table = TableRows("C7", contents.year)
    base_year, factor = price_base(contents)
    gdp = frame_value(contents, "gdp")
    for budget in budgets:
        name = budget.scenario
        for line in budget.lines:
            key = {"function": line.function}
            table.money(name, line.row, line.amount, column="current prices", **key)
        for line in budget.lines:
            table.money(
                name,
                line.row,
                line.amount * factor,
                column="constant prices",
                function=line.function,
                price_basis=f"constant_{base_year}",
            )
        for line in budget.lines:
            share = 100 * ratio(line.amount, gdp)
            table.add(name, line.row, share, "% GDP", column="% of GDP", function=line.function)
        for line in budget.lines:
            _share_of_total(table, budget, line)
    return table.rows


def _share_of_total(table: TableRows, budget: Consolidated, line: Line) -> None:
    key = {"receipts": TOTAL_RECEIPTS, "expenditure": TOTAL_EXPENDITURE}
    share = math.nan
    if line.side in key:
        share = 100 * ratio(line.amount, budget.amount(key[line.side]))
    table.add(
        budget.scenario,
        line.row,
        share,
        "%",
        column="% of total",
        function=line.function,
        missing="not applicable",
    )
