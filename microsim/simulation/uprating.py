"""Static ageing: which series of the macro frame each amount of money of a population follows."""

from __future__ import annotations

from collections.abc import Mapping

from microsim.dynamics.register import Assumption
from microsim.errors import FaultList
from microsim.files import did_you_mean, listed
from microsim.population.columns import STANDARD
from microsim.population.store import PopulationReader
from microsim.scenario.frame import Frame
from microsim.scenario.projection import Projection, Uprating

NOBODY = float("nan")
WELFARE = "welfare"  # follows GDP a head in every projection
WAGES, PRICES = "average_wage", "cpi"
# What earns follows wages; everything else is an amount that was fixed once, and follows prices.
FOLLOWS = {"earnings": WAGES, "self_employment_income": WAGES}


def money_columns(population: PopulationReader) -> tuple[str, ...]:
    """Return the columns of a population that are amounts of money, but for welfare."""
    columns = (*STANDARD, *population.extras)
    there = {*population.person_columns, *population.household_columns}
    return tuple(
        one.name
        for one in columns
        if one.name in there and one.unit.startswith("currency") and one.name != WELFARE
    )


def series_of(
    population: PopulationReader, stated: Mapping[str, Uprating], frame: Frame
) -> dict[str, str]:
    """Return the series that each amount of money follows.

    Raises
    ------
    InputError
        A column stated that is no amount of money of the population, or follows an unknown series.
    """
    columns, faults = money_columns(population), FaultList()
    for name, one in stated.items():
        if name not in columns:
            remedy = did_you_mean(name, columns)
            what = f"uprating of '{name}', which is no amount of money of the population"
            faults.add(str(one.where), what, "", listed(columns), remedy)
        if one.series not in frame.series:
            remedy = did_you_mean(one.series, frame.series)
            what = f"'{name}' follows an unknown series '{one.series}'"
            faults.add(str(one.where), what, "", listed(frame.series), remedy)
    faults.raise_if_any()
    return {
        name: stated[name].series if name in stated else FOLLOWS.get(name, PRICES)
        for name in columns
    }


def levels_of(
    followed: Mapping[str, str], frame: Frame, projection: Projection
) -> dict[str, tuple[float, ...]]:
    """Return the level of each amount in each year, relative to the first.

    Raises
    ------
    InputError
        A series without a value in a year, or of value 0 in the first.
    """
    found, faults = {}, FaultList()
    for name, series in followed.items():
        values = [frame.value(series, year) for year in projection.years]
        if not values[0] > 0.0:
            what = f"'{name}' follows {series}, which has no level to begin with"
            faults.add(frame.where, what, f"{values[0]:g} in {projection.first_year}", "above 0")
            continue
        found[name] = tuple(value / values[0] for value in values)
    faults.raise_if_any()
    return found


def uprating_assumptions(
    followed: Mapping[str, str],
    levels: Mapping[str, tuple[float, ...]],
    welfare: tuple[float, ...],
    projection: Projection,
) -> list[Assumption]:
    """Return the rows of table A5 on how a population file is made to stand for later years."""
    years = f"{projection.last_year}, {projection.first_year} = 1"

    def row(driver: str, value: float, unit: str, source: str) -> Assumption:
        text = f"static ageing: {source}"
        return Assumption(driver, value, NOBODY, NOBODY, unit, text, "assumption")

    rows = [
        row(f"{name.replace('_', ' ')} ({years})", levels[name][-1], "number", f"follows {series}")
        for name, series in followed.items()
    ]
    rows.append(row(f"welfare ({years})", welfare[-1], "number", "follows GDP a head"))
    return rows
