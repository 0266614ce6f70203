"""Poverty: Foster-Greer-Thorbecke, Watts, Sen, Sen-Shorrocks-Thon, by group, and decompositions.

Poor is who has strictly less than the line; `include_line=True` counts those at the line too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.indicators.distribution import Distribution, check_resources
from microsim.kernels.accumulate import (
    accumulate,
    accumulate_products,
    exact_dot,
    exact_sum,
    largest_size,
    merge_into,
    scale_of,
    to_floats,
)
from microsim.kernels.gaps import accumulate_gaps
from microsim.kernels.transcendental import log, log_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]
NAN = float("nan")

# In the Watts index a resource counts as at least this share of the line: the logarithm of 0 has
# no value, and one household with almost nothing would be the whole index.
SMALLEST_SHARE_OF_LINE = 0.01


@dataclass(frozen=True)
class Poverty:
    """Poverty of persons under one line.

    Attributes
    ----------
    persons, poor
        Weighted persons, and those who are poor.
    headcount, gap, severity
        FGT with alpha 0, 1, 2: shares.
    aggregate_gap
        Sum of weight x (line - resource) of the poor, currency units of the resource's period.
    income_gap_ratio
        Mean gap of the poor as a share of the line; NaN without poor.
    watts, sen, sst
        Indices.
    negatives
        Weighted persons below 0, whose gap counts as the whole line (unless not truncated).
    """

    persons: float
    poor: float
    headcount: float
    gap: float
    severity: float
    aggregate_gap: float
    income_gap_ratio: float
    watts: float
    sen: float
    sst: float
    negatives: float


N_SUMS = 5  # persons, poor persons, gap ratio, squared gap ratio, log gap


def check_line(line: float) -> None:
    """Raise `InputError` unless the line is a finite number above 0."""
    if not 0.0 < line < float("inf"):
        raise InputError(Fault("poverty line", "not an amount", repr(line), "an amount above 0"))


def poverty(
    d: Distribution, line: float, *, include_line: bool = False, truncate_negatives: bool = True
) -> Poverty:
    """Measure poverty under a line.

    Parameters
    ----------
    d
        Resource a person (or equivalent person).
    line
        Currency units a person of the same basis and period, above 0.
    include_line
        Whether someone exactly at the line is poor.
    truncate_negatives
        Whether a resource below 0 counts as 0 in the gaps.

    Raises
    ------
    InputError
        The line is not above 0.
    """
    check_line(line)
    if not d.persons:
        return Poverty(0.0, 0.0, NAN, NAN, NAN, 0.0, NAN, NAN, NAN, NAN, 0.0)
    k = int(np.searchsorted(d.values, line, side="right" if include_line else "left"))
    w, n = d.weights[:k], d.persons
    poor = float(d.cumulative[k - 1]) if k else 0.0
    _, gaps, squares, logs = gap_terms(d.values[:k], line, truncate_negatives)
    y = np.maximum(d.values[:k], 0.0) if truncate_negatives else d.values[:k]
    gap = exact_dot(w, gaps) / n
    both = d.cumulative[:k] + d.below[:k]
    return Poverty(
        persons=n,
        poor=poor,
        headcount=poor / n,
        gap=gap,
        severity=exact_dot(w, squares) / n,
        aggregate_gap=exact_dot(w, line - y),
        income_gap_ratio=gap * n / poor if poor else NAN,
        watts=exact_dot(w, logs) / n,
        sen=sen_index(w, y, both, poor, n, line),
        sst=exact_dot(w * (2.0 * n - both), gaps) / (n * n),
        negatives=d.share_of_negatives * n,
    )


def foster_greer_thorbecke(
    y: Floats,
    w: Floats,
    lines: Sequence[float],
    *,
    include_line: bool = False,
    truncate_negatives: bool = True,
) -> Floats:
    """Return FGT with alpha 0, 1, 2 under several lines, without sorting.

    Shape (n_lines, 3), shares of the persons.

    The same numbers as `poverty` gives; for who needs no other index.

    Parameters
    ----------
    y
        Shape (n,), currency units a person (or equivalent person), any period.
    w
        Shape (n,), persons: household weight x household size for households.
    lines
        Currency units a person of the same period, above 0.
    include_line, truncate_negatives
        As for `poverty`.

    Raises
    ------
    InputError
        A line is not above 0; a resource or weight cannot be measured.
    """
    for line in lines:
        check_line(line)
    y, w = np.ascontiguousarray(y, np.float64), np.ascontiguousarray(w, np.float64)
    check_resources(y, w)
    lowest = 0.0
    if not truncate_negatives and y.size:
        lowest = min(0.0, float(y.min()))
    worst = max([(1.0 - lowest / line) ** 2 for line in lines], default=1.0)
    # Every term is then below 2**31 of the scale, and the sums of 2**31 terms below 2**62 of it.
    scale = scale_of(largest_size(w) * worst, 1 << 29)
    hi, lo = np.zeros((len(lines), 3), np.int64), np.zeros((len(lines), 3), np.uint64)
    accumulate_gaps(y, w, np.array(lines, np.float64), include_line, lowest, 1.0 / scale, hi, lo)
    persons = exact_sum(w)
    sums = to_floats(hi.reshape(-1), lo.reshape(-1), scale).reshape(hi.shape)
    with np.errstate(invalid="ignore"):
        shares: Floats = sums / persons
    return shares


def sen_index(w: Floats, y: Floats, both: Floats, poor: float, n: float, line: float) -> float:
    """Return P0 (1 - (1 - Gini of the poor) x mean of the poor / line); 0 without poor.

    (1 - G) mean = 2 mean - sum w y (2 r - w) / n_poor**2, which also holds where all have 0.
    """
    if not poor:
        return 0.0
    mean = exact_dot(w, y) / poor
    equivalent = 2.0 * mean - exact_dot(w * both, y) / (poor * poor)
    return poor / n * (1.0 - equivalent / line)


def aggregate_gap_of_households(
    weight: Floats, equivalents: Floats, welfare: Floats, line: float
) -> float:
    """Return the sum of weight x max(0, line x equivalents - household resource).

    The amount that would lift every household to the line (DOMAIN 3.3), currency units of the
    period of `welfare`, for any equivalence scale.

    Parameters
    ----------
    weight
        Shape (n_households,), households.
    equivalents
        Shape (n_households,), equivalent persons.
    welfare
        Shape (n_households,), currency units an equivalent person; below 0 counts as 0.
    line
        Currency units an equivalent person.
    """
    check_line(line)
    missing = np.maximum(0.0, line - np.maximum(welfare, 0.0)) * equivalents
    return exact_dot(weight, missing)


@dataclass(frozen=True)
class PovertySums:
    """Exact sums behind the additive poverty indices of several groups; of one line and scale.

    Attributes
    ----------
    hi, lo
        Shape (n_groups, 5), 128-bit sums in units of `scale`: persons, poor, gap ratio, squared
        gap ratio, log gap.
    scale
        Persons, a power of two; sums merge only with sums of the same scale.
    line
        Currency units a person.
    """

    hi: Ints
    lo: Lows
    scale: float
    line: float

    def merged_with(self, other: PovertySums) -> PovertySums:
        """Return the sums of both.

        Raises
        ------
        InputError
            They have another line, scale or number of groups.
        """
        same = (self.scale, self.line, self.hi.shape) == (other.scale, other.line, other.hi.shape)
        if not same:
            raise InputError(
                Fault(
                    "poverty sums",
                    "sums of different lines, scales or groups cannot be merged",
                    f"lines {self.line!r} and {other.line!r}, scales {self.scale!r} and "
                    f"{other.scale!r}, groups {self.hi.shape[0]} and {other.hi.shape[0]}",
                    "the same",
                )
            )
        hi, lo = self.hi.flatten(), self.lo.flatten()
        merge_into(hi, lo, other.hi.flatten(), other.lo.flatten())
        shape = self.hi.shape
        return PovertySums(hi.reshape(shape), lo.reshape(shape), self.scale, self.line)


@dataclass(frozen=True)
class GroupPoverty:
    """Additive poverty indices by group. All arrays have shape (n_groups,).

    `persons`, `poor` are weighted persons; `headcount`, `gap`, `severity`, `watts` are NaN in a
    group of nobody; `aggregate_gap` is in currency units; `contribution` has shape (3, n_groups):
    the group's share of national headcount, gap and severity (NaN where nobody is poor).
    """

    persons: Floats
    poor: Floats
    headcount: Floats
    gap: Floats
    severity: Floats
    watts: Floats
    aggregate_gap: Floats
    contribution: Floats


def accumulate_poverty(
    welfare: Floats,
    weight: Floats,
    counts: Counts,
    line: float,
    *,
    include_line: bool = False,
    truncate_negatives: bool = True,
    scale: float | None = None,
) -> PovertySums:
    """Return the exact sums of the additive poverty indices, by group of persons.

    Parameters
    ----------
    welfare
        Shape (n_households,), currency units an (equivalent) person.
    weight
        Shape (n_households,), households.
    counts
        Shape (n_households, n_groups), persons of the household in each group (a household-level
        group is the household's size in one column and 0 in the others).
    line
        Currency units, above 0.
    include_line, truncate_negatives
        As for `poverty`.
    scale
        A power of two, fixed beforehand where sums of several shards will be merged; by default
        it is taken from the data.

    Raises
    ------
    InputError
        The line is not above 0, or a resource or weight cannot be measured.
    """
    check_line(line)
    check_resources(welfare, weight)
    if scale is None:
        lowest = 0.0 if truncate_negatives or not welfare.size else min(0.0, float(welfare.min()))
        largest_count = max(float(counts.max()), 1.0) if counts.size else 1.0
        worst = max((1.0 - lowest / line) ** 2, 5.0)  # 5 > log(1 / SMALLEST_SHARE_OF_LINE)
        scale = scale_of(largest_size(weight) * largest_count * worst, welfare.size)
    poor = np.flatnonzero(welfare <= line if include_line else welfare < line)
    terms = gap_terms(np.ascontiguousarray(welfare[poor], np.float64), line, truncate_negatives)
    hi = np.zeros((counts.shape[1], N_SUMS), np.int64)
    lo = np.zeros((counts.shape[1], N_SUMS), np.uint64)
    for g in range(counts.shape[1]):
        persons = weight * counts[:, g]
        hi[g, 0], lo[g, 0] = accumulate(persons, 1.0 / scale)
        for k, term in enumerate(terms, 1):
            hi[g, k], lo[g, k] = accumulate_products(persons[poor], term, 1.0 / scale)
    return PovertySums(hi, lo, scale, float(line))


def gap_terms(y: Floats, line: float, truncate_negatives: bool) -> tuple[Floats, ...]:
    """Return what each poor person adds to the sums: 1, gap ratio, its square, log gap."""
    gaps = (line - (np.maximum(y, 0.0) if truncate_negatives else y)) / line
    logs = log_array(line / np.maximum(y, SMALLEST_SHARE_OF_LINE * line))
    return np.ones_like(y), gaps, gaps * gaps, logs


def finalise_poverty(sums: PovertySums) -> GroupPoverty:
    """Return the additive poverty indices by group."""
    flat = to_floats(sums.hi.flatten(), sums.lo.flatten(), sums.scale)
    persons, poor, gaps, squares, logs = flat.reshape(sums.hi.shape).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return GroupPoverty(
            persons=persons,
            poor=poor,
            headcount=poor / persons,
            gap=gaps / persons,
            severity=squares / persons,
            watts=logs / persons,
            aggregate_gap=gaps * sums.line,
            contribution=np.stack([part / exact_sum(part) for part in (poor, gaps, squares)]),
        )


def poverty_by_group(
    welfare: Floats,
    weight: Floats,
    counts: Counts,
    line: float,
    *,
    include_line: bool = False,
    truncate_negatives: bool = True,
) -> GroupPoverty:
    """Return FGT, Watts and the aggregate gap by group; arguments as for `accumulate_poverty`."""
    sums = accumulate_poverty(
        welfare, weight, counts, line,
        include_line=include_line, truncate_negatives=truncate_negatives,
    )  # fmt: skip
    return finalise_poverty(sums)


@dataclass(frozen=True)
class PovertyChange:
    """A change of FGT poverty in parts that add up to it."""

    total: float
    growth: float
    redistribution: float


def growth_and_redistribution(
    before: Distribution, after: Distribution, line: float, alpha: int
) -> PovertyChange:
    """Split a change of FGT poverty into growth and redistribution (Datt and Ravallion 1992).

    The Shapley form: each part is the mean over both base years, so that no residual is left.

    Raises
    ------
    InputError
        A mean is not above 0, or the line is not.
    """

    def index(d: Distribution, at: float) -> float:
        found = poverty(d, at)
        return (found.headcount, found.gap, found.severity)[alpha]

    # A distribution scaled by m under line z is the distribution itself under z / m.
    if not (before.total > 0.0 and after.total > 0.0):
        raise InputError(
            Fault(
                "growth and redistribution",
                "a mean is not above 0",
                f"{before.mean!r} before, {after.mean!r} after",
                "means above 0",
            )
        )
    rise = after.mean / before.mean
    p00, p11 = index(before, line), index(after, line)
    p10, p01 = index(before, line / rise), index(after, line * rise)
    return PovertyChange(
        total=p11 - p00,
        growth=0.5 * ((p10 - p00) + (p11 - p01)),
        redistribution=0.5 * ((p01 - p00) + (p11 - p10)),
    )


@dataclass(frozen=True)
class SectoralChange:
    """A change of poverty by group: within groups, between groups (shifts), interaction."""

    within: Floats
    shift: Floats
    interaction: Floats

    @property
    def total(self) -> float:
        """The change of national poverty."""
        return exact_sum(np.concatenate([self.within, self.shift, self.interaction]))


def sectoral_change(
    persons: tuple[Floats, Floats], indices: tuple[Floats, Floats]
) -> SectoralChange:
    """Split a change of poverty by group (Huppi and Ravallion 1991).

    Parameters
    ----------
    persons
        Before and after, shape (n_groups,) each.
    indices
        An additive poverty index by group, before and after, shape (n_groups,) each.
    """
    share = [part / part.sum() for part in persons]
    rise, move = indices[1] - indices[0], share[1] - share[0]
    return SectoralChange(share[0] * rise, move * indices[0], move * rise)


def log_line_ratio(line: float, resource: float) -> float:
    """Return the log gap of one person, as the Watts index counts it; 0 for who is not poor."""
    if resource >= line:
        return 0.0
    return float(log(line / max(resource, SMALLEST_SHARE_OF_LINE * line)))
