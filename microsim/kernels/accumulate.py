"""Sums that are exact, so that neither order nor grouping nor the number of workers can matter.

A sum is a signed 128-bit integer in units of 2**-64 of a scale (a power of two): `hi` (int64)
holds the whole scale units, `lo` (uint64) the fraction. Each number is divided by the scale
(exact), rounded to 2**-64 once, and added as an integer. What cannot be represented (NaN,
infinity, 2**62 scale units or more, a sum that overflows) turns the sum into POISON, which stays
poison in every further sum and reads as NaN: nothing is ever cast in silence.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import embedded, inlined, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lows = npt.NDArray[np.uint64]

POISON = np.int64(-(2**63))
LIMIT = 4611686018427387904.0  # 2**62
TWO_32 = 4294967296.0
WORD = np.int64(32)
ZERO = np.uint64(0)
ONE = np.uint64(1)
BITS = np.uint64(64)
TWO_MINUS_64 = 1.0 / 18446744073709551616.0
FRACTION_BITS = np.int64(52)
EXPONENT_BIAS = np.int64(1023)
BLOCK = 1024
SMALL = 1125899906842624.0  # 2**50: a block of such numbers sums to 2**60 at most
LOWER_WORD = np.int64(0xFFFFFFFF)
LARGEST_EXPONENT = 1020


@embedded
def add_pair(
    hi: np.int64, lo: np.uint64, more_hi: np.int64, more_lo: np.uint64
) -> tuple[np.int64, np.uint64]:
    """Return the sum of two 128-bit numbers; poison if one is poison or the sum overflows."""
    low = np.uint64(lo + more_lo)
    high = np.int64(hi + more_hi + np.int64(low < lo))
    overflow = ((hi ^ high) & (more_hi ^ high)) < 0
    if overflow or hi == POISON or more_hi == POISON:
        return POISON, ZERO
    return high, low


@embedded
def fixed_point(x: float) -> tuple[np.int64, np.uint64]:
    """Return x as a 128-bit number in units of 2**-64, rounded half away from 0, or poison."""
    size = abs(x)
    if not size < LIMIT:  # also true of NaN
        return POISON, ZERO
    whole = np.int64(size)
    part = (size - np.float64(whole)) * TWO_32
    upper = np.int64(part)
    lower = np.int64((part - np.float64(upper)) * TWO_32 + 0.5)
    low = np.uint64((upper << WORD) + lower)
    if x < 0.0:
        low = np.uint64(~low + ONE)
        whole = np.int64(~whole + np.int64(low == ZERO))
    return whole, low


@inlined
def add_exact(hi: np.int64, lo: np.uint64, x: float) -> tuple[np.int64, np.uint64]:
    """Return the sum (hi, lo) with x added; x is in scale units. Start from (0, 0)."""
    more_hi, more_lo = fixed_point(x)
    return add_pair(np.int64(hi), np.uint64(lo), more_hi, more_lo)


@inlined
def merge_exact(
    hi: np.int64, lo: np.uint64, more_hi: np.int64, more_lo: np.uint64
) -> tuple[np.int64, np.uint64]:
    """Return the sum of two sums of one scale."""
    return add_pair(np.int64(hi), np.uint64(lo), np.int64(more_hi), np.uint64(more_lo))


@inlined
def is_poison(hi: np.int64) -> bool:
    """Return whether a sum met a number it cannot hold."""
    return bool(hi == POISON)


@inlined
def to_float(hi: np.int64, lo: np.uint64) -> float:
    """Return the sum in scale units as the nearest float64 (ties to even); NaN of poison."""
    if hi == POISON:
        return math.nan
    negative = hi < 0
    high, low = np.uint64(hi), np.uint64(lo)
    if negative:
        low = np.uint64(~low + ONE)
        high = np.uint64(~high + np.uint64(low == ZERO))
    if high == ZERO:
        value = np.float64(low) * TWO_MINUS_64
    else:
        # Bring the first bit to the top (or one below it); the 62 bits or more that then stand in
        # `high`, with a sticky last bit for the rest, round to 53 as the whole number would.
        exponent = (np.float64(high).view(np.int64) >> FRACTION_BITS) - EXPONENT_BIAS
        shift = np.uint64(max(np.int64(63) - exponent, np.int64(0)))
        if shift > ZERO:
            high = np.uint64((high << shift) | (low >> (BITS - shift)))
            low = np.uint64(low << shift)
        if low != ZERO:
            high = np.uint64(high | ONE)
        value = np.float64(high) / np.float64(ONE << shift)
    return float(-value if negative else value)


@embedded
def three_parts(x: float) -> tuple[np.int64, np.int64, np.int64]:
    """Return x as whole, 2**-32 and 2**-64 units of the same sign, rounded as `fixed_point` does.

    Sums of such parts need no carry, so that the loops below run in vectors; x must be small.
    """
    whole = np.int64(x)
    part = (x - np.float64(whole)) * TWO_32
    upper = np.int64(part)
    lower = np.int64((part - np.float64(upper)) * TWO_32 + (0.5 if x >= 0.0 else -0.5))
    return whole, upper, lower


@embedded
def from_parts(whole: np.int64, upper: np.int64, lower: np.int64) -> tuple[np.int64, np.uint64]:
    """Return sums of parts as one 128-bit number."""
    upper = np.int64(upper + (lower >> WORD))
    whole = np.int64(whole + (upper >> WORD))
    low = (np.uint64(upper & LOWER_WORD) << np.uint64(WORD)) | np.uint64(lower & LOWER_WORD)
    return whole, np.uint64(low)


@kernel
def accumulate(values: Floats, inverse_scale: float) -> tuple[np.int64, np.uint64]:
    """Return the exact sum of the values. Shape (n,); `inverse_scale` is a power of two."""
    hi, lo = np.int64(0), np.uint64(0)
    for start in range(0, values.shape[0], BLOCK):
        block = values[start : start + BLOCK]
        whole, upper, lower, large = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for i in range(block.shape[0]):
            x = block[i] * inverse_scale
            a, b, c = three_parts(x)
            whole, upper, lower = whole + a, upper + b, lower + c
            large += np.int64(not abs(x) < SMALL)  # also true of NaN
        if large == 0:
            more_hi, more_lo = from_parts(whole, upper, lower)
            hi, lo = add_pair(hi, lo, more_hi, more_lo)
        else:
            for i in range(block.shape[0]):
                more_hi, more_lo = fixed_point(block[i] * inverse_scale)
                hi, lo = add_pair(hi, lo, more_hi, more_lo)
    return hi, lo


@kernel
def accumulate_products(
    weights: Floats, values: Floats, inverse_scale: float
) -> tuple[np.int64, np.uint64]:
    """Return the exact sum of weight x value, each product rounded to float64. Shape (n,) both."""
    hi, lo = np.int64(0), np.uint64(0)
    for start in range(0, values.shape[0], BLOCK):
        w, v = weights[start : start + BLOCK], values[start : start + BLOCK]
        whole, upper, lower, large = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for i in range(w.shape[0]):
            x = w[i] * v[i] * inverse_scale
            a, b, c = three_parts(x)
            whole, upper, lower = whole + a, upper + b, lower + c
            large += np.int64(not abs(x) < SMALL)
        if large == 0:
            more_hi, more_lo = from_parts(whole, upper, lower)
            hi, lo = add_pair(hi, lo, more_hi, more_lo)
        else:
            for i in range(w.shape[0]):
                more_hi, more_lo = fixed_point(w[i] * v[i] * inverse_scale)
                hi, lo = add_pair(hi, lo, more_hi, more_lo)
    return hi, lo


@kernel
def scaled_sum(values: Floats, scale: float) -> float:
    """Return the exact sum of the values as float64. Shape (n,); `scale` is a power of two."""
    hi, lo = accumulate(values, 1.0 / scale)
    return to_float(hi, lo) * scale


@kernel
def scaled_dot(weights: Floats, values: Floats, scale: float) -> float:
    """Return the exact sum of weight x value as float64. Shape (n,) both."""
    hi, lo = accumulate_products(weights, values, 1.0 / scale)
    return to_float(hi, lo) * scale


@kernel
def accumulate_by_group(
    groups: Ints, values: Floats, inverse_scale: float, hi: Ints, lo: Lows
) -> None:
    """Add each value to the sum of its group, in place; rows with a group below 0 are left out.

    `groups` and `values` have shape (n,); `hi` and `lo` have shape (n_groups,).
    """
    for i in range(values.shape[0]):
        g = groups[i]
        if g >= 0:
            more_hi, more_lo = fixed_point(values[i] * inverse_scale)
            hi[g], lo[g] = add_pair(hi[g], lo[g], more_hi, more_lo)


@kernel
def merge_into(hi: Ints, lo: Lows, more_hi: Ints, more_lo: Lows) -> None:
    """Add sums of one scale to others, in place. Shape (n,) all."""
    for i in range(hi.shape[0]):
        hi[i], lo[i] = add_pair(hi[i], lo[i], more_hi[i], more_lo[i])


@kernel
def to_floats(hi: Ints, lo: Lows, scale: float) -> Floats:
    """Return sums as float64, in the unit of what was added; NaN of poison. Shape (n,)."""
    values = np.empty(hi.shape[0], np.float64)
    for i in range(hi.shape[0]):
        values[i] = to_float(hi[i], lo[i]) * scale
    return values


def scale_of(largest: float, n: int) -> float:
    """Return the power of two at which n numbers of size up to `largest` cannot overflow.

    The resolution of the sum is then 2**(n_bits - 126) of the largest number or better.
    """
    if not math.isfinite(largest) or largest == 0.0:
        return 1.0
    exponent = math.frexp(largest)[1] + max(n, 1).bit_length() - 61
    return math.ldexp(1.0, min(max(exponent, -LARGEST_EXPONENT), LARGEST_EXPONENT))


def largest_size(values: Floats) -> float:
    """Return the largest absolute value, 0 of none, NaN where there is one."""
    return max(float(values.max()), -float(values.min())) if values.size else 0.0


def exact_sum(values: Floats) -> float:
    """Return the sum of the values, the same for every order; NaN if one is not finite.

    Parameters
    ----------
    values
        Shape (n,), any unit.
    """
    return float(scaled_sum(values, scale_of(largest_size(values), values.size)))


def exact_dot(weights: Floats, values: Floats) -> float:
    """Return the sum of weight x value, the same for every order; NaN if one is not finite.

    Parameters
    ----------
    weights, values
        Shape (n,) both, any unit. Each product is rounded to float64, then summed exactly.
    """
    largest = largest_size(weights) * largest_size(values)
    return float(scaled_dot(weights, values, scale_of(largest, values.size)))


def exact_sums(groups: Ints, values: Floats, n_groups: int) -> Floats:
    """Return the sum of the values of each group, the same for every order. Shape (n_groups,).

    Parameters
    ----------
    groups
        Shape (n,), 0 to n_groups - 1; below 0 leaves the row out.
    values
        Shape (n,), any unit.
    n_groups
        Number of groups; an empty group sums to 0.
    """
    scale = scale_of(largest_size(values), values.size)
    hi, lo = np.zeros(n_groups, np.int64), np.zeros(n_groups, np.uint64)
    accumulate_by_group(groups, values, 1.0 / scale, hi, lo)
    sums: Floats = to_floats(hi, lo, scale)
    return sums
