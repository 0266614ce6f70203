"""Writes tables as an Excel workbook: one sheet for each table, totals as formulas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from microsim.errors import InputError
from microsim.report.arrange import Sheet
from microsim.report.blocks import Block, Line, decimals, figure_text
from microsim.report.titles import NOTE
from microsim.report.totals import parts_of

LABEL_COLUMNS = 4  # scheme, line, function, group
FIRST = LABEL_COLUMNS + 1  # then the unit


def write_workbook(
    sheets: Sequence[Sheet], path: Path, currency: str, footer: str, notes: Sequence[str] = ()
) -> None:
    """Write a workbook.

    Parameters
    ----------
    sheets
        The tables, arranged.
    path
        Where the workbook goes.
    currency
        Currency that LCU stands for.
    footer
        Which run this is.
    notes
        What the reader must know before any figure, such as that results are incomplete.

    Raises
    ------
    InputError
        The part that writes workbooks is not installed.
    OSError
        The file cannot be written.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise InputError(
            "workbooks need xlsxwriter, which is not installed. "
            "Install it with: pip install 'microsim-social[workbook]'."
        ) from error
    try:
        _write_book(xlsxwriter, sheets, path, (f"Money is in {currency}. {NOTE}", footer), notes)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(0, str(error)) from error


def _write_book(
    xlsxwriter: Any,  # noqa: ANN401 - the module, loaded late
    sheets: Sequence[Sheet],
    path: Path,
    below: Sequence[str],
    notes: Sequence[str],
) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        formats = _Formats(book)
        for sheet in sheets:
            page = book.add_worksheet(sheet.code)
            page.write_string(0, 0, f"{sheet.code} {sheet.title}, {sheet.period}", formats.bold)
            page.set_column(0, 0, 22)
            page.set_column(1, 1, 46)
            page.set_column(2, FIRST - 1, 14)
            page.set_column(FIRST, FIRST + 12, 17)
            page.set_landscape()
            page.fit_to_pages(1, 0)
            for line, note in enumerate(notes, 1):
                page.write_string(line, 0, note, formats.bold)
            top = len(notes) + 2
            for block in sheet.blocks:
                top = _write_block(page, formats, sheet.code, block, top) + 1
            for line, text in enumerate(below, top):
                page.write_string(line, 0, text)


class _Formats:
    """Number formats by decimals, made once; negative figures stand in parentheses."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401 - xlsxwriter has no types
        self.book = book
        self.bold = book.add_format({"bold": True})
        self.missing = book.add_format({"align": "right"})
        self._numbers: dict[int, Any] = {}

    def number(self, unit: str) -> Any:  # noqa: ANN401
        digits = decimals(unit)
        if digits not in self._numbers:
            plain = "#,##0" + ("." + "0" * digits if digits else "")
            pattern = f"{plain};({plain});0"
            self._numbers[digits] = self.book.add_format({"num_format": pattern})
        return self._numbers[digits]


def _write_block(page: Any, formats: _Formats, code: str, block: Block, top: int) -> int:  # noqa: ANN401
    page.write_string(top, 0, block.title, formats.bold)
    heads = ("scheme", "line", "function", "group", "unit", *block.heads)
    for column, head in enumerate(heads):
        page.write_string(top + 1, column, head, formats.bold)
    first = top + 2
    for i, line in enumerate(block.lines):
        texts = (line.scheme, line.row, line.function, line.group, line.unit)
        for column, text in enumerate(texts):
            page.write_string(first + i, column, text)
        for j in range(len(line.cells)):
            _write_cell(page, formats, code, block, (i, j), first)
    return first + len(block.lines)


def _write_cell(
    page: Any,  # noqa: ANN401
    formats: _Formats,
    code: str,
    block: Block,
    place: tuple[int, int],
    first: int,
) -> None:
    i, j = place
    cell = block.lines[i].cells[j]
    at = (first + i, FIRST + j)
    if cell is None:
        return
    if cell.status != "ok":
        page.write_string(*at, figure_text(cell), formats.missing)
        return
    formula = _formula(code, block, i, j, first)
    if formula:
        page.write_formula(*at, formula, formats.number(cell.unit), cell.value)
    else:
        page.write_number(*at, cell.value, formats.number(cell.unit))


def _formula(code: str, block: Block, i: int, j: int, first: int) -> str:
    if code == "C10":
        return _difference(block, block.lines[i], i, j, first)
    parts = parts_of(code, block.lines, i)
    cells = [block.lines[k].cells[j] for _, k in parts]
    if not parts or any(cell is None or cell.status != "ok" for cell in cells):
        return ""
    column = _letters(FIRST + j)
    terms = [f"{'+' if sign > 0 else '-'}{column}{first + k + 1}" for sign, k in parts]
    return "=" + "".join(terms).lstrip("+")


def _difference(block: Block, line: Line, i: int, j: int, first: int) -> str:
    names = list(block.columns)
    if names[j] != "difference":
        return ""
    places = [names.index(name) for name in ("reform", "status quo")]
    if any((cell := line.cells[p]) is None or cell.status != "ok" for p in places):
        return ""
    after, before = (f"{_letters(FIRST + p)}{first + i + 1}" for p in places)
    return f"={after}-{before}"


def _letters(column: int) -> str:
    """Return the letters of a column, 0 being A."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text
