"""What work pays, estimated from a population file; and the path of the average wage."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from microsim.dynamics.base_year import EMPLOYEES, OWN_ACCOUNT, BaseYear
from microsim.dynamics.labour_paths import smoothed
from microsim.dynamics.tables import N_AGES, N_STATUSES, Earnings

Floats = npt.NDArray[np.float64]
Reader = Callable[[str, int], float]
ROUNDS = 20
REACH = 6  # ages on either side that count in the age profile
EARNING = (*EMPLOYEES, *OWN_ACCOUNT)


def earnings_of(
    base: BaseYear, permanent_share: float, persistence: float, wage_level: Floats
) -> Earnings:
    """Return levels by status and sex, a smooth age profile by sex, and the spread of the rest.

    Parameters
    ----------
    base
        Sums of the population file.
    permanent_share
        Share of the variance within a status (levels and ages taken out) that stays for life.
    persistence
        Correlation of the rest from one year to the next.
    wage_level
        Shape (n_steps + 1,): average wage relative to the first year, nominal.

    Returns
    -------
    Earnings
        0 for statuses that earn nothing or that nobody has; a status only one sex has in the file
        has the same level for the other.
    """
    weight = np.transpose(base.earners, (2, 0, 1))  # status, sex, age
    sums = np.transpose(base.log_sum, (2, 0, 1))
    squares = np.transpose(base.square_sum, (2, 0, 1))
    level, profile = np.zeros((N_STATUSES, 2)), np.zeros((2, N_AGES))
    for _ in range(ROUNDS):
        level = _ratio(_over(sums - weight * profile, -1), _over(weight, -1))
        profile = _age_profile(sums - weight * level[..., None], weight)
    level = _of_both_where_missing(level, weight, sums - weight * profile)
    fitted = level[..., None] + profile
    # Sum of squares of the rest, from the sums alone.
    rest = squares - 2.0 * fitted * sums + fitted * fitted * weight
    variance = _ratio(_over(_over(rest, -1), -1), _over(_over(weight, -1), -1))
    spread = np.sqrt(np.maximum(variance, 0.0))  # rounding may leave a hair below 0
    earning = np.isin(np.arange(N_STATUSES), EARNING)
    return Earnings(
        log_level=np.where(earning[:, None], level, 0.0),
        age_profile=profile,
        sigma_permanent=np.where(earning, spread * np.sqrt(permanent_share), 0.0),
        sigma_transitory=np.where(earning, spread * np.sqrt(1.0 - permanent_share), 0.0),
        rho=np.where(earning, persistence, 0.0),
        wage_level=wage_level,
    )


def _over(values: Floats, axis: int) -> Floats:
    """Return sums along an axis, in order."""
    sums: Floats = np.take(np.cumsum(values, axis=axis), -1, axis=axis)
    return sums


def _ratio(top: Floats, below: Floats) -> Floats:
    found: Floats = np.divide(top, below, out=np.zeros_like(top), where=below > 0.0)
    return found


def _age_profile(rest: Floats, weight: Floats) -> Floats:
    """Return the smooth mean of what is left by sex and age, 0 on average over earners."""
    pair = np.stack([_over(rest, 0), _over(weight, 0)], axis=-1)  # sex, age, (rest, weight)
    near = smoothed(pair, REACH)
    profile = np.zeros((2, N_AGES))
    for sex in range(2):
        ages = np.flatnonzero(near[sex, :, 1] > 0.0)
        if ages.size == 0:
            continue
        known = near[sex, ages, 0] / near[sex, ages, 1]
        profile[sex] = np.interp(np.arange(N_AGES), ages, known)  # flat beyond the ends
        whole = float(np.cumsum(pair[sex, :, 1])[-1])
        profile[sex] -= float(np.cumsum(profile[sex] * pair[sex, :, 1])[-1]) / whole
    return profile


def _of_both_where_missing(level: Floats, weight: Floats, rest: Floats) -> Floats:
    """Return levels where a sex that nobody of the status has takes that of both together."""
    by_sex = _over(weight, -1)
    both = _ratio(_over(_over(rest, -1), -1), _over(by_sex, -1))
    found: Floats = np.where(by_sex > 0.0, level, both[:, None])
    return found


def wage_path(known: Mapping[int, float], read: Reader, years: range) -> dict[int, float]:
    """Return the average wage of each year: the known ones, and after the last by parameters.

    Parameters
    ----------
    known
        Average wages by year, currency units per month; those before the first year count too.
    read
        Gives a parameter by name and year: `economy.inflation`, `economy.real_wage_growth`.
    years
        Years wanted, from the first on.

    Returns
    -------
    dict
        Year -> wage. Where the first year is not known, it is 1.
    """
    path: dict[int, float] = {}
    earlier = [year for year in known if year <= years[0]]
    start = max(earlier) if earlier else years[0]
    wage = known.get(start, 1.0)
    for year in range(start, years[-1] + 1):
        if year > start:
            growth = (1.0 + read("economy.inflation", year)) * (
                1.0 + read("economy.real_wage_growth", year)
            )
            wage = known[year] if year in known else wage * growth
        path[year] = wage
    return {year: path[year] for year in years}
