"""Reads CSV files that a lives file names, line by line; every fault of one is noted at once."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from typing import Protocol

from microsim.errors import FaultList
from microsim.files import FileTree, did_you_mean, listed

_SPAN = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4})|(\+))?\Z")


class Lines(Protocol):
    """What takes the lines of a file."""

    def header(self, names: list[str]) -> bool:
        """Take the names of the columns; False with faults if no line can be read by them."""

    def put(self, line: int, row: list[str]) -> None:
        """Take the cells of one line that is not empty."""

    def check(self) -> None:
        """Look at the whole, after the last line."""


def fill(table: Lines, tree: FileTree, path: str, asked: str, faults: FaultList) -> bool:
    """Hand the lines of a file to a table; False with every fault of it.

    Parameters
    ----------
    table
        Takes the lines, and notes what is wrong with them.
    tree
        The tree of files, which notes what was read.
    path, asked
        The file, and `file:line` that names it.
    faults
        Collects.
    """
    content = tree.read_bytes(path, asked, faults)
    if content is None:
        return False
    before = len(faults.faults)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.add(path, "the file is not UTF-8 text", "", "UTF-8", "Save the file as UTF-8.")
        return False
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        if table.header([name.strip() for name in next(reader, [])]):
            for row in reader:
                if any(cell.strip() for cell in row):
                    table.put(reader.line_num, [cell.strip() for cell in row])
            table.check()
    except csv.Error as error:
        faults.add(f"{path}:{reader.line_num}", f"not CSV: {error}")
    return len(faults.faults) == before


def check_names(path: str, names: list[str], known: Collection[str], faults: FaultList) -> None:
    """Note names of columns that are unknown, or stand there twice."""
    for k, name in enumerate(names):
        where = f"{path}:1:{k + 1}"
        if name not in known:
            remedy = did_you_mean(name, known)
            faults.add(where, "unknown column", name or "nothing", listed(known), remedy)
        elif name in names[:k]:
            faults.add(where, "a column is named twice", name, "each once")


def span_of(cell: str, last: int) -> tuple[int, int] | None:
    """Return first and last of `12`, `10-14` or `80+` (to `last`); None if it is none of these."""
    match = _SPAN.match(cell)
    if match is None:
        return None
    low = int(match[1])
    return low, max(low, last) if match[3] else int(match[2] or low)
