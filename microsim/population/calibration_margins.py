"""Finds calibration margins that no weights can meet, and says which ones and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population import calibration_steps as steps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEPENDENT = 1e-10  # share of a margin's variation not explained by earlier margins
AGREE = 1e-8  # relative difference within which dependent targets agree
NAMED = 6


@dataclass(frozen=True)
class Margins:
    """Household totals of each margin, as non-zero entries row by row, with targets and names.

    Attributes
    ----------
    first, column, value
        Shapes (n_households + 1,), (n_entries,), (n_entries,).
    targets
        Shape (k,), in the unit of each margin.
    names
        Names of the k margins, used in messages.
    """

    first: Ints
    column: Ints
    value: Floats
    targets: Floats
    names: tuple[str, ...]

    @classmethod
    def of(cls, totals: Floats, targets: Floats, names: tuple[str, ...]) -> Margins:
        """Make margins from a full matrix of household totals, shape (n_households, k)."""
        row, column = np.nonzero(totals)
        first = np.searchsorted(row, np.arange(totals.shape[0] + 1)).astype(np.int64)
        return cls(first, column.astype(np.int64), totals[row, column], targets, names)

    @property
    def row(self) -> Ints:
        """Shape (n_entries,), the household of each entry."""
        return np.repeat(np.arange(self.first.size - 1, dtype=np.int64), np.diff(self.first))

    def keep(self, kept: npt.NDArray[np.bool_], scale: Floats) -> Margins:
        """Return the kept margins with household totals and targets multiplied by `scale` (k,)."""
        entries = kept[self.column]
        number = np.cumsum(kept) - 1
        counts = np.bincount(self.row[entries], minlength=self.first.size - 1)
        first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        column = self.column[entries]
        names = tuple(name for name, wanted in zip(self.names, kept, strict=True) if wanted)
        scaled = self.value[entries] * scale[column]
        return Margins(first, number[column], scaled, (self.targets * scale)[kept], names)


def check_reach(
    faults: FaultList, margins: Margins, weights: Floats, lower: float, upper: float, where: str
) -> None:
    """Note each margin whose target no weights within the bounds can meet by itself."""
    k = margins.targets.size
    weighted = weights[margins.row] * margins.value
    plus = np.bincount(margins.column, np.maximum(weighted, 0.0), k)
    minus = np.bincount(margins.column, np.minimum(weighted, 0.0), k)
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


def independent(
    faults: FaultList, margins: Margins, weights: Floats, where: str
) -> npt.NDArray[np.bool_]:
    """Return which margins are not implied by earlier ones; note those that contradict them.

    Returns
    -------
    Shape (k,). Empty margins (no household has any) count as implied: their target is 0.
    """
    k = margins.targets.size
    matrix = steps.gram(margins.first, margins.column, margins.value, weights, k)
    size = np.sqrt(np.diag(matrix))
    inverse = np.divide(1.0, size, out=np.zeros(k), where=size > 0.0)
    matrix *= inverse[:, None] * inverse[None, :]
    _, dependent = steps.solve(matrix, np.zeros(k), DEPENDENT)
    kept: npt.NDArray[np.bool_] = dependent == 0
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
    weights: Floats,
    totals: Floats,
    direction: Floats,
    bounds: tuple[float, float],
    where: str,
) -> None:
    """Note why margins could not be met together: which, and whether that is proven.

    `totals` (k,) is what was reached, `direction` (k,) where the multipliers went.
    """
    share = np.bincount(
        margins.row, margins.value * direction[margins.column], margins.first.size - 1
    )
    lower, upper = bounds
    factor = np.where(share > 0.0, upper, lower)
    wanted = (share != 0.0) & (weights > 0.0)
    reach = float((weights[wanted] * factor[wanted] * share[wanted]).sum())
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


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
