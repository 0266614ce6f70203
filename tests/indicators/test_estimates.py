"""Estimates with errors: domains keep the design, differences are paired, NaN has a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

from microsim.indicators.distribution import distribution
from microsim.indicators.estimates import (
    estimated,
    estimated_differences,
    inequality_linearised,
    poverty_linearised,
    total_linearised,
)
from microsim.indicators.inequality import inequality
from microsim.indicators.poverty import poverty
from microsim.indicators.sampling import bootstrap, design

RNG = np.random.default_rng(8)
N = 300
Y = np.exp(RNG.normal(size=N) * 0.7) * 100
W = np.round(RNG.random(N) * 5) + 1
PLAN = design(np.arange(N) // 5, np.arange(N) // 50, N)


def test_estimates__equal_the_plain_indices():
    of_poverty, of_inequality = poverty_linearised(Y, W, 90.0), inequality_linearised(Y, W)
    d = distribution(Y, W)
    for found, plain in ((of_poverty, poverty(d, 90.0)), (of_inequality, inequality(d))):
        for name, linearised in found.items():
            assert linearised.value == getattr(plain, name)
    assert total_linearised(Y, W).value == pytest.approx(W @ Y)


@pytest.mark.parametrize("name", ["gap", "sst", "gini", "theil", "atkinson_1", "s80_s20", "palma"])
def test_errors__agree_with_the_bootstrap(name):
    # 500 sets: the bootstrap error has relative sd near 4 per cent; 15 per cent is beyond 3 of it.
    linearised = {**poverty_linearised(Y, W, 90.0), **inequality_linearised(Y, W)}
    linear = estimated(linearised, PLAN)[name].se

    def statistic(w):
        d = distribution(Y, w)
        return float(getattr(poverty(d, 90.0) if name in ("gap", "sst") else inequality(d), name))

    assert bootstrap(statistic, W, PLAN, seed=1, n_sets=500).se == pytest.approx(linear, rel=0.15)


def test_errors__of_a_group_keep_all_psus():
    women = np.arange(N) % 3
    found = estimated(poverty_linearised(Y, W * women, 90.0), PLAN)["headcount"]
    assert found.degrees_of_freedom == 60 - 6
    assert found.value == poverty(distribution(Y, W * women), 90.0).headcount
    assert 0 < found.se < 0.1


def test_differences__are_paired_and_exactly_zero_for_no_change():
    before = poverty_linearised(Y, W, 90.0)
    nothing = estimated_differences(before, poverty_linearised(Y, W, 90.0), PLAN)
    for found in nothing.values():
        assert (found.value, found.se, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)
    after = poverty_linearised(Y + 5.0, W, 90.0)
    change, level = estimated_differences(before, after, PLAN), estimated(before, PLAN)
    assert change["gap"].value < 0
    assert 0 < change["gap"].se < 0.5 * level["gap"].se


def test_estimates__of_undefined_indices_are_nan_with_a_reason():
    y = Y.copy()
    y[:20] = -1e4
    found = inequality_linearised(y, W)
    assert math.isnan(found["gini"].value)
    assert found["gini"].note == "mean is not above 0"
    assert math.isnan(estimated(found, PLAN)["gini"].se)
    assert found["theil"].note.startswith("leaves out")
    assert estimated(found, PLAN)["theil"].se > 0
    nobody = poverty_linearised(Y, 0 * W, 90.0)
    assert nobody["headcount"].note == "no persons"
    assert nobody["poor"].value == 0.0
