"""Mortality, fertility and migration of a country, step by step: open data, or tables given."""

from __future__ import annotations

from dataclasses import dataclass, fields

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
BALANCE, OPEN_DATA, NONE, GIVEN = "balance", "open data", "none", "given"
ROUNDS = 8
SERIES = {
    "e0_male": "life expectancy at birth of men",
    "e0_female": "life expectancy at birth of women",
    "tfr": "total fertility",
    "boys_per_girl": "sex ratio at birth",
    "births": "births",
    "net_migration": "net migration",
}


@dataclass(frozen=True)
class Given:
    """Rates that do not come from the open data, as `LifeTables` has them; None where they do."""

    death: Floats | None = None
    newborn_death: Floats | None = None
    birth: Floats | None = None
    girls: Floats | None = None
    emigration: Floats | None = None
    immigration: Floats | None = None

    def extended(self, n_steps: int) -> Given:
        """Return the rates with those of the last step repeated for steps after it."""
        longer = {}
        for one in fields(self):
            values = getattr(self, one.name)
            if values is not None:
                rest = n_steps - len(values)
                longer[one.name] = np.concatenate([values, np.repeat(values[-1:], rest, axis=0)])
        return Given(**longer)


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
        Shape (n_steps + 1, 2): life expectancy less the published, years; empty where deaths are
        given.
    birth_scale
        Shape (n_steps,): factor on published rates that gives the published births; 1 where rates
        are given.
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


def vital_rates(
    country: Country | None,
    years: range,
    method: str = BALANCE,
    given: Given | None = None,
    start: Floats | None = None,
) -> VitalRates:
    """Return the rates of the steps between the years.

    Parameters
    ----------
    country
        Its open data; None where everything is given.
    years
        Calendar years from the first to the last of the projection.
    method
        `balance`: migration leads to the published population of each decade, and moves within it
        as published. `open data`: published net migration, by age as a standard schedule. `none`:
        nobody comes or goes. `given`: rates are given.
    given
        Rates that replace those of the open data.
    start
        Shape (2, 121): persons in the first year; None takes the published ones.

    Raises
    ------
    InputError
        A series is missing or has no value for a year; every one is named.
    """
    steps = _without_migration(country, years, method, given or Given())
    n = len(years) - 1
    population, scale = np.zeros((n + 1, 2, N_AGES)), np.ones(n)
    birth = steps.birth[:n].copy()
    emigration, immigration = np.zeros((n, 2, N_AGES)), np.zeros((n, 2, N_AGES))
    if start is None:
        assert country is not None  # noqa: S101 (checked with the series)
        start = target_population(country, years[:1])[0]
    population[0] = start
    for k in range(n):
        births = steps.births_of(k, population[k])
        if steps.births is not None:
            scale[k] = float(steps.births[k]) / _total(population[k, 1] * steps.birth[k])
        birth[k] *= scale[k]
        alive = births * (1.0 - steps.newborn_death[k])
        survivors = population[k] * (1.0 - steps.death[k])
        flows = _flows(steps, years, method, k, population[k], birth[k])
        leaving = survivors * flows.emigration
        stay = 1.0 - migration.taken_along(leaving[1], population[k, 1], birth[k])
        population[k + 1] = migration.aged(survivors - leaving) + flows.immigrants
        population[k + 1, :, 0] += alive * stay
        emigration[k] = flows.emigration
        immigration[k] = flows.immigrants / _total(population[k])
    return VitalRates(
        steps.death[:n], steps.newborn_death[:n], birth, steps.girls[:n], emigration, immigration,
        population, steps.expectancy_miss[: n + 1], scale,
    )  # fmt: skip


def _total(values: Floats) -> float:
    return float(np.cumsum(values)[-1])


@dataclass(frozen=True)
class _Steps:
    """What is known of each step before its migration is found."""

    death: Floats
    newborn_death: Floats
    birth: Floats
    births: Floats | None  # persons of each step; None where rates are given
    girls: Floats
    net: Floats
    given: Given
    expectancy_miss: Floats
    anchors: dict[int, Floats]

    def births_of(self, k: int, population: Floats) -> Floats:
        """Return the births of step `k` by sex, from the population at its start."""
        if self.births is not None:
            born = float(self.births[k])
        else:
            born = _total(population[1] * self.birth[k])
        return born * np.array([1.0 - self.girls[k], self.girls[k]])


def _without_migration(country: Country | None, years: range, method: str, given: Given) -> _Steps:
    """Return the steps, to the decade after the last year where migration aims at decades."""
    last = years[-1]
    if method == BALANCE:
        last = next((decade for decade in DECADES if decade >= last), last)
    full = range(years[0], last + 1)
    vital = _complete(country, full, method, given)
    index = np.array(full) - FIRST_ANNUAL_YEAR
    given = given.extended(len(full) - 1)
    miss = np.zeros((0, 2))
    death, newborn_death, birth, births = given.death, given.newborn_death, given.birth, None
    girls, net = given.girls, np.zeros(len(full) - 1)
    if vital is not None:
        if death is None or newborn_death is None:
            calendar = mortality.death_rates(vital, full)
            death, newborn_death = mortality.step_probabilities(mortality.of_steps(calendar.rates))
            miss = calendar.residual
        if birth is None:
            birth = fertility.at_start(mortality.of_steps(fertility.birth_rates(vital, full)))
            births = mortality.of_steps(vital.annual["births"][index])
        if girls is None:
            girls = mortality.of_steps(fertility.share_of_girls(vital, full))
        if method in (BALANCE, OPEN_DATA):
            net = mortality.of_steps(vital.annual["net_migration"][index])
    assert death is not None and newborn_death is not None  # noqa: S101 (as _complete says)
    assert birth is not None and girls is not None  # noqa: S101
    decades = [year for year in DECADES if full[0] < year <= last] if method == BALANCE else []
    anchors = {}
    for year in decades:
        assert country is not None  # noqa: S101
        anchors[year] = target_population(country, range(year, year + 1))[0]
    return _Steps(death, newborn_death, birth, births, girls, net, given, miss, anchors)


