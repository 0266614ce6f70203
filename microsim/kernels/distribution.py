"""Passes over a sorted distribution: equal values become one, sums are exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import TWO_32, TWO_MINUS_64, WORD
from microsim.kernels.jit import embedded, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@embedded
def add_small(hi: np.int64, lo: np.uint64, x: float) -> tuple[np.int64, np.uint64]:
    """Return the sum with x added: as `add_exact`, for x of 0 or more and sums below 2**53."""
    whole = np.int64(x)
    part = (x - np.float64(whole)) * TWO_32
    upper = np.int64(part)
    lower = np.int64((part - np.float64(upper)) * TWO_32 + 0.5)
    low = np.uint64(lo + np.uint64((upper << WORD) + lower))
    return np.int64(hi + whole + np.int64(low < lo)), low


@embedded
def read_small(hi: np.int64, lo: np.uint64) -> float:
    """Return a sum below 2**53 as float64: a function of the exact sum alone."""
    return float(np.float64(hi) + np.float64(lo) * TWO_MINUS_64)


@kernel
def collapse(y: Floats, w: Floats, order: Ints, scale: float) -> tuple[Floats, Floats, Floats]:
    """Return distinct values ascending, their total weights and the cumulative weights.

    `y` and `w` have shape (n,), `order` sorts y. Weights are 0 or more, finite, and sum to less
    than 2**53 times `scale`, a power of two. Rows of weight 0 leave no trace. The sums are exact,
    so the result does not depend on how rows with equal values are ordered or split.
    """
    n = order.shape[0]
    values, weights, cumulative = np.empty(n), np.empty(n), np.empty(n)
    inverse_scale = 1.0 / scale
    hi, lo, tie_hi, tie_lo = np.int64(0), np.uint64(0), np.int64(0), np.uint64(0)
    found = -1
    for i in range(n):
        row = order[i]
        weight, value = w[row] * inverse_scale, y[row]
        if weight == 0.0:
            continue
        hi, lo = add_small(hi, lo, weight)
        if found >= 0 and value == values[found]:
            tie_hi, tie_lo = add_small(tie_hi, tie_lo, weight)
        else:
            found += 1
            values[found] = value + 0.0
            tie_hi, tie_lo = add_small(np.int64(0), np.uint64(0), weight)
        weights[found] = read_small(tie_hi, tie_lo) * scale
        cumulative[found] = read_small(hi, lo) * scale
    found += 1
    return values[:found], weights[:found], cumulative[:found]
