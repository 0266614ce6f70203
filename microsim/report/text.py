"""Prints tables on the terminal or to a text file."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from microsim.report.arrange import Sheet
from microsim.report.blocks import Block, figure_text
from microsim.report.titles import NOTE

NOTE_WIDTH = 100


def print_tables(
    sheets: Sequence[Sheet],
    console: Console,
    currency: str,
    footer: str = "",
    notes: Sequence[str] = (),
) -> None:
    """Print tables, with scenarios or columns side by side.

    Parameters
    ----------
    sheets
        The tables, arranged.
    console
        Where to print.
    currency
        Currency that LCU stands for.
    footer
        Which run this is.
    notes
        What the reader must know before any figure, such as that results are incomplete.
    """
    _print_notes(notes, console)
    for sheet in sheets:
        console.print(f"[bold]{escape(f'{sheet.code} {sheet.title}, {sheet.period}')}[/bold]")
        for block in sheet.blocks:
            console.print(_block(block))
        console.print()
    console.print(escape(textwrap.fill(f"Money is in {currency}. {NOTE}", NOTE_WIDTH)))
    if footer:
        console.print(escape(footer))
    _print_notes(notes, console)


def _print_notes(notes: Sequence[str], console: Console) -> None:
    for note in notes:
        console.print(note, style="bold", markup=False, highlight=False, soft_wrap=True)


def _block(block: Block) -> Table:
    table = Table(title=escape(block.title), title_justify="left", box=None, pad_edge=False)
    table.add_column("", min_width=24, overflow="fold")
    units = {line.unit for line in block.lines} - {""}
    with_units = len(units) > 1
    if with_units:
        table.add_column("unit")
    elif units:
        table.title = escape(f"{block.title} ({units.pop()})")
    for column in block.heads:
        table.add_column(escape(column), justify="right", no_wrap=True)
    scheme = "ALL"
    for line in block.lines:
        if line.scheme != scheme:
            scheme = line.scheme
            heading = "All schemes" if scheme == "ALL" else scheme
            table.add_row(f"[bold]{escape(heading)}[/bold]")
        label = escape(line.label)
        units_cell = [line.unit] if with_units else []
        strong = "bold" if line.row.upper().find("TOTAL") >= 0 else None
        table.add_row(label, *units_cell, *map(figure_text, line.cells), style=strong)
    return table
