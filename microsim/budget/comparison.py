"""Compares each reform with the status quo (C10): social budget and key figures, line by line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.consolidation import Consolidated, frame_value
from microsim.budget.key_figures import KeyFigure
from microsim.budget.rows import MILLION, TableRows, difference_name, ratio
from microsim.results.contents import Contents, Row


def comparison(
    contents: Contents,
    budgets: Sequence[Consolidated],
    figures: Sequence[Sequence[KeyFigure]],
) -> list[Row]:
    """Return table C10: status quo, reform and difference for C7 and the key figures."""
    table = TableRows("C10", contents.year)
    gdp = frame_value(contents, "gdp")
    baseline = contents.scenarios[0]
    for i, reform in enumerate(contents.scenarios[1:], start=1):
        name = difference_name(reform, baseline)
        for row, function in _rows(budgets[0], budgets[i]):
            before, after = _amount(budgets[0], row), _amount(budgets[i], row)
            _money(table, name, row, before, after, gdp, function)
        for old, new in zip(figures[0], figures[i], strict=True):
            if new.money:
                _money(table, name, new.row, old.value, new.value, gdp, "")
            else:
                _figure(table, name, old, new)
    return table.rows


def _rows(before: Consolidated, after: Consolidated) -> list[tuple[str, str]]:
    rows = [(line.row, line.function) for line in before.lines]
    return list(dict.fromkeys([*rows, *((line.row, line.function) for line in after.lines)]))


def _amount(budget: Consolidated, row: str) -> float:
    """Return a line's amount; a line that only the other scenario has is 0 here."""
    return next((line.amount for line in budget.lines if line.row == row), 0.0)


def _money(
    table: TableRows,
    name: str,
    row: str,
    before: float,
    after: float,
    gdp: float,
    function: str,
) -> None:
    change = after / MILLION - before / MILLION
    for column, value in (
        ("status quo", before / MILLION),
        ("reform", after / MILLION),
        ("difference", change),
    ):
        table.add(name, row, value, "LCU million", column=column, function=function)
    percent = 100 * ratio(change, abs(before) / MILLION)
    points = 100 * ratio(change, gdp / MILLION)
    table.add(
        name,
        row,
        percent,
        "%",
        column="difference, % of status quo",
        function=function,
        missing="not applicable",
    )
    table.add(name, row, points, "% GDP", column="difference, % GDP points", function=function)


def _figure(table: TableRows, name: str, before: KeyFigure, after: KeyFigure) -> None:
    change = after.value - before.value
    for column, value in (
        ("status quo", before.value),
        ("reform", after.value),
        ("difference", change),
    ):
        table.add(name, after.row, value, after.unit, column=column)
    percent = 100 * ratio(change, abs(before.value))
    missing = "not available" if math.isnan(change) else "not applicable"
    table.add(name, after.row, percent, "%", column="difference, % of status quo", missing=missing)
