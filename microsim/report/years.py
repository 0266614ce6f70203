"""Arranges tables of several years: years side by side, scenarios one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from microsim.errors import InputError
from microsim.report.blocks import Block, column_of, column_title, make_block
from microsim.results.contents import Row

EVERY = 5  # years from one printed column to the next
LineKey = tuple[str, str, str]


def shown_years(rows: Sequence[Row], every: int = EVERY) -> list[int]:
    """Return the years that are printed: the first, every so many years on, and the last.

    Raises
    ------
    InputError
        `every` is below 1.
    """
    if every < 1:
        raise InputError(f"every {every} years: expected 1 or more.")
    years = sorted({row.year for row in rows})
    return [year for year in years if (year - years[0]) % every == 0 or year == years[-1]]


def blocks_of_years(rows: Sequence[Row], shown: Sequence[int]) -> list[Block]:
    """Return the blocks of a table: for each scenario, one for each column of the table.

    What is there for one year only, or stands for all of them, shares a last block of its scenario,
    with the columns of the table side by side.

    Parameters
    ----------
    rows
        The figures of one table.
    shown
        Years to print; a table that is made in other years shows its first and last too.
    """
    by_block: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_block.setdefault((row.scenario, column_title(row)), []).append(row)
    several = len({title for _, title in by_block}) > 1
    over_all = len({row.year for row in rows}) > 1
    blocks = []
    for scenario in dict.fromkeys(name for name, _ in by_block):
        single: list[Row] = []
        for (name, title), inside in by_block.items():
            if name != scenario:
                continue
            if len({row.year for row in inside}) == 1:
                single += inside
            else:
                blocks.append(_across(f"{name}: {title}" if several else name, inside, shown))
        if single:
            title = f"{scenario}: over all years" if over_all else scenario
            blocks.append(make_block(title, single, column_of, True))
    return blocks


def _across(title: str, rows: Sequence[Row], shown: Sequence[int]) -> Block:
    years = sorted({row.year for row in rows})
    wanted = {*shown, years[0], years[-1]}
    chosen = sorted((row for row in rows if row.year in wanted), key=lambda row: row.year)
    block = make_block(title, chosen, lambda row: str(row.year), False)
    place = {key: i for i, key in enumerate(_order(chosen))}
    block.lines.sort(key=lambda line: place[line.scheme, line.function, line.row])
    return replace(block, heads=block.columns)


def _order(rows: Sequence[Row]) -> list[LineKey]:
    """Return the lines of all years in one order; what a year adds comes after what it follows."""
    by_year: dict[int, dict[LineKey, None]] = {}
    for row in rows:
        by_year.setdefault(row.year, {})[row.scheme, row.function, row.row] = None
    order: list[LineKey] = []
    for lines in sorted(by_year.values(), key=len, reverse=True):
        at = -1
        known = set(order)
        for line in lines:
            if line in known:
                at = order.index(line)
            else:
                at += 1
                order.insert(at, line)
    return order
