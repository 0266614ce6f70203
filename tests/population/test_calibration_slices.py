"""Calibration slice by slice: the same as at once, starts anywhere, counts members as given."""

from __future__ import annotations

import numpy as np
import pytest

from microsim.errors import InputError
from microsim.population.calibration import calibrate, factors, rake
from microsim.population.calibration_margins import Entries, Margins
from microsim.population.calibration_steps import member_totals


class Slices:
    """A sample that is not in memory as a whole; it counts how often it is gone through."""

    def __init__(self, weights: np.ndarray, totals: np.ndarray, size: int) -> None:
        self.weights, self.totals, self.size = weights, totals, size
        self.times = 0

    def __iter__(self):
        self.times += 1
        for first in range(0, self.weights.size, self.size):
            rows = slice(first, first + self.size)
            yield Entries.of(self.weights[rows], self.totals[rows])


@pytest.fixture
def survey() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, totals and targets of 400 households; the last margin is implied by two others."""
    rng = np.random.default_rng(8)
    counts = rng.poisson([1.0, 0.7, 0.4], (400, 3)).astype(float)
    totals = np.column_stack((counts, counts[:, 0] + counts[:, 1]))
    weights = rng.lognormal(3.0, 0.5, 400)
    targets = (weights @ totals)[:3] * np.array([1.1, 0.9, 1.2])
    return weights, totals, np.append(targets, targets[0] + targets[1])


NAMES = ("men", "women", "children", "adults")


@pytest.mark.parametrize("size", [1, 37, 400])
def test_rake__is_calibrate_by_slices(survey, size):
    weights, totals, targets = survey
    once = calibrate(weights, totals, targets, names=NAMES)
    found = rake(Margins(Slices(weights, totals, size), targets, NAMES))
    np.testing.assert_allclose(found.multipliers, once.multipliers, rtol=1e-9, atol=1e-12)
    assert [fit.redundant for fit in found.margins] == [False, False, False, True]
    assert found.residual < 1e-12
    assert (found.g_min, found.g_max) == pytest.approx((once.g_min, once.g_max), rel=1e-9)
    assert found.deff_after == pytest.approx(once.deff_after, rel=1e-12)
    g = np.concatenate([factors(one, found.multipliers) for one in Slices(weights, totals, size)])
    np.testing.assert_allclose(weights * g, once.weights, rtol=1e-9)


def test_rake__begins_where_it_is_told(survey):
    weights, totals, targets = survey
    cold = rake(Margins((Entries.of(weights, totals),), targets, NAMES))
    near = targets * 1.001
    warm = rake(Margins((Entries.of(weights, totals),), near, NAMES), start=cold.multipliers)
    assert warm.iterations < cold.iterations
    again = rake(Margins((Entries.of(weights, totals),), near, NAMES))
    np.testing.assert_allclose(warm.multipliers, again.multipliers, rtol=1e-8, atol=1e-10)


def test_rake__leaves_households_without_weight_out(survey):
    weights, totals, targets = survey
    weights = np.append(weights, 0.0)
    totals = np.vstack((totals, [50.0, 0.0, 0.0, 50.0]))
    found = rake(Margins((Entries.of(weights, totals),), targets, NAMES))
    used = calibrate(weights[:-1], totals[:-1], targets).g
    assert found.g_max == pytest.approx(used.max(), rel=1e-9)


def test_rake__names_margins_by_slices(survey):
    weights, totals, targets = survey
    contradicting = targets * np.array([1.0, 1.0, 1.0, 1.1])
    with pytest.raises(InputError, match="'adults': contradicts other margins") as caught:
        rake(Margins(Slices(weights, totals, 100), contradicting, NAMES), where="2030")
    assert caught.value.faults[0].where.startswith("2030")
    totals = totals.copy()
    totals[:, 2] = 0.0
    with pytest.raises(InputError, match="'children': no household with a weight"):
        rake(Margins(Slices(weights, totals, 100), targets, NAMES))


def test_member_totals__count_as_a_table_does():
    rng = np.random.default_rng(2)
    size = rng.integers(0, 6, 200)
    margins = rng.integers(-1, 9, (size.sum(), 2))
    first, column, value = member_totals(size, margins)
    assert first[-1] == column.size == value.size
    household = np.repeat(np.arange(200), size)
    expected = np.zeros((200, 9))
    for member, home in zip(margins, household, strict=True):
        for margin in member[member >= 0]:
            expected[home, margin] += 1.0
    found = np.zeros((200, 9))
    for home in range(200):
        mine = column[first[home] : first[home + 1]]
        assert (np.diff(mine) > 0).all()
        found[home, mine] = value[first[home] : first[home + 1]]
    np.testing.assert_array_equal(found, expected)