def _flows(
    steps: _Steps, years: range, method: str, k: int, population: Floats, birth: Floats
) -> migration.Flows:
    """Return the migration of step `k`, from the population at its start."""
    survivors = population * (1.0 - steps.death[k])
    if method == NONE:
        return migration.Flows(np.zeros(survivors.shape), np.zeros(survivors.shape))
    if steps.given.emigration is not None and steps.given.immigration is not None:
        came = steps.given.immigration[k] * _total(population)
        return migration.Flows(steps.given.emigration[k], came)
    relative, net = migration.schedule(), float(steps.net[k])
    alive = (1.0 - steps.girls[k]) * (1.0 - steps.newborn_death[k, 0])
    alive += steps.girls[k] * (1.0 - steps.newborn_death[k, 1])
    if method == OPEN_DATA:
        return migration.by_schedule(survivors, birth * alive, net, relative)
    decade = next(year for year in steps.anchors if year > years[0] + k)
    left = decade - years[0] - k
    unmoved, target = _unmoved(steps, k, left, population), steps.anchors[decade]
    # Within a decade the total goes up and down as published; its level is what balances.
    extra = net - _total(steps.net[k : k + left]) / left
    rates = migration.net_rates(unmoved, target, left, decade)
    flows = migration.by_net_rates(survivors, rates, extra, relative)
    for _ in range(ROUNDS if left == 1 else 0):
        # Newborns who go with their mothers are missed in the decade's population; those of
        # earlier steps are met in the steps after.
        leaving = survivors[1] * flows.emigration[1]
        stay = 1.0 - migration.taken_along(leaving, population[1], birth)
        without = unmoved.copy()
        without[:, 0] *= stay
        rates = migration.net_rates(without, target, left, decade)
        flows = migration.by_net_rates(survivors, rates, extra, relative)
    return flows


def _unmoved(steps: _Steps, k: int, left: int, population: Floats) -> Floats:
    """Return the population after the next `left` steps if nobody moved."""
    for j in range(k, k + left):
        newborns = steps.births_of(j, population) * (1.0 - steps.newborn_death[j])
        population = migration.aged(population * (1.0 - steps.death[j]))
        population[:, 0] += newborns
    return population


def _complete(country: Country | None, years: range, method: str, given: Given) -> Vital | None:
    """Return the published rates of a country, all that are needed; name each that is missing.

    Raises
    ------
    InputError
        As said.
    """
    needed = _needed(method, given)
    if not needed:
        return country.vital if country is not None else None
    faults = FaultList()
    where, remedy = country.iso3 if country else "lives", "Give the table in a lives file."
    if country is None:
        faults.add(where, "no open data of the country", "", ", ".join(needed), remedy)
        faults.raise_if_any()
    assert country is not None  # noqa: S101 (noted above)
    if years[0] < FIRST_ANNUAL_YEAR or years[-1] > LAST_ANNUAL_YEAR:
        span = f"{FIRST_ANNUAL_YEAR} to {LAST_ANNUAL_YEAR}"
        faults.add(where, "years outside the open data", f"{years[0]} to {years[-1]}", span)
        faults.raise_if_any()
    if country.population is None:
        what = "the series population is missing (by sex and 5-year age)"
        faults.add(where, what, "", "", remedy)
    elif country.population_year is not None and "population of each decade" in needed:
        found = f"one of {country.population_year} only"
        faults.add(where, "no population for each decade of the projection", found, "", remedy)
    if country.vital is None:
        faults.add(where, "the series of births and deaths are missing", "", "", remedy)
    else:
        _check_vital(country.vital, years, needed, where, faults)
    faults.raise_if_any()
    return country.vital


def _needed(method: str, given: Given) -> list[str]:
    """Return the names of the open series that nobody gives."""
    needed = []
    if given.death is None or given.newborn_death is None:
        needed += ["death rates by age", "e0_male", "e0_female"]
    if given.birth is None:
        needed += ["births by age of the mother", "tfr", "births"]
    if given.girls is None:
        needed.append("boys_per_girl")
    if method in (BALANCE, OPEN_DATA):
        needed.append("net_migration")
    if method == BALANCE:
        needed.append("population of each decade")
    return needed


def _check_vital(
    vital: Vital, years: range, needed: list[str], where: str, faults: FaultList
) -> None:
    remedy = "Give the table in a lives file."
    for word, table in (
        ("death rates by age", vital.mortality),
        ("births by age of the mother", vital.fertility),
    ):
        if word in needed and not np.isfinite(table).all():
            faults.add(where, f"{word} are missing", "", "", remedy)
    index = np.array(years) - FIRST_ANNUAL_YEAR
    for key, words in SERIES.items():
        if key not in needed:
            continue
        gaps = [years[int(k)] for k in np.flatnonzero(~np.isfinite(vital.annual[key][index]))]
        if gaps:
            found = f"no value for {len(gaps)} years from {gaps[0]}"
            faults.add(where, f"the series {key} ({words}) is missing", found, "", remedy)
