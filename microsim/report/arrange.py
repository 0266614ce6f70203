"""Arranges tidy rows as tables for paper: blocks, lines, columns, and how figures are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from microsim.errors import InputError
from microsim.report.titles import order, style
from microsim.results.contents import Row

DECIMALS = {"LCU million": 1, "persons": 0, "households": 0, "ratio": 4, "index": 4}
FEW, UNRELIABLE = 25, 50


@dataclass(frozen=True)
class Line:
    """One line of a block: what it is and a figure (or none) for each column."""

    scheme: str
    function: str
    group: str
    row: str
    unit: str
    cells: tuple[Row | None, ...]

    @property
    def label(self) -> str:
        """Return what is printed at the left: row, function and group."""
        parts = [self.row]
        if self.function and self.function != "ALL":
            parts.append(f"[{self.function}]")
        if self.group:
            parts.append(self.group.replace("=", ": ").replace(";", ", "))
        return " ".join(parts)


@dataclass
class Block:
    """A part of a table with its own columns."""

    title: str
    columns: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)


@dataclass
class Sheet:
    """One table as printed."""

    code: str
    title: str
    year: int
    blocks: list[Block]


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


def arrange(rows: Sequence[Row]) -> list[Sheet]:
    """Return the tables for paper, in the order of their codes."""
    sheets = []
    for code in available(rows):
        of_table = [row for row in rows if row.table == code]
        sheets.append(Sheet(code, style(code).title, of_table[0].year, _blocks(code, of_table)))
    return sheets


def _blocks(code: str, rows: Sequence[Row]) -> list[Block]:
    block_of, column_of = _column_title, _scenario
    if style(code).across == "columns":
        block_of, column_of = _scenario, _column
    blocks = []
    for title in dict.fromkeys(map(block_of, rows)):
        inside = [row for row in rows if block_of(row) == title]
        columns = tuple(dict.fromkeys(map(column_of, inside)))
        found: dict[tuple[str, ...], dict[str, Row]] = {}
        for row in inside:
            unit = row.unit if code != "C10" else ""
            key = (row.scheme, row.function, row.group, row.row, unit)
            found.setdefault(key, {})[column_of(row)] = row
        block = Block(title, columns)
        for (scheme, function, group, name, unit), cells in found.items():
            figures = tuple(cells.get(column) for column in columns)
            block.lines.append(Line(scheme, function, group, name, unit, figures))
        blocks.append(block)
    return blocks


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
    if row.value == 0.0:
        return f"0{mark}"
    text = f"{abs(row.value):,.{decimals(row.unit)}f}"
    negative = row.value < 0 and any(digit in "123456789" for digit in text)
    return f"({text}){mark}" if negative else f"{text}{mark}"
