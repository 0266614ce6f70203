"""Who receives and who pays: quantile groups, incidence, concentration, progressivity, Shapley."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.indicators.distribution import Distribution, distribution, row_of_value
from microsim.indicators.inequality import gini
from microsim.kernels.accumulate import exact_dot, exact_sum, exact_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Index = Callable[[Distribution], float]
NAN = float("nan")
MOST_INSTRUMENTS = 10


def quantile_groups(baseline: Floats, persons: Floats, n_groups: int) -> Ints:
    """Return the quantile group of each household, 0 the poorest. Shape (n,).

    The rule at the boundaries: a household belongs, whole, to the group in which the mid-rank of
    its resource lies (persons with less + half of the persons with the same, as a share of all).
    Households with the same resource are always in the same group, in any order of the rows;
    -1 where no household has a weight.

    Parameters
    ----------
    baseline
        Shape (n,), resource a person in the baseline; the same for all scenarios.
    persons
        Shape (n,), household weight x size.
    n_groups
        10 for deciles, 5 for quintiles.

    Raises
    ------
    InputError
        A resource or weight cannot be measured.
    """
    d = distribution(baseline, persons)
    if not d.persons:
        return np.full(np.asarray(baseline).shape[0], -1, np.int64)
    middle = (d.below + 0.5 * d.weights) / d.persons
    groups = np.minimum((middle * n_groups).astype(np.int64), n_groups - 1)
    # A household of weight 0 has no value of its own in the distribution: the next one's group.
    rows = np.minimum(row_of_value(d, np.asarray(baseline)), d.values.size - 1)
    found: Ints = groups[rows]
    return found


def share(part: Floats, whole: Floats | float) -> Floats:
    """Return part / whole, NaN where the whole is 0. Shape of part."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.asarray(whole) != 0.0, part / whole, NAN)


@dataclass(frozen=True)
class Incidence:
    """Incidence of one instrument by quantile group of baseline welfare. Shapes (n_groups,).

    Attributes
    ----------
    persons, recipients
        Weighted persons, and those living in households that receive (or pay).
    amount, income
        Weighted sums, currency units of the period.
    coverage
        Recipients / persons of the group.
    share_of_recipients, share_of_amount
        The group's share of the national figure.
    amount_of_income
        Amount / income of the group.
    """

    persons: Floats
    recipients: Floats
    amount: Floats
    income: Floats
    coverage: Floats
    share_of_recipients: Floats
    share_of_amount: Floats
    amount_of_income: Floats


def incidence(
    groups: Ints,
    n_groups: int,
    weight: Floats,
    size: Floats,
    receives: Flags,
    amount: Floats,
    income: Floats,
) -> Incidence:
    """Return the incidence of an instrument by group.

    Parameters
    ----------
    groups
        Shape (n,), from `quantile_groups`; below 0 leaves the household out.
    n_groups
        Number of groups.
    weight, size
        Shape (n,), households and persons a household.
    receives
        Shape (n,), whether the household receives (pays) the instrument.
    amount, income
        Shape (n,), currency units a household, of one period.
    """
    persons = exact_sums(groups, weight * size, n_groups)
    recipients = exact_sums(groups, weight * size * receives, n_groups)
    amounts = exact_sums(groups, weight * amount, n_groups)
    incomes = exact_sums(groups, weight * income, n_groups)
    return Incidence(
        persons, recipients, amounts, incomes,
        coverage=share(recipients, persons),
        share_of_recipients=share(recipients, exact_sum(recipients)),
        share_of_amount=share(amounts, exact_sum(amounts)),
        amount_of_income=share(amounts, incomes),
    )  # fmt: skip


@dataclass(frozen=True)
class Ladder:
    """Income concepts by quantile group: mean a person and share. Shapes (n_groups, n_concepts)."""

    mean: Floats
    share: Floats


def income_ladder(
    groups: Ints, n_groups: int, weight: Floats, size: Floats, concepts: Floats
) -> Ladder:
    """Return mean and share of each income concept by group.

    Parameters
    ----------
    groups
        Shape (n,), from `quantile_groups`.
    n_groups
        Number of groups.
    weight, size
        Shape (n,), households and persons a household.
    concepts
        Shape (n, n_concepts), currency units a household.
    """
    persons = exact_sums(groups, weight * size, n_groups)
    sums = np.stack(
        [exact_sums(groups, weight * column, n_groups) for column in concepts.T], axis=1
    )
    totals = np.array([exact_dot(weight, np.ascontiguousarray(c)) for c in concepts.T])
    return Ladder(share(sums, persons[:, None]), share(sums, totals[None, :]))


