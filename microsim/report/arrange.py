"""Arranges tidy rows as tables for paper: which blocks, what stands side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from microsim.errors import FaultList, InputError
from microsim.report.blocks import Block, column_of, column_title, make_block, scenario_of
from microsim.report.titles import order, style
from microsim.report.years import EVERY, blocks_of_years, shown_years
from microsim.results.contents import Row


@dataclass
class Sheet:
    """One table as printed."""

    code: str
    title: str
    period: str
    blocks: list[Block]


def of_world(rows: Sequence[Row], draw: int = 0, replicate: int | None = None) -> list[Row]:
    """Return the rows of one world; without a replicate the mean over them, if there are several.

    Raises
    ------
    InputError
        The run has no such draw or replicate.
    """
    faults = FaultList()
    draws = sorted({row.draw for row in rows})
    replicates = sorted({row.replicate for row in rows})
    chosen = replicates[0] if replicate is None and replicates else replicate
    for option, asked, known in (("--draw", draw, draws), ("--replicate", chosen, replicates)):
        if rows and asked not in known:
            faults.add(option, "not in the run", str(asked), f"{known[0]} to {known[-1]}")
    faults.raise_if_any()
    return [row for row in rows if row.draw == draw and row.replicate == chosen]


def available(rows: Sequence[Row]) -> list[str]:
    """Return the codes of the tables that have rows, in order."""
    return sorted({row.table for row in rows}, key=order)


def select(
    rows: Sequence[Row], tables: Sequence[str] = (), scenarios: Sequence[str] = ()
) -> list[Row]:
    """Return the rows of some tables and scenarios (all where left out).

    Raises
    ------
    InputError
        A table or scenario is not in the results.
    """
    for what, wanted, known in (
        ("table", tables, available(rows)),
        ("scenario", scenarios, list(dict.fromkeys(row.scenario for row in rows))),
    ):
        for name in wanted:
            if name not in known:
                raise InputError(
                    f"{what} {name!r} is not in these results; found {', '.join(known) or 'none'}."
                )
    return [
        row
        for row in rows
        if (not tables or row.table in tables) and (not scenarios or row.scenario in scenarios)
    ]


def arrange(rows: Sequence[Row], currency: str = "LCU", every: int = EVERY) -> list[Sheet]:
    """Return the tables for paper, in the order of their codes.

    Parameters
    ----------
    rows
        The figures. Of several years, the years stand side by side in each table, and scenarios
        one below the other.
    currency
        What units say in place of LCU.
    every
        Of a projection, print the first year, every so many years on, and the last.

    Raises
    ------
    InputError
        `every` is below 1.
    """
    shown = shown_years(rows, every)
    several = len({row.year for row in rows}) > 1
    sheets = []
    for code in available(rows):
        of_table = [row for row in rows if row.table == code]
        years = sorted({row.year for row in of_table})
        period = str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"
        blocks = blocks_of_years(of_table, shown) if several else _blocks(code, of_table)
        blocks = [_in_currency(block, currency) for block in blocks]
        sheets.append(Sheet(code, style(code).title, period, blocks))
    return sheets


def _in_currency(block: Block, currency: str) -> Block:
    """Return the block with the name of the currency instead of LCU in units and heads."""
    if currency in ("", "LCU"):
        return block

    def named(text: str) -> str:
        return re.sub(r"\bLCU\b", lambda _: currency, text)

    lines = [replace(line, unit=named(line.unit)) for line in block.lines]
    return replace(block, lines=lines, heads=tuple(map(named, block.heads)))


def _blocks(code: str, rows: Sequence[Row]) -> list[Block]:
    columns_across = style(code).across == "columns"
    derived = _derived(rows)
    block_of, key_of = (scenario_of, column_of) if columns_across else (column_title, scenario_of)
    blocks = []
    for title in dict.fromkeys(map(block_of, rows)):
        inside = [row for row in rows if block_of(row) == title]
        levels = [row for row in inside if row.scenario not in derived]
        if columns_across or not levels:
            blocks.append(make_block(title, inside, key_of, columns_across))
            continue
        blocks.append(make_block(title, levels, key_of, columns_across))
        changes = [row for row in inside if row.scenario in derived]
        if changes:
            name = f"{title}: reform minus status quo"
            blocks.append(make_block(name, changes, key_of, columns_across))
    return blocks


def _derived(rows: Sequence[Row]) -> set[str]:
    """Return the scenarios that are a reform minus the status quo."""
    names = dict.fromkeys(row.scenario for row in rows)
    return {f"{a}-{b}" for a in names for b in names} & set(names)
