"""Parts of the synthesis alone: weights, the quantile curve, labour counts, places, prices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.errors import RunFailedError
from microsim.kernels.transcendental import normal_quantile_array
from microsim.population import opendata
from microsim.population.synthesis import distribution, incomes, labour, macro, places, weights
from microsim.population.synthesis.parameters import load
from microsim.population.synthesis.people import Draws


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.integers(0, 1000))
def test_solve__agrees_with_numpy(n: int, seed: int) -> None:
    x = np.sin(np.arange(n * n).reshape(n, n) + seed)
    matrix, right = x @ x.T + np.eye(n), np.cos(np.arange(n) + seed)
    np.testing.assert_allclose(weights.solve(matrix, right), np.linalg.solve(matrix, right))


def test_solve__of_a_singular_system_is_an_error() -> None:
    with pytest.raises(RunFailedError, match="singular; use more households"):
        weights.solve(np.zeros((2, 2)), np.ones(2))


def _sample(n_households: int) -> tuple[np.ndarray, np.ndarray]:
    draws = Draws.of_rows(n_households * 3, 1, "test")
    household = np.repeat(np.arange(n_households), 3)
    return household, (draws.uniform("cell") * 4).astype(np.int64)


def test_household_weights__meet_the_targets_and_stay_near_equal() -> None:
    household, cell = _sample(400)
    counts = np.bincount(cell)
    wanted = counts * np.array([10.1, 9.9, 10.0, 10.05])
    weight = weights.household_weights(household, cell, wanted)
    achieved = np.bincount(cell, weights=weight[household])
    np.testing.assert_allclose(achieved, wanted, rtol=1e-9)
    assert weight.min() > 9.0
    assert weight.max() < 11.0


def test_household_weights__that_would_be_negative_are_an_error() -> None:
    household, cell = _sample(400)
    wanted = np.bincount(cell) * np.array([100.0, 0.001, 1.0, 1.0])
    with pytest.raises(RunFailedError, match="cannot be met with positive weights"):
        weights.household_weights(household, cell, wanted)


def test_merged_cells__have_enough_persons() -> None:
    counts = np.array([[50, 20, 3, 2, 0], [9, 9, 9, 9, 9]])
    cell, open_groups = weights.merged_cells(counts)
    assert open_groups == [2, 4]
    np.testing.assert_array_equal(cell, [[0, 1, 2, 2, 2], [3, 4, 5, 6, 7]])


def _headcount(curve: distribution.QuantileCurve, line: float) -> float:
    rank = (np.arange(20_000) + 0.5) / 20_000
    return float((curve.at_rank(rank) < line).mean())


def test_curve__of_a_lognormal_is_found_again() -> None:
    spread = 0.7
    curve = distribution.QuantileCurve(
        normal_quantile_array(distribution.KNOTS),
        spread * normal_quantile_array(distribution.KNOTS),
    )
    rank, width = distribution._grid()
    values = curve.at_rank(rank)
    gini = distribution.gini_of_sorted(values, width)
    # Gini of a lognormal: 2 Phi(0.7 / sqrt 2) - 1 = 0.3794 (Aitchison and Brown 1957).
    assert gini == pytest.approx(0.3794, abs=2e-3)
    poverty = tuple((line, _headcount(curve, line)) for line in (0.5, 1.0, 2.0))
    fitted = distribution.fit(distribution.Evidence(poverty, gini, None, 1.0))
    np.testing.assert_allclose(fitted.logs, curve.logs, atol=0.03)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5, 1.2), st.floats(-0.05, 0.05), st.floats(0.1, 0.8), st.floats(-2.0, 2.0))
def test_curve__meets_poverty_where_gini_and_mean_disagree(
    spread: float, wrong: float, poor: float, level: float
) -> None:
    """Headcounts of a lognormal, with a Gini off by up to five points and any mean at all."""
    at = normal_quantile_array(np.array([poor]))[0]
    knots = normal_quantile_array(distribution.KNOTS)
    truth = distribution.QuantileCurve(knots, np.log(4.2) + spread * (knots - at))
    poverty = tuple((line, _headcount(truth, line)) for line in (3.0, 4.2, 8.3))
    rank, width = distribution._grid()
    gini = distribution.gini_of_sorted(truth.at_rank(rank), width) + wrong
    curve = distribution.fit(distribution.Evidence(poverty, gini, None, 10.0 * 10.0**level))
    assert (np.diff(curve.logs) > 0.0).all()
    for line, headcount in poverty:
        assert _headcount(curve, line) == pytest.approx(headcount, abs=0.01)


def test_welfare__keeps_the_order_of_the_score() -> None:
    curve = distribution.fit(distribution.Evidence(((3.0, 0.4),), 0.4, None, 5.0))
    score, size = np.array([0.3, -1.0, 2.0]), np.array([2, 4, 1])
    welfare = distribution.assign_welfare(curve, score, size, np.ones(3))
    per_head = welfare / size
    assert per_head[1] < per_head[0] < per_head[2]


@pytest.mark.parametrize("youth", [None, 0.25])
def test_band_counts__meet_the_rates_of_15_and_over(youth: float | None) -> None:
    rates = labour.LabourRates((0.66, 0.67, 0.85, 0.56), 0.62, youth, None, 0.6, 0.2,
                               (0.3, 0.2, 0.5))  # fmt: skip
    sizes = [3000, 5000, 900, 600]
    force, employed = labour.band_counts(sizes, rates, load("KEN"))
    assert sum(force) == pytest.approx(0.66 * sum(sizes), abs=4)
    assert sum(employed) == pytest.approx(0.62 * sum(sizes), abs=4)
    for n, f, e in zip(sizes, force, employed, strict=True):
        assert 0 <= e <= f <= n
    if youth is not None:
        assert employed[0] == round(youth * sizes[0])


def test_places__meet_shares_of_persons() -> None:
    regions = places.Regions(("a", "b"), np.array([0.3, 0.7]), np.array([1.0, 0.2]), np.zeros(2))
    draws = Draws.of_rows(5000, 1, "test")
    size = 1 + (draws.uniform("size") * 6).astype(np.int64)
    region, urban = places.place(regions, size, draws)
    assert size[region == 0].sum() / size.sum() == pytest.approx(0.3, abs=1e-3)
    assert urban[region == 0].all()
    in_b = region == 1
    assert size[in_b & urban].sum() / size[in_b].sum() == pytest.approx(0.2, abs=1e-3)


def test_poverty_line__is_ppp_times_prices() -> None:
    kenya = opendata.country("KEN")
    line = macro.poverty_line(kenya, 3.0, 2024)
    prices = 1.0
    for year in (2022, 2023, 2024):
        prices *= 1.0 + kenya.series["inflation"][year] / 100.0
    assert line.value == pytest.approx(3.0 * 365.0 / 12.0 * kenya.ppp[2021] * prices, rel=1e-12)
    assert line.basis == "data"
    assert macro.poverty_line(kenya, 3.0, 2025).basis == "assumption"


def test_price_factor__is_undone_by_its_inverse() -> None:
    kenya = opendata.country("KEN")
    there, _ = macro.price_factor(kenya, 2010, 2020)
    back, _ = macro.price_factor(kenya, 2020, 2010)
    assert there * back == pytest.approx(1.0, rel=1e-12)


def test_wages__follow_the_bands_and_keep_mean_and_ranks() -> None:
    wages = np.linspace(1.0, 2.0, 20_000)[::-1]
    bands = [[10.0, 1.0], [20.0, 5.0], [50.0, 3.0], [100.0, 1.0]]
    moved = incomes.wages_in_bands(wages, np.ones(wages.size), bands, 55.0)
    edges = np.array([10.0, 20.0, 50.0, 100.0, np.inf])
    found, _ = np.histogram(moved, edges)
    np.testing.assert_allclose(found / wages.size, [0.1, 0.5, 0.3, 0.1], atol=1e-3)
    # The Pareto tail's mean converges slowly: 20,000 ranks miss a little of it.
    assert moved.mean() == pytest.approx(55.0, rel=0.02)
    assert (np.diff(moved) <= 0.0).all()
