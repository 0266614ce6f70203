"""Sorting: equal to comparing, stable, also in halves."""

from __future__ import annotations

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.kernels.sorting import argsort_slice, argsort_stable, merge_sorted, sorted_rows

numbers = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324]))
lists = st.lists(numbers, max_size=60)


@given(lists)
def test_argsort_stable__equals_its_twin(values):
    array = np.array(values, float)
    assert argsort_stable(array).tolist() == reference.argsort_stable(values)


@given(lists, st.integers(0, 60))
def test_merge_sorted__joins_slices_sorted_apart(values, cut):
    array = np.array(values, float)
    cut = min(cut, len(values))
    left, right = argsort_slice(array, 0, cut), argsort_slice(array, cut, len(values))
    expected = reference.argsort_stable(values)
    assert merge_sorted(array, left, right).tolist() == expected
    assert merge_sorted(array, right, left).tolist() == expected


@pytest.mark.parametrize("n", [0, 1, 2, 5000])
def test_argsort_stable__equals_numpy(n):
    values = np.round(np.random.default_rng(n).normal(size=n), 2)
    assert (argsort_stable(values) == np.argsort(values, kind="stable")).all()


@given(lists)
def test_sorted_rows__equals_its_twin(values):
    array = np.array(values, float)
    rows, found = sorted_rows(array)
    assert rows.tolist() == reference.argsort_stable(values)
    assert found.tobytes() == (array[rows] + 0.0).tobytes()


@pytest.mark.parametrize("spread", [1.0, 1e-9, 1e-14, 0.0])
def test_sorted_rows__of_values_that_share_their_leading_bits(spread):
    values = 1e6 + spread * np.random.default_rng(7).normal(size=20_000)
    assert (sorted_rows(values)[0] == np.argsort(values, kind="stable")).all()
