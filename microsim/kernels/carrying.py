"""Moves columns along with persons from one year to the next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@kernel
def moved(values: Floats, source: Ints) -> Floats:
    """Return the value of the row each person comes from, 0 for who comes from none.

    Parameters
    ----------
    values
        Shape (n_before,).
    source
        Shape (n_now,), row before, -1 for none.
    """
    found = np.zeros(source.shape[0])
    for i in range(source.shape[0]):
        row = source[i]
        if row >= 0:
            found[i] = values[row]
    return found


@kernel
def stocks_and_flows(
    before: Floats,
    now: Floats,
    source: Ints,
    left: Ints,
    left_cause: npt.NDArray[np.int8],
    sex_before: npt.NDArray[np.int8],
    sex_now: npt.NDArray[np.int8],
) -> Ints:
    """Count who receives something before and now, who began and who ceased, and why.

    Parameters
    ----------
    before, now
        Shapes (n_before,) and (n_now,), an amount of each person; above 0 is receiving.
    source
        Shape (n_now,), row before of each person, -1 for none.
    left, left_cause
        Shape (n_left,), rows before of who is no longer there; 0 died, 1 left the country.
    sex_before, sex_now
        Codes of sex.

    Returns
    -------
    Ints
        Shape (2, 6), by sex: opening, new, died, left the country, other ends, closing; opening +
        new - died - left - other = closing.
    """
    found = np.zeros((2, 6), np.int64)
    for i in range(before.shape[0]):
        found[sex_before[i], 0] += before[i] > 0.0
    for k in range(left.shape[0]):
        row = left[k]
        found[sex_before[row], 2 + left_cause[k]] += before[row] > 0.0
    for i in range(now.shape[0]):
        row = source[i]
        was = row >= 0 and before[row] > 0.0
        found[sex_now[i], 1] += now[i] > 0.0 and not was
        found[sex_now[i], 4] += was and not now[i] > 0.0
        found[sex_now[i], 5] += now[i] > 0.0
    return found
