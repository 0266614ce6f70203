"""Static ageing: households keep their people, and their weights follow the population.

The weight of a household in a year is that of the file times exp(x'λ), where x counts its persons
in each margin and λ holds the year's multipliers: found once over the whole population, they give
each household its weights anywhere.

Deville and Särndal (1992), "Calibration estimators in survey sampling", JASA 87, case 2 (raking).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.static_margins import Cells, cells_of, sample_of
from microsim.population.calibration import Raked, factors, rake
from microsim.population.calibration_margins import Entries, Margins
from microsim.population.store import PopulationReader

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class YearWeights:
    """The weights of a year, and what they cost.

    Attributes
    ----------
    multipliers
        Shape (k,), per person of each margin.
    targets, achieved
        Shape (k,), persons of each margin.
    residual
        Largest distance from a target, relative to it.
    g_min, g_max
        Smallest and largest ratio of a household's weight to that of the file.
    deff_before, deff_after
        Kish's design effect of the weights of the file, and of the year.
    """

    year: int
    multipliers: Floats
    targets: Floats
    achieved: Floats
    residual: float
    g_min: float
    g_max: float
    deff_before: float
    deff_after: float


@dataclass(frozen=True)
class StaticWeights:
    """The weights of every year of a population file."""

    cells: Cells
    years: tuple[YearWeights, ...]

    def weights(self, households: Entries, k: int) -> Floats:
        """Return the weights of households in the k-th year, from their totals in the `cells`."""
        found: Floats = households.weights * factors(households, self.years[k].multipliers)
        return found

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "margins": list(self.cells.names),
            "of_status": self.cells.of_status.tolist(),
            "years": [
                {
                    name: value.tolist() if isinstance(value, np.ndarray) else value
                    for name, value in vars(one).items()
                }
                for one in self.years
            ],
        }


def static_weights_from(data: Mapping[str, Any]) -> StaticWeights:
    """Return the weights of plain data."""
    arrays = ("multipliers", "targets", "achieved")
    years = tuple(
        YearWeights(**{**one, **{name: np.array(one[name], np.float64) for name in arrays}})
        for one in data["years"]
    )
    return StaticWeights(
        Cells(np.array(data["of_status"], np.int64), tuple(data["margins"])), years
    )


@dataclass(frozen=True)
class StaticAgeing:
    """How a population file stands for each year of a projection.

    Attributes
    ----------
    weights
        By scenario: the baseline's, and of those that move what statuses are wanted.
    levels
        By column of money: its level in each year, relative to the first.
    """

    weights: Mapping[str, StaticWeights]
    levels: Mapping[str, tuple[float, ...]]

    def weights_of(self, scenario: str) -> StaticWeights:
        """Return the weights of a scenario: its own, or the baseline's."""
        return self.weights.get(scenario) or next(iter(self.weights.values()))

    def content(self) -> dict[str, object]:
        """Return all of it that can move a number, as plain data."""
        return {
            "levels": {name: [x.hex() for x in of] for name, of in self.levels.items()},
            "weights": {name: of.plain() for name, of in self.weights.items()},
        }


@dataclass(frozen=True)
class Wanted:
    """What the weights of each year must add up to.

    Attributes
    ----------
    cells
        The margins.
    targets
        Shape (n_years, k), persons.
    """

    cells: Cells
    years: tuple[int, ...]
    targets: Floats

    def identity(self) -> str:
        """Return the hash of all of it."""
        text = repr((self.cells.names, self.cells.of_status.tolist(), self.years))
        return hashlib.sha256(text.encode() + self.targets.tobytes()).hexdigest()


def wanted_of(
    persons: Floats, population: Floats, status_share: Floats, years: Sequence[int]
) -> Wanted:
    """Return the margins of each year.

    Parameters
    ----------
    persons
        Shape (2, 121, 13): persons of the population file by sex, age and status.
    population
        Shape (n_years, 2, 121): persons wanted by sex and age.
    status_share
        Shape (n_years, 2, 121, 13): shares of the statuses wanted.
    """
    cells = cells_of(persons, (population[..., None] * status_share).max(axis=0))
    targets = [
        cells.targets(of_year, shares)
        for of_year, shares in zip(population, status_share, strict=True)
    ]
    return Wanted(cells, tuple(years), np.stack(targets))


def static_weights(
    reader: PopulationReader, wanted: Wanted, say: Callable[[str], None] = lambda _: None
) -> StaticWeights:
    """Return the weights of each year.

    Raises
    ------
    InputError
        Margins of a year that no weights can meet, each named with its cell.
    """
    sample = sample_of(reader, wanted.cells)
    found: list[YearWeights] = []
    start = None
    moments = Margins(sample, wanted.targets[0], wanted.cells.names).moments()
    for year, targets in zip(wanted.years, wanted.targets, strict=True):
        margins = Margins(sample, targets, wanted.cells.names)
        raked = rake(margins, start=start, moments=moments, where=f"static ageing, {year}")
        start = raked.multipliers
        found.append(_year(year, raked))
        say(described(found[-1]))
    return StaticWeights(wanted.cells, tuple(found))


def _year(year: int, raked: Raked) -> YearWeights:
    return YearWeights(
        year, raked.multipliers,
        np.array([fit.target for fit in raked.margins]),
        np.array([fit.after for fit in raked.margins]),
        raked.residual, raked.g_min, raked.g_max, raked.deff_before, raked.deff_after,
    )  # fmt: skip


def described(one: YearWeights) -> str:
    """Return what the weights of a year cost, in a line."""
    return (
        f"weights of {one.year}: {one.targets.size} totals met to {one.residual:.0e}, "
        f"{one.g_min:.2f} to {one.g_max:.2f} times those of the file, design effect "
        f"{one.deff_after:.2f} (file {one.deff_before:.2f})"
    )
