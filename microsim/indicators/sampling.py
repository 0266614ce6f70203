"""Standard errors and confidence intervals of complex surveys; Rao-Wu bootstrap weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.kernels.accumulate import exact_dot, exact_sum, exact_sums
from microsim.kernels.draws import decision_hash, uniforms
from microsim.kernels.transcendental import normal_quantile, pow_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAN = float("nan")

LONELY_POLICIES = ("error", "centre", "average", "certainty")
BOOTSTRAP = decision_hash("rao-wu bootstrap")
MANY = 1000  # degrees of freedom from which the series of Cornish and Fisher is exact to 1e-12
STEPS = 4000
NEWTON_ROUNDS = 50
PRECISE = 1e-14


@dataclass(frozen=True)
class Design:
    """The sampling design of the rows of a survey.

    Attributes
    ----------
    psu
        Shape (n,), primary sampling unit of each row, 0 to n_psus - 1, numbered in the order of
        (stratum, PSU code).
    stratum_of_psu
        Shape (n_psus,), stratum of each PSU, 0 to n_strata - 1.
    sampled_share
        Shape (n_strata,), share f of the PSUs that was sampled (finite population correction);
        zeros where PSUs were drawn with replacement or f is small.
    lonely
        What a stratum with one PSU adds: `error`; `centre` its squared distance from the mean of
        all PSUs; `average` the mean of the other strata; `certainty` nothing.
    """

    psu: Ints
    stratum_of_psu: Ints
    sampled_share: Floats
    lonely: str = "centre"

    @property
    def n_psus(self) -> int:
        """Number of PSUs."""
        return int(self.stratum_of_psu.size)

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return int(self.sampled_share.size)

    @property
    def degrees_of_freedom(self) -> int:
        """Number of PSUs minus number of strata."""
        return self.n_psus - self.n_strata

    @property
    def psus_by_stratum(self) -> Ints:
        """PSUs of each stratum. Shape (n_strata,)."""
        return np.bincount(self.stratum_of_psu, minlength=self.n_strata).astype(np.int64)


def design(
    psu: Ints | None,
    stratum: Ints | None,
    n: int,
    *,
    sampled_share: dict[int, float] | None = None,
    lonely: str = "centre",
) -> Design:
    """Return the design of n rows.

    Parameters
    ----------
    psu
        Shape (n,), code of the PSU, counted within its stratum; None where every row (household)
        is one.
    stratum
        Shape (n,), code of the stratum; None for a single one.
    n
        Number of rows.
    sampled_share
        Stratum code -> share of its PSUs that was sampled; 0 where left out.
    lonely
        What to do with strata of one PSU, see `Design`.

    Raises
    ------
    InputError
        The policy is unknown, or it is `error` and a stratum has one PSU.
    """
    if lonely not in LONELY_POLICIES:
        raise InputError(
            Fault(
                "sampling design",
                "unknown policy for strata of one PSU",
                repr(lonely),
                f"one of {', '.join(LONELY_POLICIES)}",
            )
        )
    strata = np.zeros(n, np.int64) if stratum is None else np.asarray(stratum, np.int64)
    codes = np.arange(n, dtype=np.int64) if psu is None else np.asarray(psu, np.int64)
    stratum_codes, stratum_of_row = np.unique(strata, return_inverse=True)
    pairs, row = np.unique(np.stack([stratum_of_row, codes], axis=1), axis=0, return_inverse=True)
    shares = sampled_share or {}
    found = Design(
        psu=row.reshape(-1).astype(np.int64),
        stratum_of_psu=np.ascontiguousarray(pairs[:, 0], np.int64),
        sampled_share=np.array([shares.get(int(code), 0.0) for code in stratum_codes]),
        lonely=lonely,
    )
    alone = stratum_codes[found.psus_by_stratum == 1]
    if lonely == "error" and alone.size:
        raise InputError(
            Fault(
                "sampling design",
                "strata with one PSU",
                f"{alone.size} (first: {alone[0]})",
                "two PSUs or more in each stratum",
                "Join strata, or choose the policy centre, average or certainty.",
            )
        )
    return found


def variance(u: Floats, w: Floats, plan: Design) -> float:
    """Return the variance of an estimate with linearised values u.

    V = sum over strata of (1 - f) n / (n - 1) sum (z - mean z)**2 with z the PSU totals of w u.
    NaN where the design leaves no degree of freedom.

    Parameters
    ----------
    u
        Shape (n,), from `influence`; 0 outside a domain.
    w
        Shape (n,), weights of the same persons as in u.
    plan
        The design of the rows.
    """
    if plan.degrees_of_freedom < 1:
        return NAN
    z = exact_sums(plan.psu, w * u, plan.n_psus)
    n = plan.psus_by_stratum.astype(np.float64)
    means = exact_sums(plan.stratum_of_psu, z, plan.n_strata) / n
    apart = z - means[plan.stratum_of_psu]
    squares = exact_sums(plan.stratum_of_psu, apart * apart, plan.n_strata)
    several = n > 1
    factor = (1.0 - plan.sampled_share) * n / np.maximum(n - 1.0, 1.0)
    parts = np.where(several, factor * squares, 0.0)
    if not several.all():
        parts = parts + lonely_parts(z, parts, several, plan)
    return exact_sum(parts)


def lonely_parts(z: Floats, parts: Floats, several: npt.NDArray[np.bool_], plan: Design) -> Floats:
    """Return what strata of one PSU add to the variance. Shape (n_strata,)."""
    if plan.lonely == "centre":
        apart = z - exact_sum(z) / z.size
        squares = exact_sums(plan.stratum_of_psu, apart * apart, plan.n_strata)
        return np.where(several, 0.0, (1.0 - plan.sampled_share) * squares)
    if plan.lonely == "average":
        return np.where(several, 0.0, exact_sum(parts) / float(several.sum()))
    return np.zeros(plan.n_strata)


def standard_error(u: Floats, w: Floats, plan: Design) -> float:
    """Return the standard error of an estimate with linearised values u; see `variance`.

    For the difference of reform and baseline on the same sample give the difference of their
    linearised values: the two errors are not independent.
    """
    return float(np.sqrt(variance(u, w, plan)))


@dataclass(frozen=True)
class Estimate:
    """An estimate with its sampling error.

    Attributes
    ----------
    value, se
        Estimate and standard error, in the unit of the indicator.
    low, high
        Confidence interval by Student's t.
    degrees_of_freedom
        PSUs minus strata.
    """

    value: float
    se: float
    low: float
    high: float
    degrees_of_freedom: int


def estimate(
    value: float, u: Floats, w: Floats, plan: Design, *, confidence: float = 0.95
) -> Estimate:
    """Return an estimate with standard error and confidence interval.

    Parameters
    ----------
    value
        The estimate.
    u, w
        Shape (n,), linearised values and weights.
    plan
        The design of the rows.
    confidence
        Level of the interval.
    """
    se, df = standard_error(u, w, plan), plan.degrees_of_freedom
    half = student_quantile(0.5 + confidence / 2.0, df) * se if df >= 1 else NAN
    return Estimate(value, se, value - half, value + half, df)


@lru_cache(maxsize=256)
def student_quantile(p: float, df: int) -> float:
    """Return the quantile of Student's t, 0.5 <= p < 1, for whole degrees of freedom of 1 or more.

    Own arithmetic, equal on every machine: with t = sqrt(df) s / sqrt(1 - s**2) the distribution
    is an integral of (1 - s**2)**(df / 2 - 1), solved by Newton's method; many degrees of freedom
    by the series of Cornish and Fisher (Abramowitz and Stegun 26.7.5).
    """
    if df > MANY:
        return student_series(float(normal_quantile(p)), float(df))
    root = 0.5641895835477563  # gamma((df + 1) / 2) / gamma(df / 2), of df = 1: 1 / sqrt(pi)
    first = 1
    if df % 2 == 0:
        root, first = 0.8862269254527580, 2  # sqrt(pi) / 2
    for k in range(first, df, 2):
        root *= (k + 1.0) / k
    constant = root / float(np.sqrt(3.141592653589793))
    start = student_series(float(normal_quantile(p)), float(df))
    s = start / float(np.sqrt(df + start * start))
    for _ in range(NEWTON_ROUNDS):
        slope = constant * float(pow_array(np.array([1.0 - s * s]), np.array([df / 2.0 - 1.0]))[0])
        step = (constant * half_integral(s, df) - (p - 0.5)) / slope
        s = min(max(s - step, 0.5 * s), 0.5 * (1.0 + s))
        if abs(step) < PRECISE * (1.0 - s):
            break
    return float(np.sqrt(df)) * s / float(np.sqrt(1.0 - s * s))


def half_integral(s: float, df: int) -> float:
    """Return the integral of (1 - x**2)**(df / 2 - 1) from 0 to s, by Simpson's rule.

    With x = 1 - v**2 where df is 1, whose integrand grows without bound towards 1.
    """
    if df == 1:
        low = float(np.sqrt(1.0 - s))
        v = low + (1.0 - low) * np.arange(STEPS + 1) / STEPS
        heights, width = 2.0 / np.sqrt(2.0 - v * v), (1.0 - low) / STEPS
    else:
        x = s * np.arange(STEPS + 1) / STEPS
        heights = pow_array(1.0 - x * x, np.full(STEPS + 1, df / 2.0 - 1.0))
        width = s / STEPS
    weights = np.where(np.arange(STEPS + 1) % 2 == 1, 4.0, 2.0)
    weights[[0, -1]] = 1.0
    return exact_dot(weights, heights) * width / 3.0


def student_series(z: float, df: float) -> float:
    """Return the quantile of Student's t from that of the normal distribution, by series."""
    z2 = z * z
    terms = (
        z * (z2 + 1.0) / 4.0,
        z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0,
        z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0,
    )
    return z + terms[0] / df + terms[1] / (df * df) + terms[2] / (df * df * df)


