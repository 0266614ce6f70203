"""Shares of the employment statuses by sex and age: in the first year, and where they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.mortality import exps
from microsim.dynamics.tables import N_AGES, N_STATUSES
from microsim.errors import Fault, InputError
from microsim.population.columns import EMPLOYMENT_STATUS

Floats = npt.NDArray[np.float64]
WORKING_AGE = 15
UNEMPLOYED = EMPLOYMENT_STATUS.index("unemployed")
EMPLOYED = slice(1, UNEMPLOYED)
FORCE = slice(1, UNEMPLOYED + 1)
FORMAL, EMPLOYEES = slice(1, 3), slice(1, 4)
GROUP_STARTS = tuple(range(WORKING_AGE, 81, 5))  # the last is 80 and over
REACH = 4  # ages on either side that count in smoothing
RAKINGS = 60
HALVINGS = 60
WIDEST = 30.0  # of a change of log odds


def total(values: Floats) -> float:
    """Return the sum of all cells, in order."""
    return float(np.cumsum(values)[-1]) if values.size else 0.0


def smoothed(counts: Floats, reach: int = REACH) -> Floats:
    """Return sums over neighbouring ages, the nearer the heavier. Shape (..., n_ages, n)."""
    found = np.zeros(counts.shape)
    n_ages = counts.shape[-2]
    for step in range(-reach, reach + 1):
        weight = float(reach + 1 - abs(step))
        to = slice(max(0, -step), n_ages - max(0, step))
        of = slice(max(0, step), n_ages - max(0, -step))
        found[..., to, :] += weight * counts[..., of, :]
    return found


def first_shares(persons: Floats) -> Floats:
    """Return the shares of statuses by sex and single age that a population file implies.

    Shares are smoothed over ages and then made to add up to the persons of each status in every
    5-year age group (the last is 80 and over), so that the first step finds everybody in place.
    Ages that nobody has take the shares of the nearest lower age that somebody has.

    Parameters
    ----------
    persons
        Shape (2, 121, 13): persons by sex, age and status.

    Returns
    -------
    Floats
        Shape (2, 121, 13); all are under working age below 15, and nobody after.
    """
    counts = persons[:, WORKING_AGE:].copy()
    counts[..., 0] = 0.0
    by_age = np.cumsum(counts, axis=-1)[..., -1:]
    shares = _rows_to_one(_filled(smoothed(counts)))
    starts = [age - WORKING_AGE for age in GROUP_STARTS]
    sizes = np.diff([*starts, N_AGES - WORKING_AGE])
    wanted = np.add.reduceat(counts, starts, axis=1)
    for _ in range(RAKINGS):
        reached = np.add.reduceat(by_age * shares, starts, axis=1)
        factor = np.divide(wanted, reached, out=np.ones_like(wanted), where=reached > 0.0)
        shares = _rows_to_one(shares * np.repeat(factor, sizes, axis=1))
    found = np.zeros((2, N_AGES, N_STATUSES))
    found[:, :WORKING_AGE, 0] = 1.0
    found[:, WORKING_AGE:] = shares
    return found


def _filled(counts: Floats) -> Floats:
    """Return counts where every age has some, taken from the nearest age below, else above."""
    found = counts.copy()
    there = np.cumsum(counts, axis=-1)[..., -1] > 0.0
    for sex in range(2):
        ages = np.flatnonzero(there[sex])
        for age in np.flatnonzero(~there[sex]):
            below = ages[ages < age]
            found[sex, age] = counts[sex, below[-1] if below.size else ages[0]]
    return found


def _rows_to_one(values: Floats) -> Floats:
    shares: Floats = values / np.cumsum(values, axis=-1)[..., -1:]
    return shares


@dataclass(frozen=True)
class Changes:
    """What moves the shares, each of shape (n_years,) and counted from the first year.

    Attributes
    ----------
    participation
        Shape (2, n_years): change of the participation rate of men and women at 15 and over, at
        the ages of the first year.
    unemployment
        Change of the unemployment rate, at the ages of the first year.
    formal_share
        Change of the share of formal work among employees, at the ages of the first year; or None.
    formal_jobs
        Formal employees relative to the first year, at the ages of each year; or None.
    retirement_age
        Age of retirement in whole years, the first that of the population file; or None.
    """

    participation: Floats
    unemployment: Floats
    formal_share: Floats | None
    formal_jobs: Floats | None
    retirement_age: Floats | None = None


def paths(first: Floats, population: Floats, changes: Changes, first_year: int) -> Floats:
    """Return the shares of every year.

    Each rate moves by the same change of its odds at every age, so that it stays a rate.

    Parameters
    ----------
    first
        Shape (2, 121, 13).
    population
        Shape (n_years, 2, 121): persons by sex and age.
    changes
        What moves.
    first_year
        For messages.

    Raises
    ------
    InputError
        A change leads to a rate that nobody can have (below 0 or above 1).
    """
    found = np.empty((len(population), *first.shape))
    people = population[0][..., None]
    for t in range(len(population)):
        year = first_year + t
        shares = first.copy()
        if changes.retirement_age is not None:
            ages = changes.retirement_age[[0, t]].astype(np.int64)
            shares = retiring_at(shares, population[0], int(ages[0]), int(ages[1]))
        for sex, word in enumerate(("men", "women")):
            change = float(changes.participation[sex, t])
            weights = (people * np.ones(N_STATUSES))[sex : sex + 1]
            part = shares[sex : sex + 1]
            shares[sex : sex + 1] = _moved(
                part, FORCE, slice(1, N_STATUSES), weights, change, f"participation of {word}", year
            )
        change = float(changes.unemployment[t])
        unemployed = slice(UNEMPLOYED, UNEMPLOYED + 1)
        shares = _moved(shares, unemployed, FORCE, people, change, "the unemployment rate", year)
        found[t] = _with_formal(shares, first, population, changes, t, year)
    return found


def retiring_at(shares: Floats, population: Floats, before: int, after: int) -> Floats:
    """Return shares under another age of retirement.

    Between the two ages people are as they are in the five years on the other side of the old one:
    at work up to a later age as just below the old, retired from an earlier age as just above it.

    Parameters
    ----------
    shares
        Shape (2, 121, 13).
    population
        Shape (2, 121): persons, the weights of the mean over five years.
    before, after
        The old and the new age, years.
    """
    if before == after:
        return shares
    like = slice(before - 5, before) if after > before else slice(before, before + 5)
    weights = population[:, like, None] + 1e-9  # an age nobody has still counts a little
    sums = np.cumsum(weights * shares[:, like], axis=1)[:, -1]
    found = shares.copy()
    found[:, min(before, after) : max(before, after)] = _rows_to_one(sums)[:, None]
    return found


def _with_formal(
    shares: Floats, first: Floats, population: Floats, changes: Changes, t: int, year: int
) -> Floats:
    """Return shares with formal work moved, as a share of employees or in jobs."""
    word = "the share of formal work among employees"
    if changes.formal_share is not None:
        people = population[0][..., None]
        return _moved(shares, FORMAL, EMPLOYEES, people, float(changes.formal_share[t]), word, year)
    if changes.formal_jobs is None or t == 0:
        return shares
    people = population[t][..., None]
    jobs = total(population[0][..., None] * first[..., FORMAL]) * float(changes.formal_jobs[t])
    employees = total(people * shares[..., EMPLOYEES])
    now = total(people * shares[..., FORMAL])
    change = (jobs - now) / employees if employees > 0.0 else 0.0
    return _moved(shares, FORMAL, EMPLOYEES, people, change, word, year)


def _moved(
    shares: Floats, part: slice, whole: slice, people: Floats, change: float, what: str, year: int
) -> Floats:
    """Return shares in which `part` of `whole` changed by `change` on average over people."""
    if change == 0.0:
        return shares
    inside = np.cumsum(shares[..., part], axis=-1)[..., -1]
    all_of = np.cumsum(shares[..., whole], axis=-1)[..., -1]
    weights = people[..., 0] * all_of
    weights[..., :WORKING_AGE] = 0.0
    rate = np.divide(inside, all_of, out=np.zeros_like(inside), where=all_of > 0.0)
    before = total(weights * rate) / total(weights) if total(weights) > 0.0 else 0.0
    wanted = before + change
    movable = weights * (rate > 0.0) * (rate < 1.0)
    fixed = total(weights * rate * (rate >= 1.0)) / total(weights) if total(weights) > 0.0 else 0.0
    room = total(movable) / total(weights) if total(weights) > 0.0 else 0.0
    if not fixed < wanted < fixed + room:
        found = f"{wanted:.4f} ({before:.4f} and a change of {change:+.4f})"
        expected = f"between {fixed:.4f} and {fixed + room:.4f}"
        raise InputError(Fault("labour", f"{what} in {year}", found, expected))
    moved = _shifted(rate, weights, wanted)
    up = np.divide(moved, rate, out=np.ones_like(rate), where=rate > 0.0)
    down = np.divide(1.0 - moved, 1.0 - rate, out=np.ones_like(rate), where=rate < 1.0)
    found_shares = shares.copy()
    found_shares[..., whole] *= down[..., None]
    found_shares[..., part] = shares[..., part] * up[..., None]
    return found_shares


def _shifted(rate: Floats, weights: Floats, wanted: float) -> Floats:
    """Return rates whose odds are all multiplied by what brings their mean to `wanted`."""
    low, high = -WIDEST, WIDEST
    moved = rate
    whole = total(weights)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        odds = rate * float(exps(np.array([middle]))[0])
        moved = odds / (1.0 - rate + odds)
        if total(weights * moved) / whole < wanted:
            low = middle
        else:
            high = middle
    return moved
