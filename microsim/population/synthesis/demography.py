"""The population by sex and single age in any year, from decades and 5-year groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.kernels.transcendental import exp_array, log_array
from microsim.population.opendata import (
    DECADES,
    FIRST_ANNUAL_YEAR,
    LAST_ANNUAL_YEAR,
    Country,
)

Floats = npt.NDArray[np.float64]
OPEN_AGE = 100
METHOD = (
    "5-year groups split by monotone cubic (PCHIP) interpolation of the cumulative population; "
    "between decades, geometric interpolation along cohorts, those born since from births, "
    "within ages from 75 on (mixed from 60 to 75); "
    "total from births and crude birth rate of the year"
)
METHOD_OF_A_DECADE = (
    "5-year groups split by monotone cubic (PCHIP) interpolation of the cumulative population"
)


def single_ages(groups: Floats) -> Floats:
    """Split 5-year age groups into single ages, keeping every group's total.

    The cumulative population is interpolated by a monotone piecewise cubic (Fritsch and Carlson
    1980), so that no age is negative.

    Parameters
    ----------
    groups
        Shape (..., 21), persons by 5-year age group; the last is 100 and over.

    Returns
    -------
    Floats
        Shape (..., 101), persons by completed age; the last is 100 and over.
    """
    closed = groups[..., :-1]
    shape = (*groups.shape[:-1], closed.shape[-1] + 1)
    cumulative = np.zeros(shape)
    np.cumsum(closed, axis=-1, out=cumulative[..., 1:])
    step = closed / 5.0
    slope = np.zeros(shape)
    product = step[..., :-1] * step[..., 1:]
    total = step[..., :-1] + step[..., 1:]
    slope[..., 1:-1] = np.divide(2.0 * product, total, out=np.zeros_like(total), where=total > 0)
    slope[..., 0] = np.clip(1.5 * step[..., 0] - 0.5 * slope[..., 1], 0.0, 3.0 * step[..., 0])
    slope[..., -1] = np.clip(1.5 * step[..., -1] - 0.5 * slope[..., -2], 0.0, 3.0 * step[..., -1])
    parts = []
    for year in range(5):
        lower, upper = (_hermite(cumulative, slope, (year + k) / 5.0) for k in (0, 1))
        parts.append(upper - lower)
    ages = np.stack(parts, axis=-1).reshape(*groups.shape[:-1], OPEN_AGE)
    return np.concatenate([np.maximum(ages, 0.0), groups[..., -1:]], axis=-1)


def _hermite(value: Floats, slope: Floats, t: float) -> Floats:
    """Return the cubic Hermite interpolant at the share `t` of each 5-year interval."""
    left, right = value[..., :-1], value[..., 1:]
    rise = (right - left) * (t * t * (3.0 - 2.0 * t))
    bend = slope[..., :-1] * (t * (1.0 - t) * (1.0 - t)) - slope[..., 1:] * (t * t * (1.0 - t))
    return left + rise + 5.0 * bend


def _geometric(first: Floats, second: Floats, share: Floats) -> Floats:
    """Return first^(1-share) * second^share; 0 where either is 0."""
    usable = (first > 0.0) & (second > 0.0)
    logs = [log_array(np.where(usable, x, 1.0)) for x in (first, second)]
    return np.where(usable, exp_array(logs[0] * (1.0 - share) + logs[1] * share), 0.0)


def population_in(country: Country, year: int) -> tuple[Floats, str]:
    """Return persons by sex and completed age on 1 July, and the method's name.

    Returns
    -------
    persons
        Shape (2, 101): male, female; the last age is 100 and over.
    method
        What was done to get from the published figures to these.

    Raises
    ------
    InputError
        The country has no population data, or the year is outside them.
    """
    if country.population is None:
        what = "the series population is missing (by sex and 5-year age)"
        raise InputError(Fault(country.iso3, what, remedy="Supply it with --data FILE."))
    if country.population_year is not None:
        single = single_ages(country.population[0])
        return single, f"as supplied for {country.population_year}; {METHOD_OF_A_DECADE}"
    if not DECADES[0] <= year <= DECADES[-1]:
        years = f"{DECADES[0]} to {DECADES[-1]}"
        raise InputError(Fault(country.iso3, "no population for the year", str(year), years))
    decade = min((year - DECADES[0]) // 10, len(DECADES) - 2)
    passed = year - DECADES[decade]
    first, last = single_ages(country.population[decade : decade + 2])
    if passed in (0, 10):
        return (first if passed == 0 else last), METHOD_OF_A_DECADE
    persons = np.stack([_between(country, first[s], last[s], year, passed) for s in (0, 1)])
    births, rate = (x[year - FIRST_ANNUAL_YEAR] for x in (country.births, country.birth_rate))
    if births > 0.0 and rate > 0.0:
        persons *= (births / rate) / float(np.cumsum(persons)[-1])
    return persons, METHOD


def _between(country: Country, first: Floats, last: Floats, year: int, passed: int) -> Floats:
    """Return one sex by age, `passed` years after `first` and 10 - `passed` before `last`."""
    ages = np.arange(OPEN_AGE + 1)
    at_start = np.clip(ages - passed, 0, OPEN_AGE)
    at_end = np.clip(ages + 10 - passed, 0, OPEN_AGE)
    persons = _geometric(first[at_start], last[at_end], np.full(ages.size, passed / 10.0))
    fixed = _geometric(first, last, np.full(ages.size, passed / 10.0))
    # Mortality rises within the decade of an old cohort, which a geometric path would ignore.
    old = np.clip((ages - 60) / 15.0, 0.0, 1.0)
    persons = (1.0 - old) * persons + old * fixed
    young = ages < passed
    born = _births(country, year - ages[young])
    survivors = last[0] * born / _births(country, np.array([year + 10 - passed]))[0]
    share = ages[young] / (ages[young] + 10.0 - passed)
    persons[young] = _geometric(survivors, last[at_end[young]], share)
    return persons


def _births(country: Country, years: npt.NDArray[np.int64]) -> Floats:
    """Return the births of each year, 1 where the series is missing (then cohorts are flat)."""
    index = np.clip(years, FIRST_ANNUAL_YEAR, LAST_ANNUAL_YEAR) - FIRST_ANNUAL_YEAR
    births = country.births[index]
    return np.where(np.isfinite(births) & (births > 0.0), births, 1.0)


def whole_persons(shares: Floats, n_persons: int) -> npt.NDArray[np.int64]:
    """Round shares of `n_persons` to whole persons by the largest remainder (Hamilton).

    Parameters
    ----------
    shares
        Any shape, not negative; need not add up to one.

    Returns
    -------
    Array of int64, same shape, adding up to `n_persons`.
    """
    exact = (shares / np.cumsum(shares)[-1] * n_persons).reshape(-1)
    whole: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left = n_persons - int(whole.sum())
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:left]] += 1
    shaped: npt.NDArray[np.int64] = whole.reshape(shares.shape)
    return shaped
