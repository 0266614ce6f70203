"""What a projection prints first: budget over the years, funds, closed schemes, old people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from microsim.budget.consolidation import TOTAL_EXPENDITURE
from microsim.budget.coverage import INDICATORS
from microsim.budget.cumulated import PRESENT_VALUE
from microsim.budget.frame_tables import SERIES_LABELS
from microsim.budget.fund_indicators import EXHAUSTED, HORIZON, NOT_WITHIN
from microsim.budget.households import OLDER
from microsim.budget.money import BALANCES
from microsim.budget.poverty_table import HEADCOUNT, UNPAIRED
from microsim.budget.rows import MILLION, difference_name, ratio
from microsim.report.years import EVERY, shown_years
from microsim.results.classifications import account_row
from microsim.results.contents import SEXES, Contents, Row, Scheme

Series = list[float]
CLOSING = account_row(22)
LEVELS_NOTE = (
    "* People of this scenario live differently, so they are not the same people: the change is a "
    "difference of levels without a paired error."
)


class YearlyFigures:
    """Finds figures of several years among the rows of all tables.

    Parameters
    ----------
    rows
        Tables of one world of a projection.
    every
        Years from one shown year to the next.
    """

    def __init__(self, rows: Sequence[Row], every: int = EVERY) -> None:
        self.years = shown_years([row for row in rows if row.table == "C7"], every)
        self.rows = {
            (r.table, r.scenario, r.year, r.scheme, r.row, r.column, r.group): r for r in rows
        }
        poverty = {row.year for row in rows if row.table == "D1"}
        shown = shown_years([row for row in rows if row.table == "D1"], 1)
        wanted = poverty.intersection(self.years)
        self.table_years = [y for y in shown if y in wanted or y in (shown[0], shown[-1])]

    def find(
        self, table: str, scenario: str, year: int, row: str, column: str, scheme: str = "ALL",
        group: str = "",
    ) -> Row | None:  # fmt: skip
        """Return a figure, or None where the tables have none."""
        for of in (scheme, "") if scheme == "ALL" else (scheme,):
            found = self.rows.get((table, scenario, year, of, row, column, group))
            if found is not None:
                return found
        return None

    def value(
        self, table: str, scenario: str, year: int, row: str, column: str, scheme: str = "ALL",
        group: str = "",
    ) -> float:  # fmt: skip
        """Return the value of a figure, NaN if there is none."""
        found = self.find(table, scenario, year, row, column, scheme, group)
        return math.nan if found is None or found.status != "ok" else found.value


def projection_headline(contents: Contents, rows: Sequence[Row], console: Console) -> None:
    """Print the headline of a projection.

    Parameters
    ----------
    contents
        Of the first year.
    rows
        Tables of all years, of one world.
    """
    figures = YearlyFigures(rows)
    _budget(contents, figures, console)
    _reserves(contents, figures, console)
    _closed(contents, figures, console)
    _coverage(contents, figures, console)
    _poverty(contents, figures, console)


def _table(title: str, years: Iterable[int], *further: str) -> Table:
    """Return an empty table; labels and further columns give way to the figures of the years."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", min_width=24, max_width=44)
    for year in years:
        table.add_column(str(year), justify="right", no_wrap=True)
    for heading in further:
        table.add_column(heading, justify="right", min_width=12)
    return table


def _shown(values: Iterable[float], pattern: str) -> list[str]:
    return ["n/a" if math.isnan(value) else format(value, pattern) for value in values]


def _scenarios(contents: Contents) -> list[tuple[str, str]]:
    """Return id and short name of each scenario: labels would leave no room for the years."""
    names = (name.replace("_", " ") for name in contents.scenarios[1:])
    return list(zip(contents.scenarios, ("status quo", *names), strict=True))


def _differing(
    contents: Contents, series: Callable[[str], Series]
) -> Iterator[tuple[str, str, Series]]:
    """Yield id, label and series of the status quo and of each reform that moves them."""
    first: Series = []
    for number, (name, label) in enumerate(_scenarios(contents)):
        values = series(name)
        if all(map(math.isnan, values)):
            continue
        same = str(values) == str(first)
        if not number:
            first = values
        if not same:
            yield name, label, values


def _budget(contents: Contents, figures: YearlyFigures, console: Console) -> None:
    last = figures.years[-1]
    heading = f"change to {last}, present value, {contents.currency} billion"
    further = (heading,) if len(contents.scenarios) > 1 else ()
    title = "\nSocial protection expenditure, % of GDP"
    table = _table(title, figures.years, *further)
    for name, label in _scenarios(contents):
        shares = [
            figures.value("C7", name, year, TOTAL_EXPENDITURE, "% of GDP") for year in figures.years
        ]
        change = figures.value(
            "C10", difference_name(name, contents.scenarios[0]), last, TOTAL_EXPENDITURE,
            f"difference, {PRESENT_VALUE}",
        )  # fmt: skip
        cells = _billions([change]) if name != contents.scenarios[0] else [""]
        table.add_row(label, *_shown(shares, ".2f"), *(cells if further else ()))
    console.print(table)
    for (_, short), label in zip(_scenarios(contents)[1:], contents.labels[1:], strict=True):
        console.print(f"{short}: {label}", markup=False, highlight=False)


