"""Alignment methods: worked numbers, what each keeps, and targets that cannot be met."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.dynamics.alignment import (
    SORTING,
    logit_scaled,
    multiplied,
    scaled_amounts,
    sorted_events,
)
from microsim.errors import InputError

chances = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=30)


def test_logit_scaling__gives_the_worked_numbers():
    # Odds of .1, .3, .5 shifted to a mean of .4; solved by hand to ten digits.
    found = logit_scaled([0.1, 0.3, 0.5], [1.0, 1.0, 1.0], 1.2)
    assert found.shift == pytest.approx(0.5142443421, abs=1e-9)
    assert found.odds == pytest.approx(1.6723742814, abs=1e-9)
    expected = [0.15670124, 0.41749784, 0.62580092]
    np.testing.assert_allclose(found.probability, expected, atol=1e-8)


@given(chances, st.floats(0.01, 0.99))
def test_logit_scaling__meets_the_target_and_keeps_ratios_of_odds(p, share):
    p = np.array(p)
    weight = np.arange(1.0, p.size + 1.0)
    target = share * weight.sum()
    found = logit_scaled(p, weight, target).probability
    assert float(found @ weight) == pytest.approx(target, rel=1e-9)
    odds = found / (1.0 - found) / (p / (1.0 - p))
    np.testing.assert_allclose(odds, odds[0], rtol=1e-6)


def test_logit_scaling__leaves_the_certain_alone():
    found = logit_scaled([0.0, 1.0, 0.5], [1.0, 1.0, 1.0], 1.25).probability
    np.testing.assert_allclose(found, [0.0, 1.0, 0.25], rtol=1e-12)


@given(chances, st.floats(0.0, 1.0))
def test_multiplication__keeps_proportions(p, share):
    p = np.array(p)
    target = share * float(p.sum() / p.max())
    found = multiplied(p, np.ones(p.size), target * (1 - 1e-12))
    assert found.sum() == pytest.approx(target, rel=1e-9)
    np.testing.assert_allclose(found * p[0], p * found[0], rtol=1e-9, atol=1e-300)


@given(chances, st.integers(0, 30), st.sampled_from(SORTING), st.integers(0, 1000))
def test_sorting__hits_a_count_exactly(p, count, method, seed):
    p = np.array(p)
    count = min(count, p.size)
    u = np.random.default_rng(seed).random(p.size)
    happens, miss = sorted_events(p, u, np.ones(p.size), count, method)
    assert happens.sum() == count
    assert miss == 0.0


def test_sorting_with_weights__misses_by_half_a_weight_at_most():
    rng = np.random.default_rng(3)
    weight = rng.uniform(1.0, 3.0, 200)
    for target in np.linspace(0.0, weight.sum(), 17):
        happens, miss = sorted_events(rng.random(200), rng.random(200), weight, target)
        assert abs(miss) <= 1.5
        assert weight[happens].sum() - target == pytest.approx(miss, abs=1e-9)


def test_sorting_by_logits__chooses_those_whom_scaled_logits_would():
    rng = np.random.default_rng(8)
    p, u = rng.uniform(0.05, 0.6, 400), rng.random(400)
    happens, _ = sorted_events(p, u, np.ones(400), 100)
    score = np.log(p / (1 - p)) - np.log(u / (1 - u))
    assert happens.tolist() == (score >= np.sort(score)[-100]).tolist()


def test_sorting_by_probability__is_deterministic():
    rng = np.random.default_rng(1)
    p = rng.random(50)
    first = sorted_events(p, rng.random(50), np.ones(50), 20, "SBP")[0]
    assert first.tolist() == sorted_events(p, rng.random(50), np.ones(50), 20, "SBP")[0].tolist()


def test_amounts__are_scaled_to_their_total():
    np.testing.assert_allclose(scaled_amounts([1.0, 3.0], [2.0, 1.0], 10.0), [2.0, 6.0])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: logit_scaled([0.2, 0.3], [1, 1], 2.5), "cannot be met.*2.5.*between 0 and 2"),
        (lambda: logit_scaled([0.0, 1.0], [1, 1], 1.5), "cannot be met.*1.5.*between 1 and 1"),
        (lambda: logit_scaled([0.2, 1.3], [1, 1], 1.0), "out of range.*1.3.*0 to 1"),
        (lambda: logit_scaled([0.2], [1, 1], 1.0), "differ in shape"),
        (lambda: logit_scaled([0.2], [-1], 1.0), "weight out of range"),
        (lambda: multiplied([0.2, 0.9], [1, 1], 1.9), "would pass 1"),
        (lambda: multiplied([0.0], [1], 1.0), "cannot be met"),
        (lambda: sorted_events([0.2, 0.0], [0.1, 0.1], [1, 1], 2), "cannot be met"),
        (lambda: sorted_events([0.2], [0.1], [1], 1, "SBX"), "unknown method.*SBX"),
        (lambda: scaled_amounts([0.0], [1.0], 5.0), "cannot be met"),
    ],
)
def test_what_cannot_be__is_refused(call, match):
    with pytest.raises(InputError, match=match):
        call()
