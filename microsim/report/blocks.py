"""The parts of a printed table: blocks of lines and columns, and how figures are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from microsim.results.contents import Row

DECIMALS = {
    "LCU million": 1, "LCU": 0, "persons": 0, "households": 0, "ratio": 4, "index": 4, "year": 0,
    "years": 2,
}  # fmt: skip
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


def make_block(
    title: str, rows: Sequence[Row], key_of: Callable[[Row], str], columns_across: bool
) -> Block:
    """Return a block of a table.

    Parameters
    ----------
    title
        Of the block.
    rows
        Its figures; one for each line and column.
    key_of
        The column a figure stands in.
    columns_across
        Whether these are the columns of the table itself; then units may differ along a line.
    """
    columns = tuple(dict.fromkeys(map(key_of, rows)))
    if set(columns) <= set(PARTS):
        columns = tuple(sorted(columns, key=PARTS.index))
    families: dict[tuple[str, ...], dict[tuple[str, str], dict[str, Row]]] = {}
    for row in rows:  # groups of persons come below the line they belong to
        lines = families.setdefault((row.scheme, row.function, row.row), {})
        key = (row.group, "" if columns_across else row.unit)
        lines.setdefault(key, {})[key_of(row)] = row
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


def scenario_of(row: Row) -> str:
    """Return the scenario of a figure."""
    return row.scenario


def column_of(row: Row) -> str:
    """Return the column of a figure in its table."""
    return row.column


def column_title(row: Row) -> str:
    """Return the column of a figure, with its prices if they are constant."""
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
    if row.status == "not within horizon":
        return "not within horizon"
    if row.status != "ok" or math.isnan(row.value):
        return "n/a"
    if row.unit == "year":
        return f"{row.value:.0f}"
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
