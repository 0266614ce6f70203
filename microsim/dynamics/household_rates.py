"""Rates of unions, leaving home and disability under which the shares of a population stay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import N_AGES
from microsim.population.synthesis.parameters import Parameters, at_ages

Floats = npt.NDArray[np.float64]
Rows = list[list[float]]
AGES = np.arange(N_AGES)
ADULT = 18
LAST_LEAVING = 50  # above it few live with a mother, and the rate of this age stands in


def rows_at_ages(rows: Rows) -> Floats:
    """Return the first value of rows `[age, value]` at each age, interpolated. Shape (121,)."""
    return at_ages(rows, AGES)


def rows_by_sex(rows: Rows) -> Floats:
    """Return rows `[age, men, women]` at each age, interpolated. Shape (2, 121)."""
    return np.stack([at_ages(rows, AGES, column) for column in (1, 2)])


def next_age(values: Floats) -> Floats:
    """Return each age's successor; the oldest is its own. Shape (..., 121)."""
    following = np.roll(values, -1, axis=-1)
    following[..., -1] = values[..., -1]
    return following


def at_older(values: Floats, years: float) -> Floats:
    """Return values at ages some years (rounded) above each age; the oldest above the last."""
    found: Floats = values[np.clip(AGES + int(np.floor(years + 0.5)), 0, N_AGES - 1)]
    return found


def union_rates(partnered: Floats, death: Floats, dissolution: Floats, age_gap: float) -> Floats:
    """Return the probabilities to form a union under which the partnered shares by age stay.

    Who is partnered at an age and not lost to death of the partner or dissolution is partnered a
    year later; the rest of the share a year later must have formed a union. Where the share falls
    faster than partners are lost, nobody forms one.

    Parameters
    ----------
    partnered
        Shape (2, 121): share living with a partner by sex and age.
    death
        Shape (n_steps, 2, 121).
    dissolution
        Shape (n_steps, 121), by the age of the wife.
    age_gap
        Husband's age less the wife's, years; rounded to whole years here.

    Returns
    -------
    Floats
        Shape (n_steps, 2, 121).
    """
    gap = int(np.floor(age_gap + 0.5))
    husband = np.clip(AGES + gap, 0, N_AGES - 1)
    wife = np.clip(AGES - gap, 0, N_AGES - 1)
    partner_dies = np.stack([death[:, 1][:, wife], death[:, 0][:, husband]], axis=1)
    dissolved = np.stack([dissolution[:, wife], dissolution], axis=1)
    kept = partnered * (1.0 - partner_dies) * (1.0 - dissolved)
    single = 1.0 - partnered
    wanted = next_age(partnered) - kept
    rates = np.divide(
        wanted, single, out=np.zeros_like(wanted), where=(single > 0.0) & (wanted > 0)
    )
    found: Floats = np.minimum(rates, 1.0)
    return found


def leaving_rates(
    with_mother: Floats, partnered: Floats, union: Floats, mothers_death: Floats
) -> Floats:
    """Return probabilities to leave home under which the shares at home by age stay.

    The unpartnered at home at an age, less those who form a union, lose the mother or leave, are
    the unpartnered at home a year later; the unpartnered of then include those whose union ended.

    Parameters
    ----------
    with_mother
        Shape (2, 121): share of unpartnered adults living with their mother.
    partnered, union
        Shape (2, 121): share living with a partner, and probability to form a union.
    mothers_death
        Shape (121,): probability that the mother of somebody of the age dies in a year.

    Returns
    -------
    Floats
        Shape (2, 121); 0 below 18 and where the share rises, flat from 50 on.
    """
    home = (1.0 - partnered) * with_mother
    left_over = home * (1.0 - union) * (1.0 - mothers_death)
    later = next_age(home)
    stays = np.divide(later, left_over, out=np.ones_like(later), where=left_over > 0.0)
    rates = np.where(stays < 1.0, 1.0 - stays, 0.0)
    rates[:, :ADULT] = 0.0
    rates[:, LAST_LEAVING:] = rates[:, LAST_LEAVING - 1 : LAST_LEAVING]
    return rates


def onset_rates(disabled: Floats, recovery: float) -> Floats:
    """Return probabilities to become disabled under which the shares by age stay.

    Those who are disabled die like others. Newborns are not disabled: at age 0 the whole share of
    age 1 comes. Where the share falls faster than people recover, nobody becomes disabled.

    Parameters
    ----------
    disabled
        Shape (121,): share by age.
    recovery
        Probability a year to recover.

    Returns
    -------
    Floats
        Shape (121,).
    """
    start = disabled.copy()
    start[0] = 0.0
    wanted = next_age(disabled) - start * (1.0 - recovery)
    able = 1.0 - start
    rates: Floats = np.divide(
        wanted, able, out=np.zeros_like(wanted), where=(able > 0.0) & (wanted > 0.0)
    )
    return rates


def partnered_shares(parameters: Parameters) -> Floats:
    """Return the share living with a partner by sex and age, shape (2, 121)."""
    return rows_by_sex(parameters.blocks["structure.partnered"]["rows"])


def shares_with_mother(parameters: Parameters) -> Floats:
    """Return the share of unpartnered adults living with their mother, shape (2, 121)."""
    return rows_by_sex(parameters.blocks["structure.with_parents"]["rows"])


def disabled_shares(parameters: Parameters) -> Floats:
    """Return the share with a severe disability by age, shape (121,)."""
    return rows_at_ages(parameters.blocks["structure.severe_disability"]["rows"])
