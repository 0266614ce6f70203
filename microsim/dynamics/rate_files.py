"""Reads tables of rates from CSV files: one cell a line, every year, sex and age covered once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.csv_lines import check_names, fill, span_of
from microsim.dynamics.tables import N_AGES, N_STATUSES, ROW_TOLERANCE, Origin
from microsim.errors import FaultList
from microsim.files import FileTree, did_you_mean, listed
from microsim.population.columns import EMPLOYMENT_STATUS, SEX

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SHOWN_CELLS = 5
OF_WORKING_AGE = EMPLOYMENT_STATUS[1:]
LABELS = {"sex": SEX, "status": EMPLOYMENT_STATUS, "from": OF_WORKING_AGE}


@dataclass(frozen=True)
class Form:
    """What a table of rates is over.

    Attributes
    ----------
    name
        Name of the table in `LifeTables`.
    axes
        Some of year, sex, age, status (or `from`, a status of working age), in this order.
    years
        Years it must cover; none without the axis year.
    upper
        Largest value; the smallest is 0.
    ages
        Ages it must cover.
    """

    name: str
    axes: tuple[str, ...]
    years: range
    upper: float = 1.0
    ages: range = range(N_AGES)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the table."""
        extent = {
            "year": len(self.years), "sex": len(SEX), "age": len(self.ages), "status": N_STATUSES,
            "from": len(OF_WORKING_AGE),
        }  # fmt: skip
        return tuple(extent[axis] for axis in self.axes)


def read_rates(
    tree: FileTree, path: str, form: Form, faults: FaultList, asked: str = ""
) -> tuple[Floats, Origin] | None:
    """Return a table and the lines its cells stand on, or None with every fault of the file.

    The first line names the columns: `year`, `sex`, `age`, `status` as the table needs, and
    `value`. A column left out holds for all its values, except that `status` is needed. A year or
    age may be a span (`2026-2060`, `10-14`, `80+`).

    Parameters
    ----------
    tree
        The tree of files, which notes what was read.
    path
        The file.
    form
        What the table is over.
    faults
        Collects: an unknown or missing column; a cell that cannot be read; a value outside its
        limits; a cell told twice; years, sexes or ages missing; statuses that do not add up to 1.
    asked
        `file:line` that names the file.
    """
    table = RateTable(path, form, faults)
    if not fill(table, tree, path, asked, faults):
        return None
    return table.values, Origin(path, table.columns.index("value") + 1, table.lines)


