"""Who gains and who loses from a change, who leaves and who enters poverty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import Distribution, quantiles
from microsim.indicators.incidence import share
from microsim.indicators.poverty import check_line
from microsim.kernels.accumulate import exact_dot, exact_sum, exact_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

THRESHOLDS = (0.01, 0.05)  # a gain counts from 1 per cent, a large one from 5


@dataclass(frozen=True)
class Gains:
    """Gainers and losers by group of baseline welfare; the last row is everyone.

    Attributes
    ----------
    persons
        Shape (n_groups + 1,), weighted persons.
    gaining, losing
        Shape (n_groups + 1, 2), share of persons whose welfare rises (falls) by more than 1 and
        by more than 5 per cent.
    mean_change, relative_change
        Shape (n_groups + 1,), currency units a person; change of the mean / baseline mean.
    """

    persons: Floats
    gaining: Floats
    losing: Floats
    mean_change: Floats
    relative_change: Floats


def with_total(groups: Ints, values: Floats, n_groups: int) -> Floats:
    """Return exact sums by group and, last, of all rows with a group. Shape (n_groups + 1,)."""
    everyone = exact_sum(np.where(groups >= 0, values, 0.0))
    return np.append(exact_sums(groups, values, n_groups), everyone)


def gains(groups: Ints, n_groups: int, persons: Floats, before: Floats, after: Floats) -> Gains:
    """Return shares of gainers and losers and the mean change, by group.

    Where welfare before is 0 or less, every rise (fall) counts as one above both thresholds.

    Parameters
    ----------
    groups, n_groups
        Shape (n,), quantile group of baseline welfare (below 0 leaves out), and their number.
    persons
        Shape (n,), household weight x size.
    before, after
        Shape (n,), welfare a person in baseline and reform, the same households.
    """
    change = after - before
    base = np.maximum(before, 0.0)
    total = with_total(groups, persons, n_groups)

    def shares(moved: Floats) -> Floats:
        large = [with_total(groups, persons * (moved > t * base), n_groups) for t in THRESHOLDS]
        return np.stack([share(part, total) for part in large], axis=1)

    changes = with_total(groups, persons * change, n_groups)
    return Gains(
        persons=total,
        gaining=shares(change),
        losing=shares(-change),
        mean_change=share(changes, total),
        relative_change=share(changes, with_total(groups, persons * before, n_groups)),
    )


@dataclass(frozen=True)
class Transitions:
    """Weighted persons by poverty before and after."""

    stays_poor: float
    leaves_poverty: float
    enters_poverty: float
    stays_out: float


def transitions(
    persons: Floats, before: Floats, after: Floats, line: float, *, include_line: bool = False
) -> Transitions:
    """Return how many persons leave and enter poverty.

    Parameters
    ----------
    persons
        Shape (n,), household weight x size.
    before, after
        Shape (n,), welfare a person in baseline and reform.
    line
        Poverty line, the same before and after.
    include_line
        Whether someone exactly at the line is poor.
    """
    check_line(line)
    was = before <= line if include_line else before < line
    is_poor = after <= line if include_line else after < line
    return Transitions(
        exact_sum(persons * (was & is_poor)),
        exact_sum(persons * (was & ~is_poor)),
        exact_sum(persons * (~was & is_poor)),
        exact_sum(persons * (~was & ~is_poor)),
    )


@dataclass(frozen=True)
class FiscalImpoverishment:
    """Change of the poverty gap in two parts: gap after - gap before = impoverished - gained.

    Amounts in currency units (Higgins and Lustig 2016).
    """

    impoverished: float
    gained: float


def fiscal_impoverishment(
    persons: Floats, before: Floats, after: Floats, line: float
) -> FiscalImpoverishment:
    """Return what the poor lose and gain through taxes and transfers; arguments as above."""
    check_line(line)
    least = np.minimum(np.minimum(before, after), line)
    return FiscalImpoverishment(
        exact_dot(persons, np.minimum(before, line) - least),
        exact_dot(persons, np.minimum(after, line) - least),
    )


def growth_incidence(
    before: Distribution, after: Distribution, shares: tuple[float, ...]
) -> Floats:
    """Return the growth of each quantile, after / before - 1 (anonymous). Shape (n_shares,).

    NaN where the quantile before is 0.
    """
    base = quantiles(before, shares)
    return share(quantiles(after, shares), base) - 1.0
