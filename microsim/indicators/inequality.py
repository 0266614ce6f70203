"""Inequality: Gini, generalised entropy, Atkinson, quantile ratios, shares, Lorenz curve."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import Distribution, distribution, quantile, share_below
from microsim.kernels.accumulate import exact_dot, exact_sum, exact_sums
from microsim.kernels.transcendental import exp, log, log_array, pow, pow_array  # noqa: A004

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAN = float("nan")

NO_MEAN = "mean is not above 0"
NOBODY = "no persons"
NO_BOTTOM = "the lower value is not above 0"


@dataclass(frozen=True)
class Inequality:
    """Inequality of a resource over persons; an indicator that is undefined is NaN with a note.

    Attributes
    ----------
    gini, theil, mld, atkinson_half, atkinson_1, atkinson_2
        Indices; theil is GE(1), mld is GE(0).
    p90_p10, p90_p50, p50_p10
        Ratios of quantiles (inverse of the cumulative distribution).
    s80_s20, palma
        Share of the top 20 (10) per cent by that of the bottom 20 (40) per cent.
    mean, median
        Currency units a person.
    share_of_negatives, share_of_non_positive
        Shares of the persons.
    notes
        Name of the indicator -> why it is NaN, or what was left out.
    """

    gini: float
    theil: float
    mld: float
    atkinson_half: float
    atkinson_1: float
    atkinson_2: float
    p90_p10: float
    p90_p50: float
    p50_p10: float
    s80_s20: float
    palma: float
    mean: float
    median: float
    share_of_negatives: float
    share_of_non_positive: float
    notes: dict[str, str] = field(default_factory=dict)


def rank_sum(d: Distribution) -> float:
    """Return the sum of weight x value x (persons below or equal + persons below)."""
    return exact_dot(d.weights * (d.cumulative + d.below), d.values)


def gini(d: Distribution, *, small_sample_rows: int = 0) -> float:
    """Return the Gini coefficient with weights and ties; NaN if the mean is not above 0.

    G = sum w y (2 r - w) / (N**2 mean) - 1 with r the cumulative weight (DOMAIN 3.4); invariant
    to the scale of weights; integer weights equal repeated rows. Exceeds 1 where negative
    resources are large.

    Parameters
    ----------
    d
        The distribution.
    small_sample_rows
        Number n of sampled rows for the small-sample factor n / (n - 1); 0 for none.
    """
    if not d.persons or d.total <= 0.0:
        return NAN
    g = rank_sum(d) / (d.persons * d.total) - 1.0
    return g * small_sample_rows / (small_sample_rows - 1) if small_sample_rows > 1 else g


def normalised_gini(d: Distribution) -> float:
    """Return the Gini index for resources with negatives, in [0, 1]; NaN if all are 0.

    Raffinetti, Siletti, Vernizzi (2015): mean absolute difference by that of the polarised case,
    in the form of DOMAIN 3.4 with weights as persons.
    """
    positive = exact_dot(d.weights, np.maximum(d.values, 0.0))
    negative = exact_dot(d.weights, np.maximum(-d.values, 0.0))
    n = d.persons
    if n <= 1.0 or positive + negative == 0.0:
        return NAN
    difference = 2.0 * (rank_sum(d) - n * d.total) / (n * n)
    return difference / (2.0 * ((n - 1.0) / (n * n)) * (positive + negative))


def positive_part(d: Distribution) -> Distribution:
    """Return the distribution of those with a resource above 0."""
    k = int(np.searchsorted(d.values, 0.0, side="right"))
    if k == 0:
        return d
    values, weights = d.values[k:], d.weights[k:]
    return distribution(values, weights, np.arange(values.size, dtype=np.int64))


def generalised_entropy(d: Distribution, a: float) -> float:
    """Return GE(a); NaN if the mean is not above 0, or a resource makes it undefined.

    GE(0) is the mean log deviation, GE(1) Theil's T. Resources of 0 are allowed where a > 0.
    """
    if not d.persons or d.total <= 0.0 or d.values[0] < 0.0 or (d.values[0] == 0.0 and a <= 0.0):
        return NAN
    relative = d.values / d.mean
    if a == 0.0:
        return -exact_dot(d.weights, log_array(relative)) / d.persons
    if a == 1.0:
        return exact_dot(d.weights, times_log(relative)) / d.persons
    powers = pow_array(relative, np.full_like(relative, a))
    return (exact_dot(d.weights, powers) / d.persons - 1.0) / (a * (a - 1.0))


def times_log(x: Floats) -> Floats:
    """Return x log x, 0 at 0. Shape (n,)."""
    product: Floats = x * log_array(np.where(x == 0.0, 1.0, x))
    return product


def atkinson(d: Distribution, epsilon: float) -> float:
    """Return the Atkinson index; NaN if undefined, 1 where epsilon >= 1 and someone has 0."""
    if not d.persons or d.total <= 0.0 or d.values[0] < 0.0:
        return NAN
    if d.values[0] == 0.0 and epsilon >= 1.0:
        return 1.0
    relative = d.values / d.mean
    if epsilon == 1.0:
        return 1.0 - float(exp(exact_dot(d.weights, log_array(relative)) / d.persons))
    if epsilon == 0.5:
        powers = np.sqrt(relative)
    elif epsilon == 2.0:
        powers = 1.0 / relative
    else:
        powers = pow_array(relative, np.full_like(relative, 1.0 - epsilon))
    mean = exact_dot(d.weights, powers) / d.persons
    return 1.0 - float(pow(mean, 1.0 / (1.0 - epsilon)))


def ratio(top: float, bottom: float) -> float:
    """Return top / bottom; NaN where the bottom is not above 0."""
    return top / bottom if bottom > 0.0 else NAN


def inequality(d: Distribution) -> Inequality:
    """Return all indices of a resource; logarithms leave out persons without a positive resource.

    How many are left out of Theil, MLD and Atkinson is in `notes`. Gini, shares and quantile
    ratios are of all persons.
    """
    positive = positive_part(d)
    left_out = 1.0 - positive.persons / d.persons if d.persons else 0.0
    at = {p: quantile(d, p) for p in (0.1, 0.5, 0.9)}
    found = Inequality(
        gini=gini(d),
        theil=generalised_entropy(positive, 1.0),
        mld=generalised_entropy(positive, 0.0),
        atkinson_half=atkinson(positive, 0.5),
        atkinson_1=atkinson(positive, 1.0),
        atkinson_2=atkinson(positive, 2.0),
        p90_p10=ratio(at[0.9], at[0.1]),
        p90_p50=ratio(at[0.9], at[0.5]),
        p50_p10=ratio(at[0.5], at[0.1]),
        s80_s20=ratio(1.0 - share_below(d, 0.8), share_below(d, 0.2)),
        palma=ratio(1.0 - share_below(d, 0.9), share_below(d, 0.4)),
        mean=d.mean,
        median=at[0.5],
        share_of_negatives=d.share_of_negatives,
        share_of_non_positive=left_out,
    )
    return replace(found, notes=notes_on(found, d))


def notes_on(found: Inequality, d: Distribution) -> dict[str, str]:
    """Say why an index is NaN and what was left out."""
    notes = {}
    reason = NOBODY if not d.persons else NO_MEAN if d.total <= 0.0 else NO_BOTTOM
    for name, value in vars(found).items():
        if name != "notes" and value != value:
            notes[name] = reason
    if found.share_of_non_positive:
        said = f"leaves out {found.share_of_non_positive:.4%} of persons: resource not above 0"
        for name in ("theil", "mld", "atkinson_half", "atkinson_1", "atkinson_2"):
            notes.setdefault(name, said)
    if found.share_of_negatives:
        notes.setdefault("gini", f"{found.share_of_negatives:.4%} of persons are below 0")
    return notes


def lorenz(d: Distribution, shares: tuple[float, ...]) -> Floats:
    """Return L(p), the share of the total held by the poorest share p. Shape (n_shares,)."""
    return np.array([share_below(d, p) for p in shares])


def generalised_lorenz(d: Distribution, shares: tuple[float, ...]) -> Floats:
    """Return mean x L(p), currency units. Shape (n_shares,)."""
    scaled: Floats = d.mean * lorenz(d, shares)
    return scaled


@dataclass(frozen=True)
class EntropyDecomposition:
    """GE(a) by group: total = within + between.

    Attributes
    ----------
    index, mean, persons
        Shape (n_groups,): GE within the group, its mean resource, its persons.
    within, between, total
        The parts and their sum.
    """

    index: Floats
    mean: Floats
    persons: Floats
    within: float
    between: float

    @property
    def total(self) -> float:
        """GE of the whole population."""
        return self.within + self.between


def entropy_by_group(
    y: Floats, w: Floats, groups: Ints, n_groups: int, a: float
) -> EntropyDecomposition:
    """Decompose GE(a) into inequality within groups and between their means.

    Parameters
    ----------
    y, w
        Shape (n,), resource a person and persons; resources above 0.
    groups
        Shape (n,), 0 to n_groups - 1.
    n_groups
        Number of groups; a group without persons has NaN and adds nothing.
    a
        Order of the index.
    """
    parts = [distribution(y[groups == g], w[groups == g]) for g in range(n_groups)]
    persons = exact_sums(groups, w, n_groups)
    means = np.array([part.mean for part in parts])
    index = np.array([generalised_entropy(part, a) for part in parts])
    present = persons > 0
    n = exact_sum(persons)
    if not n:
        return EntropyDecomposition(index, means, persons, NAN, NAN)
    mean = exact_dot(w, y) / n
    relative = means[present] / mean
    factor = pow_array(relative, np.full_like(relative, a))
    within = exact_dot(persons[present] / n * factor, index[present])
    between = generalised_entropy(distribution(means[present], persons[present]), a)
    return EntropyDecomposition(index, means, persons, within, between)


def log_mean(d: Distribution) -> float:
    """Return the mean of log resource; NaN where one is not above 0."""
    if not d.persons or d.values[0] <= 0.0:
        return NAN
    return float(log(d.mean)) - generalised_entropy(d, 0.0)
