"""Incomes from work: a level by status, sex and age, a part for life, and one that passes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import embedded, inlined, kernel
from microsim.kernels.lives_choice import draw_rows
from microsim.kernels.lives_statuses import N_STATUSES
from microsim.kernels.transcendental import exp, log, normal_quantile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

FIRST_EMPLOYEE, LAST_EMPLOYEE, LAST_EARNER, LAST_AT_WORK = 1, 3, 5, 6
N_SECTORS = 4
SMALLEST_UNIFORM = 1.0 / 9007199254740992.0


@embedded
def is_at_work(status: int) -> bool:
    """Tell whether a status is one of those at work."""
    return (status >= FIRST_EMPLOYEE) & (status <= LAST_AT_WORK)


@inlined
def normal_of(u: float) -> float:
    """Return the normal number of a uniform one; 0 counts as the smallest above it, 2**-53."""
    return normal_quantile(max(u, SMALLEST_UNIFORM))


@kernel
def lasting_scores(keys: Keys, stream: np.uint64, decision: int) -> Floats:
    """Return a standard normal number for life of each person. Shape (n,)."""
    scores = np.empty(keys.shape[0], np.float64)
    for i in range(keys.shape[0]):
        scores[i] = uniform_of_stream(keys[i], stream, decision, 0, 0)
    for i in range(keys.shape[0]):
        scores[i] = normal_of(scores[i])
    return scores


@kernel
def decompose(
    status: Bytes, sex: Bytes, age: Bytes, earnings: Floats, own_income: Floats, log_level: Floats,
    age_profile: Floats, sigma_permanent: Floats, sigma_transitory: Floats, wage: float,
    score: Floats, shock: Floats, permanent: Floats,
) -> None:  # fmt: skip
    """Split what the first year's earnings are off their level into a lasting and a passing part.

    Given their sum e, the lasting part is normal with mean e s and variance s t**2, where p and t
    are the two standard deviations and s = p**2 / (p**2 + t**2); the person's lasting score draws
    it. So the two parts add up to what was observed, and have the variances of the tables.

    Parameters
    ----------
    earnings, own_income
        Shape (n,), currency units per month: of employees, of the self-employed.
    wage
        Average wage of the first year, currency units per month.
    score
        Shape (n,): standard normal; of those with earnings it becomes the lasting part over p.
    shock, permanent
        Shape (n,): filled in, passing part over t, and lasting part.
    """
    for i in range(status.shape[0]):
        own = status[i]
        p, t = sigma_permanent[own], sigma_transitory[own]
        income = earnings[i] if own <= LAST_EMPLOYEE else own_income[i]
        if FIRST_EMPLOYEE <= own <= LAST_EARNER and income > 0.0:
            e = log(income / wage) - log_level[own, sex[i]] - age_profile[sex[i], age[i]]
            weight = p * p / (p * p + t * t) if p > 0.0 else 0.0
            lasting = weight * e + math.sqrt(weight) * t * score[i]
            score[i] = lasting / p if p > 0.0 else score[i]
            shock[i] = (e - lasting) / t if t > 0.0 else 0.0
        permanent[i] = p * score[i]


@kernel
def pass_on(
    status: Bytes, before: Bytes, sex: Bytes, age: Bytes, keys: Keys, stream: np.uint64,
    decision: int, year: int, log_level: Floats, age_profile: Floats, sigma_permanent: Floats,
    sigma_transitory: Floats, rho: Floats, wage: float, growth: float, score: Floats,
    shock: Floats, earnings: Floats, own_income: Floats, permanent: Floats,
) -> None:  # fmt: skip
    """Bring incomes from work to the new year.

    Employees have earnings, own-account workers own income: average wage x exp(level + profile +
    lasting part + passing part); the passing part x is rho x + sqrt(1 - rho**2) z while a person
    earns, and drawn anew on entry. The other of the two incomes, and what persons out of work
    earn, moves with the average wage as long as the status stays, and is 0 after a change. Who
    stays in a status in which the data show no income keeps none.

    Parameters
    ----------
    status, before
        Shape (n,), status now and the year before.
    wage, growth
        Average wage now, currency units per month, and over that of the year before.
    score, shock, earnings, own_income, permanent
        Shape (n,), of the year before; brought up to date.
    """
    n = status.shape[0]
    rows, kept, u = np.empty(n, np.int32), np.empty(n, np.uint64), np.empty(n, np.float64)
    m = 0
    for i in range(n):
        own, same = status[i], status[i] == before[i]
        rows[m] = i
        employee = FIRST_EMPLOYEE <= own <= LAST_EMPLOYEE
        main = earnings[i] if employee else own_income[i]
        earns = FIRST_EMPLOYEE <= own <= LAST_EARNER and not (same and main == 0.0)
        m += earns
        scale = growth if same else 0.0
        earnings[i] *= scale
        own_income[i] *= scale
        permanent[i] = sigma_permanent[own] * score[i]
        shock[i] = shock[i] if FIRST_EMPLOYEE <= own <= LAST_EARNER else 0.0
    draw_rows(rows, m, keys, stream, decision, year, kept, u)
    for j in range(m):
        i = rows[j]
        own = status[i]
        z = normal_of(u[j])
        if FIRST_EMPLOYEE <= before[i] <= LAST_EARNER:
            r = rho[own]
            shock[i] = r * shock[i] + math.sqrt(1.0 - r * r) * z
        else:
            shock[i] = z
        e = permanent[i] + sigma_transitory[own] * shock[i]
        income = wage * exp(log_level[own, sex[i]] + age_profile[sex[i], age[i]] + e)
        if own <= LAST_EMPLOYEE:
            earnings[i] = income
        else:
            own_income[i] = income


@kernel
def take_sectors(
    starts: Ints, status: Bytes, before: Bytes, keys: Keys, stream: np.uint64, decision: int,
    year: int, sector: Bytes,
) -> None:  # fmt: skip
    """Give who enters work a sector, as those at work in the market have it; others lose theirs.

    Drawn from the sectors of those who stay at work, in the market and status, or in the market
    where the status has none; without any it stays "none".
    """
    counts = np.empty((N_STATUSES, N_SECTORS), np.int64)
    for market in range(starts.shape[0] - 1):
        counts[:] = 0
        for i in range(starts[market], starts[market + 1]):
            stays = is_at_work(status[i]) & is_at_work(before[i])
            counts[status[i], sector[i]] += stays  # no branch to guess wrongly
        counts[:, 0] = 0
        everywhere = counts.sum(axis=0)
        for i in range(starts[market], starts[market + 1]):
            if status[i] == before[i]:
                continue
            if not is_at_work(status[i]):
                sector[i] = 0
            elif not is_at_work(before[i]):
                some = counts[status[i]] if counts[status[i]].sum() > 0 else everywhere
                left = uniform_of_stream(keys[i], stream, decision, year, 0) * some.sum()
                sector[i] = 0
                for code in range(1, N_SECTORS):
                    if sector[i] == 0 and left < some[code]:
                        sector[i] = code
                    left -= some[code]
