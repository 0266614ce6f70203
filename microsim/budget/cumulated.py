"""Adds table C10 up over the years of a projection, plain and as present values."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.actuarial import discount_factors
from microsim.budget.consolidation import frame_value
from microsim.budget.rows import TableRows, ratio
from microsim.results.contents import Contents, Row

CUMULATED, PRESENT_VALUE = "cumulated", "present value"
COLUMNS = ("status quo", "reform")
Key = tuple[str, str, str]


def interest_of(years: Sequence[Contents]) -> list[float]:
    """Return the frame's rate of interest of each year; NaN where nobody gives it."""
    return [frame_value(contents, "interest") for contents in years]


def cumulated(years: Sequence[Contents], rows: Sequence[Row]) -> list[Row]:
    """Return the columns of table C10 that stand for all years, in the last one.

    The present value is that at the start of the first year, with the flows of each year in its
    middle, at the frame's rate of interest; not available where the frame has none.

    Parameters
    ----------
    years
        Contents of each year.
    rows
        Tables of all years, with C10 of each.
    """
    table = TableRows("C10", years[-1].year)
    place = {contents.year: k for k, contents in enumerate(years)}
    amounts: dict[Key, list[tuple[float, float]]] = {}
    for column, name in enumerate(COLUMNS):
        for row in rows:
            if row.table == "C10" and row.column == name and row.unit == "LCU million":
                key = (row.scenario, row.row, row.function)
                # A line that only some years have is 0 in the others, as in C10 itself.
                pairs = amounts.setdefault(key, [(0.0, 0.0)] * len(years))
                k, value = place[row.year], row.value
                pairs[k] = (value, pairs[k][1]) if column == 0 else (pairs[k][0], value)
    gdp = math.fsum(frame_value(contents, "gdp") for contents in years) / 1e6
    factors = {CUMULATED: [1.0] * len(years), PRESENT_VALUE: _factors(years)}
    for key, pairs in amounts.items():
        for what, weights in factors.items():
            _add(table, key, pairs, what, weights)
        change = _sum(pairs, 1, factors[CUMULATED]) - _sum(pairs, 0, factors[CUMULATED])
        table.add(
            key[0], key[1], 100 * ratio(change, gdp), "% GDP", function=key[2],
            column=f"difference, {CUMULATED}, % of GDP of all years",
        )  # fmt: skip
    return table.rows


def _factors(years: Sequence[Contents]) -> list[float]:
    interest = interest_of(years)
    if any(map(math.isnan, interest)):
        return [math.nan] * len(years)
    return discount_factors(interest, len(years))


def _add(
    table: TableRows,
    key: Key,
    pairs: Sequence[tuple[float, float]],
    what: str,
    weights: Sequence[float],
) -> None:
    scenario, row, function = key
    before, after = (_sum(pairs, column, weights) for column in (0, 1))
    for column, value in (
        ("status quo", before), ("reform", after), ("difference", after - before),
    ):  # fmt: skip
        table.add(
            scenario, row, value, "LCU million", column=f"{column}, {what}", function=function
        )


def _sum(pairs: Sequence[tuple[float, float]], column: int, weights: Sequence[float]) -> float:
    return math.fsum(w * pair[column] for pair, w in zip(pairs, weights, strict=True))
