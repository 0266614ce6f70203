"""Exact sums: equal to fractions, in any order, any grouping; poison is never silent."""

from __future__ import annotations

import math

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.kernels.accumulate import (
    POISON,
    accumulate,
    accumulate_products,
    add_exact,
    exact_dot,
    exact_sum,
    exact_sums,
    is_poison,
    merge_exact,
    merge_into,
    to_float,
    to_floats,
)

amounts = st.floats(-1e12, 1e12, allow_subnormal=False)
lists = st.lists(amounts, max_size=40)
any_size = st.floats(-(2.0**61), 2.0**61)


def pair(hi, lo):
    return np.int64(hi), np.uint64(lo)


def whole(hi, lo):
    return (int(hi) << 64) + int(lo)


@given(st.lists(any_size, max_size=20))
def test_add_exact__is_integer_addition(values):
    hi, lo, total = np.int64(0), np.uint64(0), 0
    for x in values:
        hi, lo = pair(*add_exact(hi, lo, x))
        total += reference.fixed_point(x)
        if not -(2**127) < total < 2**127:
            assert is_poison(hi)
            return
        assert whole(hi, lo) == total
    assert to_float(hi, lo) == total / 2**64


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, 2.0**62, -(2.0**62), 1e300])
def test_add_exact__poisons_what_it_cannot_hold(x):
    hi, lo = pair(*add_exact(np.int64(0), np.uint64(0), x))
    assert is_poison(hi)
    hi, lo = pair(*add_exact(hi, lo, 1.0))
    assert is_poison(hi)
    assert math.isnan(to_float(hi, lo))
    assert is_poison(merge_exact(np.int64(1), np.uint64(0), hi, lo)[0])


def test_add_exact__poisons_an_overflow():
    largest = math.nextafter(2.0**62, 0.0)
    hi, lo = np.int64(0), np.uint64(0)
    for _ in range(2):
        hi, lo = pair(*add_exact(hi, lo, largest))
        assert not is_poison(hi)
    assert is_poison(add_exact(hi, lo, largest)[0])


@given(lists)
def test_exact_sum__equals_fractions_rounded_once(values):
    assert exact_sum(np.array(values, float)) == pytest.approx(
        reference.exact_sum(values), rel=1e-15, abs=1e-20
    )


@given(st.lists(st.integers(-(10**15), 10**15), max_size=40))
def test_exact_sum__of_cents_is_exact(cents):
    values = [c / 64 for c in cents]
    assert exact_sum(np.array(values, float)) == reference.exact_sum(values)


@given(lists, st.randoms(use_true_random=False))
def test_exact_sum__does_not_depend_on_order(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert exact_sum(np.array(values, float)) == exact_sum(np.array(shuffled, float))
    weights = np.arange(1.0, len(values) + 1)
    order = np.array(random.sample(range(len(values)), len(values)), int)
    array = np.array(values, float)
    assert exact_dot(weights, array) == exact_dot(weights[order], array[order])


@given(lists, st.integers(0, 40))
def test_merge__does_not_depend_on_the_cut(values, cut):
    array = np.array(values, float)
    merged = merge_exact(
        *pair(*accumulate(array[:cut], 2.0**-10)), *pair(*accumulate(array[cut:], 2.0**-10))
    )
    assert pair(*merged) == pair(*accumulate(array, 2.0**-10))


def test_exact_dot__equals_its_twin():
    rng = np.random.default_rng(3)
    weights, values = rng.random(500) * 300, rng.normal(size=500) * 1e4
    assert exact_dot(weights, values) == reference.exact_dot(weights.tolist(), values.tolist())


def test_exact_sums__adds_groups_and_leaves_out_negative_ones():
    groups = np.array([0, 2, -1, 0, 2])
    values = np.array([0.1, 0.2, 5.0, 0.3, 0.4])
    sums = exact_sums(groups, values, 3)
    assert sums.tolist() == [0.1 + 0.3, 0.0, reference.exact_sum([0.2, 0.4])]


def test_exact_sum__is_nan_where_a_value_is_not_finite():
    for bad in (math.nan, math.inf):
        assert math.isnan(exact_sum(np.array([1.0, bad, 2.0])))
        assert math.isnan(exact_dot(np.ones(2), np.array([bad, 1.0])))
    assert exact_sum(np.zeros(0)) == 0.0


def test_exact_sum__of_extreme_sizes():
    assert exact_sum(np.array([1e300, 1.0, -1e300])) == 0.0  # 1 is below the resolution, as stated
    assert exact_sum(np.array([2.0**100, 1.0 * 2**40, -(2.0**100)])) == 2.0**40
    assert exact_sum(np.full(4, 1e-300)) == 4e-300


@pytest.mark.parametrize("largest_exponent", [3, 40, 49, 55, 61])
def test_accumulate__in_blocks_equals_adding_one_by_one(largest_exponent):
    # Small numbers are added in blocks without carries, blocks with a large one as `add_exact`.
    rng = np.random.default_rng(largest_exponent)
    values = rng.normal(size=2500) * 2.0 ** rng.integers(-70, largest_exponent - 2, 2500)
    values[7] = 2.0**largest_exponent
    total = sum(reference.fixed_point(x) for x in values.tolist())
    assert whole(*pair(*accumulate(values, 1.0))) == total
    weights = np.full(2500, 2.0)
    assert whole(*pair(*accumulate_products(weights, values / 2, 1.0))) == total


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2.0**62])
def test_accumulate__in_blocks_poisons(bad):
    values = np.ones(3000)
    values[1500] = bad
    assert is_poison(accumulate(values, 1.0)[0])
    assert is_poison(accumulate_products(np.ones(3000), values, 1.0)[0])


def test_merge_into__adds_and_keeps_poison():
    hi, lo = np.array([1, 2]), np.array([0, 2**63], np.uint64)
    merge_into(hi, lo, np.array([-1, POISON]), np.array([0, 0], np.uint64))
    got = to_floats(hi, lo, 2.0)
    assert got[0] == 0.0
    assert math.isnan(got[1])
    assert to_floats(np.array([2]), np.array([2**63], np.uint64), 2.0)[0] == 5.0


@given(st.integers(-(2**127) + 1, 2**127 - 1))
def test_to_float__rounds_as_python_does(number):
    if number >> 64 == int(POISON):
        return
    assert to_float(np.int64(number >> 64), np.uint64(number % 2**64)) == number / 2**64
