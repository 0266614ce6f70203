"""Key figures of a scenario: cost against GDP and government, coverage, household income."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from microsim.budget.accounts import Account
from microsim.budget.consolidation import TOTAL_EXPENDITURE, Consolidated, frame_value
from microsim.budget.poverty_table import GAP, HEADCOUNT, POOR
from microsim.budget.rows import ratio
from microsim.budget.sums import Sums
from microsim.results.contents import Row


@dataclass(frozen=True)
class KeyFigure:
    """One key figure; `money` figures are currency a year and also shown as % GDP."""

    row: str
    value: float
    unit: str
    money: bool = False


def government_outlay(accounts: Sequence[Account]) -> float:
    """Return general revenue plus earmarked taxes paid to schemes, currency a year."""
    return math.fsum(
        a.receipts[line] for a in accounts for line in ("general_revenue", "earmarked_taxes")
    )


def benefits_total(accounts: Sequence[Account]) -> float:
    """Return all benefits of all schemes, currency a year."""
    return math.fsum(a.benefits_where() for a in accounts)


def taxes_total(sums: Sums, scenario: int, *, earmarked: bool) -> float:
    """Return the taxes that are (or are not) earmarked for a scheme, currency a year."""
    amounts = [
        sums.total(scenario, "tax", "", tax.id, "amount")
        for tax in sums.contents.taxes
        if bool(tax.earmarked_for) is earmarked
    ]
    return math.fsum(a for a in amounts if not math.isnan(a))


def key_figures(
    sums: Sums, scenario: int, accounts: Sequence[Account], budget: Consolidated
) -> list[KeyFigure]:
    """Return the key figures of one scenario."""
    whole = [a for a in accounts if not a.scheme.partial]
    gdp = frame_value(sums.contents, "gdp")
    spending = frame_value(sums.contents, "government_expenditure")
    outlay, total = government_outlay(whole), budget.amount(TOTAL_EXPENDITURE)
    percent_of_spending = "% general government expenditure"
    figures = [
        KeyFigure("Social expenditure, % GDP", 100 * ratio(total, gdp), "% GDP"),
        KeyFigure(
            "Social expenditure, % of government expenditure",
            100 * ratio(total, spending),
            percent_of_spending,
        ),
        KeyFigure("Benefits", benefits_total(whole), "LCU million", money=True),
        KeyFigure(
            "Government outlay (general revenue and earmarked taxes)",
            outlay,
            "LCU million",
            money=True,
        ),
        KeyFigure("Government outlay, % GDP", 100 * ratio(outlay, gdp), "% GDP"),
        KeyFigure(
            "Government outlay, % of government expenditure",
            100 * ratio(outlay, spending),
            percent_of_spending,
        ),
        KeyFigure(
            "Taxes not earmarked",
            taxes_total(sums, scenario, earmarked=False),
            "LCU million",
            money=True,
        ),
    ]
    disposable = sums.total(scenario, "income", "", "disposable", "amount")
    figures.append(
        KeyFigure("Disposable income of households", disposable, "LCU million", money=True)
    )
    return [*figures, *_people(sums, scenario)]


def _people(sums: Sums, scenario: int) -> list[KeyFigure]:
    covered = sums.total(scenario, "coverage", "", "any", "covered")
    target = sums.total(scenario, "coverage", "", "any", "target")
    older = ratio(
        sums.total(scenario, "coverage", "", "older", "covered"),
        sums.total(scenario, "coverage", "", "older", "target"),
    )
    return [
        KeyFigure("Persons covered by at least one benefit or scheme", covered, "persons"),
        KeyFigure("Effective coverage (SDG 1.3.1)", 100 * ratio(covered, target), "%"),
        KeyFigure("Older persons receiving a pension", 100 * older, "%"),
    ]


def poverty_figures(rows: Sequence[Row], scenario: str) -> list[KeyFigure]:
    """Return poverty and inequality of a scenario from tables D1 and D2."""
    wanted = {("D1", HEADCOUNT), ("D1", GAP), ("D1", POOR), ("D2", "Gini")}
    figures = []
    for row in rows:
        national = row.scenario == scenario and not row.group
        if national and (row.table, row.row) in wanted and not row.column.endswith(" income"):
            figures.append(KeyFigure(f"{row.row}, {row.column}", row.value, row.unit))
    return figures
