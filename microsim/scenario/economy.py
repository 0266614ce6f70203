"""Carries the macro frame on over the years of a projection."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from microsim.dynamics.labour_paths import EMPLOYED, total
from microsim.dynamics.register import Assumption
from microsim.errors import FaultList
from microsim.language.definitions import Location
from microsim.scenario.frame import PROJECTED, Frame, Series

Floats = npt.NDArray[np.float64]
Reader = Callable[[str, int], float]
INFLATION, REAL_WAGES = "economy.inflation", "economy.real_wage_growth"
PRODUCTIVITY, INTEREST = "economy.productivity_growth", "economy.interest"
PARAMETERS = (INFLATION, REAL_WAGES, PRODUCTIVITY, INTEREST)
PRICES, WAGES, OUTPUT, PEOPLE = "prices", "wages", "output", "people"
# What carries a series on after its last value where the frame file does not say.
RULES = {
    "cpi": PRICES,
    "average_wage": WAGES,
    "minimum_wage": WAGES,
    "gdp": OUTPUT,
    "government_expenditure": OUTPUT,
    "population": PEOPLE,
}
LINES = "poverty_line"  # series whose names begin so follow prices
WORDS = {
    PRICES: f"moves with inflation ({INFLATION})",
    WAGES: f"moves with inflation and real wages ({INFLATION}, {REAL_WAGES})",
    OUTPUT: f"moves with employment, productivity and inflation ({PRODUCTIVITY}, {INFLATION})",
    PEOPLE: "moves with the projected population",
}


@dataclass(frozen=True)
class Economy:
    """The frame of every year of a projection, and how its series were carried on."""

    frame: Frame
    assumptions: tuple[Assumption, ...]


def extended(
    frame: Frame, read: Reader, population: Floats, status_share: Floats, years: tuple[int, int]
) -> Economy:
    """Return a frame with values for every year of a projection.

    A value the frame gives stays. After the last one a series follows its `after_last`; else the
    consumer price index and poverty lines follow inflation, wages inflation and real wage growth,
    GDP employment, productivity and inflation, government expenditure GDP, population the
    projection. A series without a rule ends where its values end: who needs it later is told so.
    Population, employment, inflation, real growth of GDP and interest are added where the frame
    has none.

    Parameters
    ----------
    frame
        Series by year, with those of the population file.
    read
        Gives a parameter by name and year (`PARAMETERS`); growth of a year is on the year before.
    population
        Shape (n_years, 2, 121): persons on 1 July of each year, by sex and age.
    status_share
        Shape (n_years, 2, 121, 13): shares of the employment statuses.
    years
        First and last year.

    Raises
    ------
    InputError
        Growth of -100 per cent or less.
    """
    path = _Path(frame, read, population, status_share, range(years[0], years[1] + 1))
    path.check()
    path.bring()
    for name in frame.series:
        path.carry(name)
    path.bring_rates()
    return Economy(Frame(path.series, frame.where), tuple(path.notes))


class _Path:
    """The series of a frame while they are carried on."""

    def __init__(
        self, frame: Frame, read: Reader, population: Floats, shares: Floats, span: range
    ) -> None:
        self.frame, self.read, self.span = frame, read, span
        self.series = dict(frame.series)
        self.notes: list[Assumption] = []
        self.done: set[str] = set()
        persons = [total(population[t]) for t in range(len(span))]
        employed = [
            total(population[t][..., None] * shares[t][..., EMPLOYED]) for t in range(len(span))
        ]
        self.persons = dict(zip(span, persons, strict=True))
        self.employed = dict(zip(span, employed, strict=True))

    def check(self) -> None:
        """Note parameters that would bring a series to nothing.

        Raises
        ------
        InputError
            As said.
        """
        faults = FaultList()
        for name in (INFLATION, REAL_WAGES, PRODUCTIVITY):
            for year in self.span[1:]:
                growth = self.read(name, year)
                if not growth > -1.0:
                    faults.add(name, f"growth in {year}", f"{growth:g}", "a share above -1")
        faults.raise_if_any()

    def bring(self) -> None:
        """Add population, employment and interest where the frame has none."""
        self._add("population", dict(self.persons))
        self._add("employment", dict(self.employed))
        self._add("interest", {year: self.read(INTEREST, year) for year in self.span})

    def _add(self, name: str, values: dict[int, float]) -> None:
        if name in self.series:
            return
        source, where = f"projection: {name.replace('_', ' ')}", Location(self.frame.where, 1)
        self.series[name] = Series(name, PROJECTED[name], source, values, where)
        self.done.add(name)

    def bring_rates(self) -> None:
        """Add inflation and real growth: of the frame's own prices and GDP where it gives them."""
        inflation, growth = {}, {}
        for year in self.span[1:]:
            prices = self._ratio("cpi", year) or 1.0 + self.read(INFLATION, year)
            output = self._ratio("gdp", year)
            inflation[year] = prices - 1.0
            growth[year] = (self._real(year) if output is None else output / prices) - 1.0
        self._add("inflation", inflation)
        self._add("real_growth", growth)

    def _ratio(self, name: str, year: int) -> float | None:
        """Return a series' value over that of the year before, or None if nobody gives both."""
        series = self.series.get(name)
        now, before = (None,) * 2 if series is None else map(series.values.get, (year, year - 1))
        return now / before if now is not None and before else None

    def _real(self, year: int) -> float:
        """Return real GDP of a year over that of the year before."""
        growth = self.employed[year] / self.employed[year - 1]
        return growth * (1.0 + self.read(PRODUCTIVITY, year))

    def _factor(self, rule: str, year: int) -> float | None:
        """Return the value of a year over that of the year before, or None if nobody knows."""
        prices = 1.0 + self.read(INFLATION, year)
        if rule == PRICES:
            return prices
        if rule == WAGES:
            return prices * (1.0 + self.read(REAL_WAGES, year))
        if year - 1 not in self.employed or year not in self.employed:
            return None
        if rule == PEOPLE:
            return self.persons[year] / self.persons[year - 1]
        return prices * self._real(year)

    def carry(self, name: str) -> None:
        """Carry a series on to the last year, those it follows first."""
        if name in self.done or name not in self.series:
            return
        self.done.add(name)
        one = self.series[name]
        rule = RULES.get(name, PRICES if name.startswith(LINES) else "")
        if one.index:
            self.carry(one.index)
        values, last = dict(one.values), max(one.values, default=self.span[-1])
        value = values.get(last, math.nan)
        for year in range(last + 1, self.span[-1] + 1):
            factor = self._factor_of(one, rule, year)
            if factor is None:
                break
            value *= factor
            values[year] = value
        if name == "interest" and not one.index and one.growth is None:
            values |= {y: self.read(INTEREST, y) for y in self.span if y > last}
            rule = INTEREST
        if len(values) > len(one.values):
            self.series[name] = replace(one, values=values)
            self._note(one, rule, max(values), values[max(values)])

    def _factor_of(self, one: Series, rule: str, year: int) -> float | None:
        if one.growth is not None:
            return 1.0 + one.growth
        if one.index:
            return self._ratio(one.index, year)
        return self._factor(rule, year) if rule else None

    def _note(self, one: Series, rule: str, year: int, value: float) -> None:
        if one.growth is not None:
            why = f"grows by {one.growth:g} a year after its last value (frame)"
        elif one.index:
            why = f"follows {one.index} after its last value (frame)"
        else:
            why = WORDS.get(rule, f"the parameter {rule}")
        driver = f"{(one.label or one.name).replace('_', ' ')}, {year}"
        nobody = math.nan
        self.notes.append(Assumption(driver, value, nobody, nobody, one.unit, why, "assumption"))
