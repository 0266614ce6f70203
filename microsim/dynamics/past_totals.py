"""What administrations count of contributions before the first year, by group of persons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.int16]
NOT_STATED = math.nan
# Sums of the two parameters of a Beta distribution that densities may be drawn from.
LEAST_CONCENTRATION, MOST_CONCENTRATION = 0.05, 1e6


@dataclass(frozen=True)
class PastTotal:
    """One line of a file of official totals: a group, and what is counted of it.

    Attributes
    ----------
    group
        The group in words.
    insured
        Persons of the group with contributions before the first year; NaN: all of it.
    months
        Months credited to them all; NaN: the mean density times the months possible.
    mean, deviation
        Of the density of an insured person, the share of the months since the entry age that is
        credited; NaN where the file does not say.
    source
        Who counts.
    file, line, columns
        Where it stands; the number of each column.
    """

    group: str
    insured: float
    months: float
    mean: float
    deviation: float
    source: str
    file: str
    line: int
    columns: Mapping[str, int] = field(default_factory=dict, compare=False)

    def where(self, column: str) -> str:
        """Return `file:line:column` of a cell of the line."""
        return f"{self.file}:{self.line}:{self.columns.get(column, 1)}"

    def target(self, possible: float) -> float:
        """Return the months wanted of insured persons who could have `possible` months."""
        return self.mean * possible if math.isnan(self.months) else self.months

    def concentration(self, mean: float, stated: float) -> float:
        """Return the sum of the two parameters of the Beta distribution of densities.

        Parameters
        ----------
        mean
            Of the distribution.
        stated
            Used where the line states no deviation. A deviation of 0 gives infinity.
        """
        if math.isnan(self.deviation):
            return stated
        variance = self.deviation * self.deviation
        return mean * (1.0 - mean) / variance - 1.0 if variance > 0.0 else math.inf


@dataclass(frozen=True)
class PastTotals:
    """Official totals of contributions before the first year.

    Attributes
    ----------
    rows
        Lines of the file.
    cell
        Shape (2, 121, 13), by sex, age and present status: row of a person, -1 where the file says
        nothing.
    """

    rows: tuple[PastTotal, ...]
    cell: Cells


@dataclass(frozen=True)
class Solved:
    """How the densities of one group are drawn and calibrated, and what that gives.

    Attributes
    ----------
    cut_off
        Who draws less was insured; above 1 all were.
    mean, concentration
        Of the Beta distribution that densities are drawn from.
    odds
        Factor on the odds of every density, by which the months are met.
    insured
        Insured persons.
    possible, drawn, credited
        Months possible, as drawn, and as calibrated, of the insured.
    deviation
        Standard deviation of the calibrated densities between insured persons.
    """

    cut_off: float
    mean: float
    concentration: float
    odds: float
    insured: float
    possible: float
    drawn: float
    credited: float
    deviation: float
