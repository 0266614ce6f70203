"""Arranges tidy rows as tables for paper: blocks, lines, columns, and how figures are written."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from microsim.errors import FaultList, InputError
from microsim.report.titles import order, style
from microsim.results.contents import Row

DECIMALS = {"LCU million": 1, "LCU": 0, "persons": 0, "households": 0, "ratio": 4, "index": 4}
FEW, UNRELIABLE = 25, 50
PARTS = ("simulated", "given", "total")  # columns of expenditure and receipts, as printed


@dataclass(frozen=True)
class Line:
    """One line of a block: what it is and a figure (or none) for each column.

    `below` tells a group of persons that stands below the line for everyone.
    """

    scheme: str
    function: str
    group: str
    row: str
    unit: str
    cells: tuple[Row | None, ...]
    below: bool = False

    @property
    def label(self) -> str:
        """Return what is printed at the left: row and function, or the group below its row."""
        group = self.group.replace("=", ": ").replace(";", ", ").replace("_", " ")
        if self.below:
            return f"    {group}"
        parts = [self.row]
        if self.function and self.function != "ALL":
            parts.append(f"[{self.function}]")
        return " ".join([*parts, group] if group else parts)


@dataclass
class Block:
    """A part of a table with its own columns."""

    title: str
    columns: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    heads: tuple[str, ...] = ()


@dataclass
class Sheet:
    """One table as printed."""

    code: str
    title: str
    year: int
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


def arrange(rows: Sequence[Row], currency: str = "LCU") -> list[Sheet]:
    """Return the tables for paper, in the order of their codes, units in `currency`."""
    sheets = []
    for code in available(rows):
        of_table = [row for row in rows if row.table == code]
        blocks = [_in_currency(block, currency) for block in _blocks(code, of_table)]
        sheets.append(Sheet(code, style(code).title, of_table[0].year, blocks))
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
    block_of, column_of = (_scenario, _column) if columns_across else (_column_title, _scenario)
    blocks = []
    for title in dict.fromkeys(map(block_of, rows)):
        inside = [row for row in rows if block_of(row) == title]
        levels = [row for row in inside if row.scenario not in derived]
        if columns_across or not levels:
            blocks.append(_block(title, inside, column_of, columns_across))
            continue
        blocks.append(_block(title, levels, column_of, columns_across))
        changes = [row for row in inside if row.scenario in derived]
        if changes:
            name = f"{title}: reform minus status quo"
            blocks.append(_block(name, changes, column_of, columns_across))
    return blocks


def _derived(rows: Sequence[Row]) -> set[str]:
    """Return the scenarios that are a reform minus the status quo."""
    names = dict.fromkeys(row.scenario for row in rows)
    return {f"{a}-{b}" for a in names for b in names} & set(names)


def _block(
    title: str, rows: Sequence[Row], column_of: Callable[[Row], str], columns_across: bool
) -> Block:
    columns = tuple(dict.fromkeys(map(column_of, rows)))
    if set(columns) <= set(PARTS):
        columns = tuple(sorted(columns, key=PARTS.index))
    families: dict[tuple[str, ...], dict[tuple[str, str], dict[str, Row]]] = {}
    for row in rows:  # groups of persons come below the line they belong to
        lines = families.setdefault((row.scheme, row.function, row.row), {})
        key = (row.group, "" if columns_across else row.unit)
        lines.setdefault(key, {})[column_of(row)] = row
    block = Block(title, columns)
    for (scheme, function, name), lines in families.items():
        for position, ((group, _), cells) in enumerate(lines.items()):
            figures = tuple(cells.get(column) for column in columns)
            unit = next(iter(cells.values())).unit
            below = bool(position and group)
            block.lines.append(Line(scheme, function, group, name, unit, figures, below))
    block.heads = tuple(_head(block, i) for i in range(len(columns)))
    return block


def _head(block: Block, position: int) -> str:
    """Return the name of a column, with its unit where the lines have another."""
    cells = [(line.unit, line.cells[position]) for line in block.lines]
    units = {cell.unit for _, cell in cells if cell is not None}
    differs = any(cell is not None and cell.unit != unit for unit, cell in cells)
    name = block.columns[position]
    told = "%" in name  # the name says it already
    return f"{name} ({units.pop()})" if differs and len(units) == 1 and not told else name


def _scenario(row: Row) -> str:
    return row.scenario


def _column(row: Row) -> str:
    return row.column


def _column_title(row: Row) -> str:
    basis = "" if row.price_basis == "current" else f" ({row.price_basis.replace('_', ' ')})"
    return f"{row.column}{basis}"


def decimals(unit: str) -> int:
    """Return how many decimals figures of a unit are printed with."""
    return DECIMALS.get(unit, 2)


def figure_text(row: Row | None) -> str:
    """Return a figure as printed; an empty text where the table has no such figure."""
    if row is None:
        return ""
    if row.status == "suppressed":
        return "(·)"
    if row.status != "ok" or math.isnan(row.value):
        return "n/a"
    mark = " u" if FEW <= row.n < UNRELIABLE else ""
    if not math.isnan(row.se_sampling):
        mark = f" [{row.se_sampling:,.{decimals(row.unit)}f}]{mark}"
    if not math.isnan(row.se_mc):
        mark = f" {{{row.se_mc:,.{decimals(row.unit)}f}}}{mark}"
    if row.value == 0.0:
        return f"0{mark}"
    text = f"{abs(row.value):,.{decimals(row.unit)}f}"
    negative = row.value < 0 and any(digit in "123456789" for digit in text)
    return f"({text}){mark}" if negative else f"{text}{mark}"
