"""Finds calibration margins that no weights can meet, and says which ones and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population import calibration_steps as steps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DEPENDENT = 1e-10  # share of a margin's variation not explained by earlier margins
AGREE = 1e-8  # relative difference within which dependent targets agree
NAMED = 6


@dataclass(frozen=True)
class Entries:
    """Some households: the weight of each, and its non-zero totals, row by row.

    Attributes
    ----------
    weights
        Shape (n_households,), to start from.
    first, column, value
        Shapes (n_households + 1,), (n_entries,), (n_entries,); columns ascend within a household.
    """

    weights: Floats
    first: Ints
    column: Ints
    value: Floats

    @classmethod
    def of(cls, weights: Floats, totals: Floats) -> Entries:
        """Make entries from a full matrix of household totals, shape (n_households, k)."""
        row, column = np.nonzero(totals)
        first = np.searchsorted(row, np.arange(totals.shape[0] + 1)).astype(np.int64)
        return cls(weights, first, column.astype(np.int64), totals[row, column])

    @property
    def row(self) -> Ints:
        """Shape (n_entries,), the household of each entry."""
        return np.repeat(np.arange(self.first.size - 1, dtype=np.int64), np.diff(self.first))

    def keep(self, kept: Mask, scale: Floats) -> Entries:
        """Return the kept margins with household totals multiplied by `scale` (k,)."""
        kept_entries = steps.kept_entries(self.first, self.column, self.value, kept, scale)
        return Entries(self.weights, *kept_entries)


class Sample(Protocol):
    """Households slice by slice: it can be gone through again and again, to the same slices."""

    def __iter__(self) -> Iterator[Entries]:
        """Return the slices from the first on."""


@dataclass(frozen=True)
class _Kept:
    """A sample of which some margins are kept; slices are made anew each time."""

    sample: Sample
    kept: Mask
    scale: Floats

    def __iter__(self) -> Iterator[Entries]:
        """Return the slices from the first on."""
        return (entries.keep(self.kept, self.scale) for entries in self.sample)


@dataclass(frozen=True)
class Margins:
    """Households with the known totals of their margins.

    Attributes
    ----------
    sample
        The households; a tuple is in memory, anything else is read a slice at a time.
    targets
        Shape (k,), in the unit of each margin.
    names
        Names of the k margins, used in messages.
    """

    sample: Sample
    targets: Floats
    names: tuple[str, ...]

    def keep(self, kept: Mask, scale: Floats) -> Margins:
        """Return the kept margins with household totals and targets multiplied by `scale` (k,)."""
        names = tuple(name for name, wanted in zip(self.names, kept, strict=True) if wanted)
        sample: Sample = _Kept(self.sample, kept, scale)
        if isinstance(self.sample, tuple):
            sample = tuple(sample)
        return Margins(sample, (self.targets * scale)[kept], names)

    def moments(self) -> Moments:
        """Return what the households add up to as they are: no target is in it."""
        k = self.targets.size
        plus, minus, squares = np.zeros(k), np.zeros(k), np.zeros(k)
        gram = np.zeros((k, k))
        for one in self.sample:
            weights = one.weights[one.row]
            weighted = weights * one.value
            plus += _by_column(one, np.maximum(weighted, 0.0), k)
            minus += _by_column(one, np.minimum(weighted, 0.0), k)
            squares += _by_column(one, weights * one.value**2, k)
            gram += steps.gram(one.first, one.column, one.value, one.weights, k)
        return Moments(plus, minus, squares, gram)


@dataclass(frozen=True)
class Moments:
    """Weighted sums over the households of a sample.

    Attributes
    ----------
    plus, minus
        Shape (k,), sums of the household totals above and below 0.
    squares
        Shape (k,), sums of their squares.
    gram
        Shape (k, k), sums of their products.
    """

    plus: Floats
    minus: Floats
    squares: Floats
    gram: Floats


def _by_column(entries: Entries, part: Floats, k: int) -> Floats:
    return np.bincount(entries.column, part, k).astype(np.float64, copy=False)


def check_reach(
    faults: FaultList, margins: Margins, moments: Moments, lower: float, upper: float, where: str
) -> None:
    """Note each margin whose target no weights within the bounds can meet by itself."""
    plus, minus = moments.plus, moments.minus
    for j, name in enumerate(margins.names):
        target = float(margins.targets[j])
        if plus[j] == 0.0 and minus[j] == 0.0:
            if target != 0.0:
                faults.add(
                    f"{where}, margin '{name}'",
                    "no household with a weight has any of it",
                    "0",
                    f"{target:g}",
                    "Merge the margin with a neighbouring one, or leave it out.",
                )
            continue
        least = _times(lower, plus[j]) + _times(upper, minus[j])
        most = _times(upper, plus[j]) + _times(lower, minus[j])
        if least <= target <= most and not (lower == 0.0 and target == 0.0 and minus[j] == 0.0):
            continue
        faults.add(
            f"{where}, margin '{name}'",
            "the target cannot be reached",
            f"target {target:g}",
            f"between {least:g} and {most:g} (weights times {lower:g} to {upper:g}; "
            f"now {plus[j] + minus[j]:g})",
            "Correct the target, widen the bounds, or merge the margin with another.",
        )


def _times(factor: float, total: float) -> float:
    return 0.0 if total == 0.0 else factor * total


def independent(faults: FaultList, margins: Margins, moments: Moments, where: str) -> Mask:
    """Return which margins are not implied by earlier ones; note those that contradict them.

    Returns
    -------
    Shape (k,). Empty margins (no household has any) count as implied: their target is 0.
    """
    k = margins.targets.size
    matrix = moments.gram.copy()
    size = np.sqrt(np.diag(matrix))
    inverse = np.divide(1.0, size, out=np.zeros(k), where=size > 0.0)
    matrix *= inverse[:, None] * inverse[None, :]
    _, dependent = steps.solve(matrix, np.zeros(k), DEPENDENT)
    kept: Mask = dependent == 0
    for j in np.flatnonzero(~kept & (size > 0.0)):
        earlier = np.flatnonzero(kept[:j])
        shares, _ = steps.solve(
            np.ascontiguousarray(matrix[np.ix_(earlier, earlier)]), matrix[earlier, j], DEPENDENT
        )
        shares *= size[j] * inverse[earlier]
        whole = np.rint(shares)
        shares = np.where(np.abs(shares - whole) < 1e-5, whole, shares)
        implied = float((shares * margins.targets[earlier]).sum())
        scale = max(abs(margins.targets[j]), float(np.abs(shares * margins.targets[earlier]).max()))
        if abs(implied - margins.targets[j]) > AGREE * scale:
            used = [
                f"'{margins.names[m]}'" for m, s in zip(earlier, shares, strict=True) if s != 0.0
            ]
            faults.add(
                f"{where}, margin '{margins.names[j]}'",
                "contradicts other margins that determine it: " + _listed(used),
                f"target {margins.targets[j]:.10g}",
                f"{implied:.10g}",
                "Make the targets agree (rescale one group to the other's total) or drop one.",
            )
    return kept


def explain_failure(
    faults: FaultList,
    margins: Margins,
    totals: Floats,
    direction: Floats,
    bounds: tuple[float, float],
    where: str,
) -> None:
    """Note why margins could not be met together: which, and whether that is proven.

    `totals` (k,) is what was reached, `direction` (k,) where the multipliers went.
    """
    reach = sum(_reach(one, direction, bounds) for one in margins.sample)
    lower, upper = bounds
    proven = np.isfinite(reach) and float((direction * margins.targets).sum()) > reach
    gap = (totals - margins.targets) / np.maximum(np.abs(margins.targets), 1e-300)
    size = np.abs(direction) * np.abs(margins.targets) if proven else np.abs(gap)
    order = [int(j) for j in np.argsort(-size, kind="stable") if size[j] > 0.01 * size.max()]
    text = [f"'{margins.names[j]}' {totals[j]:.6g} of {margins.targets[j]:.6g}" for j in order]
    faults.add(
        where,
        "these margins cannot be met together"
        if proven
        else "the margins were not met; the furthest from their targets",
        _listed(text),
        f"weights times {lower:g} to {upper:g} that meet all targets",
        "Widen the bounds, merge margins, or correct the targets.",
    )


def _reach(entries: Entries, direction: Floats, bounds: tuple[float, float]) -> float:
    """Return the most that weights within bounds can add up to in a direction of the margins."""
    share = np.bincount(
        entries.row, entries.value * direction[entries.column], entries.first.size - 1
    )
    lower, upper = bounds
    factor = np.where(share > 0.0, upper, lower)
    wanted = (share != 0.0) & (entries.weights > 0.0)
    return float((entries.weights[wanted] * factor[wanted] * share[wanted]).sum())


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
