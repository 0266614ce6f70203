"""Official totals for the trust table: scheme, item, year, value, source."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from microsim.errors import FaultList
from microsim.files import FileTree, did_you_mean, listed
from microsim.language.definitions import Location

COLUMNS = ("scheme", "item", "year", "value", "source")
LABOUR_MARKET = "labour market"
BALANCES = "balances"  # of members, at the end of the year
SCHEME_ITEMS = (
    "contributors",
    "contributions employees",
    "contributions employers",
    "contributions self-employed",
    "contributions",
    "recipients",
    "benefits",
    BALANCES,
)
TAX_ITEMS = ("amount",)
LABOUR_ITEMS = ("formal jobs", "wage bill")


@dataclass(frozen=True)
class Total:
    """One official total: persons, or currency a year, in one year."""

    scheme: str
    item: str
    year: int
    value: float
    source: str
    where: Location


def load_totals(
    path: str | Path, schemes: Collection[str] = (), taxes: Collection[str] = ()
) -> tuple[Total, ...]:
    """Return the official totals of a CSV file.

    Parameters
    ----------
    path
        The file; first line `scheme,item,year,value,source`.
    schemes, taxes
        Known ids; the names are not checked if both are empty.

    Raises
    ------
    InputError
        Every fault of the file, with its line.
    """
    faults = FaultList()
    totals = read_totals(FileTree(path), str(path), faults, "", schemes, taxes)
    faults.raise_if_any()
    return totals


def read_totals(
    tree: FileTree,
    path: str,
    faults: FaultList,
    asked: str,
    schemes: Collection[str],
    taxes: Collection[str],
) -> tuple[Total, ...]:
    """Return the official totals of a CSV file of a tree; faults are noted."""
    content = tree.read_bytes(path, asked, faults)
    if content is None:
        return ()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.add(path, "the file is not UTF-8 text", "", "UTF-8", "Save the file as UTF-8.")
        return ()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[tuple[str, str, int], Total] = {}
    try:
        header = [word.strip() for word in next(reader, [])]
        if tuple(header) != COLUMNS:
            faults.add(f"{path}:1", "the columns are others", ",".join(header), ",".join(COLUMNS))
            return ()
        for row in reader:
            where = Location(path, reader.line_num)
            if not any(cell.strip() for cell in row):
                continue
            total = _read_row(row, where, faults, schemes, taxes)
            if total is not None:
                _keep(total, found, faults)
    except csv.Error as error:
        faults.add(f"{path}:{reader.line_num}", f"not CSV: {error}")
    return tuple(found.values())


def _keep(total: Total, found: dict[tuple[str, str, int], Total], faults: FaultList) -> None:
    key = (total.scheme, total.item, total.year)
    if key in found:
        what = f"{total.scheme}, {total.item}, {total.year} is given twice"
        faults.add(str(total.where), what, f"also at {found[key].where}", "one value")
    else:
        found[key] = total


def _read_row(
    row: list[str],
    where: Location,
    faults: FaultList,
    schemes: Collection[str],
    taxes: Collection[str],
) -> Total | None:
    if len(row) != len(COLUMNS):
        remedy = "Put a source that holds a comma in quotes."
        faults.add(str(where), "the row", f"{len(row)} columns", f"{len(COLUMNS)}", remedy)
        return None
    before = len(faults.faults)
    scheme, item, year_text, value_text, source = (cell.strip() for cell in row)
    _check_names(scheme, item, where, faults, schemes, taxes)
    year = int(year_text) if year_text.isascii() and year_text.isdigit() else 0
    if not 1900 <= year <= 2200:
        faults.add(str(where), "the year", year_text or "nothing", "a year")
    value = _number(value_text)
    if value is None or value < 0:
        faults.add(str(where), "the value", value_text or "nothing", "a number of 0 or more")
    if not source:
        faults.add(str(where), "the total has no source", "", "who publishes it, and where")
    if value is None or len(faults.faults) > before:
        return None
    return Total(scheme, item, year, value, source, where)


def _check_names(
    scheme: str,
    item: str,
    where: Location,
    faults: FaultList,
    schemes: Collection[str],
    taxes: Collection[str],
) -> None:
    known = [*schemes, *taxes, LABOUR_MARKET]
    if len(known) > 1 and scheme not in known:
        remedy = did_you_mean(scheme, known)
        faults.add(str(where), "unknown scheme or tax", scheme, listed(known), remedy)
        return
    items: tuple[str, ...] = (*SCHEME_ITEMS, *TAX_ITEMS, *LABOUR_ITEMS)
    if scheme == LABOUR_MARKET:
        items = LABOUR_ITEMS
    elif scheme in schemes:
        items = SCHEME_ITEMS
    elif scheme in taxes:
        items = TAX_ITEMS
    if item not in items:
        faults.add(str(where), f"item of {scheme}", item, listed(items), did_you_mean(item, items))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
