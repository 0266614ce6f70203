"""Reads official totals of contributions before the first year from a CSV file."""

from __future__ import annotations

import math

import numpy as np

from microsim.dynamics.csv_lines import check_names, fill, span_of
from microsim.dynamics.labour_paths import WORKING_AGE
from microsim.dynamics.past_totals import (
    LEAST_CONCENTRATION,
    MOST_CONCENTRATION,
    NOT_STATED,
    PastTotal,
    PastTotals,
)
from microsim.dynamics.tables import N_AGES, N_STATUSES
from microsim.errors import FaultList
from microsim.files import FileTree, did_you_mean, listed
from microsim.population.columns import EMPLOYMENT_STATUS, OLDEST, SEX

GROUPING = ("status", "sex", "age")
FIGURES = ("insured", "months", "mean", "deviation")
COLUMNS = (*GROUPING, *FIGURES, "source")
EVERYBODY = "all"
UNDER_AGE = EMPLOYMENT_STATUS.index("under working age")


def read_past_totals(
    tree: FileTree,
    path: str,
    concentration: float,
    entry_age: float,
    faults: FaultList,
    asked: str = "",
) -> PastTotals | None:
    """Return the totals of a file, or None with every fault of it.

    The first line names the columns: `status`, `sex`, `age` of the group (one left out holds for
    all), `insured`, `months`, `mean`, `deviation` as far as they are known, and `source`. Each line
    has a mean or months; an empty cell is not stated.

    Parameters
    ----------
    tree
        The tree of files, which notes what was read.
    path
        The file.
    concentration
        Of the block that names the file, for lines without a deviation.
    entry_age
        Of that block: nobody has months up to that age.
    faults
        Collects: an unknown or missing column; a cell that cannot be read; a deviation that no
        distribution of the mean has; a group told twice, or in which nobody can have months; a
        line without mean and months, or without source.
    asked
        `file:line` that names the file.
    """
    found = _Totals(path, concentration, entry_age, faults)
    if not fill(found, tree, path, asked, faults):
        return None
    return PastTotals(tuple(found.rows), found.cell)