def bootstrap_weights(w: Floats, plan: Design, seed: int, weight_set: int) -> Floats:
    """Return one set of Rao-Wu bootstrap weights. Shape (n,).

    In each stratum n - 1 PSUs are drawn with replacement; weights become
    w (1 - l + l n / (n - 1) r) with r how often the PSU was drawn, l = sqrt(1 - f). Strata of
    one PSU keep their weights. Draws are keyed by stratum and draw number, so a set depends on
    nothing but the design, the seed and its number.

    Parameters
    ----------
    w
        Shape (n,), weights.
    plan
        The design of the rows.
    seed, weight_set
        Which set, both 0 or more.
    """
    counts = plan.psus_by_stratum
    first = np.concatenate([[0], np.cumsum(counts)])[:-1]
    draws = np.maximum(counts - 1, 0)
    stratum = np.repeat(np.arange(plan.n_strata), draws)
    ordinal = np.arange(stratum.size) - np.repeat(np.cumsum(draws) - draws, draws)
    keys = (stratum.astype(np.uint64) << np.uint64(32)) | ordinal.astype(np.uint64)
    drawn = uniforms(keys, seed, weight_set, BOOTSTRAP, 0, 0)
    chosen = first[stratum] + (drawn * counts[stratum]).astype(np.int64)
    times = np.bincount(chosen, minlength=plan.n_psus)
    n = counts[plan.stratum_of_psu].astype(np.float64)
    part = np.where(n > 1, np.sqrt(1.0 - plan.sampled_share[plan.stratum_of_psu]), 0.0)
    factor = 1.0 - part + part * n / np.maximum(n - 1.0, 1.0) * times
    scaled: Floats = w * factor[plan.psu]
    return scaled


