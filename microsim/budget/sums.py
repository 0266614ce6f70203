"""Looks up weighted sums in the cells of a run: totals and margins of a measure."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.results.contents import AGES, AREAS, SEXES, STATUSES, Contents, Measure

SMALLEST_N = 25
EMPLOYED = tuple(i for i, name in enumerate(STATUSES) if 1 <= i <= 6)
LABOUR_FORCE = (*EMPLOYED, STATUSES.index("unemployed"))
FIRST_WORKING_AGE_GROUP = 2  # 15-24
WORKING_AGE_GROUPS = slice(2, 5)  # 15-64
PUBLIC_EMPLOYEE = STATUSES.index("formal public employee")


def add_up(values: npt.ArrayLike) -> float:
    """Return the correctly rounded sum of any array, so that the order cannot matter."""
    return math.fsum(np.asarray(values, dtype=np.float64).ravel().tolist())


class Sums:
    """The cells of one run, by measure.

    Parameters
    ----------
    contents
        What the run yields.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.cells = contents.cells
        self.position = {measure: i for i, measure in enumerate(contents.cells.measures)}

    def has(self, kind: str, scheme: str, item: str, statistic: str) -> bool:
        """Tell whether the run measured this."""
        return Measure(kind, scheme, item, statistic) in self.position

    def persons(self, scenario: int, measure: Measure) -> npt.NDArray[np.float64]:
        """Return the sums of a measure, shape (2, 7, 13), persons or currency a year."""
        cell: npt.NDArray[np.float64] = self.cells.persons[scenario, self.position[measure]]
        return cell

    def households(self, scenario: int, measure: Measure) -> npt.NDArray[np.int64]:
        """Return the source households behind each cell, shape (2, 7, 13)."""
        cell: npt.NDArray[np.int64] = self.cells.persons_n[scenario, self.position[measure]]
        return cell

    def places(self, scenario: int, measure: Measure) -> npt.NDArray[np.float64]:
        """Return the sums of a measure, shape (n_regions, 2), persons or currency a year."""
        cell: npt.NDArray[np.float64] = self.cells.places[scenario, self.position[measure]]
        return cell

    def total(self, scenario: int, kind: str, scheme: str, item: str, statistic: str) -> float:
        """Return the national sum of a measure; NaN where the run did not measure it."""
        measure = Measure(kind, scheme, item, statistic)
        if measure not in self.position:
            return math.nan
        return add_up(self.persons(scenario, measure))

    def n(self, scenario: int, measure: Measure) -> int:
        """Return the distinct source households behind a national sum; -1 if not known."""
        if measure not in self.position:
            return -1
        if self.cells.places_n is not None:
            return int(self.cells.places_n[scenario, self.position[measure]].sum())
        return self._at_least(self.households(scenario, measure))

    def groups(self, scenario: int, measure: Measure, *axes: str) -> list[tuple[str, float, int]]:
        """Return (group, sum, households) along sex, age_group, status, region or area.

        Along sex, age and status `households` is the largest number in any one cell of the group: a
        lower bound of the distinct households, which errs towards suppression.
        """
        found: list[tuple[str, float, int]] = []
        for axis in axes:
            found += self._groups(scenario, measure, axis)
        return found

    def _groups(self, scenario: int, measure: Measure, axis: str) -> list[tuple[str, float, int]]:
        persons, n = self.persons(scenario, measure), self.households(scenario, measure)
        if axis == "sex":
            return [
                (f"sex={label}", add_up(persons[i]), self._at_least(n[i]))
                for i, label in enumerate(SEXES)
            ]
        if axis == "status":
            return [
                (f"status={label}", add_up(persons[:, :, i]), self._at_least(n[:, :, i]))
                for i, label in enumerate(STATUSES)
            ]
        if axis == "age_group":
            return [
                (f"age_group={label}", add_up(persons[:, i]), self._at_least(n[:, i]))
                for i, label in enumerate(AGES)
            ]
        places = self.places(scenario, measure)
        counts = None
        if self.cells.places_n is not None:
            counts = self.cells.places_n[scenario, self.position[measure]]
        labels = self.contents.regions if axis == "region" else AREAS
        across = 0 if axis == "region" else 1
        return [
            (
                f"{axis}={label}",
                add_up(places.take(i, across)),
                -1 if counts is None else int(counts.take(i, across).sum()),
            )
            for i, label in enumerate(labels)
        ]

    @staticmethod
    def _at_least(n: npt.NDArray[np.int64]) -> int:
        return int(n.max(initial=0))