class _Totals:
    """A file of totals that is being read."""

    def __init__(
        self, path: str, concentration: float, entry_age: float, faults: FaultList
    ) -> None:
        self.path, self.faults = path, faults
        self.concentration, self.entry_age = concentration, entry_age
        self.columns: dict[str, int] = {}
        self.n_lines = 0
        self.rows: list[PastTotal] = []
        self.cell = np.full((len(SEX), N_AGES, N_STATUSES), -1, np.int16)

    def header(self, names: list[str]) -> bool:
        """Note the columns; False with faults if they are not those of official totals."""
        before = len(self.faults.faults)
        check_names(self.path, names, COLUMNS, self.faults)
        for k, name in enumerate(names):
            self.columns.setdefault(name, k + 1)
        for wanted in (("source",), ("mean", "months")):
            if not self.columns.keys() & set(wanted):
                expected = " or ".join(wanted)
                self.faults.add(f"{self.path}:1", "a column is missing", ", ".join(names), expected)
        return len(self.faults.faults) == before

    def put(self, line: int, row: list[str]) -> None:
        """Enter one line, or note what is wrong with it."""
        self.n_lines += 1
        where = f"{self.path}:{line}"
        if len(row) != len(self.columns):
            remedy = "Put a source that holds a comma in quotes."
            expected = f"{len(self.columns)} cells"
            self.faults.add(where, "number of cells", len(row), expected, remedy)
            return
        before = len(self.faults.faults)
        cells = dict(zip(self.columns, row, strict=True))
        places = [self._places(line, axis, cells.get(axis)) for axis in GROUPING]
        figures = {name: self._figure(line, name, cells.get(name, "")) for name in FIGURES}
        if not cells["source"]:
            self.faults.add(
                self._where(line, "source"), "the total has no source", "", "who counts, and where"
            )
        words = [cells[axis] for axis in GROUPING if axis in cells]
        total = PastTotal(
            ", ".join(words) or EVERYBODY, **figures, source=cells["source"], file=self.path,
            line=line, columns=self.columns,
        )  # fmt: skip
        if len(self.faults.faults) == before:
            self._check(total, self._oldest(*places))
        if len(self.faults.faults) == before:
            self._keep(total, *places)

    def check(self) -> None:
        """Note a file that holds no total."""
        if not self.n_lines:
            self.faults.add(self.path, "no official total", "", "a line for each group")

    def _where(self, line: int, column: str) -> str:
        return f"{self.path}:{line}:{self.columns.get(column, 1)}"

    def _figure(self, line: int, name: str, cell: str) -> float:
        if not cell:
            return NOT_STATED
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        upper = 1.0 if name in ("mean", "deviation") else math.inf
        if not (math.isfinite(value) and 0.0 <= value <= upper):
            expected = "a number from 0 to 1" if upper == 1.0 else "a number, 0 or more"
            self.faults.add(self._where(line, name), f"'{name}' of the total", cell, expected)
        return value

    def _places(self, line: int, axis: str, cell: str | None) -> list[int]:
        """Return the places along an axis that a cell names; none with a fault."""
        if axis == "age":
            return self._ages(line, cell)
        labels = SEX if axis == "sex" else EMPLOYMENT_STATUS
        if cell is None:
            return list(range(len(labels)))
        if cell in labels:
            return [labels.index(cell)]
        remedy = did_you_mean(cell, labels)
        what = f"'{axis}' of the total"
        self.faults.add(self._where(line, axis), what, cell or "nothing", listed(labels), remedy)
        return []

    def _ages(self, line: int, cell: str | None) -> list[int]:
        if cell is None:
            return list(range(N_AGES))
        low, high = span_of(cell, OLDEST) or (-1, -1)
        if 0 <= low <= high <= OLDEST:
            return list(range(low, high + 1))
        expected = f"0 to {OLDEST}, a span 20-29, or an open one 60+"
        self.faults.add(self._where(line, "age"), "'age' of the total", cell or "nothing", expected)
        return []

    def _oldest(self, status: list[int], _: list[int], age: list[int]) -> int:
        """Return the age of the oldest who may be in a group."""
        return min(max(age), WORKING_AGE - 1) if status == [UNDER_AGE] else max(age)

    def _check(self, total: PastTotal, oldest: int) -> None:
        """Note figures of one line that do not go together, or with the ages of the group."""
        for column in ("insured", "months", "mean"):
            value = getattr(total, column)
            if value > 0.0 and oldest <= self.entry_age:
                what = f"'{column}' of {total.group}, where nobody can have months"
                expected = f"persons older than the entry age, {self.entry_age:g}"
                self.faults.add(
                    total.where(column), what, f"{value:g} of persons up to {oldest}", expected,
                    "Check the ages of the group, or `entry_age`.",
                )  # fmt: skip
        if math.isnan(total.months) and math.isnan(total.mean):
            where = f"{self.path}:{total.line}"
            self.faults.add(where, f"the total of {total.group}", "no figure", "mean or months")
            return
        if total.insured == 0.0 and total.months > 0.0:
            where, found = total.where("months"), f"{total.months:g} months"
            self.faults.add(where, f"months of {total.group}, where nobody is insured", found, "0")
        if math.isnan(total.deviation) and self.concentration == 0.0:
            where = total.where("deviation")
            expected = "a deviation, or `concentration` above 0 in the block that names the file"
            self.faults.add(where, f"the dispersion of {total.group} is not stated", "", expected)
        elif not math.isnan(total.mean):
            note_deviation(total, total.mean, self.concentration, self.faults)

    def _keep(self, total: PastTotal, *places: list[int]) -> None:
        status, sex, age = places
        index = np.ix_(sex, age, status)
        told = self.cell[index]
        if (told >= 0).any():
            other = self.rows[int(told[told >= 0][0])]
            what = f"a group is told twice ({total.group})"
            found = f"also on line {other.line} ({other.group})"
            self.faults.add(f"{self.path}:{total.line}", what, found, "each person once")
            return
        self.cell[index] = len(self.rows)
        self.rows.append(total)


def note_deviation(total: PastTotal, mean: float, stated: float, faults: FaultList) -> None:
    """Note a deviation that no Beta distribution with that mean has, or none we can draw from."""
    if not 0.0 < mean < 1.0:
        if total.deviation > 0.0:
            what = f"deviation of the density of {total.group}, whose mean is {mean:.6g}"
            expected = "0 or nothing: at a mean of 0 or 1 everybody has it"
            faults.add(total.where("deviation"), what, f"{total.deviation:g}", expected)
        return
    found = total.concentration(mean, stated)
    if found == math.inf or LEAST_CONCENTRATION <= found <= MOST_CONCENTRATION:
        return
    spread = mean * (1.0 - mean)
    least = math.sqrt(spread / (MOST_CONCENTRATION + 1.0))
    most = math.sqrt(spread / (LEAST_CONCENTRATION + 1.0))
    what = f"deviation of the density of {total.group}, whose mean is {mean:.6g}"
    expected = f"0, or {least:.4g} to {most:.4g}"
    if math.isnan(total.deviation):
        what = f"concentration of the density of {total.group}, whose mean is {mean:.6g}"
        faults.add(
            total.where("deviation"), what, f"{stated:g}",
            f"{LEAST_CONCENTRATION:g} to {MOST_CONCENTRATION:g}",
        )  # fmt: skip
        return
    faults.add(total.where("deviation"), what, f"{total.deviation:g}", expected)
