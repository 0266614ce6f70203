"""Linearised values of poverty indices: how much each sampled person moves them (DOMAIN 3.8).

As in `influence`: arrays of shape (n,), resources of currency units a person, weights of persons.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import distribution, quantile, row_of_value
from microsim.indicators.influence import density, of_mean, of_quantile, persons_in
from microsim.indicators.poverty import SMALLEST_SHARE_OF_LINE, check_line
from microsim.kernels.accumulate import exact_dot, exact_sum
from microsim.kernels.transcendental import log_array

Floats = npt.NDArray[np.float64]


def gap_powers(y: Floats, line: float, alpha: int, *, include_line: bool = False) -> Floats:
    """Return ((z - y) / z)**alpha of the poor, 0 of the others; y below 0 counts as 0."""
    poor = y <= line if include_line else y < line
    if alpha == 0:
        return poor.astype(np.float64)
    gap = (line - np.maximum(y, 0.0)) / line
    return np.where(poor, gap if alpha == 1 else gap * gap, 0.0)


def of_poverty(
    y: Floats, w: Floats, line: float, alpha: int, *, include_line: bool = False
) -> Floats:
    """Return (h - P) / N of FGT with alpha 0, 1 or 2 under a fixed line."""
    check_line(line)
    return of_mean(gap_powers(y, line, alpha, include_line=include_line), w)


def of_poverty_relative(
    y: Floats,
    w: Floats,
    alpha: int,
    share: float,
    *,
    of_quantile_p: float | None = 0.5,
    include_line: bool = False,
) -> Floats:
    """Return the linearised value of FGT under a line that is a share of a quantile or the mean.

    Parameters
    ----------
    y, w
        Resources and weights.
    alpha
        0, 1 or 2.
    share
        Line as a share, such as 0.6.
    of_quantile_p
        Which quantile (0.5 the median), or None for the mean.
    include_line
        Whether someone at the line is poor.
    """
    if of_quantile_p is None:
        line, moved = share * exact_dot(w, y) / persons_in(w), of_mean(y, w)
    else:
        line = share * quantile(distribution(y, w), of_quantile_p)
        moved = of_quantile(y, w, of_quantile_p)
    fixed = of_poverty(y, w, line, alpha, include_line=include_line)
    values: Floats = fixed + slope_in_line(y, w, line, alpha) * share * moved
    return values


def slope_in_line(y: Floats, w: Floats, line: float, alpha: int) -> float:
    """Return the derivative of FGT by the line."""
    if alpha == 0:
        return density(y, w, line)
    resource = np.maximum(y, 0.0)
    powers = gap_powers(y, line, alpha - 1)
    return alpha * exact_dot(w, powers * resource) / (line * line * persons_in(w))


def log_gaps(y: Floats, line: float, *, include_line: bool = False) -> Floats:
    """Return log(line / resource) of the poor as the Watts index counts it, 0 of the others."""
    poor = y <= line if include_line else y < line
    return np.where(poor, log_array(line / np.maximum(y, SMALLEST_SHARE_OF_LINE * line)), 0.0)


def ranked_up_to(amounts: Floats) -> Floats:
    """Return the amounts of all lower values twice plus the value's own once. Shape of amounts."""
    up_to = np.cumsum(amounts)
    doubled: Floats = 2.0 * up_to - amounts
    return doubled


def of_sst(y: Floats, w: Floats, line: float, *, include_line: bool = False) -> Floats:
    """Return the linearised value of the Sen-Shorrocks-Thon index."""
    persons_in(w)
    d = distribution(y, w)
    row = np.minimum(row_of_value(d, y), d.values.size - 1)
    gaps = gap_powers(d.values, line, 1, include_line=include_line)
    above = 2.0 * d.persons - d.cumulative - d.below
    index = exact_dot(d.weights * above, gaps) / (d.persons * d.persons)
    moved = ranked_up_to(d.weights * gaps)
    own = gap_powers(y, line, 1, include_line=include_line)
    values: Floats = (own * above[row] + moved[row]) / (d.persons * d.persons)
    return values - 2.0 * index / d.persons


def of_sen(y: Floats, w: Floats, line: float, *, include_line: bool = False) -> Floats:
    """Return the linearised value of the Sen index; zeros without poor."""
    persons_in(w)
    d = distribution(y, w)
    row = np.minimum(row_of_value(d, y), d.values.size - 1)
    poor = gap_powers(d.values, line, 0, include_line=include_line)
    resource = np.maximum(d.values, 0.0) * poor
    n, n_poor = d.persons, exact_dot(d.weights, poor)
    if not n_poor:
        return np.zeros_like(y)
    both = d.cumulative + d.below
    amounts = d.weights * resource
    total, ranked = exact_sum(amounts), exact_dot(amounts, both)
    # S = n_poor / n - (2 total - ranked / n_poor) / (n line)
    lower = ranked_up_to(amounts)
    of_ranked = (resource * both + 2.0 * total - lower) * poor
    apart = 2.0 * resource - of_ranked / n_poor + ranked * poor / (n_poor * n_poor)
    index = n_poor / n - (2.0 * total - ranked / n_poor) / (n * line)
    by_value = (poor - apart / line - index) / n
    moved: Floats = by_value[row]
    return moved


def of_watts(y: Floats, w: Floats, line: float, *, include_line: bool = False) -> Floats:
    """Return the linearised value of the Watts index."""
    return of_mean(log_gaps(y, line, include_line=include_line), w)
