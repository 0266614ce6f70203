"""Linearised values: how much each sampled person moves an estimate (DOMAIN 3.8).

The linearised value u of an estimate is its derivative by the person's weight; the variance of
the estimate is that of the total of u over the sampling design (`sampling.standard_error`). For
a total the value is u = y; for every indicator that ignores the scale of weights, sum w u = 0.
All functions take and return arrays of shape (n,): resources of currency units a person, and
weights of persons (household weight x size).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.indicators.distribution import (
    Distribution,
    boundary,
    distribution,
    quantile,
    row_of_value,
    share_below,
)
from microsim.indicators.inequality import atkinson, generalised_entropy, gini, times_log
from microsim.kernels.accumulate import exact_dot, exact_sum, exact_sums
from microsim.kernels.transcendental import exp_array, log_array, pow, pow_array  # noqa: A004

Floats = npt.NDArray[np.float64]

ROOT_TWO_PI = 2.5066282746310002
FAR = -700.0  # a kernel weight exp(-700) is nothing; exp below it would be subnormal


def persons_in(w: Floats) -> float:
    """Return the sum of the weights.

    Raises
    ------
    InputError
        It is 0: there is nobody to measure.
    """
    n = exact_sum(w)
    if n == 0.0:
        raise InputError(
            Fault("linearised values", "nobody to measure", "no weight above 0", "some persons")
        )
    return n


def measurable(y: Floats, w: Floats) -> Distribution:
    """Return the distribution of a resource whose inequality is defined.

    Raises
    ------
    InputError
        There are no persons, or their mean is not above 0.
    """
    persons_in(w)
    d = distribution(y, w)
    if d.total <= 0.0:
        raise InputError(
            Fault(
                "linearised values",
                "inequality is undefined",
                f"a mean of {d.mean!r}",
                "one above 0",
                "Report the indicator as undefined.",
            )
        )
    return d


def of_mean(y: Floats, w: Floats) -> Floats:
    """Return (y - mean) / N."""
    n = persons_in(w)
    values: Floats = (y - exact_dot(w, y) / n) / n
    return values


def of_ratio(top: Floats, bottom: Floats, w: Floats) -> Floats:
    """Return (a - R b) / B of the ratio R = A / B of two totals."""
    total = exact_dot(w, bottom)
    values: Floats = (top - exact_dot(w, top) / total * bottom) / total
    return values


def density(y: Floats, w: Floats, at: float) -> float:
    """Return the density of the resource at a point, by a Gaussian kernel.

    Bandwidth: standard deviation x n**(-1/5), n the effective sample size (sum w)**2 / sum w**2
    (Kish), so that the scale of weights does not matter.
    """
    n = persons_in(w)
    mean = exact_dot(w, y) / n
    deviation = float(np.sqrt(exact_dot(w, (y - mean) * (y - mean)) / n))
    width = deviation * float(pow(n * n / exact_dot(w, w), -0.2))
    if width == 0.0:
        return float("nan")
    z = np.asarray((y - at) / width, np.float64)
    heights = exp_array(np.maximum(-0.5 * z * z, FAR))
    return exact_dot(w, heights) / (n * width * ROOT_TWO_PI)


def of_quantile(y: Floats, w: Floats, p: float) -> Floats:
    """Return -(1{y <= Q} - p) / (N f(Q))."""
    persons_in(w)
    q = quantile(distribution(y, w), p)
    at_most = np.where(y <= q, 1.0, 0.0)
    values: Floats = (p - at_most) / (persons_in(w) * density(y, w, q))
    return values


def rank_parts(d: Distribution, y: Floats) -> tuple[Floats, Floats]:
    """Return mid-ranks F and upper shares S of each row, ties counted half (DOMAIN 3.8)."""
    row = np.minimum(row_of_value(d, y), d.values.size - 1)
    amounts = d.weights * d.values
    above = np.zeros(d.values.size)
    running = np.cumsum(amounts[::-1])[::-1]
    above[:-1] = running[1:]
    f = (d.below + 0.5 * d.weights) / d.persons
    s = (above + 0.5 * amounts) / d.persons
    return f[row], s[row]


def of_gini(y: Floats, w: Floats) -> Floats:
    """Return the linearised value of the Gini coefficient."""
    d = measurable(y, w)
    g = gini(d)
    f, s = rank_parts(d, y)
    values: Floats = (2.0 / d.mean * (y * f + s) - (g + 1.0) * (1.0 + y / d.mean)) / d.persons
    return values


def of_generalised_entropy(y: Floats, w: Floats, a: float) -> Floats:
    """Return the linearised value of GE(a); resources above 0."""
    d = measurable(y, w)
    mean, n = d.mean, d.persons
    rest = (y - mean) / mean
    if a == 0.0:
        logs = log_array(y)
        average = exact_dot(w, logs) / n
        values: Floats = (rest - (logs - average)) / n
    elif a == 1.0:
        product = times_log(y)
        average = exact_dot(w, product) / n
        values = ((product - average) / mean - (average / mean + 1.0) * rest) / n
    else:
        powers = pow_array(y / mean, np.full_like(y, a))
        average = generalised_entropy(d, a) * a * (a - 1.0) + 1.0
        values = (powers - average - a * average * rest) / (n * a * (a - 1.0))
    return values


def of_atkinson(y: Floats, w: Floats, epsilon: float) -> Floats:
    """Return the linearised value of the Atkinson index; resources above 0."""
    d = measurable(y, w)
    mean, n = d.mean, d.persons
    equal_share = 1.0 - atkinson(d, epsilon)
    rest = (y - mean) / mean
    if epsilon == 1.0:
        logs = log_array(y)
        moved: Floats = logs - exact_dot(w, logs) / n
    else:
        powers = pow_array(y / mean, np.full_like(y, 1.0 - epsilon))
        average = exact_dot(w, powers) / n
        moved = (powers - average) / (average * (1.0 - epsilon))
    values: Floats = -equal_share * (moved - rest) / n
    return values


def of_quantile_ratio(y: Floats, w: Floats, top: float, bottom: float) -> Floats:
    """Return the linearised value of Q(top) / Q(bottom)."""
    persons_in(w)
    d = distribution(y, w)
    low = quantile(d, bottom)
    ratio = quantile(d, top) / low
    values: Floats = (of_quantile(y, w, top) - ratio * of_quantile(y, w, bottom)) / low
    return values


def of_lorenz(y: Floats, w: Floats, p: float) -> Floats:
    """Return the linearised value of the share L(p) of the poorest: no density is needed."""
    d = measurable(y, w)
    q = boundary(d, p)
    held = share_below(d, p)
    values: Floats = (np.minimum(y - q, 0.0) + p * q - held * y) / d.total
    return values


def of_share_ratio(y: Floats, w: Floats, top: float, bottom: float) -> Floats:
    """Return the linearised value of the top share by the bottom share.

    S80/S20 has top = bottom = 0.2, Palma top = 0.1 and bottom = 0.4.
    """
    d = measurable(y, w)
    below, rest = share_below(d, bottom), 1.0 - share_below(d, 1.0 - top)
    values: Floats = (-of_lorenz(y, w, 1.0 - top) - rest / below * of_lorenz(y, w, bottom)) / below
    return values


def of_concentration(rank_by: Floats, x: Floats, w: Floats) -> Floats:
    """Return the linearised value of the concentration coefficient of x, ranks held by rank_by.

    Rows with the same rank are taken with the mean of x, as the coefficient takes them.
    """
    persons_in(w)
    d = distribution(rank_by, w)
    row = np.minimum(row_of_value(d, rank_by), d.values.size - 1)
    amounts = exact_sums(row, w * x, d.values.size)
    total, n = exact_dot(w, x), d.persons
    coefficient = exact_dot(amounts, d.cumulative + d.below) / (n * total) - 1.0
    above = np.zeros(d.values.size)
    above[:-1] = np.cumsum(amounts[::-1])[::-1][1:]
    f = (d.below + 0.5 * d.weights) / n
    s = (above + 0.5 * amounts) / n
    mean = total / n
    ranked = 2.0 / mean * (x * f[row] + s[row])
    values: Floats = (ranked - (coefficient + 1.0) * (1.0 + x / mean)) / n
    return values


def in_domain(values: Floats, domain: npt.NDArray[np.bool_]) -> Floats:
    """Return linearised values computed on a domain's rows, as an array of all rows.

    Shape of `domain`; 0 outside, so that all PSUs stay in the design. `values` has one entry for
    each row of the domain.
    """
    out = np.zeros(domain.shape[0])
    out[domain] = values
    return out