class RateTable:
    """A table that is being read: one value a line, by the axes of its form."""

    def __init__(self, path: str, form: Form, faults: FaultList) -> None:
        self.path, self.form, self.faults = path, form, faults
        self.columns: list[str] = []
        self.values = np.full(form.shape, np.nan)
        self.lines: Ints = np.zeros(form.shape, dtype=np.int64)
        self.complete = True

    @property
    def measures(self) -> tuple[str, ...]:
        """Columns that hold what is told of each cell."""
        return ("value",)

    @property
    def filler(self) -> str:
        """What to write where nothing happens."""
        if "status" in self.form.axes:
            return "write 0 for a status that nobody has; the shares of all add up to 1"
        return "write 0 where nothing happens"

    def header(self, names: list[str]) -> bool:
        """Note the columns; False with faults if they are not those of the table."""
        known = (*self.form.axes, *self.measures)
        before = len(self.faults.faults)
        check_names(self.path, names, known, self.faults)
        needed = (*self.measures, *(axis for axis in self.form.axes if axis in ("status", "from")))
        for name in needed:
            if name not in names:
                self.faults.add(f"{self.path}:1", "a column is missing", ", ".join(names), name)
        self.columns = names
        return len(self.faults.faults) == before

    def put(self, line: int, row: list[str]) -> None:
        """Enter one line into the table, or note what is wrong with it."""
        if len(row) != len(self.columns):
            expected = f"{len(self.columns)} cells"
            self.wrong(f"{self.path}:{line}", "number of cells", str(len(row)), expected)
            return
        cells = dict(zip(self.columns, row, strict=True))
        value = self.told(line, cells)
        spans = [self._span(line, axis, cells.get(axis)) for axis in self.form.axes]
        if value is None or any(span is None for span in spans):
            self.complete = False
            return
        index = np.ix_(*(span for span in spans if span is not None))
        told = self.lines[index]
        if told.any():
            first = int(told[told > 0][0])
            cell = ", ".join(f"{axis} {cells[axis]}" for axis in self.form.axes if axis in cells)
            what = f"a cell of {self.form.name} is told twice ({cell or 'the only one'})"
            self.wrong(f"{self.path}:{line}", what, f"also on line {first}", "each once")
            return
        self.values[index] = value
        self.lines[index] = line

    def told(self, line: int, cells: dict[str, str]) -> float | Floats | None:
        """Return what a line tells, or None with a fault."""
        return self.value(line, "value", cells["value"])

    def wrong(self, where: str, what: str, found: str, expected: str, remedy: str = "") -> None:
        """Note a fault; what it leaves out is not missing too."""
        self.faults.add(where, what, found, expected, remedy)
        self.complete = False

    def _where(self, line: int, column: str) -> str:
        return f"{self.path}:{line}:{self.columns.index(column) + 1}"

    def value(self, line: int, column: str, cell: str) -> float | None:
        """Return the number in a cell, or None with a fault."""
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        upper = self.form.upper
        if not (math.isfinite(value) and 0.0 <= value <= upper):
            expected = "a number from 0 to 1" if upper == 1.0 else "a number, 0 or more"
            what = f"{column} of {self.form.name}"
            self.wrong(self._where(line, column), what, cell or "nothing", expected)
            return None
        return value

    def _span(self, line: int, axis: str, cell: str | None) -> Ints | None:
        """Return the places along an axis that a cell names, or None with a fault."""
        if axis in LABELS:
            return self._label(line, axis, cell)
        extent = self.form.ages if axis == "age" else self.form.years
        first, last = extent[0], extent[-1]
        if cell is None:
            return np.arange(last - first + 1)
        span = span_of(cell, last)
        low, high = span or (-1, -1)
        if axis == "year" and span is not None and low <= high:
            # Years nobody asks for may stand there: a table may be longer than a projection.
            return np.arange(max(low, first), min(high, last) + 1) - first
        if span is None or not first <= low <= high <= last:
            examples = ("2026-2030", "2040+") if axis == "year" else ("10-14", "80+")
            expected = f"{first} to {last}, a span {examples[0]}, or an open one {examples[1]}"
            self.wrong(self._where(line, axis), f"{axis} of {self.form.name}", cell, expected)
            return None
        return np.arange(low, high + 1) - first

    def _label(self, line: int, axis: str, cell: str | None) -> Ints | None:
        labels = LABELS[axis]
        if cell is None:
            return np.arange(len(labels))
        if cell not in labels:
            remedy = did_you_mean(cell, labels)
            self.wrong(
                self._where(line, axis), f"{axis} of {self.form.name}", cell, listed(labels), remedy
            )
            return None
        return np.array([labels.index(cell)])

    def check(self) -> None:
        """Note what the file leaves out, and rows of statuses that do not add up to 1."""
        if not self.complete:
            return  # what a faulty line would have filled is not missing
        missing = np.argwhere(self.lines == 0)
        by_year = "year" in self.form.axes
        if by_year and len(missing):
            told = np.count_nonzero(self.lines.reshape(len(self.lines), -1), axis=1) > 0
            for k in np.flatnonzero(~told)[:SHOWN_CELLS]:
                what = f"{self.form.name} does not hold the year {self.form.years[int(k)]}"
                expected = f"every year from {self.form.years[0]} to {self.form.years[-1]}"
                self.faults.add(self.path, what, "", expected)
            missing = missing[told[missing[:, 0]]]
        for index in missing[:SHOWN_CELLS].tolist():
            expected = f"every cell once; {self.filler}"
            what = f"{self.form.name} lacks {self.words(index)}"
            self.faults.add(self.path, what, "", expected)
        left = len(missing) - SHOWN_CELLS
        if left > 0:
            self.faults.add(self.path, f"{self.form.name} lacks {left} more cells")
        if "status" in self.form.axes and not (self.lines == 0).any():
            self._check_rows()

    def _check_rows(self) -> None:
        total = np.cumsum(self.values, axis=-1)[..., -1]
        wrong = np.argwhere(np.abs(total - 1.0) > ROW_TOLERANCE)
        for index in wrong[:SHOWN_CELLS].tolist():
            lines = self.lines[tuple(index)]
            where = f"{self.path}:{int(lines.max())}"
            what = f"the shares of {self.form.name} do not add up to 1 ({self.words(index)})"
            self.faults.add(where, what, f"{total[tuple(index)]:.9g}", "1")
        if len(wrong) > SHOWN_CELLS:
            what = f"the shares do not add up to 1 in {len(wrong) - SHOWN_CELLS} more rows"
            self.faults.add(self.path, what)

    def words(self, index: list[int]) -> str:
        """Return a cell in words."""
        words = []
        for axis, i in zip(self.form.axes, index, strict=False):
            if axis == "year":
                words.append(f"year {self.form.years[i]}")
            elif axis == "age":
                words.append(f"age {self.form.ages[i]}")
            else:
                words.append(("from " if axis == "from" else "") + LABELS[axis][i])
        return ", ".join(words)
