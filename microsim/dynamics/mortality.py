"""Life tables by single age and year from the published rates of age groups and 5-year periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import N_AGES
from microsim.kernels.transcendental import exp_array, log_array
from microsim.population.opendata import (
    FIRST_ANNUAL_YEAR,
    MORTALITY_AGES,
    MORTALITY_PERIODS,
    WPP,
    Vital,
)

Floats = npt.NDArray[np.float64]
METHOD = (
    f"{WPP}, central death rates of 5-year periods and age groups; logarithms interpolated over "
    "years linearly between the middles of periods and over ages by a monotone cubic, groups' "
    "rates kept; each year scaled to its published life expectancy at birth"
)
OPEN_AGE = MORTALITY_AGES[-1]
SCALE_LIMITS = (0.05, 20.0)
HALVINGS = 48
CORRECTIONS = 6
# The middle of each age group from 1-4 on, years. Infant deaths fall in the first weeks of life and
# say nothing of the slope after them.
MIDDLES = np.array([3.0, *(age + 2.5 for age in MORTALITY_AGES[2:])])


@dataclass(frozen=True)
class DeathRates:
    """Death rates of calendar years.

    Attributes
    ----------
    rates
        Shape (n_years, 2, 121), deaths per person-year at each completed age; flat from 100 on,
        where the source has one open group.
    residual
        Shape (n_years, 2), years: life expectancy at birth of these rates less the published.
    """

    rates: Floats
    residual: Floats


def exps(x: Floats) -> Floats:
    """Return `exp` of an array of any shape, equal bits on every machine."""
    return exp_array(np.ascontiguousarray(x).reshape(-1)).reshape(x.shape)


def logs(x: Floats) -> Floats:
    """Return the natural logarithm of an array of any shape, equal bits on every machine."""
    return log_array(np.ascontiguousarray(x).reshape(-1)).reshape(x.shape)


def death_rates(vital: Vital, years: range) -> DeathRates:
    """Return death rates by single age of calendar years, which meet the life expectancies.

    Parameters
    ----------
    vital
        Complete in mortality and life expectancy.
    years
        Calendar years from 2000 to 2100.
    """
    groups = exps(_between_periods(logs(vital.mortality), years))
    rates = single_age_rates(groups)
    index = np.array(years) - FIRST_ANNUAL_YEAR
    published = np.stack([vital.annual[f"e0_{sex}"][index] for sex in ("male", "female")], axis=-1)
    scaled = _scaled_to(rates, published)
    return DeathRates(scaled, life_expectancy(scaled) - published)


def _between_periods(log_rates: Floats, years: range) -> Floats:
    """Return logarithms of rates at the middle of calendar years; flat outside the periods.

    Periods run from mid-year to mid-year: the middle of 2020-2025 is the end of 2022, two and a
    half years after the middle of 2020.
    """
    middles = np.array(MORTALITY_PERIODS) + 2.5
    place = np.clip((np.array(years) - middles[0]) / 5.0, 0.0, len(middles) - 1.0)
    left = np.minimum(place.astype(np.int64), len(middles) - 2)
    share = (place - left)[:, None, None]
    found: Floats = log_rates[left] * (1.0 - share) + log_rates[left + 1] * share
    return found


def single_age_rates(groups: Floats) -> Floats:
    """Return death rates by single age that keep the rate of each age group.

    The logarithm runs through the groups' middles as a monotone cubic (Fritsch and Butland 1984);
    the values there are moved until each group's rate, weighted by the survivors of the life
    table, is the published one. Below the middle of 1-4 the logarithm is a straight line; age 0
    and the open group stand for themselves.

    Parameters
    ----------
    groups
        Shape (..., 22), by age group of `MORTALITY_AGES`.

    Returns
    -------
    Floats
        Shape (..., 121).
    """
    wanted = logs(groups)
    nodes = wanted[..., 1:].copy()
    for _ in range(CORRECTIONS):
        rates = _through(nodes, groups)
        nodes[..., :-1] += (wanted - logs(_group_rates(rates)))[..., 1:-1]
    return _through(nodes, groups)


def _through(nodes: Floats, groups: Floats) -> Floats:
    """Return rates at all ages from logarithms at `MIDDLES`."""
    ages = np.arange(1, OPEN_AGE) + 0.5
    inside = exps(monotone_cubic(MIDDLES, nodes, ages))
    rates = np.empty((*groups.shape[:-1], N_AGES))
    rates[..., 0] = groups[..., 0]
    rates[..., 1:OPEN_AGE] = inside
    rates[..., OPEN_AGE:] = groups[..., -1:]
    return rates


def monotone_cubic(x: Floats, y: Floats, at: Floats) -> Floats:
    """Return the monotone piecewise cubic through (x, y), a straight line before the first x.

    Parameters
    ----------
    x
        Shape (n,), rising.
    y
        Shape (..., n).
    at
        Shape (m,), at most the last x.

    Returns
    -------
    Floats
        Shape (..., m).
    """
    width = x[1:] - x[:-1]
    secant = (y[..., 1:] - y[..., :-1]) / width
    slope = np.empty(y.shape)
    slope[..., 0], slope[..., -1] = secant[..., 0], secant[..., -1]
    before, after = secant[..., :-1], secant[..., 1:]
    w1, w2 = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    same = before * after > 0.0
    weighted = np.where(same, w1 * after + w2 * before, 1.0)
    slope[..., 1:-1] = np.where(same, (w1 + w2) * before * after / weighted, 0.0)
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    t = (at - x[k]) / width[k]
    rise = (y[..., k + 1] - y[..., k]) * (t * t * (3.0 - 2.0 * t))
    bend = slope[..., k] * (t * (1.0 - t) * (1.0 - t)) - slope[..., k + 1] * (t * t * (1.0 - t))
    line = y[..., :1] + slope[..., :1] * (at - x[0])
    return np.where(at < x[0], line, y[..., k] + rise + width[k] * bend)


def stationary(rates: Floats) -> Floats:
    """Return person-years lived at each age per birth, at constant rates.

    The force of mortality is constant within a year of age; infants live the mean time of Coale
    and Demeny's formula (Preston, Heuveline and Guillot, Demography, 2001, table 3.3).

    Parameters
    ----------
    rates
        Shape (..., 2, 121), male and female.

    Returns
    -------
    Floats
        Shape (..., 2, 101); the last is 100 and over.
    """
    infant = rates[..., 0]
    late = np.array([0.33, 0.35])
    lived = np.array([0.045, 0.053]) + np.array([2.684, 2.8]) * infant
    lived = np.where(infant >= 0.107, late, lived)
    dying = infant / (1.0 + (1.0 - lived) * infant)
    years = np.empty((*rates.shape[:-1], OPEN_AGE + 1))
    years[..., 0] = 1.0 - (1.0 - lived) * dying
    alive = 1.0 - dying
    surviving = exps(-rates[..., 1:OPEN_AGE])
    for age in range(1, OPEN_AGE):
        left = alive * surviving[..., age - 1]
        years[..., age] = (alive - left) / rates[..., age]
        alive = left
    years[..., OPEN_AGE] = alive / rates[..., OPEN_AGE]
    return years


def life_expectancy(rates: Floats) -> Floats:
    """Return life expectancy at birth, years, of rates of shape (..., 2, 121)."""
    total: Floats = np.cumsum(stationary(rates), axis=-1)[..., -1]
    return total


def _group_rates(rates: Floats) -> Floats:
    """Return the rate of each age group, weighted by the survivors of the life table."""
    years = stationary(rates)
    deaths = years * rates[..., : OPEN_AGE + 1]
    starts = list(MORTALITY_AGES)
    found: Floats = np.add.reduceat(deaths, starts, axis=-1) / np.add.reduceat(
        years, starts, axis=-1
    )
    return found


def _scaled_to(rates: Floats, expectancy: Floats) -> Floats:
    """Return rates times the factor of each year and sex that gives its life expectancy."""
    low = np.full(expectancy.shape, SCALE_LIMITS[0])
    high = np.full(expectancy.shape, SCALE_LIMITS[1])
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        lives_longer = life_expectancy(rates * middle[..., None]) > expectancy
        low = np.where(lives_longer, middle, low)
        high = np.where(lives_longer, high, middle)
    scaled: Floats = rates * (0.5 * (low + high))[..., None]
    return scaled


def step_probabilities(rates: Floats) -> tuple[Floats, Floats]:
    """Return what the rates of the time of each step mean for persons known by completed age.

    Those of completed age `a` on 1 July stand anywhere within their year of age, so that half of
    the step's exposure is at `a` and half at `a + 1`: the probability is that of the ratio of
    neighbours in the stationary population.

    Parameters
    ----------
    rates
        Shape (n_steps, 2, 121), of the time of each step.

    Returns
    -------
    death
        Shape (n_steps, 2, 121), by age at the start.
    newborn_death
        Shape (n_steps, 2): of births spread evenly over the step.
    """
    years = stationary(rates)
    death = np.empty(rates.shape)
    death[..., : OPEN_AGE - 1] = 1.0 - years[..., 1:OPEN_AGE] / years[..., : OPEN_AGE - 1]
    # At 99 and over: half of the exposure at each age, and the open group's rate is constant.
    old = 0.5 * (rates[..., OPEN_AGE - 1 :] + np.roll(rates, -1, axis=-1)[..., OPEN_AGE - 1 :])
    old[..., -1] = rates[..., -1]
    death[..., OPEN_AGE - 1 :] = 1.0 - exps(-old)
    return death, 1.0 - years[..., 0]


def of_steps(calendar: Floats) -> Floats:
    """Return means of neighbouring calendar years: a step is half of the one, half of the next.

    Parameters
    ----------
    calendar
        Shape (n_steps + 1, ...), from the year the first step starts in.
    """
    mean: Floats = 0.5 * (calendar[:-1] + calendar[1:])
    return mean
