"""Aligns earnings to the wages of the macro frame: a factor for each year, found in a phase before
the units.

Lives alone are lived, with the variables that they read and without the rest of the law. In each
year the factor takes the average of formal employees' earnings to that of the frame, kept in the
proportion of the first year; behaviour in later years sees the earnings as aligned. By default that
is done on the first markets of the population (markets are hash pools, a sample of it) and what is
missed is reported; with `exact: true` on all markets at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from microsim.language.people import World
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.store import PopulationReader
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.model import laws_of_years, of_lives_alone
from microsim.simulation.projecting import ShardLife

PILOT_PERSONS = 100_000
FORMAL = tuple(EMPLOYMENT_STATUS.index(f"formal {kind} employee") for kind in ("public", "private"))
INCOMES = ("earnings", "self_employment_income")


def pilot_markets(population: PopulationReader, *, exact: bool) -> int:
    """Return how many markets, from the first, the factors are found on."""
    if exact:
        return population.n_markets
    enough = np.flatnonzero(population.market_person_starts >= PILOT_PERSONS)
    return int(enough[0]) if enough.size else population.n_markets


def wage_factors(
    horizon: Horizon,
    behaviours: Mapping[str, str],
    population: PopulationReader,
    world: World,
    *,
    exact: bool,
) -> tuple[float, ...]:
    """Return the factor of earnings in each year, 1 in the first.

    Parameters
    ----------
    horizon
        Years, rates and laws of the baseline.
    behaviours
        Variable by process of lives that it moves.
    population, world
        Who lives, under which chance.
    exact
        Whether all markets are looked at.

    Raises
    ------
    InputError
        A rule or rate cannot be used; see `Lives`.
    """
    model = of_lives_alone(horizon.groups[0].model, behaviours)
    years = horizon.years
    group = LifeGroup(0, model, horizon.groups[0].tables, laws_of_years(model, years), (set(),))
    part = population.read_markets(0, pilot_markets(population, exact=exact))
    life = ShardLife(horizon, group, part, len(population.regions), world)
    factors: list[float] = []
    proportion = math.nan
    for year in years:
        life.begin_year()
        persons, wage = life.lives.persons, model.frame.value("average_wage", year)
        average = average_formal_earnings(persons["earnings"], persons["employment_status"])
        if not factors:
            proportion = average / wage
        known = average > 0.0 and proportion > 0.0
        factors.append(proportion * wage / average if known and factors else 1.0)
        for name in INCOMES:
            persons[name] *= factors[-1]
        life.evaluate(1)
    return tuple(factors)


def average_formal_earnings(
    earnings: npt.NDArray[np.float64], status: npt.NDArray[np.int8]
) -> float:
    """Return the mean of formal employees' earnings, 0 where there are none."""
    formal = earnings[np.isin(status, FORMAL)]
    return math.fsum(formal) / formal.size if formal.size else 0.0
