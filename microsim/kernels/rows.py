"""What the generated rules share: partitions of households, and the exact tally of a block of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import add_pair, fixed_point
from microsim.kernels.jit import inlined, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int16]

OF_PERSON, OF_HOUSEHOLD = 0, 1
IN_CELLS, IN_PLACES, WHETHER = 1, 2, 4
LARGEST = 4.0e18  # 2**62 scale units is what an exact sum can hold


@inlined
def fill(row: Floats, seen: Floats, n: int) -> None:
    """Set the first n numbers of two rows to 0."""
    for i in range(n):
        row[i] = 0.0
        seen[i] = 0.0


@kernel
def anchors(
    row: Floats,
    n: int,
    lo: int,
    hlo: int,
    start: Ints,
    hidx: Codes,
    head: Positions,
    spouse: Positions,
    mother: Positions,
    father: Positions,
    couple: bool,
    children: bool,
    with_head: bool,
) -> None:
    """Turn a row of 0/1 (dependent child) into the row of the person each person's unit is anchored at.

    A couple is anchored at the partner who comes first. A dependent child joins the unit of its mother, else of its
    father, else (if `with_head`) of the head, else stands alone; up to three further generations of dependents.
    """
    own = np.empty(n, np.int64)
    for i in range(n):
        own[i] = i
        if couple and spouse[lo + i] >= 0:
            other = start[hlo + hidx[i]] - lo + spouse[lo + i]
            if other < i:
                own[i] = other
    joined = own.copy()
    if children:
        for i in range(n):
            if row[i] != 0.0:
                base = start[hlo + hidx[i]] - lo
                parent = i
                if mother[lo + i] >= 0:
                    parent = base + mother[lo + i]
                elif father[lo + i] >= 0:
                    parent = base + father[lo + i]
                elif with_head:
                    parent = base + head[lo + i]
                joined[i] = own[parent]
        for _ in range(3):
            before = joined.copy()
            for i in range(n):
                if row[i] != 0.0:
                    joined[i] = before[before[i]]
    for i in range(n):
        row[i] = float(joined[i])


@kernel
def check(
    S: Floats,  # noqa: N803 - the scratch of generated code
    n: int,
    nh: int,
    hlo: int,
    hidx: Codes,
    measure_rows: Codes,
    measure_of: Codes,
    inverse_scale: Floats,
    weight: Floats,
    poison: Codes,
    first_site: int,
) -> None:
    """Mark households whose amounts are not finite or too large for an exact sum.

    The site of measure m is `first_site + m`.
    """
    for s in range(measure_rows.shape[0]):
        for m in range(measure_rows.shape[1]):
            if measure_rows[s, m] < 0:
                continue
            row = S[measure_rows[s, m]]
            inverse = inverse_scale[m]
            many = n if measure_of[m] == OF_PERSON else nh
            worst = 0.0
            broken = False
            for i in range(many):
                size = abs(row[i])
                worst = size if size > worst else worst
                broken = broken or not size == size
            if not broken and worst * inverse < LARGEST * 1e-12:
                continue
            for i in range(many):
                h = hlo + (hidx[i] if measure_of[m] == OF_PERSON else i)
                site = first_site + m
                if not abs(row[i]) * weight[h] * inverse < LARGEST and (
                    poison[h] == 0 or poison[h] > site
                ):
                    poison[h] = site


@kernel
def tally(
    S: Floats,  # noqa: N803 - the scratch of generated code
    n: int,
    nh: int,
    lo: int,
    hlo: int,
    start: Ints,
    hidx: Codes,
    head: Positions,
    weight: Floats,
    cell: Codes,
    place: Codes,
    poison: Codes,
    measure_rows: Codes,
    measure_of: Codes,
    measure_in: Codes,
    inverse_scale: Floats,
    hi: Ints,
    low: Lows,
    count: Ints,
    seen: Ints,
    place_hi: Ints,
    place_low: Lows,
) -> None:
    """Add a block's rows, times weight, to the exact sums by scenario, measure and cell.

    Shapes: measure_rows (n_scenarios, n_measures), -1 where the baseline's sum holds; hi, low, count, seen
    (n_scenarios, n_measures, n_cells); place_hi, place_low (n_scenarios, n_measures, n_places). `count` is of distinct
    households. A household-level row counts in the cell of the head.
    """
    for s in range(measure_rows.shape[0]):
        for m in range(measure_rows.shape[1]):
            if measure_rows[s, m] < 0:
                continue
            row = S[measure_rows[s, m]]
            inverse = inverse_scale[m]
            of_person = measure_of[m] == OF_PERSON
            in_cells = measure_in[m] & IN_CELLS
            in_places = measure_in[m] & IN_PLACES
            whether = measure_in[m] & WHETHER
            for i in range(n if of_person else nh):
                x = row[i]
                if x == 0.0 or (whether and x < 0.0):
                    continue
                if whether:
                    x = 1.0
                h = hlo + (hidx[i] if of_person else i)
                if poison[h] != 0:
                    continue
                more_hi, more_low = fixed_point(x * weight[h] * inverse)
                if in_cells:
                    who = lo + i if of_person else start[h] + head[start[h]]
                    c = cell[who]
                    hi[s, m, c], low[s, m, c] = add_pair(
                        hi[s, m, c], low[s, m, c], more_hi, more_low
                    )
                    if seen[s, m, c] != h:
                        seen[s, m, c] = h
                        count[s, m, c] += 1
                if in_places:
                    p = place[h]
                    place_hi[s, m, p], place_low[s, m, p] = add_pair(
                        place_hi[s, m, p], place_low[s, m, p], more_hi, more_low
                    )


@kernel
def copy_rows(
    S: Floats,  # noqa: N803 - the scratch of generated code
    many: int,
    offset: int,
    source_rows: Codes,
    target: Floats,
) -> None:
    """Copy rows of a block to columns kept whole; `target` shape (n_scenarios, n_columns, n), -1 copies nothing."""
    for s in range(source_rows.shape[0]):
        for c in range(source_rows.shape[1]):
            if source_rows[s, c] >= 0:
                row = S[source_rows[s, c]]
                for i in range(many):
                    target[s, c, offset + i] = row[i]
