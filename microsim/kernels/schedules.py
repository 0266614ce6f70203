"""Marginal-rate schedules and step tables, packed in one flat array of numbers.

A schedule is packed as [n, threshold 1..n, rate 1..n]; a table with k keys as [n_1..n_k, key values
1 .. k, values in C order].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import inlined

Floats = npt.NDArray[np.float64]


def pack_schedule(rows: Floats) -> Floats:
    """Pack rows (threshold, marginal rate above it), shape (n, 2), thresholds increasing."""
    return np.concatenate([[float(len(rows))], rows[:, 0], rows[:, 1]])


def pack_table(rows: Floats) -> Floats:
    """Pack rows (key 1, ..., key k, value), shape (n, k + 1); every combination of keys must be
    there once.
    """
    keys = [np.unique(rows[:, k]) for k in range(rows.shape[1] - 1)]
    order = np.lexsort(rows[:, :-1].T[::-1])
    sizes = [float(len(key)) for key in keys]
    return np.concatenate([np.array(sizes), *keys, rows[order, -1]])


@inlined
def schedule(x: float, packed: Floats, offset: int) -> float:
    """Return the sum over brackets of rate times the part of `x` inside the bracket."""
    n = int(packed[offset])
    total = 0.0
    for b in range(n):
        threshold = packed[offset + 1 + b]
        if x > threshold:
            top = x
            if b + 1 < n:
                following = packed[offset + 2 + b]
                if following < x:
                    top = following
            total = total + packed[offset + 1 + n + b] * (top - threshold)
    return total


@inlined
def step(x: float, packed: Floats, first: int, n: int) -> int:
    """Return the index of the last of `n` rising keys at or below `x`, -1 if `x` is below all."""
    found = -1
    for k in range(n):
        if packed[first + k] <= x:
            found = k
    return found


@inlined
def lookup1(x: float, packed: Floats, offset: int) -> int:
    """Return the position in `packed` of the value of a one-key table, -1 on a miss."""
    n = int(packed[offset])
    i = step(x, packed, offset + 1, n)
    return -1 if i < 0 else offset + 1 + n + i


@inlined
def lookup2(x: float, y: float, packed: Floats, offset: int) -> int:
    """Return the position in `packed` of the value of a two-key table, -1 on a miss."""
    n, m = int(packed[offset]), int(packed[offset + 1])
    i = step(x, packed, offset + 2, n)
    j = step(y, packed, offset + 2 + n, m)
    return -1 if i < 0 or j < 0 else offset + 2 + n + m + i * m + j


@inlined
def lookup3(x: float, y: float, z: float, packed: Floats, offset: int) -> int:
    """Return the position in `packed` of the value of a three-key table, -1 on a miss."""
    n, m, q = int(packed[offset]), int(packed[offset + 1]), int(packed[offset + 2])
    first = offset + 3
    i = step(x, packed, first, n)
    j = step(y, packed, first + n, m)
    k = step(z, packed, first + n + m, q)
    return -1 if i < 0 or j < 0 or k < 0 else first + n + m + q + (i * m + j) * q + k
