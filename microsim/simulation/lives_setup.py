"""What the lives of a projection start from: rates, the frame of every year, equal weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.assumptions import assumptions
from microsim.dynamics.earnings_profiles import Reader
from microsim.dynamics.lives_tables import tables_of
from microsim.dynamics.register import Assumption
from microsim.dynamics.tables import LifeTables
from microsim.errors import Fault, FaultList, InputError
from microsim.files import month_index
from microsim.policy.dated import value_at
from microsim.policy.system import System
from microsim.population import opendata
from microsim.population.store import PopulationReader
from microsim.scenario.economy import PARAMETERS as ECONOMY
from microsim.scenario.economy import extended
from microsim.scenario.frame import Frame
from microsim.scenario.projection import Projection
from microsim.scenario.scenario import BASELINE, Scenario
from microsim.simulation.frames import frame_of_population, merged_frame
from microsim.simulation.uprating import levels_of, series_of, uprating_assumptions

SLICE_HOUSEHOLDS = 1_000_000  # read at a time, so that memory stays bounded


@dataclass(frozen=True)
class LivesSetup:
    """What is common to all scenarios of a projection.

    Attributes
    ----------
    tables
        Rates of each step, by scenario: the baseline's, and of those that move a parameter that
        rates are made from.
    frame
        Macro series of every year.
    population
        Shape (n_years, 2, 121): persons by sex and age that the baseline's rates lead to.
    assumptions
        Of rates and series, for table A5.
    weight
        That every household has from the start.
    average_wage
        Of the first year, currency units per month.
    welfare
        Level of welfare of each year relative to the first, nominal: it follows GDP a head.
    persons
        Shape (2, 121, 13): persons of the population file by sex, age and employment status.
    levels
        Of static ageing: level of each amount of money in each year, by column of the population.
    """

    tables: dict[str, LifeTables]
    frame: Frame
    population: npt.NDArray[np.float64]
    assumptions: tuple[Assumption, ...]
    weight: float
    average_wage: float
    welfare: tuple[float, ...]
    persons: npt.NDArray[np.float64]
    levels: dict[str, tuple[float, ...]]


# Made already, by all they depend on: a run of many draws asks for many, mostly the last.
_MADE: dict[str, LivesSetup] = {}
MOST_MADE = 8


def lives_setup(
    key: str,
    population: PopulationReader,
    scenario: Scenario,
    projection: Projection,
    systems: Mapping[str, System],
) -> LivesSetup:
    """Return rates, frame and weights of a projection under the law of its scenarios.

    `key` names all that they depend on: the same key gives what was made for it before.

    Raises
    ------
    InputError
        Open data that are missing; faults of tables of rates; a series without a value; a reform
        that moves the economy, which is the same for all scenarios of a run.
    """
    if key not in _MADE:
        while len(_MADE) >= MOST_MADE:
            _MADE.pop(next(iter(_MADE)))
        _MADE[key] = _made(population, scenario, projection, systems)
    return _MADE[key]


def _made(
    population: PopulationReader,
    scenario: Scenario,
    projection: Projection,
    systems: Mapping[str, System],
) -> LivesSetup:
    frame = merged_frame(scenario.frame, frame_of_population(population))
    years = (projection.first_year, projection.last_year)
    _check_year(population, projection)
    baseline = next(iter(systems.values()))
    _check_economy(systems, projection)
    country, wages = _country(population), frame.series.get("average_wage")
    known = wages.values if wages is not None else None

    def reader(system: System) -> Reader:
        return lambda name, year: _value(system, name, year, frame)

    read = reader(baseline)
    first = tables_of(projection.lives, country, population, years, read, known)
    tables = {BASELINE: first.tables}
    for name, system in systems.items():
        if _moved(projection.lives.table_parameters, system, baseline, projection):
            tables[name] = tables_of(
                projection.lives, country, population, years, reader(system), known,
                before=read, base=first.base,
            ).tables  # fmt: skip
    economy = extended(frame, read, first.population, first.tables.status_share, years)
    welfare = welfare_levels(economy.frame, projection)
    register = [
        *economy.assumptions,
        *assumptions(projection.lives, first, read, static=projection.is_static),
    ]
    levels: dict[str, tuple[float, ...]] = {}
    if projection.is_static:
        followed = series_of(population, projection.uprating, economy.frame)
        levels = levels_of(followed, economy.frame, projection)
        register += uprating_assumptions(followed, levels, welfare, projection)
    return LivesSetup(
        tables,
        economy.frame,
        first.population,
        tuple(register),
        equal_weight(population),
        economy.frame.value("average_wage", projection.first_year),
        welfare,
        first.base.persons,
        levels,
    )


def _value(system: System, name: str, year: int, frame: Frame) -> float:
    parameter = system.definitions.parameters[name]
    return float(value_at(parameter, month_index(year, 12), yearly=True, frame=frame))


def _moved(
    names: Iterable[str], system: System, baseline: System, projection: Projection
) -> list[str]:
    """Return the parameters whose value differs from the baseline's in any year."""
    return [
        name
        for name in names
        if any(
            _value(system, name, year, Frame()) != _value(baseline, name, year, Frame())
            for year in projection.years
        )
    ]


def _check_economy(systems: Mapping[str, System], projection: Projection) -> None:
    """Refuse reforms of the economy: prices, wages and output are those of all scenarios."""
    faults, (baseline, *_) = FaultList(), list(systems.values())
    for name, system in systems.items():
        for moved in _moved(ECONOMY, system, baseline, projection):
            where = str(system.definitions.parameters[moved].where)
            what = f"scenario {name} moves {moved}, which is the same in all scenarios of a run"
            remedy = "Use --set, or a file of draws, which move it in all scenarios."
            faults.add(where, what, remedy=remedy)
    faults.raise_if_any()


def _check_year(population: PopulationReader, projection: Projection) -> None:
    if population.year != projection.first_year:
        what = "the population is of another year than the first of the projection"
        found, expected = str(population.year), str(projection.first_year)
        remedy = "Begin in the population's year, or synthesise one for this."
        raise InputError(Fault(str(population.path), what, found, expected, remedy))


def _country(population: PopulationReader) -> opendata.Country | None:
    """Return the open data of the population's country, if there are any."""
    if population.country not in opendata.countries():
        return None
    return opendata.country(population.country)


def equal_weight(population: PopulationReader) -> float:
    """Return the mean weight of households: after households are copied or left out in proportion
    to their own, each has it.
    """
    total = 0.0
    for first in range(0, population.n_households, SLICE_HOUSEHOLDS):
        last = min(first + SLICE_HOUSEHOLDS, population.n_households)
        part = population.read(first, last, ("weight",))
        total += float(np.cumsum(part.households["weight"])[-1])
    return total / population.n_households


def welfare_levels(frame: Frame, projection: Projection) -> tuple[float, ...]:
    """Return the level of welfare in each year relative to the first.

    Raises
    ------
    InputError
        Neither GDP and population nor the average wage are known in every year.
    """
    for top, below in (("gdp", "population"), ("average_wage", "")):
        values = [_level(frame, top, below, year) for year in projection.years]
        if None not in values:
            return tuple(value / values[0] for value in values)  # type: ignore[operator]
    raise InputError(
        Fault(
            frame.where, "nothing says how welfare grows", "",
            "gdp and population, or average_wage, in every year of the projection",
        )
    )  # fmt: skip


def _level(frame: Frame, top: str, below: str, year: int) -> float | None:
    value = frame.get(top, year)
    divisor = frame.get(below, year) if below else 1.0
    return value / divisor if value and divisor else None
