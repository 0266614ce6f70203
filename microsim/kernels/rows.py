"""What generated rules share: partitions of households, and the exact tally of a block of rows."""

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
CHUNK = 8
MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
ALWAYS_FITS = np.int64(
    0x41CDCD6500000000
)  # bits of 1e9: with any weight and scale in use it fits an exact sum
LARGEST = 4.0e18  # 2**62 scale units is what an exact sum can hold


@inlined
def fill(row: Floats, seen: Floats, n: int) -> None:
    """Set the first n numbers of two rows to 0."""
    for i in range(n):
        row[i] = 0.0
        seen[i] = 0.0


@inlined
def mark(poison: Codes, h: int, site: int) -> None:
    """Note that household h could not be computed at a site; the smallest number stays."""
    if poison[h] == 0 or poison[h] > site:
        poison[h] = site


@inlined
def add_month(
    total: Floats,
    run: Floats,
    length: Floats,
    i: int,
    value: float,
    months: int,
    first: bool,
    last: bool,
) -> None:
    """Add months times value to the sum over the year; neighbouring periods of equal value count as
    one.

    So the sum is the same, to the bit, however finely the laws of other scenarios cut the year.
    `run` and `length` keep the value and months not yet added.
    """
    if first:
        if last:
            total[i] = 0.0 + months * value
        else:
            total[i] = 0.0
            run[i] = value
            length[i] = months
        return
    if value == run[i]:
        length[i] += months
    else:
        total[i] += length[i] * run[i]
        run[i] = value
        length[i] = months
    if last:
        total[i] += length[i] * run[i]


@inlined
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
    """Turn a row of 0/1 (dependent child) into the row of the person each person's unit is anchored
    at.

    A couple is anchored at the partner who comes first. A dependent child joins the unit of its
    mother, else of its father, else (if `with_head`) of the head, else stands alone; up to three
    further generations of dependents.
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


@inlined
def largest_bits(bits: Ints, n: int) -> int:
    """Return the bits of the largest absolute value of a row; NaN and infinity are larger than any
    number.
    """
    largest = 0
    for i in range(n):
        size = bits[i] & MAGNITUDE
        largest = size if size > largest else largest
    return largest


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
    empty: npt.NDArray[np.bool_],
) -> None:
    """Mark households whose amounts are not finite or too large for an exact sum; note rows that
    are all 0.

    The site of measure m is `first_site + m`. `empty` has the shape of `measure_rows`.
    """
    bits = S.view(np.int64)
    for s in range(measure_rows.shape[0]):
        for m in range(measure_rows.shape[1]):
            empty[s, m] = True
            if measure_rows[s, m] < 0:
                continue
            of_person = measure_of[m] == OF_PERSON
            many = n if of_person else nh
            largest = largest_bits(bits[measure_rows[s, m]], many)
            empty[s, m] = largest == 0
            if largest < ALWAYS_FITS:
                continue
            row, inverse = S[measure_rows[s, m]], inverse_scale[m]
            for i in range(many):
                h = hlo + (hidx[i] if of_person else i)
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
    empty: npt.NDArray[np.bool_],
    hi: Ints,
    low: Lows,
    count: Ints,
    seen: Ints,
    place_hi: Ints,
    place_low: Lows,
    place_count: Ints,
    place_seen: Ints,
) -> None:
    """Add a block's rows, times weight, to the exact sums by scenario, measure and cell.

    Shapes: measure_rows (n_scenarios, n_measures), -1 where the baseline's sum holds; hi, low,
    count, seen (n_scenarios, n_measures, n_cells); place_hi, place_low, place_count, place_seen
    (n_scenarios, n_measures, n_places).
    `count` is of distinct households. A household-level row counts in the cell of the head.
    """
    bits = S.view(np.int64)
    for s in range(measure_rows.shape[0]):
        for m in range(measure_rows.shape[1]):
            if empty[s, m]:
                continue
            row, raw = S[measure_rows[s, m]], bits[measure_rows[s, m]]
            inverse = inverse_scale[m]
            of_person = measure_of[m] == OF_PERSON
            in_cells = measure_in[m] & IN_CELLS
            in_places = measure_in[m] & IN_PLACES
            whether = measure_in[m] & WHETHER
            many = n if of_person else nh
            for first in range(0, many, CHUNK):
                any_bits = 0
                for i in range(first, first + CHUNK):  # rows are padded to whole chunks
                    any_bits |= raw[i]
                if any_bits == 0:
                    continue
                for i in range(first, min(first + CHUNK, many)):
                    x = row[i]
                    h = hlo + (hidx[i] if of_person else i)
                    if x == 0.0 or poison[h] != 0 or (whether and x < 0.0):
                        continue
                    if whether:
                        x = 1.0
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
                        if place_seen[s, m, p] != h:
                            place_seen[s, m, p] = h
                            place_count[s, m, p] += 1


@kernel
def copy_rows(
    S: Floats,  # noqa: N803 - the scratch of generated code
    many: int,
    offset: int,
    source_rows: Codes,
    target: Floats,
) -> None:
    """Copy rows of a block to columns kept whole; `target` shape (n_scenarios, n_columns, n), -1
    copies nothing.
    """
    for s in range(source_rows.shape[0]):
        for c in range(source_rows.shape[1]):
            if source_rows[s, c] >= 0:
                row = S[source_rows[s, c]]
                for i in range(many):
                    target[s, c, offset + i] = row[i]


@kernel
def extremes(
    S: Floats,  # noqa: N803 - the scratch of generated code
    n: int,
    nh: int,
    hlo: int,
    hidx: Codes,
    poison: Codes,
    source_rows: Codes,
    source_of: Codes,
    smallest: Floats,
    largest: Floats,
) -> None:
    """Keep the smallest and largest amount above 0 of each row; shapes (n_scenarios, n_rows)."""
    for s in range(source_rows.shape[0]):
        for k in range(source_rows.shape[1]):
            if source_rows[s, k] < 0:
                continue
            row = S[source_rows[s, k]]
            of_person = source_of[k] == OF_PERSON
            for i in range(n if of_person else nh):
                x = row[i]
                if x > 0.0 and poison[hlo + (hidx[i] if of_person else i)] == 0:
                    smallest[s, k] = x if x < smallest[s, k] else smallest[s, k]
                    largest[s, k] = x if x > largest[s, k] else largest[s, k]
