"""A resource sorted once, from which poverty, inequality and their errors are measured.

Rows with equal resources are merged and all sums are exact, so every indicator is the same, to
the bit, for any order of the rows, and a household of weight 3 is the same as three rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.kernels.accumulate import exact_dot, exact_sum
from microsim.kernels.distribution import collapse, collapse_in_place
from microsim.kernels.sorting import sorted_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A cumulative weight this close (relative) below p N counts as reaching it: 0.1 * 30 persons
# must mean 3 persons although 0.1 is not a binary number.
REACHED = 1e-12


@dataclass(frozen=True)
class Distribution:
    """Distinct resources in ascending order with the weight of the persons who have them.

    Attributes
    ----------
    values
        Shape (n_distinct,), currency units, strictly ascending.
    weights
        Shape (n_distinct,), persons.
    cumulative
        Shape (n_distinct,), persons with this resource or less.
    persons
        Sum of the weights.
    total
        Sum of weight x resource, currency units.
    """

    values: Floats
    weights: Floats
    cumulative: Floats
    persons: float
    total: float

    @property
    def mean(self) -> float:
        """Mean resource a person; NaN of nobody."""
        return self.total / self.persons if self.persons else float("nan")

    @property
    def below(self) -> Floats:
        """Persons with strictly less than each value. Shape (n_distinct,)."""
        shifted = np.empty_like(self.cumulative)
        shifted[:1] = 0.0
        shifted[1:] = self.cumulative[:-1]
        return shifted

    @property
    def share_of_negatives(self) -> float:
        """Share of the persons whose resource is below 0."""
        n = int(np.searchsorted(self.values, 0.0, side="left"))
        return float(self.cumulative[n - 1] / self.persons) if n else 0.0


def check_resources(y: Floats, w: Floats) -> None:
    """Raise `InputError` unless resources and weights can be measured.

    Raises
    ------
    InputError
        Lengths differ; a resource or weight is not finite; a weight is negative.
    """
    faults = []
    if y.shape != w.shape or y.ndim != 1:
        faults.append(
            Fault("indicators", "resources and weights differ in length", f"{y.shape}, {w.shape}")
        )
    for name, values in (("resources", y), ("weights", w)):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            faults.append(
                Fault(
                    "indicators", f"{name} are not finite", f"{bad.size} rows, first {bad[0]}",
                    "finite numbers", "Give missing values a stated treatment before measuring.",
                )
            )  # fmt: skip
    if bool((w < 0).any()):
        faults.append(Fault("indicators", "weights are negative", f"{int((w < 0).sum())} rows"))
    if faults:
        raise InputError(faults)


def distribution(y: Floats, w: Floats, order: Ints | None = None) -> Distribution:
    """Sort a resource and return its distribution over persons.

    Parameters
    ----------
    y
        Shape (n,), currency units a person (or equivalent person), any period.
    w
        Shape (n,), persons: household weight x household size for households.
    order
        Shape (n,), rows in ascending order of y, if known.

    Raises
    ------
    InputError
        Lengths differ; a value is not finite; a weight is negative.
    """
    y, w = np.ascontiguousarray(y, np.float64), np.ascontiguousarray(w, np.float64)
    check_resources(y, w)
    # A scale that depends on the total alone: splitting rows must not change a bit.
    scale = math.ldexp(1.0, max(math.frexp(exact_sum(w))[1] - 52, -1000))
    if order is None:
        rows, values = sorted_rows(y)
        weights, cumulative = w[rows], np.empty_like(values)
        found = collapse_in_place(values, weights, cumulative, scale)
        values, weights, cumulative = values[:found], weights[:found], cumulative[:found]
    else:
        values, weights, cumulative = collapse(y, w, order, scale)
    persons = float(cumulative[-1]) if cumulative.size else 0.0
    return Distribution(values, weights, cumulative, persons, exact_dot(weights, values))


def row_of_value(sorted_values: Distribution, y: Floats) -> Ints:
    """Return, for each row, the position of its resource in the distribution. Shape (n,)."""
    found: Ints = np.searchsorted(sorted_values.values, y).astype(np.int64)
    return found


def first_reaching(d: Distribution, p: float) -> int:
    """Return the position of the smallest value with cumulative weight of at least p N."""
    wanted = p * d.persons * (1.0 - REACHED)
    return min(int(np.searchsorted(d.cumulative, wanted, side="left")), d.values.size - 1)


def quantile(d: Distribution, p: float) -> float:
    """Return the smallest resource that a share p of the persons does not exceed (inverse CDF).

    NaN of nobody. p in [0, 1].
    """
    return float(d.values[first_reaching(d, p)]) if d.persons else float("nan")


def quantiles(d: Distribution, shares: tuple[float, ...]) -> Floats:
    """Return `quantile` for several shares. Shape (n_shares,)."""
    return np.array([quantile(d, p) for p in shares])


def boundary(d: Distribution, p: float) -> float:
    """Return the resource of the person whom `share_below` splits at p. NaN of nobody."""
    if not d.persons:
        return float("nan")
    k = int(np.searchsorted(d.cumulative, p * d.persons, side="left"))
    return float(d.values[min(k, d.values.size - 1)])


def share_below(d: Distribution, p: float) -> float:
    """Return the share of the total held by the poorest share p of the persons: Lorenz L(p).

    The person at the boundary is split, so that shares add up to 1. NaN if the mean is not
    above 0.
    """
    if not d.persons or d.total <= 0.0:
        return float("nan")
    wanted = p * d.persons
    k = int(np.searchsorted(d.cumulative, wanted, side="left"))
    k = min(k, d.values.size - 1)
    if wanted >= d.cumulative[k]:  # nobody is split
        return exact_dot(d.weights[: k + 1], d.values[: k + 1]) / d.total
    under = exact_dot(d.weights[:k], d.values[:k])
    before = float(d.cumulative[k - 1]) if k else 0.0
    return float((under + (wanted - before) * d.values[k]) / d.total)
