"""Stable sorting of numbers by radix, several times faster than comparing; releases the GIL."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]

DIGIT_BITS = 11
N_DIGITS = 6
N_BUCKETS = 2048
DIGIT_MASK = np.uint64(N_BUCKETS - 1)
SIGN = np.uint64(0x8000000000000000)
LAST = np.uint64(0xFFFFFFFFFFFFFFFF)
SIGN_SHIFT = np.uint64(63)


@kernel
def ordered_bits(values: Floats) -> Bits:
    """Return unsigned integers that sort as the numbers do: -0.0 equals 0.0, NaN comes last."""
    keys = (values + 0.0).view(np.uint64)  # + 0.0 makes a positive zero of a negative one
    for i in range(keys.shape[0]):
        if values[i] != values[i]:
            keys[i] = LAST
        elif keys[i] >> SIGN_SHIFT:
            keys[i] = ~keys[i]
        else:
            keys[i] = keys[i] | SIGN
    return keys


@kernel
def digit_counts(keys: Bits) -> Ints:
    """Return how often each digit occurs. Shape (n_digits, n_buckets)."""
    counts = np.zeros((N_DIGITS, N_BUCKETS), np.int64)
    for i in range(keys.shape[0]):
        key = keys[i]
        for digit in range(N_DIGITS):
            counts[digit, key & DIGIT_MASK] += 1
            key = key >> np.uint64(DIGIT_BITS)
    return counts


@kernel
def argsort_slice(values: Floats, start: int, stop: int) -> Ints:
    """Return the rows start..stop-1 in ascending order of value; ties keep the order of rows.

    Two threads may sort two slices of one array at the same time; `merge_sorted` joins them.
    """
    n = stop - start
    keys = ordered_bits(values[start:stop])
    counts = digit_counts(keys)
    rows = np.arange(n).astype(np.int32)
    other_keys, other_rows = np.empty_like(keys), np.empty_like(rows)
    places = np.empty(N_BUCKETS, np.int64)
    for digit in range(N_DIGITS):
        if n == 0 or counts[digit].max() == n:
            continue  # all numbers share this digit
        total = np.int64(0)
        for bucket in range(N_BUCKETS):
            places[bucket] = total
            total += counts[digit, bucket]
        shift = np.uint64(digit * DIGIT_BITS)
        for i in range(n):
            key = keys[i]
            into = np.int64((key >> shift) & DIGIT_MASK)
            place = places[into]
            places[into] = place + 1
            other_keys[place] = key
            other_rows[place] = rows[i]
        keys, other_keys = other_keys, keys
        rows, other_rows = other_rows, rows
    sorted_rows = np.empty(n, np.int64)
    for i in range(n):
        sorted_rows[i] = rows[i] + start
    return sorted_rows


@kernel
def argsort_stable(values: Floats) -> Ints:
    """Return the rows in ascending order of value; ties keep the order of rows.

    Parameters
    ----------
    values
        Shape (n,), any unit, n below 2**31. -0.0 equals 0.0; NaN sorts last.

    Returns
    -------
    Shape (n,), row numbers; the same as `numpy.argsort(values, kind="stable")`.
    """
    return argsort_slice(values, 0, values.shape[0])


@kernel
def pack_keys(values: Floats, row_bits: int, keys: Bits) -> None:
    """Fill in the leading bits of numbers that sort as the values do, the row number below them."""
    shift = np.uint64(row_bits)
    for i in range(keys.shape[0]):
        key = np.float64(values[i] + 0.0).view(np.uint64)
        negative = key >> SIGN_SHIFT
        key = ~key if negative else key | SIGN
        key = LAST if values[i] != values[i] else key
        keys[i] = ((key >> shift) << shift) | np.uint64(i)


@kernel
def settle_rows(values: Floats, rows: Ints, found: Floats, row_bits: int) -> bool:
    """Turn sorted packed keys, in place, into rows, and fill in their values; tell whether it could
    be done.

    Values that share their leading bits are few and are put in order by moving them up; it is given
    up where they are many.
    """
    n = rows.shape[0]
    mask = (np.int64(1) << np.int64(row_bits)) - np.int64(1)
    for i in range(n):
        row = rows[i] & mask
        rows[i] = row
        found[i] = values[row] + 0.0
    moves = 0
    for i in range(1, n):
        value, row, j = found[i], rows[i], i
        while j > 0 and value < found[j - 1]:
            found[j] = found[j - 1]
            rows[j] = rows[j - 1]
            j -= 1
        found[j] = value
        rows[j] = row
        moves += i - j
        if moves > 4 * n:
            return False
    return True


def sorted_rows(values: Floats) -> tuple[Ints, Floats]:
    """Return the rows in ascending order of value, ties in order of rows, and the values in order.

    The same rows as `argsort_stable`, several times faster where NumPy sorts with vectors.

    Parameters
    ----------
    values
        Shape (n,), any unit, n below 2**31. -0.0 equals 0.0 (and is returned as 0.0); NaN comes
        last.
    """
    row_bits = max(1, (values.size - 1).bit_length())
    packed = np.empty(values.size, np.uint64)
    pack_keys(values, row_bits, packed)
    packed.sort()  # all different, so that any way of sorting gives the same
    rows, found = packed.view(np.int64), np.empty(values.size)
    if not settle_rows(values, rows, found, row_bits):
        rows = argsort_stable(values)
        found = values[rows] + 0.0
    return rows, found


@kernel
def merge_sorted(values: Floats, left: Ints, right: Ints) -> Ints:
    """Return two sorted arrays of rows as one, in order of (value, row).

    `left` and `right` are each in that order already and share no row.
    """
    merged = np.empty(left.shape[0] + right.shape[0], np.int64)
    i = 0
    j = 0
    for k in range(merged.shape[0]):
        take_left = j == right.shape[0]
        if i < left.shape[0] and j < right.shape[0]:
            a, b = values[left[i]], values[right[j]]
            right_is_less = b < a or (a != a and b == b)
            left_is_less = a < b or (b != b and a == a)
            take_left = left_is_less or (not right_is_less and left[i] < right[j])
        if take_left:
            merged[k] = left[i]
            i += 1
        else:
            merged[k] = right[j]
            j += 1
    return merged
