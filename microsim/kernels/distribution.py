"""Passes over a sorted distribution: equal values become one, sums are exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import add_pair, fixed_point, to_float
from microsim.kernels.jit import kernel
from microsim.kernels.transcendental import log

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint64]

N_POVERTY_SUMS = 5  # persons, poor persons, gap, squared gap, log gap


@kernel
def collapse(
    y: Floats, w: Floats, order: Ints, inverse_scale: float
) -> tuple[Floats, Floats, Floats]:
    """Return distinct values ascending, their total weights and the cumulative weights.

    `y` and `w` have shape (n,), `order` sorts y. Rows of weight 0 leave no trace. The sums are
    exact, so the result does not depend on how rows with equal values are ordered or split.
    """
    n = order.shape[0]
    values, weights, cumulative = np.empty(n), np.empty(n), np.empty(n)
    hi, lo = np.int64(0), np.uint64(0)
    tie_hi, tie_lo = np.int64(0), np.uint64(0)
    scale = 1.0 / inverse_scale
    found = -1
    several = False
    for i in range(n):
        row = order[i]
        weight, value = w[row], y[row]
        if weight == 0.0:
            continue
        more_hi, more_lo = fixed_point(weight * inverse_scale)
        hi, lo = add_pair(hi, lo, more_hi, more_lo)
        if found >= 0 and value == values[found]:
            several = True
            tie_hi, tie_lo = add_pair(tie_hi, tie_lo, more_hi, more_lo)
        else:
            if several:
                weights[found] = to_float(tie_hi, tie_lo) * scale
                several = False
            found += 1
            values[found] = value + 0.0
            weights[found] = weight
            tie_hi, tie_lo = more_hi, more_lo
        cumulative[found] = to_float(hi, lo) * scale
    if several:
        weights[found] = to_float(tie_hi, tie_lo) * scale
    found += 1
    return values[:found], weights[:found], cumulative[:found]


@kernel
def poverty_sums(
    y: Floats,
    w: Floats,
    counts: Floats,
    line: float,
    include_line: bool,
    truncate: bool,
    smallest: float,
    inverse_scale: float,
    hi: Ints,
    lo: Lows,
) -> None:
    """Add each household's poverty to the exact sums of its persons' cells, in place.

    `y`, `w`: shape (n,), resource and household weight. `counts`: shape (n, n_cells), persons of
    the household in each cell. `hi`, `lo`: shape (n_cells, 5): weighted persons, poor, gap ratio,
    squared gap ratio, log gap. `smallest` bounds y below in the logarithm.
    """
    cells = counts.shape[1]
    terms = np.zeros(N_POVERTY_SUMS)
    terms[0] = 1.0
    for i in range(y.shape[0]):
        poor = y[i] < line or (include_line and y[i] == line)
        n_terms = 1
        if poor:
            n_terms = N_POVERTY_SUMS
            resource = max(y[i], 0.0) if truncate else y[i]
            gap = (line - resource) / line
            terms[1] = 1.0
            terms[2] = gap
            terms[3] = gap * gap
            terms[4] = log(line / max(y[i], smallest))
        for c in range(cells):
            persons = w[i] * counts[i, c]
            if persons != 0.0:
                for k in range(n_terms):
                    more_hi, more_lo = fixed_point(persons * terms[k] * inverse_scale)
                    hi[c, k], lo[c, k] = add_pair(hi[c, k], lo[c, k], more_hi, more_lo)
