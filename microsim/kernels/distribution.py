"""Passes over a sorted distribution: equal values become one, sums are exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import BLOCK, LOWER_WORD, ONE, TWO_32, TWO_MINUS_64, WORD
from microsim.kernels.jit import embedded, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@embedded
def fixed_small(x: float) -> tuple[np.int64, np.uint64]:
    """Return x as a 128-bit number: as `fixed_point`, for x of 0 or more and below 2**53."""
    whole = np.int64(x)
    part = (x - np.float64(whole)) * TWO_32
    upper = np.int64(part)
    lower = np.int64((part - np.float64(upper)) * TWO_32 + 0.5)
    upper = np.int64(upper + (lower >> WORD))
    low = (np.uint64(upper & LOWER_WORD) << np.uint64(WORD)) | np.uint64(lower & LOWER_WORD)
    return np.int64(whole + (upper >> WORD)), low


@embedded
def read_small(hi: np.int64, lo: np.uint64) -> float:
    """Return a sum below 2**53 as float64: a function of the exact sum alone."""
    return float(np.float64(hi) + np.float64(lo) * TWO_MINUS_64)


@kernel
def collapse(y: Floats, w: Floats, order: Ints, scale: float) -> tuple[Floats, Floats, Floats]:
    """Return distinct values ascending, their total weights and the cumulative weights.

    `y` and `w` have shape (n,), `order` sorts y. See `collapse_in_place`.
    """
    n = order.shape[0]
    values, weights, cumulative = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        values[i] = y[order[i]]
        weights[i] = w[order[i]]
    found = collapse_in_place(values, weights, cumulative, scale)
    return values[:found], weights[:found], cumulative[:found]


@kernel
def collapse_in_place(y: Floats, w: Floats, cumulative: Floats, scale: float) -> int:
    """Turn sorted values and weights into distinct values with their total and cumulative weights.

    All arrays have shape (n,), y ascending; the first places of each are overwritten, and how many
    is returned (new memory costs more than the arithmetic). Weights are 0 or more, finite, and sum
    to less than 2**53 times `scale`, a power of two. Rows of weight 0 leave no trace. The sums are
    exact, so the result does not depend on how rows with equal values are ordered or split.
    """
    inverse_scale = 1.0 / scale
    whole, part = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.uint64)
    hi, lo, below_hi, below_lo = np.int64(0), np.uint64(0), np.int64(0), np.uint64(0)
    found, last = np.uint64(0), np.nan
    for first in range(0, y.shape[0], BLOCK):
        many = min(BLOCK, y.shape[0] - first)
        for i in range(many):  # in vectors
            whole[i], part[i] = fixed_small(w[first + i] * inverse_scale)
        for i in range(many):
            value = y[first + i]
            if w[first + i] == 0.0:
                continue
            if value != last:  # also the first time: last is NaN
                found += ONE
                below_hi, below_lo, last = hi, lo, value
            lo = np.uint64(lo + part[i])
            hi = np.int64(hi + whole[i] + np.int64(lo < part[i]))
            own_hi = np.int64(hi - below_hi - np.int64(lo < below_lo))
            y[found - ONE] = value + 0.0
            w[found - ONE] = read_small(own_hi, np.uint64(lo - below_lo)) * scale
            cumulative[found - ONE] = read_small(hi, lo) * scale
    return int(found)
