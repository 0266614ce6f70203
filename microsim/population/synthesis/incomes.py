"""What people earn: wages that add up to the wage bill, own-account incomes, pensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.kernels.transcendental import exp_array, log_array, normal_quantile_array
from microsim.population.synthesis.labour import SECTOR_CODE, STATUS, Persons
from microsim.population.synthesis.parameters import Parameters
from microsim.population.synthesis.people import Draws, Floats, Ints, choose

FORMAL = ("formal public employee", "formal private employee")


@dataclass(frozen=True)
class Incomes:
    """Incomes of persons, shape (n_persons,), currency units per month."""

    earnings: Floats
    self_employment_income: Floats
    pension_income: Floats


def mean_of(values: Floats, weights: Floats) -> float:
    """Return the weighted mean, summed in row order; 0 of nothing."""
    if values.size == 0:
        return 0.0
    return float(np.cumsum(values * weights)[-1] / np.cumsum(weights)[-1])


def assign_incomes(
    persons: Persons,
    status: Ints,
    sector: Ints,
    weights: Floats,
    average_wage: float,
    n_pensioners: int,
    parameters: Parameters,
    draws: Draws,
) -> tuple[Incomes, Ints]:
    """Return incomes, and status with pensioners out of work marked as retired.

    Parameters
    ----------
    weights
        Shape (n_persons,).
    average_wage
        Of formal employees, currency units per month; met exactly.
    n_pensioners
        Persons in the sample with a contributory pension.
    """
    relative = parameters.blocks["incomes.relative"]
    dispersion = parameters.blocks["incomes.dispersion"]
    earnings, own = np.zeros(status.size), np.zeros(status.size)
    pension = np.zeros(status.size)
    shape = _shape(persons, sector, relative)
    public = np.where(status == STATUS["formal public employee"], float(relative["public"]), 1.0)
    groups = (
        (earnings, FORMAL, 1.0, "formal"),
        (earnings, ("informal employee",), relative["informal_employee"], "informal"),
        (own, ("formal own-account",), relative["formal_own_account"], "own_account"),
        (own, ("informal own-account",), relative["informal_own_account"], "own_account"),
    )
    for column, labels, level, spread in groups:
        rows = np.flatnonzero(np.isin(status, [STATUS[label] for label in labels]))
        amount = shape[rows] * public[rows] * _lognormal(float(dispersion[spread]), draws, rows)
        column[rows] = _to_mean(amount, weights[rows], float(level) * average_wage)
    if parameters.has("incomes.wage_bands"):
        rows = np.flatnonzero(np.isin(status, [STATUS[label] for label in FORMAL]))
        block = parameters.blocks["incomes.wage_bands"]
        banded = wages_in_bands(earnings[rows], weights[rows], block["rows"], float(block["mean"]))
        earnings[rows] = _to_mean(banded, weights[rows], average_wage)
    status, pensioners = _choose_pensioners(persons, status, n_pensioners, parameters, draws)
    amount = _lognormal(float(dispersion["pension"]), draws, pensioners)
    level = float(relative["pension"]) * average_wage
    pension[pensioners] = _to_mean(amount, weights[pensioners], level)
    return Incomes(earnings, own, pension), status


def wages_in_bands(wages: Floats, weights: Floats, bands: list[list[float]], mean: float) -> Floats:
    """Return wages with the same ranks that follow a published table of wage bands.

    Within a closed band the logarithm is uniform; the open band is a Pareto tail whose exponent
    makes the mean that of the table's year.

    Parameters
    ----------
    wages, weights
        Shape (n,), in any unit.
    bands
        Rows `[lower edge, persons]`; the last band is open.
    mean
        Mean wage of the table's year, in the unit of the edges.
    """
    edges = np.array([band[0] for band in bands])
    share = np.array([band[1] for band in bands])
    share = share / float(np.cumsum(share)[-1])
    upper = np.cumsum(share)
    logs = log_array(edges)
    steps = logs[1:] - logs[:-1]
    below = float(np.cumsum(share[:-1] * (edges[1:] - edges[:-1]) / steps)[-1])
    top_mean = max((mean - below) / share[-1], 1.02 * edges[-1])
    exponent = top_mean / (top_mean - edges[-1])
    order = np.argsort(wages, kind="stable")
    passed = np.cumsum(weights[order])
    rank = (passed - weights[order] / 2.0) / passed[-1]
    inside = np.interp(rank, np.r_[0.0, upper[:-1]], logs)
    left = np.minimum(share[-1] / (1.0 - rank), 1e12)
    tail = logs[-1] + log_array(np.maximum(left, 1.0)) / exponent
    moved = np.empty(wages.size)
    moved[order] = exp_array(np.where(rank < upper[-2], inside, tail))
    return moved


def _shape(persons: Persons, sector: Ints, relative: dict[str, float]) -> Floats:
    """Return relative earnings by sex, sector and age (a hump that peaks at 45)."""
    from_peak = (np.clip(persons.age, 15, 70) - 45) / 40.0
    shape = 1.0 - 0.7 * from_peak * from_peak
    shape = shape * np.where(persons.female, float(relative["women"]), 1.0)
    farm = sector == SECTOR_CODE["agriculture"]
    shape = shape * np.where(farm, float(relative["agriculture"]), 1.0)
    return shape * np.where(persons.urban, 1.15, 0.9)


def _lognormal(deviation: float, draws: Draws, rows: Ints) -> Floats:
    u = draws.uniform("income rank", rows) * (1.0 - 2e-6) + 1e-6
    return exp_array(deviation * normal_quantile_array(u))


def _to_mean(amount: Floats, weights: Floats, mean: float) -> Floats:
    if amount.size == 0:
        return amount
    return amount * (mean / mean_of(amount, weights))


def _choose_pensioners(
    persons: Persons, status: Ints, count: int, parameters: Parameters, draws: Draws
) -> tuple[Ints, Ints]:
    block = "incomes.pensions" if parameters.has("incomes.pensions") else "incomes.pensioners"
    old_enough = persons.age >= parameters.number(block, "from_age")
    formal = np.isin(status, [STATUS["formal public employee"], STATUS["formal private employee"]])
    rows = np.flatnonzero(old_enough)
    score = draws.uniform("pensioner", rows) - 0.3 * persons.urban[rows]
    score = score + 0.2 * persons.female[rows]
    score = score + 0.3 * (status[rows] != STATUS["retired"]) + 9.0 * formal[rows]
    chosen = rows[choose(score, count)]
    status = status.copy()
    # A pensioner who works or seeks work stays in the labour force.
    inactive = np.isin(status[chosen], [STATUS["other inactive"], STATUS["home duties"]])
    status[chosen[inactive]] = STATUS["retired"]
    return status, chosen
