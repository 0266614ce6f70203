"""Transition matrices between employment statuses to test with: as CSV and as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from microsim.population.columns import EMPLOYMENT_STATUS

Floats = npt.NDArray[np.float64]
Moves = Mapping[str, Mapping[str, float]]
LABELS = EMPLOYMENT_STATUS[1:]


def matrix(moves: Moves) -> Floats:
    """Return a matrix of shape (13, 13): those who do not move as `moves` says stay."""
    found = np.eye(13)
    for before, row in moves.items():
        k = EMPLOYMENT_STATUS.index(before)
        for after, p in row.items():
            found[k, EMPLOYMENT_STATUS.index(after)] = p
            found[k, k] -= p
    return found


def every_step(one: Floats, n_steps: int) -> Floats:
    """Return a matrix as tables have it, for all sexes, ages and steps."""
    return np.broadcast_to(one, (n_steps, 2, 121, 13, 13)).copy()


def lines(moves: Moves, prefix: str = "") -> str:
    """Return the lines of a CSV, with `prefix` (`2026-2030,male,`) before each."""
    rows = matrix(moves)
    text = ""
    for before in LABELS:
        cells = (repr(float(x)) for x in rows[EMPLOYMENT_STATUS.index(before), 1:])
        text += f"{prefix}{before},{','.join(cells)}\n"
    return text


def header(*columns: str) -> str:
    """Return the first line of a CSV."""
    return ",".join([*columns, "from", *LABELS]) + "\n"
