"""The first thing a run prints: trust table, cost of each reform, poverty before and after, who
gains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from microsim.report.headline_years import projection_headline
from microsim.results.contents import Contents, Identity, Row

MILLION = 1e6
DIFFERENCE = "-baseline"
COST, POOR = "Total expenditure", "FGT0 Headcount"


@dataclass(frozen=True)
class Official:
    """One line of the trust table, as the headline prints it."""

    name: str
    unit: str
    official: float
    simulated: float
    eligible: float
    above_eligible: bool

    @property
    def ratio(self) -> float:
        """Simulated over official."""
        return self.simulated / self.official if self.official else math.nan


@dataclass(frozen=True)
class Moved:
    """One calibrated probability, as the headline prints it."""

    name: str
    value_before: float
    value_after: float
    ratio_before: float
    ratio_after: float
    reached: bool


class Figures:
    """Finds single figures among the rows of all tables."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.values: dict[tuple[str, str, str, str], float] = {}
        for row in rows:
            if not row.group and row.scheme in ("", "ALL") and row.status == "ok":
                key = (row.table, row.scenario, row.row, row.column)
                self.values.setdefault(key, row.value)

    def get(self, table: str, scenario: str, row: str, column: str) -> float:
        """Return a figure, NaN if there is none."""
        return self.values.get((table, scenario, row, column), math.nan)


def headline(
    contents: Contents,
    rows: Sequence[Row],
    identities: Sequence[Identity],
    officials: Sequence[Official],
    moved: Sequence[Moved],
    console: Console,
) -> None:
    """Print the headline of a run.

    Parameters
    ----------
    contents
        What the run yields, of a projection in its first year.
    rows
        All tables of one world, of all years.
    identities
        Those checked.
    officials, moved
        Comparison with official totals, and probabilities calibrated to them.
    console
        Where to print.
    """
    if officials:
        _trust(officials, contents, console)
    if moved:
        _moved(moved, console)
    if contents.horizon is None:
        figures = Figures(rows)
        _costs(contents, figures, console)
        _poverty(contents, figures, console)
        _gainers(contents, figures, console)
        period = ""
    else:
        projection_headline(contents, rows, console)
        period = f" of {contents.horizon[0]} to {contents.horizon[1]}"
    held = sum(one.holds for one in identities)
    text = f"\n{held} of {len(identities)} accounting identities{period} hold."
    console.print(text, highlight=False)


def _shown(value: float, pattern: str) -> str:
    return "n/a" if math.isnan(value) else format(value, pattern)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left", no_wrap=i == 0)
    return table


def _trust(officials: Sequence[Official], contents: Contents, console: Console) -> None:
    title = f"Simulated against official totals, {contents.year} (* differs by more than 5 %)"
    table = _table(title, "", "unit", "official", "simulated", "ratio")
    notes = []
    for one in officials:
        money = one.unit != "persons"
        unit = f"{contents.currency} million" if money else "persons"
        scale = MILLION if money else 1.0
        flag = "*" if not abs(one.ratio - 1.0) <= 0.05 else " "
        cells = (_shown(one.official / scale, ",.0f"), _shown(one.simulated / scale, ",.0f"))
        table.add_row(one.name, unit, *cells, _shown(one.ratio, ".3f") + flag)
        if one.above_eligible:
            notes.append(
                f"{one.name}: official {one.official:,.0f} is above the {one.eligible:,.0f} "
                "persons entitled in the model."
            )
    console.print(table)
    for note in notes:
        console.print(note, markup=False, highlight=False)


def _moved(moved: Sequence[Moved], console: Console) -> None:
    table = _table(
        "\nProbabilities calibrated to official totals",
        "",
        "before",
        "after",
        "ratio before",
        "after",
    )
    for one in moved:
        note = "" if one.reached else " (out of reach)"
        table.add_row(
            one.name + note, f"{one.value_before:.4f}", f"{one.value_after:.4f}",
            f"{one.ratio_before:.3f}", f"{one.ratio_after:.3f}",
        )  # fmt: skip
    console.print(table)


def _reforms(contents: Contents) -> list[tuple[str, str]]:
    pairs = zip(contents.scenarios[1:], contents.labels[1:], strict=True)
    return [(name, label) for name, label in pairs]


def _costs(contents: Contents, figures: Figures, console: Console) -> None:
    gdp = contents.frame["gdp"].value
    spending = contents.frame["government_expenditure"].value
    title = f"\nSocial protection expenditure, {contents.year}"
    unit = f"{contents.currency} million"
    table = _table(title, "", unit, "% of GDP", "% of government expenditure")

    def add(label: str, amount: float) -> None:
        by = [amount * MILLION / base * 100 if base else math.nan for base in (gdp, spending)]
        table.add_row(label, _shown(amount, ",.0f"), *(_shown(x, ".3f") for x in by))

    add("Status quo", figures.get("C7", contents.scenarios[0], COST, "current prices"))
    for name, label in _reforms(contents):
        add(f"{label}: change", figures.get("C10", name + DIFFERENCE, COST, "difference"))
    console.print(table)


def _poverty(contents: Contents, figures: Figures, console: Console) -> None:
    for line, value in contents.poverty_lines.items():
        amount = f"{contents.currency} {value:,.0f}"
        title = f"\nPoverty, {line} line of {amount} a month and equivalent person"
        table = _table(title, "", "poor, %", "change, points", "gap, %", "poor, persons", "change")
        first = contents.scenarios[0]
        before = [figures.get("D1", first, row, line) for row in (POOR, "FGT1 Gap", "Poor")]
        table.add_row(
            "Status quo", f"{before[0]:.2f}", "", f"{before[1]:.2f}", f"{before[2]:,.0f}", ""
        )
        for name, label in _reforms(contents):
            now = [figures.get("D1", name, row, line) for row in (POOR, "FGT1 Gap", "Poor")]
            table.add_row(
                label, _shown(now[0], ".2f"), _shown(now[0] - before[0], "+.2f"),
                _shown(now[1], ".2f"), _shown(now[2], ",.0f"), _shown(now[2] - before[2], "+,.0f"),
            )  # fmt: skip
        console.print(table)


def _gainers(contents: Contents, figures: Figures, console: Console) -> None:
    if len(contents.scenarios) < 2:
        return
    title = "\nWho gains: % of persons whose welfare changes by more than 1 %"
    headings = ("gain, all", "lose, all", "gain, poorest tenth", "gain, richest tenth")
    table = _table(title, "", *headings)
    for name, label in _reforms(contents):
        cells = [
            figures.get("D6", name + DIFFERENCE, row, column)
            for row, column in (
                ("Gaining more than 1 %", "all"),
                ("Losing more than 1 %", "all"),
                ("Gaining more than 1 %", "decile 1"),
                ("Gaining more than 1 %", "decile 10"),
            )
        ]
        table.add_row(label, *(_shown(x, ".1f") for x in cells))
    console.print(table)
