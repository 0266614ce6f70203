"""Poverty gaps of unsorted resources: exact sums for several lines in one pass, in vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import BLOCK, add_pair, from_parts, three_parts
from microsim.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint64]


@kernel
def accumulate_gaps(
    y: Floats,
    w: Floats,
    lines: Floats,
    include_line: bool,
    floor: float,
    inverse_scale: float,
    hi: Ints,
    lo: Lows,
) -> None:
    """Add weight, weight x gap ratio and weight x its square of the poor to exact sums, in place.

    `y`, `w` have shape (n,), `lines` (n_lines,), `hi`, `lo` (n_lines, 3), in units of the scale, in
    which every term must be below 2**50. A resource below `floor` counts as that.
    """
    for first in range(0, y.shape[0], BLOCK):
        last = min(first + BLOCK, y.shape[0])
        for k in range(lines.shape[0]):
            line = lines[k]
            a0, a1, a2 = np.int64(0), np.int64(0), np.int64(0)
            b0, b1, b2 = np.int64(0), np.int64(0), np.int64(0)
            c0, c1, c2 = np.int64(0), np.int64(0), np.int64(0)
            for i in range(first, last):
                x = y[i]
                gap = (line - (x if x > floor else floor)) / line
                poor = w[i] * inverse_scale if x < line or (include_line and x == line) else 0.0
                whole, upper, lower = three_parts(poor)
                a0, a1, a2 = a0 + whole, a1 + upper, a2 + lower
                whole, upper, lower = three_parts(poor * gap)
                b0, b1, b2 = b0 + whole, b1 + upper, b2 + lower
                whole, upper, lower = three_parts(poor * (gap * gap))
                c0, c1, c2 = c0 + whole, c1 + upper, c2 + lower
            more_hi, more_lo = from_parts(a0, a1, a2)
            hi[k, 0], lo[k, 0] = add_pair(hi[k, 0], lo[k, 0], more_hi, more_lo)
            more_hi, more_lo = from_parts(b0, b1, b2)
            hi[k, 1], lo[k, 1] = add_pair(hi[k, 1], lo[k, 1], more_hi, more_lo)
            more_hi, more_lo = from_parts(c0, c1, c2)
            hi[k, 2], lo[k, 2] = add_pair(hi[k, 2], lo[k, 2], more_hi, more_lo)