@dataclass(frozen=True)
class BootstrapResult:
    """An estimate with bootstrap error.

    Attributes
    ----------
    value, se
        Estimate from the sample; root of the mean squared distance of the sets from it.
    low, high
        Percentile interval of 95 per cent; NaN with fewer than 1,000 sets.
    sets
        Shape (n_sets,), the estimate with each set of weights.
    """

    value: float
    se: float
    low: float
    high: float
    sets: Floats


def bootstrap(
    statistic: Callable[[Floats], float],
    w: Floats,
    plan: Design,
    *,
    seed: int,
    n_sets: int = 500,
) -> BootstrapResult:
    """Return the bootstrap error of any statistic of the weights.

    Parameters
    ----------
    statistic
        Takes weights of shape (n,), returns the estimate; what else it needs it closes over.
    w
        Shape (n,), weights.
    plan
        The design of the rows.
    seed
        Of the sets of weights, 0 or more.
    n_sets
        500 or more for standard errors, 1,000 or more for the percentile interval.
    """
    value = statistic(w)
    sets = np.array([statistic(bootstrap_weights(w, plan, seed, b)) for b in range(n_sets)])
    apart = sets - value
    se = float(np.sqrt(exact_dot(apart, apart) / n_sets))
    ordered = np.sort(sets)
    low, high = NAN, NAN
    if n_sets >= 1000:
        low, high = (float(ordered[int(np.ceil(p * n_sets)) - 1]) for p in (0.025, 0.975))
    return BootstrapResult(value, se, low, high, sets)
