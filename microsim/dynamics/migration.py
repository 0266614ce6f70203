"""Migration by sex and age: what balances the population, or a published total by a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.mortality import exps
from microsim.dynamics.tables import N_AGES
from microsim.errors import Fault, InputError
from microsim.population.columns import SEX

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BALANCE = (
    "what leads from the population of the first year to the published one of each decade, by sex "
    "and 5-year age group, spread evenly over the years between; within a decade the total moves "
    "up and down as published, by ages like the standard schedule of Rogers and Castro; it holds "
    "what deaths and births by these rates miss, too"
)
SCHEDULE = (
    "published net migration of the year; by age like the standard schedule of Rogers and Castro "
    "(Model Migration Schedules, 1981; parameters from knowledge), both sexes alike"
)
# Rogers and Castro (1981), simplified basic standard: childhood, labour force, constant.
ROGERS_CASTRO: Mapping[str, float] = {
    "a1": 0.02, "alpha1": 0.10, "a2": 0.06, "alpha2": 0.10, "mu2": 20.0, "lambda2": 0.40,
    "c": 0.003,
}  # fmt: skip
GROUP_STARTS = tuple(range(0, 101, 5))


@dataclass(frozen=True)
class Flows:
    """Migration of one step.

    Attributes
    ----------
    emigration
        Shape (2, 121): probability to leave, by age at the start, of one who survives the step.
    immigrants
        Shape (2, 121): persons, by age at the end.
    """

    emigration: Floats
    immigrants: Floats


def aged(persons: Floats) -> Floats:
    """Return persons by sex and age a year later: all one older, the oldest stay, none at 0.

    Parameters
    ----------
    persons
        Shape (2, 121).
    """
    older = np.zeros(persons.shape)
    older[:, 1:] = persons[:, :-1]
    older[:, -1] += persons[:, -1]
    return older


def group_sums(persons: Floats) -> Floats:
    """Return persons by sex and 5-year age group, shape (2, 21); the last is 100 and over."""
    sums: Floats = np.add.reduceat(persons, GROUP_STARTS, axis=-1)
    return sums


def group_of_age() -> Ints:
    """Return the 5-year age group of each age, shape (121,)."""
    groups: Ints = np.minimum(np.arange(N_AGES), GROUP_STARTS[-1]) // 5
    return groups


def net_rates(unmoved: Floats, target: Floats, steps_left: int, year: int) -> Floats:
    """Return the net migration of a step per survivor, which leads to the population of a year.

    What a group lacks at that year is spread evenly over the steps in which its members can move:
    all that are left, or those after the step of their birth.

    Parameters
    ----------
    unmoved
        Shape (2, 121): persons at that year, by age then, if nobody moved from now on.
    target
        Same shape: persons wanted at that year; only sums of 5-year groups are met.
    steps_left
        Steps to that year, this one included.
    year
        That year, for messages.

    Returns
    -------
    Floats
        Shape (2, 121), by age at the START of this step.

    Raises
    ------
    InputError
        More would have to leave than there are: births and deaths do not fit the population.
    """
    movable = unmoved.copy()
    movable[:, 0] = 0.0  # born in the last step
    lacking = group_sums(target) - group_sums(unmoved)
    there = group_sums(movable)
    if bool((-lacking > there).any()):
        sex, group = np.argwhere(-lacking > there)[0].tolist()
        who = f"{SEX[sex]}, {GROUP_STARTS[group]} to {GROUP_STARTS[group] + 4}"
        what = f"migration cannot lead to the population of {year} ({who})"
        found = f"{-lacking[sex, group]:.0f} would leave of {there[sex, group]:.0f}"
        remedy = "Take migration from the open data or from a file."
        raise InputError(Fault("migration", what, found, "births and deaths that fit it", remedy))
    gain = np.divide(lacking, there, out=np.zeros_like(lacking), where=there > 0.0)
    age_then = np.minimum(np.arange(N_AGES) + steps_left, N_AGES - 1)
    return gain[:, group_of_age()[age_then]] / steps_left


def by_net_rates(survivors: Floats, rates: Floats, extra: float, relative: Floats) -> Flows:
    """Return migration at net rates, and an extra total by the schedule.

    Parameters
    ----------
    survivors
        Shape (2, 121): persons by age at the start who do not die in the step.
    rates
        Shape (2, 121): of `net_rates`.
    extra
        Persons to come (or to leave, below 0) on top.
    relative
        Shape (121,): the schedule.
    """
    weights = survivors * relative
    whole = float(np.cumsum(weights)[-1])
    net = rates + extra / whole * relative
    return Flows(np.maximum(-net, 0.0), aged(survivors * np.maximum(net, 0.0)))


def schedule(parameters: Mapping[str, float] = ROGERS_CASTRO) -> Floats:
    """Return the relative rate of migration by age, shape (121,), adding up to 1.

    Parameters
    ----------
    parameters
        Of the schedule of Rogers and Castro with seven parameters.
    """
    age: Floats = np.arange(N_AGES, dtype=np.float64) + 0.5
    p = parameters
    from_peak: Floats = age - p["mu2"]
    work = p["a2"] * exps(-p["alpha2"] * from_peak - exps(-p["lambda2"] * from_peak))
    rates = p["a1"] * exps(-p["alpha1"] * age) + work + p["c"]
    shares: Floats = rates / np.cumsum(rates)[-1]
    return shares


def taken_along(leaving: Floats, women: Floats, birth: Floats) -> float:
    """Return the share of the newborns whose mothers leave the country in the step.

    Parameters
    ----------
    leaving, women
        Shape (121,): women who leave, and all women, by age at the start.
    birth
        Shape (121,): births per woman.
    """
    born = float(np.cumsum(women * birth)[-1])
    return float(np.cumsum(leaving * birth)[-1]) / born if born > 0.0 else 0.0


def by_schedule(survivors: Floats, children: Floats, net: float, relative: Floats) -> Flows:
    """Return migration of a given net total.

    Who leaves does so at rates like the schedule; who comes is distributed over ages like it.

    Parameters
    ----------
    survivors
        Shape (2, 121): persons by age at the start who do not die in the step.
    children
        Shape (121,): newborns alive at the end per woman of the age, who go with their mothers.
    net
        Immigrants less emigrants of the step, persons.
    relative
        Shape (121,): the schedule.
    """
    nobody = np.zeros(survivors.shape)
    if net >= 0.0:
        return Flows(nobody, nobody + 0.5 * net * relative)
    rates = nobody + relative
    leaving = survivors * rates
    with_children = float(np.cumsum(leaving[1] * children)[-1])
    scale = -net / (float(np.cumsum(leaving)[-1]) + with_children)
    return Flows(rates * scale, nobody)
