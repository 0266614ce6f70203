"""Merging equal values: equal to exact fractions, whatever the order of the ties."""

from __future__ import annotations

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.kernels.distribution import collapse
from microsim.kernels.sorting import argsort_stable

rows = st.lists(
    st.tuples(st.sampled_from([-1.0, -0.0, 0.0, 2.5, 7.0, 1e9]), st.floats(0.0, 1e6)), max_size=40
)


@given(rows)
def test_collapse__equals_its_twin(pairs):
    y, w = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)
    values, weights, cumulative = collapse(y, w, argsort_stable(y), 2.0**-24)
    true_values, true_weights, true_cumulative = reference.collapse(y.tolist(), w.tolist())
    assert values.tolist() == true_values
    # Rounded twice at most, and to 2**-88 absolutely.
    assert weights.tolist() == pytest.approx([float(x) for x in true_weights], rel=3e-16, abs=1e-24)
    expected = [float(x) for x in true_cumulative]
    assert cumulative.tolist() == pytest.approx(expected, rel=3e-16, abs=1e-24)


@given(rows, st.randoms(use_true_random=False))
def test_collapse__is_the_same_for_every_order(pairs, random):
    y, w = np.array([p[0] for p in pairs], float), np.array([p[1] for p in pairs], float)
    order = np.array(random.sample(range(y.size), y.size), np.int64)
    first = collapse(y, w, argsort_stable(y), 2.0**-24)
    y, w = y[order], w[order]
    for a, b in zip(first, collapse(y, w, argsort_stable(y), 2.0**-24), strict=True):
        assert (a == b).all()
