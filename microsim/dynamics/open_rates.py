"""Mortality, fertility and migration of a country from the open data, step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics import fertility, migration, mortality
from microsim.dynamics.tables import N_AGES
from microsim.errors import FaultList
from microsim.population.opendata import (
    DECADES,
    FIRST_ANNUAL_YEAR,
    LAST_ANNUAL_YEAR,
    Country,
    Vital,
)
from microsim.population.synthesis.demography import OPEN_AGE, population_in

Floats = npt.NDArray[np.float64]
BALANCE, OPEN_DATA = "balance", "open data"
MIGRATION = (BALANCE, OPEN_DATA)
NEEDED = {
    "e0_male": "life expectancy at birth of men",
    "e0_female": "life expectancy at birth of women",
    "tfr": "total fertility",
    "boys_per_girl": "sex ratio at birth",
    "births": "births",
    "net_migration": "net migration",
}


@dataclass(frozen=True)
class VitalRates:
    """Rates of births, deaths and migration, as `LifeTables` has them, and what they lead to.

    Attributes
    ----------
    death, newborn_death, birth, girls, emigration, immigration
        See `LifeTables`.
    population
        Shape (n_steps + 1, 2, 121): persons on 1 July of each year under these rates.
    expectancy_miss
        Shape (n_steps + 1, 2): life expectancy less the published, years.
    birth_scale
        Shape (n_steps,): factor on published rates that gives the published births.
    """

    death: Floats
    newborn_death: Floats
    birth: Floats
    girls: Floats
    emigration: Floats
    immigration: Floats
    population: Floats
    expectancy_miss: Floats
    birth_scale: Floats


def target_population(country: Country, years: range) -> Floats:
    """Return the published population by sex and age, shape (n_years, 2, 121).

    The open group of 100 and over stands at 100; it is never looked into.
    """
    found = np.zeros((len(years), 2, N_AGES))
    for k, year in enumerate(years):
        found[k, :, : OPEN_AGE + 1] = population_in(country, year)[0]
    return found


def vital_rates(country: Country, years: range, method: str = BALANCE) -> VitalRates:
    """Return the rates of the steps between the years.

    Parameters
    ----------
    country
        Its open data.
    years
        Calendar years from the first to the last of the projection.
    method
        `balance`: migration leads to the published population of each decade, and moves
        within it as published. `open data`: published net migration, by age as a standard
        schedule.

    Raises
    ------
    InputError
        A series is missing or has no value for a year; every one is named.
    """
    steps = _without_migration(country, years, method)
    n, path = len(years) - 1, _Path(steps, years, method)
    population, scale = np.zeros((n + 1, 2, N_AGES)), np.zeros(n)
    emigration, immigration = np.zeros((n, 2, N_AGES)), np.zeros((n, 2, N_AGES))
    population[0] = target_population(country, years[:1])[0]
    for k in range(n):
        survivors = population[k] * (1.0 - steps.death[k])
        flows = path.flows(k, population[k])
        staying = survivors * (1.0 - flows.emigration)
        births = float(steps.births[k, 0] + steps.births[k, 1])
        scale[k] = births / float(np.cumsum(staying[1] * steps.pattern[k])[-1])
        population[k + 1] = migration.aged(staying) + flows.immigrants
        population[k + 1, :, 0] += steps.newborns(k)
        emigration[k] = flows.emigration
        immigration[k] = flows.immigrants / float(np.cumsum(population[k])[-1])
    birth = steps.pattern[:n] * scale[:, None]
    return VitalRates(
        steps.death[:n], steps.newborn_death[:n], birth, steps.girls[:n], emigration, immigration,
        population, steps.expectancy_miss[: n + 1], scale,
    )  # fmt: skip


@dataclass(frozen=True)
class _Steps:
    """What the open data say of each step but its migration by age; births are persons by sex."""

    death: Floats
    newborn_death: Floats
    births: Floats
    girls: Floats
    pattern: Floats
    net: Floats
    expectancy_miss: Floats
    anchors: dict[int, Floats]

    def newborns(self, k: int) -> Floats:
        """Return those born in step `k` and alive at its end, by sex."""
        alive: Floats = self.births[k] * (1.0 - self.newborn_death[k])
        return alive


def _without_migration(country: Country, years: range, method: str) -> _Steps:
    """Return the steps, to the decade after the last year where migration aims at decades."""
    last = years[-1]
    if method == BALANCE:
        last = next((decade for decade in DECADES if decade >= last), last)
    full = range(years[0], last + 1)
    vital = _complete(country, full)
    calendar = mortality.death_rates(vital, full)
    death, newborn_death = mortality.step_probabilities(mortality.of_steps(calendar.rates))
    pattern = fertility.at_start(mortality.of_steps(fertility.birth_rates(vital, full)))
    girls = mortality.of_steps(fertility.share_of_girls(vital, full))
    index = np.array(full) - FIRST_ANNUAL_YEAR
    births = mortality.of_steps(vital.annual["births"][index])
    decades = [year for year in DECADES if full[0] < year <= last]
    return _Steps(
        death, newborn_death, np.stack([births * (1.0 - girls), births * girls], axis=-1), girls,
        pattern, mortality.of_steps(vital.annual["net_migration"][index]), calendar.residual,
        {year: target_population(country, range(year, year + 1))[0] for year in decades},
    )  # fmt: skip


class _Path:
    """Finds the migration of each step on the way from decade to decade."""

    def __init__(self, steps: _Steps, years: range, method: str) -> None:
        self.steps, self.years, self.method = steps, years, method
        self.relative = migration.schedule()

    def flows(self, k: int, population: Floats) -> migration.Flows:
        """Return the migration of step `k`, from the population at its start."""
        survivors = population * (1.0 - self.steps.death[k])
        net = float(self.steps.net[k])
        if self.method == OPEN_DATA:
            return migration.by_schedule(survivors, net, self.relative)
        decade = next(year for year in self.steps.anchors if year > self.years[0] + k)
        left = decade - self.years[0] - k
        unmoved = population
        for j in range(k, k + left):
            unmoved = migration.aged(unmoved * (1.0 - self.steps.death[j]))
            unmoved[:, 0] += self.steps.newborns(j)
        rates = migration.net_rates(unmoved, self.steps.anchors[decade], left, decade)
        # Within a decade the total goes up and down as published; its level is what balances.
        extra = net - float(np.cumsum(self.steps.net[k : k + left])[-1]) / left
        return migration.by_net_rates(survivors, rates, extra, self.relative)


def _complete(country: Country, years: range) -> Vital:
    """Return the published rates of a country; name each that is missing.

    Raises
    ------
    InputError
        As said.
    """
    faults = FaultList()
    where, remedy = country.iso3, "Give the table in a lives file."
    if years[0] < FIRST_ANNUAL_YEAR or years[-1] > LAST_ANNUAL_YEAR:
        span = f"{FIRST_ANNUAL_YEAR} to {LAST_ANNUAL_YEAR}"
        faults.add(where, "years outside the open data", f"{years[0]} to {years[-1]}", span)
        faults.raise_if_any()
    vital = country.vital
    if country.population is None:
        faults.add(
            where, "the series population is missing (by sex and 5-year age)", "", "", remedy
        )
    elif country.population_year is not None:
        found = f"one of {country.population_year} only"
        faults.add(where, "no population for each year of the projection", found, "", remedy)
    if vital is None:
        faults.add(where, "the series of births and deaths are missing", "", "", remedy)
    else:
        if not np.isfinite(vital.mortality).all():
            faults.add(where, "death rates by age are missing", "", "", remedy)
        if not np.isfinite(vital.fertility).all():
            faults.add(where, "births by age of the mother are missing", "", "", remedy)
        index = np.array(years) - FIRST_ANNUAL_YEAR
        for key, words in NEEDED.items():
            gaps = [years[int(k)] for k in np.flatnonzero(~np.isfinite(vital.annual[key][index]))]
            if gaps:
                found = f"no value for {len(gaps)} years from {gaps[0]}"
                faults.add(where, f"the series {key} ({words}) is missing", found, "", remedy)
    faults.raise_if_any()
    assert vital is not None  # noqa: S101 (noted above)
    return vital
