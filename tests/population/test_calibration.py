"""Calibration: worked numbers, targets hit, scale-free, odds kept, infeasible margins named."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.population.calibration import METHODS, calibrate
from microsim.population.calibration_steps import distance

# The four cells of a 2 x 2 table: row 1, row 2, column 1, column 2.
CELLS = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]], dtype=float)
NAMES = ("row 1", "row 2", "column 1", "column 2")


def make_survey(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Households with counts of four kinds of people, and weights of very different size."""
    generator = np.random.default_rng(seed)
    totals = generator.poisson([1.0, 1.2, 0.8, 0.3], (n, 4)).astype(float)
    totals = np.column_stack((np.ones(n), totals))
    return generator.lognormal(3.0, 0.7, n), totals


def test_calibrate__rakes_the_worked_table() -> None:
    # DOMAIN W26: [[10,20],[30,40]] to rows (40,60), columns (50,50); 8 decimals published.
    result = calibrate(
        np.array([10.0, 20.0, 30.0, 40.0]),
        CELLS,
        np.array([40.0, 60.0, 50.0, 50.0]),
        names=NAMES,
    )
    expected = [17.57650672, 22.42349328, 32.42349328, 27.57650672]
    np.testing.assert_allclose(result.weights, expected, rtol=0, atol=5e-9)
    w = result.weights
    assert w[0] * w[3] / (w[1] * w[2]) == pytest.approx(2 / 3, rel=1e-12)
    assert [fit.redundant for fit in result.margins] == [False, False, False, True]


def test_calibrate__gives_the_worked_greg_weights() -> None:
    # DOMAIN W26: 4 units of weight 10, x = (1, 1{i > 2}), t = (44, 24).
    x = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    result = calibrate(np.full(4, 10.0), x, np.array([44.0, 24.0]), method="linear")
    np.testing.assert_allclose(result.weights, [10, 10, 12, 12], rtol=1e-13)
    np.testing.assert_allclose(result.multipliers, [0.0, 0.2], atol=1e-13)
    assert result.iterations <= 2


def test_calibrate__equals_the_closed_form_of_greg() -> None:
    weights, x = make_survey(1)
    targets = (weights @ x) * np.array([1.0, 1.1, 0.9, 1.05, 0.97])
    result = calibrate(weights, x, targets, method="linear")
    step = np.linalg.solve((x * weights[:, None]).T @ x, targets - weights @ x)
    np.testing.assert_allclose(result.weights, weights * (1 + x @ step), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    change=st.lists(st.floats(0.8, 1.25), min_size=5, max_size=5),
    how=st.sampled_from(
        [
            ("raking", None),
            ("linear", None),
            ("raking", (0.2, 5.0)),
            ("linear", (0.2, 5.0)),
            ("logit", (0.2, 5.0)),
        ]
    ),
)
def test_calibrate__hits_the_targets_within_the_bounds(
    seed: int, change: list[float], how: tuple[str, tuple[float, float] | None]
) -> None:
    weights, x = make_survey(seed)
    targets = (weights @ x) * np.array(change)
    method, bounds = how
    result = calibrate(weights, x, targets, method=method, bounds=bounds)
    np.testing.assert_allclose(result.weights @ x, targets, rtol=1e-8)
    assert result.weights.shape == weights.shape
    assert result.residual <= 1e-8
    np.testing.assert_allclose(result.g, result.weights / weights, rtol=1e-14)
    if bounds is not None:
        assert result.g_min >= bounds[0]
        assert result.g_max <= bounds[1]
    if method == "raking":
        assert result.n_negative == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1e-6, 0.125, 3.0, 1e5]))
def test_calibrate__does_not_depend_on_the_scale_of_the_weights(seed: int, factor: float) -> None:
    weights, x = make_survey(seed, 60)
    targets = (weights @ x) * np.array([1.0, 1.1, 0.9, 1.05, 0.97])
    result = calibrate(weights, x, targets)
    scaled = calibrate(weights * factor, x, targets)  # the count of households takes it up
    np.testing.assert_allclose(scaled.weights, result.weights, rtol=1e-7)
    both = calibrate(weights * factor, x, targets * factor, method="logit", bounds=(0.2, 4.0))
    once = calibrate(weights, x, targets, method="logit", bounds=(0.2, 4.0))
    np.testing.assert_allclose(both.g, once.g, rtol=1e-7)


