"""What a population file says of its own year: persons, statuses and incomes by sex and age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.dynamics.mortality import logs
from microsim.dynamics.tables import N_AGES, N_STATUSES
from microsim.errors import Fault, InputError
from microsim.population.columns import EMPLOYMENT_STATUS, SEX
from microsim.population.store import PopulationReader

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SLICE_HOUSEHOLDS = 500_000  # read at a time, so that memory stays bounded
COLUMNS = ("weight", "age", "sex", "employment_status", "earnings", "self_employment_income")
EMPLOYEES = (1, 2, 3)
FORMAL_EMPLOYEES = (1, 2)
OWN_ACCOUNT = (4, 5)
_SHAPE = (len(SEX), N_AGES, N_STATUSES)
_N_CELLS = len(SEX) * N_AGES * N_STATUSES


@dataclass(frozen=True)
class BaseYear:
    """Weighted sums over the persons of a population file.

    Attributes
    ----------
    persons
        Shape (2, 121, 13): persons by sex, age and employment status.
    earners, log_sum, square_sum
        Same shape: persons with an income from their status; sums of its logarithm relative to
        the average wage, and of its square.
    average_wage
        Of formal employees with a wage, currency units per month.
    """

    persons: Floats
    earners: Floats
    log_sum: Floats
    square_sum: Floats
    average_wage: float

    @property
    def population(self) -> Floats:
        """Return persons by sex and age, shape (2, 121)."""
        total: Floats = np.cumsum(self.persons, axis=-1)[..., -1]
        return total


def base_year(reader: PopulationReader) -> BaseYear:
    """Return the sums of a population file, read in slices.

    Raises
    ------
    InputError
        Nobody in the file is a formal employee with a wage, or a sex has nobody of working age.
    """
    sums = [np.zeros(_N_CELLS) for _ in range(4)]
    wages = np.zeros(2)
    for first in range(0, reader.n_households, SLICE_HOUSEHOLDS):
        last = min(first + SLICE_HOUSEHOLDS, reader.n_households)
        part = reader.read(first, last, COLUMNS)
        weight = np.repeat(part.households["weight"].astype(np.float64), part.households["size"])
        columns = {name: values.astype(np.int64) for name, values in part.persons.items()
                   if name in ("age", "sex", "employment_status")}  # fmt: skip
        amount = incomes(
            columns["employment_status"], part.persons["earnings"],
            part.persons["self_employment_income"],
        )  # fmt: skip
        cell = (columns["sex"] * N_AGES + columns["age"]) * N_STATUSES
        cell += columns["employment_status"]
        earns = amount > 0.0
        relative = np.where(earns, logs(np.where(earns, amount, 1.0)), 0.0)
        counted = np.where(earns, weight, 0.0)
        logged = weight * relative
        for total, value in zip(sums, (weight, counted, logged, logged * relative), strict=True):
            total += np.bincount(cell, weights=value, minlength=_N_CELLS)
        formal = np.isin(columns["employment_status"], FORMAL_EMPLOYEES) & earns
        wages[0] += float(np.cumsum(np.where(formal, weight, 0.0))[-1])
        wages[1] += float(np.cumsum(np.where(formal, weight * amount, 0.0))[-1])
    if wages[0] == 0.0:
        what = "the population has no formal employee with a wage: no average wage to start from"
        raise InputError(Fault(str(reader.path), what, "", "at least one"))
    average = float(wages[1] / wages[0])
    persons, earners, log_sum, square_sum = (total.reshape(_SHAPE) for total in sums)
    shift = float(logs(np.array([average]))[0])
    # Sums of logarithms relative to the average wage, from those of the amounts themselves.
    square_sum = square_sum - 2.0 * shift * log_sum + shift * shift * earners
    _check_sexes(persons, reader)
    return BaseYear(persons, earners, log_sum - shift * earners, square_sum, average)


def incomes(status: Ints, earnings: Floats, own: Floats) -> Floats:
    """Return what the employment status earns: a wage, or the income of the own account.

    Parameters
    ----------
    status, earnings, own
        Shape (n_persons,); amounts in currency units per month.
    """
    employed = np.isin(status, EMPLOYEES)
    of_own: Floats = np.where(np.isin(status, OWN_ACCOUNT), own, 0.0)
    return np.where(employed, earnings, of_own)


def _check_sexes(persons: Floats, reader: PopulationReader) -> None:
    adults = persons[:, 15:, 1:].reshape(len(SEX), -1).sum(axis=1)
    for sex in np.flatnonzero(adults <= 0.0):
        what = f"the population has no {SEX[int(sex)]} person of working age with a status"
        found = ", ".join(EMPLOYMENT_STATUS[:3]) + " ..."
        raise InputError(Fault(str(reader.path), what, "", f"employment_status ({found})"))
