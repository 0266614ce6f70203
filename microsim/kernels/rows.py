"""What generated rules share: partitions of households, and the exact tally of a block of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import (
    LOWER_WORD,
    WORD,
    add_pair,
    fixed_point,
    from_parts,
    three_parts,
)
from microsim.kernels.jit import inlined, kernel
from microsim.kernels.masks import EIGHT, above_zero, lowest_bit, not_zero
from microsim.kernels.pointers import pointer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Word = int | np.int64
Lows = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int16]

OF_PERSON, OF_HOUSEHOLD = 0, 1
IN_CELLS, IN_PLACES, WHETHER = 1, 2, 4
AT_ONCE = 64
MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
ALWAYS_FITS = np.int64(
    0x41CDCD6500000000
)  # bits of 1e9: with any weight and scale in use it fits an exact sum
FITS_PARTS = 4294967296.0  # 2**32: 2**31 such numbers are summed in parts without overflow
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


@kernel
def begin_rounds(S: Floats, row: int, n: int, value: float, settled: Flags) -> None:  # noqa: N803
    """Set the value before the first round, and no household settled."""
    for i in range(n):
        S[row, i] = value
    for h in range(settled.shape[0]):
        settled[h] = False


@kernel
def end_round(
    S: Floats,  # noqa: N803 - the scratch of generated code
    before: int,
    after: int,
    of_person: bool,
    n: int,
    nh: int,
    hidx: Codes,
    tolerance: float,
    settled: Flags,
    moved: Flags,
) -> int:
    """Note the households whose values moved by the tolerance at most; move the others on.

    A household that has settled keeps its values, whatever the rounds others of the block still
    need. Returns how many have not settled.
    """
    many = n if of_person else nh
    for h in range(nh):
        moved[h] = False
    for i in range(many):
        if not abs(S[after, i] - S[before, i]) <= tolerance:
            moved[hidx[i] if of_person else i] = True
    unsettled = 0
    for h in range(nh):
        settled[h] = settled[h] or not moved[h]
        unsettled += not settled[h]
    for i in range(many):
        if not settled[hidx[i] if of_person else i]:
            S[before, i] = S[after, i]
    return unsettled


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
def best_of(years: Floats, length: int, n: float) -> float:
    """Return the sum of the n largest of `length` numbers, largest first; NaN if any is.

    Sorts `years` where it is: mostly in order already, as earnings that rise.
    """
    total = 0.0
    for k in range(length):
        value = years[k]
        if np.isnan(value):
            total = value
        j = k
        while j > 0 and years[j - 1] < value:
            years[j] = years[j - 1]
            j -= 1
        years[j] = value
    for k in range(int(n)):
        total += years[k]
    return total


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


@inlined
def pick(values: Floats, many: int, whether: bool, picked: Codes) -> int:
    """Note the positions in a row that hold something (above 0, if `whether`); return how many.

    Both arrays are pointers; rows are padded to whole eights.
    """
    k = 0
    for first in range(0, many, AT_ONCE):
        mask = 0
        for at in range(first, min(first + AT_ONCE, many), EIGHT):
            found = above_zero(values, at) if whether else not_zero(values, at)
            mask |= found << (at - first)
        if many - first < AT_ONCE:
            mask &= (1 << (many - first)) - 1
        while mask != 0:
            picked[k] = first + lowest_bit(mask)
            k += 1
            mask &= mask - 1
    return k


@inlined
def without_faulty(
    poison: Codes, hlo: int, hidx: Codes, of_person: bool, picked: Codes, many: int
) -> int:
    """Drop the positions of households that could not be computed; return how many are left."""
    k = 0
    for q in range(many):
        i = picked[q]
        if poison[hlo + (hidx[i] if of_person else i)] == 0:
            picked[k] = i
            k += 1
    return k


@inlined
def any_faulty(poison: Codes, hlo: int, nh: int) -> bool:
    """Tell whether a household of the block could not be computed."""
    found = 0
    for h in range(hlo, hlo + nh):
        found |= poison[h]
    return found != 0


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
    picked: Codes,
    in_cell: Ints,
    in_place: Ints,
    large: Ints,
    large_low: Lows,
    place_large: Ints,
    place_large_low: Lows,
) -> None:
    """Add a block's rows, times weight, to the exact sums by scenario, measure and cell.

    Shapes: measure_rows (n_scenarios, n_measures), -1 where the baseline's sum holds; in_cell
    (n_scenarios, n_measures, n_cells, 4) and in_place (n_scenarios, n_measures, n_places, 4): parts
    of the sum and count of households, see `add_parts`; `large` and the like (n_scenarios,
    n_measures, n_cells or n_places): sums of what is too large for parts. A household-level row
    counts in the cell of the head.
    """
    faulty = any_faulty(poison, hlo, nh)
    c_hidx, c_weight, c_cell, c_place = (
        pointer(hidx),
        pointer(weight),
        pointer(cell),
        pointer(place),
    )
    c_picked, c_in_cell, c_in_place = pointer(picked), pointer(in_cell), pointer(in_place)
    n_cells, n_places, n_measures = in_cell.shape[2], in_place.shape[2], measure_rows.shape[1]
    for s in range(measure_rows.shape[0]):
        for m in range(n_measures):
            if empty[s, m]:
                continue
            values = pointer(S[measure_rows[s, m]])
            inverse, of_person = inverse_scale[m], measure_of[m] == OF_PERSON
            by_cell = (measure_in[m] & IN_CELLS) != 0
            by_place = (measure_in[m] & IN_PLACES) != 0
            whether = (measure_in[m] & WHETHER) != 0
            many = n if of_person else nh
            k = pick(values, many, whether, c_picked)
            if faulty:
                k = without_faulty(poison, hlo, hidx, of_person, picked, k)
            first_cell, first_place = (
                (s * n_measures + m) * n_cells,
                (s * n_measures + m) * n_places,
            )
            for q in range(k):
                i = c_picked[q]
                h = hlo + (c_hidx[i] if of_person else i)
                x = (1.0 if whether else values[i]) * c_weight[h] * inverse
                c = 0
                if by_cell:
                    c = c_cell[lo + i if of_person else start[h] + head[start[h]]]
                if abs(x) < FITS_PARTS:
                    whole, upper, lower = three_parts(x)
                    if by_cell:
                        add_parts(c_in_cell, 4 * (first_cell + c), whole, upper, lower, h)
                    if by_place:
                        at = 4 * (first_place + c_place[h])
                        add_parts(c_in_place, at, whole, upper, lower, h)
                    continue
                more_hi, more_low = fixed_point(x)
                if by_cell:
                    add_parts(c_in_cell, 4 * (first_cell + c), 0, 0, 0, h)
                    large[s, m, c], large_low[s, m, c] = add_pair(
                        large[s, m, c], large_low[s, m, c], more_hi, more_low
                    )
                if by_place:
                    p = c_place[h]
                    add_parts(c_in_place, 4 * (first_place + p), 0, 0, 0, h)
                    place_large[s, m, p], place_large_low[s, m, p] = add_pair(
                        place_large[s, m, p], place_large_low[s, m, p], more_hi, more_low
                    )


@inlined
def add_parts(sums: Ints, at: int, whole: Word, upper: Word, lower: Word, h: int) -> None:
    """Add parts of a number to a sum and count household h, if it is not the one counted last.

    `sums` is a pointer; a sum has four places: three parts (see `three_parts`), and the number of
    households times 2**32 plus the last household's row plus 1. The parts take 2**31 numbers
    without a carry.
    """
    sums[at] += whole
    sums[at + 1] += upper
    sums[at + 2] += lower
    counted = sums[at + 3]
    another = int((counted & LOWER_WORD) != h + 1)
    sums[at + 3] = (((counted >> WORD) + another) << WORD) | (h + 1)


@kernel
def settle(parts: Ints, hi: Ints, low: Lows, count: Ints) -> None:
    """Add sums of parts, shape (n, 4), to 128-bit sums and counts of households, shape (n,)."""
    for i in range(parts.shape[0]):
        more_hi, more_low = from_parts(parts[i, 0], parts[i, 1], parts[i, 2])
        hi[i], low[i] = add_pair(hi[i], low[i], more_hi, more_low)
        count[i] += parts[i, 3] >> WORD


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
