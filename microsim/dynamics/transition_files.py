"""Reads transition matrices from CSV files: a line a status before, a column a status after."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.dynamics.csv_lines import fill
from microsim.dynamics.rate_files import OF_WORKING_AGE, Form, RateTable
from microsim.dynamics.tables import ROW_TOLERANCE
from microsim.errors import FaultList
from microsim.files import FileTree

Floats = npt.NDArray[np.float64]
NAME = "transition"


def read_transitions(
    tree: FileTree, path: str, years: range, ages: range, faults: FaultList, asked: str = ""
) -> Floats | None:
    """Return the matrices of a file, or None with every fault of it.

    The first line names the columns: `year`, `sex` and `age` as the matrix needs (spans as in
    other tables; a column left out holds for all), `from`, and every employment status of working
    age. A line holds the probabilities of each status a year later of those who are in `from`.

    Parameters
    ----------
    tree
        The tree of files, which notes what was read.
    path
        The file.
    years
        Years that steps lead to, each of which must be told.
    ages
        Completed years at the end of the step, each of which must be told.
    faults
        Collects: what any table of rates has; a line that does not add up to 1 within 1e-9.
    asked
        `file:line` that names the file.

    Returns
    -------
    Floats
        Shape (n_years, 2, n_ages, 12, 12), by status before and after.
    """
    form = Form(NAME, ("year", "sex", "age", "from"), years, ages=ages)
    table = _Matrix(path, form, faults)
    return table.values if fill(table, tree, path, asked, faults) else None


class _Matrix(RateTable):
    """A transition matrix that is being read."""

    def __init__(self, path: str, form: Form, faults: FaultList) -> None:
        super().__init__(path, form, faults)
        self.values = np.full((*form.shape, len(OF_WORKING_AGE)), np.nan)

    @property
    def measures(self) -> tuple[str, ...]:
        """Columns that hold what is told of each cell."""
        return OF_WORKING_AGE

    @property
    def filler(self) -> str:
        """What to write where nothing happens."""
        return "where nobody moves, a line with 1 in the column of its own status and 0 elsewhere"

    def told(self, line: int, cells: dict[str, str]) -> Floats | None:
        """Return the probabilities of a line, or None with its faults."""
        row = [self.value(line, label, cells[label]) for label in OF_WORKING_AGE]
        if None in row:
            return None
        found = np.array(row, np.float64)
        total = float(np.cumsum(found)[-1])
        if abs(total - 1.0) > ROW_TOLERANCE:
            what = f"the probabilities of a row of {NAME} do not add up to 1 (from {cells['from']})"
            self.wrong(f"{self.path}:{line}", what, f"{total:.9g}", "1")
            return None
        return found
