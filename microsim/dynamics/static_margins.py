"""What weights must add up to in each year of static ageing: persons by sex and age group, and by
sex and employment status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.labour_paths import WORKING_AGE
from microsim.dynamics.tables import N_AGES, N_STATUSES
from microsim.population.calibration_margins import Entries, Sample
from microsim.population.calibration_steps import member_totals
from microsim.population.columns import EMPLOYMENT_STATUS, SEX
from microsim.population.store import PopulationReader, PopulationSlice

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GROUP_YEARS, OPEN_AGE = 5, 80
N_GROUPS = OPEN_AGE // GROUP_YEARS + 1
N_AGE_MARGINS = len(SEX) * N_GROUPS
# Statuses that stand for one another where nobody in the file has one, the nearest first.
ALIKE = ((1, 2, 3), (4, 5, 6), (7,), (8, 9, 10, 11, 12))
COLUMNS = ("weight", "age", "sex", "employment_status")
SLICE_HOUSEHOLDS = 250_000  # read at a time, so that memory stays bounded


@dataclass(frozen=True)
class Cells:
    """Which margins a person counts in: one of sex and age group, and from working age on one of
    sex and employment status.

    Attributes
    ----------
    of_status
        Shape (2, 13): margin of a sex and status, -1: none.
    names
        Names of the k margins.
    """

    of_status: Ints
    names: tuple[str, ...]

    def of_persons(self, sex: Ints, age: Ints, status: Ints) -> Ints:
        """Return the margins of persons, shape (n_persons, 2); -1: none."""
        group = np.minimum(age // GROUP_YEARS, N_GROUPS - 1)
        works = np.where(age >= WORKING_AGE, self.of_status[sex, status], -1)
        return np.stack((sex * N_GROUPS + group, works), axis=1)

    def entries(self, part: PopulationSlice) -> Entries:
        """Return what each household of a slice adds to each margin, with its own weight."""
        sex, age, status = (
            part.persons[name].astype(np.int64) for name in ("sex", "age", "employment_status")
        )
        margins = self.of_persons(sex, age, status)
        first, column, value = member_totals(part.households["size"].astype(np.int64), margins)
        weights = np.ascontiguousarray(part.households["weight"], np.float64)
        return Entries(weights, first, column, value)

    def targets(self, population: Floats, status_share: Floats) -> Floats:
        """Return what each margin must add up to in a year, persons. Shape (k,).

        Parameters
        ----------
        population
            Shape (2, 121), persons by sex and age.
        status_share
            Shape (2, 121, 13), each row adds up to 1.
        """
        sex, age, status = np.indices((len(SEX), N_AGES, N_STATUSES)).reshape(3, -1)
        persons = (population[..., None] * status_share).reshape(-1)
        margins = self.of_persons(sex, age, status)
        found = np.zeros(len(self.names))
        for column in margins.T:
            counted = column >= 0
            found += np.bincount(column[counted], persons[counted], found.size)
        return found


def cells_of(persons: Floats, wanted: Floats) -> Cells:
    """Return the margins that a population file can meet.

    A status that nobody of a sex has is merged with the nearest one alike. Where there is none it
    is left out if nobody is wanted in it, and else kept, to be named.

    Parameters
    ----------
    persons
        Shape (2, 121, 13), of the population file.
    wanted
        The same of any year, or added up over years.
    """
    names = [f"persons, {sex} {_years(group)}" for sex in SEX for group in range(N_GROUPS)]
    of_status = np.full((len(SEX), N_STATUSES), -1, np.int64)
    there, asked = (_somebody(one) for one in (persons, wanted))
    for s, sex in enumerate(SEX):
        stands = [_stand_in(there[s], status) for status in range(N_STATUSES)]
        for status in range(1, N_STATUSES):
            merged = [k for k in range(1, N_STATUSES) if stands[k] == status]
            if merged and (there[s, status] or asked[s, merged].any()):
                of_status[s, merged] = len(names)
                labels = " and ".join(EMPLOYMENT_STATUS[k] for k in merged)
                names.append(f"status, {sex} {labels}")
    return Cells(of_status, tuple(names))


def _years(group: int) -> str:
    start = group * GROUP_YEARS
    return f"{start}+" if start == OPEN_AGE else f"{start}-{start + GROUP_YEARS - 1}"


def _somebody(persons: Floats) -> npt.NDArray[np.bool_]:
    """Tell which sex has somebody of working age in which status. Shape (2, 13)."""
    return np.asarray((persons[:, WORKING_AGE:] > 0.0).any(axis=1), np.bool_)


def _stand_in(there: npt.NDArray[np.bool_], status: int) -> int:
    """Return the status itself if somebody has it, else the nearest one alike, else itself."""
    alike = next((group for group in ALIKE if status in group), (status,))
    nearest = sorted(alike, key=lambda other: (abs(other - status), other))
    return next((other for other in nearest if there[other]), status)


@dataclass(frozen=True)
class _Packed:
    """Households of a slice in few bytes: persons of a margin in a household are few, so are
    margins.
    """

    weights: Floats
    entries: npt.NDArray[np.uint8]
    column: npt.NDArray[np.uint8]
    value: npt.NDArray[np.uint16]

    @classmethod
    def of(cls, one: Entries) -> _Packed:
        """Pack entries: `entries` is how many each household has."""
        counts = np.diff(one.first)
        return cls(
            one.weights, counts.astype(np.uint8), one.column.astype(np.uint8),
            one.value.astype(np.uint16),
        )  # fmt: skip

    def unpacked(self) -> Entries:
        """Return the entries as they were."""
        first = np.concatenate(([0], np.cumsum(self.entries, dtype=np.int64)))
        return Entries(
            self.weights, first, self.column.astype(np.int64), self.value.astype(np.float64)
        )


class _InSlices:
    """The households of a population file, a slice at a time; between passes they stay in memory,
    packed to some 25 bytes a household.
    """

    def __init__(self, slices: Iterator[Entries]) -> None:
        self._packed = [_Packed.of(one) for one in slices]

    def __iter__(self) -> Iterator[Entries]:
        """Return the slices from the first on."""
        return (one.unpacked() for one in self._packed)


def sample_of(reader: PopulationReader, cells: Cells) -> Sample:
    """Return the households of a population file; what is one slice stays as it is."""
    n = reader.n_households
    slices = (
        cells.entries(reader.read(first, min(first + SLICE_HOUSEHOLDS, n), COLUMNS))
        for first in range(0, n, SLICE_HOUSEHOLDS)
    )
    return tuple(slices) if n <= SLICE_HOUSEHOLDS else _InSlices(slices)
