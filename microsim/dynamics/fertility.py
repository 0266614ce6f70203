"""Births by single age of the mother and year, from the published rates of 5-year age groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import N_AGES
from microsim.population.opendata import (
    FERTILITY_AGES,
    FIRST_ANNUAL_YEAR,
    FIRST_FERTILITY_YEAR,
    LAST_FERTILITY_YEAR,
    WPP,
    Vital,
)
from microsim.population.synthesis.demography import single_ages

Floats = npt.NDArray[np.float64]
METHOD = (
    f"{WPP}, births per woman by 5-year age group, split by monotone cubic interpolation of "
    f"cumulative births; after {LAST_FERTILITY_YEAR} its pattern at the published total fertility; "
    "each year scaled to the published births"
)


def birth_rates(vital: Vital, years: range) -> Floats:
    """Return births per woman and year by her completed age, in calendar years.

    Parameters
    ----------
    vital
        Complete in fertility and total fertility.
    years
        Calendar years from 2000 to 2100.

    Returns
    -------
    Floats
        Shape (n_years, 121); over a 5-year age group they add up to 5 times its rate.
    """
    index = np.array(years)
    told = np.clip(index, FIRST_FERTILITY_YEAR, LAST_FERTILITY_YEAR)
    total = vital.annual["tfr"]
    level = total[index - FIRST_ANNUAL_YEAR] / total[told - FIRST_ANNUAL_YEAR]
    groups = np.zeros((len(years), 21))
    first = FERTILITY_AGES[0] // 5
    rates = vital.fertility[told - FIRST_FERTILITY_YEAR]
    groups[:, first : first + len(FERTILITY_AGES)] = 5.0 * rates * level[:, None]
    found = np.zeros((len(years), N_AGES))
    found[:, :101] = single_ages(groups)
    return found


def at_start(rates: Floats) -> Floats:
    """Return rates by age at the start of a step, half of whose exposure is at the next age.

    Parameters
    ----------
    rates
        Shape (n_steps, 121), of the time of each step.
    """
    following = np.roll(rates, -1, axis=-1)
    following[..., -1] = 0.0
    mean: Floats = 0.5 * (rates + following)
    return mean


def share_of_girls(vital: Vital, years: range) -> Floats:
    """Return the share of girls among births of calendar years, shape (n_years,)."""
    boys = vital.annual["boys_per_girl"][np.array(years) - FIRST_ANNUAL_YEAR]
    share: Floats = 1.0 / (1.0 + boys)
    return share