def test_calibrate__leaves_weights_that_fit_alone() -> None:
    weights, x = make_survey(3)
    targets = calibrate(weights, x, (weights @ x)).weights @ x
    for method, bounds in (("raking", None), ("linear", None), ("logit", (0.5, 2.0))):
        result = calibrate(weights, x, targets, method=method, bounds=bounds)
        np.testing.assert_allclose(result.g, 1.0, rtol=1e-9)


def test_calibrate__is_the_same_again_and_under_any_order_within_rounding() -> None:
    weights, x = make_survey(4)
    targets = (weights @ x) * np.array([1.0, 1.1, 0.9, 1.05, 0.97])
    once, again = calibrate(weights, x, targets), calibrate(weights, x, targets)
    np.testing.assert_array_equal(once.weights, again.weights)
    order = np.random.default_rng(0).permutation(weights.size)
    turned = calibrate(weights[order], x[order], targets)
    np.testing.assert_allclose(turned.weights, once.weights[order], rtol=1e-11)


def test_calibrate__keeps_zero_weights_at_zero() -> None:
    weights, x = make_survey(5)
    weights[:7] = 0.0
    targets = (weights @ x) * 1.1
    result = calibrate(weights, x, targets)
    assert not result.weights[:7].any()
    np.testing.assert_allclose(result.weights @ x, targets, rtol=1e-8)


def test_calibrate__reports_the_design_effect() -> None:
    result = calibrate(np.array([1.0, 3.0]), np.ones((2, 1)), np.array([8.0]))
    assert result.deff_before == pytest.approx(2 * 10 / 16)
    assert result.deff_after == pytest.approx(result.deff_before)
    assert (result.g_min, result.g_max) == pytest.approx((2.0, 2.0))


def test_calibrate__truncates_at_the_bounds_of_the_linear_method() -> None:
    x = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    targets = np.array([4.0, 9.0])
    assert calibrate(np.ones(4), x, targets, method="linear").g_max > 1.5
    for method in ("linear", "raking"):
        held = calibrate(np.ones(4), x, targets, method=method, bounds=(0.4, 1.5))
        np.testing.assert_allclose(held.weights @ x, targets, rtol=1e-9)
        assert (held.g_max, held.n_at_bounds) == (1.5, 1)


def test_calibrate__names_margins_that_contradict_each_other() -> None:
    targets = np.array([40.0, 60.0, 50.0, 51.0])
    with pytest.raises(InputError, match=r"margin 'column 2': contradicts.*'row 1', 'row 2'"):
        calibrate(np.array([10.0, 20.0, 30.0, 40.0]), CELLS, targets, names=NAMES)
    with pytest.raises(InputError, match=r"found target 51; expected 50"):
        calibrate(np.array([10.0, 20.0, 30.0, 40.0]), CELLS, targets, names=NAMES)


def test_calibrate__names_each_target_out_of_reach() -> None:
    with pytest.raises(InputError) as caught:
        calibrate(
            np.array([10.0, 20.0, 30.0, 40.0]),
            CELLS,
            np.array([400.0, 10.0, 50.0, 50.0]),
            names=NAMES,
            bounds=(0.5, 2.0),
            where="targets.yaml",
        )
    text = str(caught.value)
    assert "targets.yaml, margin 'row 1': the target cannot be reached" in text
    assert "between 15 and 60" in text
    assert "margin 'row 2': the target cannot be reached" in text


def test_calibrate__names_a_margin_nobody_has() -> None:
    x = np.column_stack((np.ones(3), np.zeros(3)))
    with pytest.raises(InputError, match=r"margin 'islands': no household .* found 0; expected 5"):
        calibrate(np.ones(3), x, np.array([3.0, 5.0]), names=("all", "islands"))
    assert calibrate(np.ones(3), x, np.array([6.0, 0.0])).weights == pytest.approx([2, 2, 2])


def test_calibrate__proves_that_margins_cannot_be_met_together() -> None:
    # Each is in reach alone; rows ask for more weight where columns ask for less.
    x = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    targets = np.array([3.9, 3.9, 0.9])
    for method in ("raking", "linear", "logit"):
        with pytest.raises(InputError, match="these margins cannot be met together"):
            calibrate(np.ones(3), x, targets, method=method, bounds=(0.4, 2.0))


def test_calibrate__refuses_a_zero_target_that_raking_cannot_reach() -> None:
    with pytest.raises(InputError, match="margin 'row 1': the target cannot be reached"):
        calibrate(np.ones(4), CELLS, np.array([0.0, 4.0, 2.0, 2.0]), names=NAMES)


