"""Markets add up in any order, from any thread, to what one pass over them would give."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from microsim.kernels.accumulate import to_floats
from microsim.simulation.market_sums import MarketSums

YEARS = ("0/2025/", "0/2030/", "1/2025/")


def market(number: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(number)
    return {
        "hi": rng.integers(-50, 50, (2, 3)),
        "low": rng.integers(0, 2**64, (2, 3), dtype=np.uint64),
        "count": rng.integers(0, 9, (2, 3)),
        "smallest": rng.random(4),
        "largest": rng.random(4),
        "ages": rng.integers(0, 9, (2, 121)),
        "household_id": number * 100 + np.arange(number % 4),
        "columns": np.full((3, number % 4), float(number)),
    }


@pytest.fixture(scope="module")
def in_order():
    sums = MarketSums()
    for year in YEARS:
        for number in range(8):
            sums.add(year, number, market(number), number % 4)
    return sums


def test_sums__do_not_depend_on_order_or_threads(in_order):
    tasks = [(year, number) for number in range(8) for year in YEARS]
    np.random.default_rng(1).shuffle(tasks)
    sums = MarketSums()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda t: sums.add(t[0], int(t[1]), market(int(t[1])), int(t[1]) % 4), tasks))
    expected, found = in_order.arrays(), sums.arrays()
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
    assert sums.households == in_order.households


def test_sums__are_those_of_the_markets(in_order):
    found, parts = in_order.arrays(), [market(number) for number in range(8)]
    exact = to_floats(found["0/2030/hi"].ravel(), found["0/2030/low"].ravel(), 1.0)
    each = [to_floats(p["hi"].ravel(), p["low"].ravel(), 1.0) for p in parts]
    np.testing.assert_allclose(exact, np.sum(each, axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found["0/2030/ages"], sum(p["ages"] for p in parts))
    np.testing.assert_array_equal(
        found["0/2030/smallest"], np.min([p["smallest"] for p in parts], axis=0)
    )
    np.testing.assert_array_equal(
        found["0/2030/household_id"], np.concatenate([p["household_id"] for p in parts])
    )
    assert in_order.households["0/2030/"] == found["0/2030/columns"].shape[1] == 12
