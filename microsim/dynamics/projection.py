"""The population that life tables lead to, in expectation, and how far it is from the published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.migration import aged, taken_along
from microsim.dynamics.open_rates import target_population
from microsim.dynamics.tables import LifeTables
from microsim.population.columns import AGE_GROUP_STARTS, AGE_GROUPS
from microsim.population.opendata import DECADES, Country

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expectation:
    """A population moved on by expected numbers, as if it had no chance in it.

    Attributes
    ----------
    population
        Shape (n_steps + 1, 2, 121): persons on 1 July of each year by sex and age.
    births, deaths, immigrants, emigrants
        Shape (n_steps, 2): persons of the step by sex; deaths hold those of newborns, emigrants
        the newborns of mothers who leave.
    """

    population: Floats
    births: Floats
    deaths: Floats
    immigrants: Floats
    emigrants: Floats


def _total(persons: Floats) -> Floats:
    """Return sums over ages, in order of age."""
    sums: Floats = np.cumsum(persons, axis=-1)[..., -1]
    return sums


def expected(tables: LifeTables, start: Floats) -> Expectation:
    """Return the cohort-component projection of a population under life tables.

    Parameters
    ----------
    tables
        The rates.
    start
        Shape (2, 121): persons by sex and age on 1 July of the first year.
    """
    n = tables.n_steps
    population = np.zeros((n + 1, *start.shape))
    births, deaths, came, left = (np.zeros((n, 2)) for _ in range(4))
    population[0] = start
    for k in range(n):
        now = population[k]
        dying = now * tables.death[k]
        leaving = (now - dying) * tables.emigration[k]
        staying = now - dying - leaving
        everybody = float(_total(now)[0] + _total(now)[1])
        coming = tables.immigration[k] * everybody
        born = float(_total(now[1] * tables.birth[k]))
        births[k] = born * (1.0 - tables.girls[k]), born * tables.girls[k]
        lost = births[k] * tables.newborn_death[k]
        taken = (births[k] - lost) * taken_along(leaving[1], now[1], tables.birth[k])
        population[k + 1] = aged(staying) + coming
        population[k + 1, :, 0] += births[k] - lost - taken
        deaths[k], left[k] = _total(dying) + lost, _total(leaving) + taken
        came[k] = _total(coming)
    return Expectation(population, births, deaths, came, left)


@dataclass(frozen=True)
class Gap:
    """Persons of an age group in a year: projected and published."""

    year: int
    ages: str
    projected: float
    published: float

    @property
    def relative(self) -> float:
        """Return projected over published, less 1; NaN where nobody is published."""
        return self.projected / self.published - 1.0 if self.published > 0.0 else np.nan


def gap_table(country: Country, population: Floats, first_year: int) -> list[Gap]:
    """Compare a projection with the published population by broad age group.

    Only years with a published population by age are compared (each decade).

    Parameters
    ----------
    population
        Shape (n_years, 2, 121): persons by sex and age on 1 July of each year.
    first_year
        Year of the first.
    """
    rows = []
    for k in range(len(population)):
        year = first_year + k
        if year not in DECADES:
            continue
        published = target_population(country, range(year, year + 1))[0]
        sums = [
            np.add.reduceat(one[0] + one[1], AGE_GROUP_STARTS) for one in (population[k], published)
        ]
        rows += [
            Gap(year, AGE_GROUPS[i], float(sums[0][i]), float(sums[1][i]))
            for i in range(len(AGE_GROUPS))
        ]
        rows.append(Gap(year, "all", float(np.cumsum(sums[0])[-1]), float(np.cumsum(sums[1])[-1])))
    return rows
