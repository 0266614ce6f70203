"""Writes tables as tidy CSV: one figure a line, absent figures empty."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import TextIO

from microsim.results.contents import TIDY, Row


def write_csv(rows: Sequence[Row], file: TextIO) -> None:
    """Write rows with the columns of the results format and every digit of the values."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TIDY)
    for row in rows:
        writer.writerow([_field(name, getattr(row, name)) for name in TIDY])


def _field(name: str, value: str | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    text = str(value)
    return "" if name == "n" and text == "-1" else text