def concentration(rank_by: Floats, x: Floats, persons: Floats) -> float:
    """Return the concentration coefficient of x, persons ranked by another resource.

    Persons with the same rank resource share the mean of x (DOMAIN 3.5). NaN if x sums to 0.

    Parameters
    ----------
    rank_by, x
        Shape (n,), currency units a person.
    persons
        Shape (n,), household weight x size.
    """
    d = distribution(rank_by, persons)
    counted = persons > 0
    tie = row_of_value(d, np.asarray(rank_by)[counted])
    amounts = exact_sums(tie, (persons * x)[counted], d.values.size)
    total = exact_dot(persons, x)
    if total == 0.0 or not d.persons:
        return NAN
    return exact_dot(amounts, d.cumulative + d.below) / (d.persons * total) - 1.0


@dataclass(frozen=True)
class Progressivity:
    """Progressivity and redistribution of one instrument.

    Attributes
    ----------
    concentration
        Concentration coefficient by baseline rank: below 0 is progressive in absolute terms.
    kakwani
        Tax: concentration - Gini; benefit: Gini - concentration; above 0 is progressive.
    rate
        Amount / baseline income (above 0 for both).
    vertical_equity, reranking, redistribution
        Gini before - concentration after; Gini after - concentration after; Gini before - after
        (the difference of the two).
    """

    concentration: float
    kakwani: float
    rate: float
    vertical_equity: float
    reranking: float
    redistribution: float


def progressivity(before: Floats, change: Floats, persons: Floats) -> Progressivity:
    """Return Kakwani, Reynolds-Smolensky and Atkinson-Plotnick measures of one instrument.

    Parameters
    ----------
    before
        Shape (n,), resource a person before the instrument.
    change
        Shape (n,), what it adds a person: positive for benefits, negative for what is paid.
    persons
        Shape (n,), household weight x size.
    """
    after = before + change
    total, income = exact_dot(persons, change), exact_dot(persons, before)
    gini_before, gini_after = (gini(distribution(y, persons)) for y in (before, after))
    concentrated = concentration(before, change, persons)
    concentrated_after = concentration(before, after, persons)
    return Progressivity(
        concentration=concentrated,
        kakwani=gini_before - concentrated if total > 0 else concentrated - gini_before,
        rate=abs(total) / income if income else NAN,
        vertical_equity=gini_before - concentrated_after,
        reranking=gini_after - concentrated_after,
        redistribution=gini_before - gini_after,
    )


def marginal_contribution(
    resource: Floats, instrument: Floats, persons: Floats, index: Index
) -> float:
    """Return index(without the instrument) - index(with it): above 0 where it reduces the index.

    Contributions of several instruments do not add up; `shapley` does.

    Parameters
    ----------
    resource
        Shape (n,), resource a person, with the instrument in it.
    instrument
        Shape (n,), what it adds a person (negative for what is paid).
    persons
        Shape (n,), household weight x size.
    index
        What is measured, such as `gini` or a poverty index under a fixed line.
    """
    without = distribution(resource - instrument, persons)
    return index(without) - index(distribution(resource, persons))


def shapley(before: Floats, instruments: Floats, persons: Floats, index: Index) -> Floats:
    """Return each instrument's share of the fall of an index; they add up to the whole fall.

    Parameters
    ----------
    before
        Shape (n,), resource a person before all instruments.
    instruments
        Shape (n, k), what each adds a person; k at most 10 (2**k distributions are measured).
    persons
        Shape (n,), household weight x size.
    index
        What is measured.

    Raises
    ------
    InputError
        More than 10 instruments.
    """
    k = instruments.shape[1]
    if k > MOST_INSTRUMENTS:
        raise InputError(
            Fault(
                "Shapley shares",
                "too many instruments",
                str(k),
                f"at most {MOST_INSTRUMENTS}",
                "Join small instruments into groups.",
            )
        )
    measured = np.empty(2**k)
    for chosen in range(2**k):
        members = [i for i in range(k) if chosen >> i & 1]
        resource = before + sum((instruments[:, i] for i in members), np.zeros_like(before))
        measured[chosen] = index(distribution(resource, persons))
    shares = np.zeros(k)
    for i in range(k):
        for chosen in range(2**k):
            if not chosen >> i & 1:
                others = chosen.bit_count()
                part = factorial(others) * factorial(k - others - 1) / factorial(k)
                shares[i] += part * (measured[chosen] - measured[chosen | 1 << i])
    return shares
