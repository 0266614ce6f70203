"""Household weights that meet the population by sex and 5-year age: equal, then slightly moved."""

from __future__ import annotations

import numpy as np

from microsim.errors import RunFailedError
from microsim.population.synthesis.people import Floats, Ints

FEWEST_IN_CELL = 5


def merged_cells(counts: Ints) -> tuple[Ints, list[int]]:
    """Merge the oldest groups of each sex until each cell has at least `FEWEST_IN_CELL` persons.

    Parameters
    ----------
    counts
        Shape (2, n_groups), persons in the sample.

    Returns
    -------
    cell
        Shape (2, n_groups), number of the cell of each group.
    last_groups
        The first group of the open cell of each sex.
    """
    cell = np.empty(counts.shape, dtype=np.int64)
    last_groups, n = [], 0
    for sex in range(counts.shape[0]):
        # The open cell grows down until it and every younger group is full enough.
        open_from = counts.shape[1] - 1
        while open_from > 0 and (
            counts[sex, open_from:].sum() < FEWEST_IN_CELL
            or bool((counts[sex, :open_from] < FEWEST_IN_CELL).any())
        ):
            open_from -= 1
        cell[sex] = n + np.minimum(np.arange(counts.shape[1]), open_from)
        last_groups.append(open_from)
        n += open_from + 1
    return cell, last_groups


def solve(matrix: Floats, right: Floats) -> Floats:
    """Solve a small symmetric positive definite system by elimination, the same on any machine.

    Raises
    ------
    RunFailedError
        The matrix is singular.
    """
    a, b = matrix.astype(np.float64).copy(), right.astype(np.float64).copy()
    n = b.size
    for i in range(n):
        if not a[i, i] > 0.0:
            raise RunFailedError("the calibration of weights is singular; use more households.")
        factor = a[i + 1 :, i] / a[i, i]
        a[i + 1 :] -= factor[:, None] * a[i]
        b[i + 1 :] -= factor * b[i]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        rest = np.cumsum(a[i, i + 1 :] * x[i + 1 :])
        x[i] = (b[i] - (rest[-1] if rest.size else 0.0)) / a[i, i]
    return x


def household_weights(household: Ints, person_cell: Ints, targets: Floats) -> Floats:
    """Return weights, as equal as can be, that meet the targets (linear calibration, GREG).

    Parameters
    ----------
    household, person_cell
        Shape (n_persons,), household row (sorted) and cell of each person.
    targets
        Shape (n_cells,), persons in the population.

    Returns
    -------
    Floats
        Shape (n_households,), all positive.

    Raises
    ------
    RunFailedError
        A weight would not be positive.
    """
    n_cells, n_households = targets.size, int(household[-1]) + 1
    counts = np.bincount(person_cell, minlength=n_cells).astype(np.float64)
    base = float(np.cumsum(targets)[-1]) / household.size
    squares = _pairs(household, person_cell, n_cells)
    weight_shift = solve(squares * base, targets - base * counts)
    moved = np.bincount(household, weights=weight_shift[person_cell], minlength=n_households)
    weights: Floats = base * (1.0 + moved).astype(np.float64)
    if not bool((weights > 0.0).all()):
        raise RunFailedError(
            "the population by sex and age cannot be met with positive weights; "
            f"found a smallest weight of {weights.min():.4g}. Use more households."
        )
    return weights


def _pairs(household: Ints, cell: Ints, n_cells: int) -> Floats:
    """Return X'X of the households' counts by cell: pairs of members, each with itself included."""
    pairs = np.bincount(cell * (n_cells + 1), minlength=n_cells * n_cells)
    left = np.arange(household.size - 1)
    distance = 1
    while left.size:
        left = left[left + distance < household.size]
        left = left[household[left] == household[left + distance]]
        here, there = cell[left], cell[left + distance]
        for one, other in ((here, there), (there, here)):
            pairs += np.bincount(one * n_cells + other, minlength=n_cells * n_cells)
        distance += 1
    return pairs.reshape(n_cells, n_cells).astype(np.float64)