def test_calibrate__refuses_faulty_inputs_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        calibrate(np.array([1.0, -1.0]), np.ones((2, 1)), np.ones(1), method="fit", bounds=(1, 2))
    text = str(caught.value)
    for part in ("weights to start from", "unknown method; found 'fit'", "bounds; found 1, 2"):
        assert part in text
    with pytest.raises(InputError, match="the logit method needs bounds"):
        calibrate(np.ones(2), np.ones((2, 1)), np.ones(1), method="logit")
    with pytest.raises(InputError, match="shapes differ"):
        calibrate(np.ones(3), np.ones((2, 1)), np.ones(1))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 4), columns=st.integers(2, 5))
def test_calibrate__equals_iterative_proportional_fitting(
    seed: int, rows: int, columns: int
) -> None:
    generator = np.random.default_rng(seed)
    table = generator.uniform(1.0, 50.0, (rows, columns))
    wanted = generator.uniform(1.0, 50.0, (rows, columns))
    x = np.column_stack(
        [np.repeat(np.eye(rows), columns, axis=0), np.tile(np.eye(columns), (rows, 1))]
    )
    targets = np.concatenate((wanted.sum(axis=1), wanted.sum(axis=0)))
    result = calibrate(table.ravel(), x, targets).weights.reshape(rows, columns)
    fitted = table.copy()
    for _ in range(2_000):
        fitted *= (wanted.sum(axis=1) / fitted.sum(axis=1))[:, None]
        fitted *= wanted.sum(axis=0) / fitted.sum(axis=0)
    np.testing.assert_allclose(result, fitted, rtol=1e-8)
    odds = result[0, 0] * result[1, 1] / (result[0, 1] * result[1, 0])
    before = table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0])
    assert odds == pytest.approx(before, rel=1e-9)


def test_calibrate__gives_weights_of_the_stated_form() -> None:
    weights, x = make_survey(6)
    targets = (weights @ x) * np.array([1.0, 1.2, 0.85, 1.05, 0.97])
    low, high = 0.3, 3.0
    for method in ("raking", "linear", "logit"):
        bounds = (low, high) if method == "logit" else None
        result = calibrate(weights, x, targets, method=method, bounds=bounds)
        u = x @ result.multipliers
        if method == "logit":
            a = (high - low) / ((1 - low) * (high - 1))
            odds = (result.g - low) * (high - 1) / ((high - result.g) * (1 - low))
            np.testing.assert_allclose(np.log(odds) / a, u, atol=1e-10)
        else:
            g = np.exp(u) if method == "raking" else 1 + u
            np.testing.assert_allclose(result.g, g, rtol=1e-12)


@pytest.mark.parametrize("method", ["raking", "linear", "logit"])
def test_distance__has_the_derivative_it_says(method: str) -> None:
    number = METHODS[method]
    for lower, upper in ((0.2, 5.0), (0.7, 1.3)):
        for u in (-2.0, -0.4, -0.05, 0.0, 0.1, 0.8, 2.5):
            h = 1e-6
            _, slope, _ = distance(u, number, lower, upper)
            g_up, _, sum_up = distance(u + h, number, lower, upper)
            g_down, _, sum_down = distance(u - h, number, lower, upper)
            g, _, _ = distance(u, number, lower, upper)
            assert (g_up - g_down) / (2 * h) == pytest.approx(slope, abs=1e-7)
            assert (sum_up - sum_down) / (2 * h) == pytest.approx(g, abs=1e-7)
        assert distance(0.0, number, lower, upper) == pytest.approx((1.0, 1.0, 0.0), abs=1e-15)


@pytest.mark.parametrize(
    ("method", "bounds", "digest"),
    [
        ("raking", None, "01d19d780c317a23"),
        ("linear", (0.5, 2.0), "a490ec04c238a49e"),
        ("logit", (0.5, 2.0), "9cfb2788274c9998"),
    ],
)
def test_calibrate__gives_the_same_bits_on_every_machine(
    method: str, bounds: tuple[float, float] | None, digest: str
) -> None:
    # Digests of this function's own results, kept so that a machine that differs is found.
    i = np.arange(500)
    x = np.column_stack((np.ones(500), i % 3, (i * 7) % 5, (i * i) % 4)).astype(float)
    weights = (1.0 + (i * 13) % 17) / 7
    before = np.array([math.fsum(weights * x[:, j]) for j in range(4)])
    targets = before * np.array([1, 1.125, 0.875, 1.0625])
    found = calibrate(weights, x, targets, method=method, bounds=bounds).weights
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == digest