def _billions(millions: Iterable[float]) -> list[str]:
    return _shown((value / 1_000.0 for value in millions), ",.1f")


def _reserves(contents: Contents, figures: YearlyFigures, console: Console) -> None:
    title = f"\nReserves of funds at the end of the year, {contents.currency} billion"
    table = _table(title, figures.years, "exhausted in")
    for scheme in contents.schemes:
        if scheme.fund is None:
            continue
        shown = list(_differing(contents, partial(_of_fund, figures, scheme, CLOSING)))
        if shown:
            table.add_row(scheme.label, style="bold")
        for name, label, values in shown:
            when = _exhausted(figures, name, scheme.id)
            table.add_row(f"  {label}", *_billions(values), when)
        owned = _differing(contents, partial(_of_fund, figures, scheme, BALANCES))
        for _, label, values in owned:
            table.add_row(f"  {BALANCES.lower()}, {label}", *_billions(values))
    if table.row_count:
        console.print(table)


def _of_fund(figures: YearlyFigures, scheme: Scheme, row: str, scenario: str) -> Series:
    return [figures.value("C6", scenario, y, row, "amount", scheme.id) for y in figures.years]


def _exhausted(figures: YearlyFigures, scenario: str, scheme: str) -> str:
    last = figures.years[-1]
    found = figures.find("C11", scenario, last, EXHAUSTED, HORIZON, scheme)
    if found is None:
        return "n/a"
    if found.status == NOT_WITHIN:
        return f"not by {last}"
    return f"{found.value:.0f}" if found.status == "ok" else found.status


def _closed(contents: Contents, figures: YearlyFigures, console: Console) -> None:
    table = _table("\nExpenditure of closed schemes, % of GDP", figures.years)
    for scheme in contents.schemes:
        if scheme.fund is None or not scheme.fund.closed:
            continue
        shown = _differing(contents, partial(_shares, contents, figures, scheme))
        for _, label, values in shown:
            table.add_row(f"{scheme.label}, {label}", *_shown(values, ".2f"))
    if table.row_count:
        console.print(table)


def _shares(contents: Contents, figures: YearlyFigures, scheme: Scheme, scenario: str) -> Series:
    """Return the expenditure of a scheme in each shown year, % of GDP."""
    found = []
    for year in figures.years:
        spent = figures.value("C1", scenario, year, TOTAL_EXPENDITURE, "total", scheme.id)
        gdp = figures.value("A4", contents.scenarios[0], year, SERIES_LABELS["gdp"], "amount")
        found.append(100 * ratio(spent * MILLION, gdp))
    return found


def _coverage(contents: Contents, figures: YearlyFigures, console: Console) -> None:
    table = _table("\nOlder persons receiving a pension, %", figures.years)
    for sex, people in zip(SEXES, ("men", "women"), strict=True):
        shown = _differing(contents, partial(_covered, figures, sex))
        for _, label, values in shown:
            table.add_row(f"{people}, {label}", *_shown(values, ".1f"))
    if table.row_count:
        console.print(table)


def _covered(figures: YearlyFigures, sex: str, scenario: str) -> Series:
    key = {"column": "rate", "group": f"sex={sex}"}
    return [figures.value("B6", scenario, y, INDICATORS["older"], **key) for y in figures.years]


def _poverty(contents: Contents, figures: YearlyFigures, console: Console) -> None:
    if not figures.table_years:
        return
    last, unpaired = figures.table_years[-1], False
    further = (f"change in {last}",) if len(contents.scenarios) > 1 else ()
    for line in contents.poverty_lines:
        title = f"\nPoverty of persons aged 65 and over, {line} line, % (change in points)"
        table = _table(title, figures.table_years, *further)
        for group, people in zip(OLDER[1:], ("men", "women"), strict=True):
            for name, label in _scenarios(contents):
                key = {"column": line, "group": f"older={group}"}
                shares = [
                    figures.value("D1", name, y, HEADCOUNT, **key) for y in figures.table_years
                ]
                change, levels = _change(contents, figures, name, last, line, key["group"])
                unpaired = unpaired or levels
                row = f"{people}, {label}{' *' if levels else ''}"
                table.add_row(row, *_shown(shares, ".1f"), *((change,) if further else ()))
        console.print(table)
    if unpaired:
        console.print(LEVELS_NOTE, markup=False, highlight=False)


def _change(
    contents: Contents, figures: YearlyFigures, scenario: str, year: int, line: str, group: str
) -> tuple[str, bool]:
    """Return the change against the status quo with its error, and whether it is of levels only."""
    if scenario == contents.scenarios[0]:
        return "", False
    name = difference_name(scenario, contents.scenarios[0])
    found = figures.find("D1", name, year, HEADCOUNT, line, group=group)
    levels = found is None
    if found is None:
        found = figures.find("D1", name, year, HEADCOUNT + UNPAIRED, line, group=group)
    if found is None or found.status != "ok":
        return "n/a", False
    error = "" if math.isnan(found.se_sampling) else f" ({found.se_sampling:.1f})"
    return f"{found.value:+.1f}{error}", levels
