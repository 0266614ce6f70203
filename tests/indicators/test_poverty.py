"""Poverty: published values, twins, additivity, decompositions."""

from __future__ import annotations

import math

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.indicators.distribution import distribution
from microsim.indicators.poverty import (
    accumulate_poverty,
    aggregate_gap_of_households,
    finalise_poverty,
    foster_greer_thorbecke,
    growth_and_redistribution,
    log_line_ratio,
    poverty,
    poverty_by_group,
    sectoral_change,
)

households = st.lists(
    st.tuples(st.floats(-50.0, 300.0), st.floats(0.5, 400.0), st.integers(1, 8)),
    min_size=1,
    max_size=30,
)


def of(values):
    y = np.array(values, float)
    return distribution(y, np.ones(y.size))


@pytest.mark.parametrize(
    ("y", "severity"),
    [
        ((100, 110, 150, 160), 0.0136),
        ((99, 101, 150, 150), 0.020032),
        ((79, 121, 150, 150), 0.034112),
    ],
)
def test_poverty__of_haughton_and_khandker(y, severity):
    # Haughton and Khandker, Handbook on Poverty and Inequality (World Bank 2009), p. 72
    found = poverty(of(y), 125.0)
    assert found.headcount == 0.5
    expected_gap = 0.1 if y[0] != 100 else 0.08
    assert found.gap == pytest.approx(expected_gap, abs=1e-15)
    assert found.severity == pytest.approx(severity, abs=1e-15)


def test_poverty__other_indices_of_the_same_example():
    found = poverty(of((100, 110, 150, 160)), 125.0)
    assert found.sst == pytest.approx(0.125, abs=1e-15)
    assert found.sen == pytest.approx(0.09, abs=1e-15)
    assert found.watts == pytest.approx(0.0877442307, abs=1e-10)
    assert found.aggregate_gap == 40.0
    assert found.income_gap_ratio == pytest.approx(0.16)


def test_poverty__counts_persons_not_households():
    y, size, weight = np.array([60.0, 90, 150]), np.array([5.0, 3, 2]), np.array([100.0, 200, 100])
    found = poverty(distribution(y, weight * size), 100.0)
    assert (found.persons, found.headcount) == (1300.0, 11 / 13)
    assert (found.gap, found.severity) == pytest.approx((0.2, 0.86 / 13), abs=1e-15)
    assert found.severity == pytest.approx(0.0661538, abs=1e-7)
    assert poverty(distribution(y, weight), 100.0).headcount == 0.75
    assert found.aggregate_gap == 26000.0 == 100.0 * 1300.0 * found.gap
    assert aggregate_gap_of_households(weight, size, y, 100.0) == 26000.0


def test_poverty__at_the_line_is_poor_only_if_asked():
    d = of([1.0, 2.0, 3.0])
    assert poverty(d, 2.0).poor == 1.0
    assert poverty(d, 2.0, include_line=True).poor == 2.0
    counts = np.ones((3, 1))
    for include in (False, True):
        by_group = poverty_by_group(d.values, d.weights, counts, 2.0, include_line=include)
        assert by_group.poor[0] == poverty(d, 2.0, include_line=include).poor


@given(households, st.floats(1.0, 250.0))
def test_poverty__equals_its_twin(rows, line):
    y, weight, size = (np.array(column, float) for column in zip(*rows, strict=True))
    w = weight * size
    found = poverty(distribution(y, w), line)
    for alpha, got in enumerate((found.headcount, found.gap, found.severity)):
        true = float(reference.foster_greer_thorbecke(y, w, line, alpha))
        assert got == pytest.approx(true, rel=1e-13, abs=1e-15)
    watts = sum(wi * log_line_ratio(line, yi) for yi, wi in zip(y, w, strict=True)) / w.sum()
    assert found.watts == pytest.approx(watts, rel=1e-12, abs=1e-15)
    assert found.aggregate_gap == pytest.approx(line * found.persons * found.gap, abs=1e-9)
    assert found.negatives == pytest.approx(w[y < 0].sum(), abs=1e-9)


@given(st.lists(st.floats(0.0, 300.0), min_size=1, max_size=30), st.floats(1.0, 250.0))
def test_sst__equals_its_equal_weight_form(y, line):
    assert poverty(of(y), line).sst == pytest.approx(reference.sst(y, line), abs=1e-13)


@given(households, st.floats(1.0, 250.0), st.randoms(use_true_random=False))
def test_poverty_by_group__is_additive_and_free_of_order(rows, line, random):
    y, weight, size = (np.array(column, float) for column in zip(*rows, strict=True))
    first = np.array([random.randint(0, int(s)) for s in size], float)
    counts = np.stack([first, size - first, size], axis=1)
    found = poverty_by_group(y, weight, counts, line)
    whole = poverty(distribution(y, weight * size), line)
    assert found.poor[0] + found.poor[1] == pytest.approx(whole.poor, rel=1e-14)
    for group, total in [
        (found.headcount, whole.headcount), (found.gap, whole.gap),
        (found.severity, whole.severity), (found.watts, whole.watts),
    ]:  # fmt: skip
        parts = np.where(found.persons[:2] > 0, group[:2], 0.0) * found.persons[:2]
        assert parts.sum() / found.persons[2] == pytest.approx(total, rel=1e-12, abs=1e-15)
        assert group[2] == pytest.approx(total, rel=1e-13, abs=1e-16)
    order = np.array(random.sample(range(y.size), y.size))
    again = poverty_by_group(y[order], weight[order], counts[order], line)
    for name, values in vars(found).items():
        assert np.array_equal(values, vars(again)[name], equal_nan=True)


@given(households, st.integers(0, 30))
def test_poverty_sums__of_shards_merge_to_those_of_the_whole(rows, cut):
    y, weight, size = (np.array(column, float) for column in zip(*rows, strict=True))
    counts = size[:, None]
    parts = [
        accumulate_poverty(y[piece], weight[piece], counts[piece], 100.0, scale=2.0**-20)
        for piece in (slice(0, cut), slice(cut, None))
    ]
    whole = accumulate_poverty(y, weight, counts, 100.0, scale=2.0**-20)
    merged = parts[1].merged_with(parts[0])
    assert (merged.hi == whole.hi).all()
    assert (merged.lo == whole.lo).all()
    assert finalise_poverty(merged).gap[0] == finalise_poverty(whole).gap[0]


def test_poverty_sums__of_another_line_do_not_merge():
    y, w, counts = np.array([1.0]), np.array([1.0]), np.ones((1, 1))
    a, b = (accumulate_poverty(y, w, counts, line, scale=1.0) for line in (2.0, 3.0))
    with pytest.raises(InputError, match=r"different lines.*found lines 2\.0 and 3\.0"):
        a.merged_with(b)


def test_poverty__contributions_of_groups_add_up_to_one():
    y, w = np.array([10.0, 20, 30, 200]), np.ones(4)
    counts = np.array([[1, 0], [0, 1], [1, 0], [0, 1]])
    found = poverty_by_group(y, w, counts, 40.0)
    assert found.contribution.sum(axis=1) == pytest.approx([1.0, 1.0, 1.0])
    assert found.contribution[0] == pytest.approx([2 / 3, 1 / 3])


def test_poverty__without_truncation_keeps_negative_resources():
    d = of([-100.0, 100.0])
    assert poverty(d, 50.0).gap == 0.5
    assert poverty(d, 50.0, truncate_negatives=False).gap == 1.5
    group = poverty_by_group(d.values, d.weights, np.ones((2, 1)), 50.0, truncate_negatives=False)
    assert group.severity[0] == 4.5
    assert poverty(d, 50.0).negatives == 1.0


@pytest.mark.parametrize("line", [0.0, -1.0, math.nan, math.inf])
def test_poverty__refuses_a_line_that_is_not_an_amount(line):
    with pytest.raises(InputError, match=r"poverty line: not an amount; found .*; expected"):
        poverty(of([1.0]), line)


def test_poverty__of_nobody_is_undefined_but_of_no_poor_is_zero():
    assert math.isnan(poverty(of([]), 1.0).headcount)
    none = poverty(of([5.0]), 1.0)
    assert (none.headcount, none.gap, none.sen, none.sst, none.watts) == (0, 0, 0, 0, 0)
    assert math.isnan(none.income_gap_ratio)


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_growth_and_redistribution__add_up(alpha):
    rng = np.random.default_rng(5)
    before = distribution(rng.random(50) * 100, np.ones(50))
    after = distribution(rng.random(50) * 130, np.ones(50))
    parts = growth_and_redistribution(before, after, 40.0, alpha)
    assert parts.growth + parts.redistribution == pytest.approx(parts.total, abs=1e-12)
    richer = distribution(before.values * 2, before.weights)
    scaled = growth_and_redistribution(before, richer, 40.0, alpha)
    assert scaled.redistribution == pytest.approx(0.0, abs=1e-12)


def test_sectoral_change__adds_up():
    persons = (np.array([10.0, 30]), np.array([20.0, 25]))
    indices = (np.array([0.5, 0.2]), np.array([0.4, 0.25]))
    change = sectoral_change(persons, indices)
    expected = (20 * 0.4 + 25 * 0.25) / 45 - (10 * 0.5 + 30 * 0.2) / 40
    assert change.total == pytest.approx(expected, abs=1e-15)


def test_growth_and_redistribution__needs_means_above_zero():
    with pytest.raises(InputError, match=r"found 0\.0 before, 1\.0 after; expected means above 0"):
        growth_and_redistribution(of([0.0]), of([1.0]), 1.0, 0)


rows_with_weights = st.lists(
    st.tuples(st.floats(-50.0, 300.0), st.floats(0.0, 1e4)), min_size=1, max_size=40
)


@given(rows_with_weights, st.booleans(), st.booleans())
def test_foster_greer_thorbecke__equals_poverty_of_the_sorted(rows, include_line, truncate):
    y, w = np.array([r[0] for r in rows]), np.array([r[1] for r in rows]) + 1e-3
    y[: len(y) // 3] = 100.0
    lines = [60.0, 100.0]
    options = {"include_line": include_line, "truncate_negatives": truncate}
    found = foster_greer_thorbecke(y, w, lines, **options)
    for line, row in zip(lines, found, strict=True):
        p = poverty(distribution(y, w), line, **options)
        assert row == pytest.approx([p.headcount, p.gap, p.severity], rel=1e-13, abs=1e-15)


@given(rows_with_weights, st.randoms(use_true_random=False))
def test_foster_greer_thorbecke__is_the_same_for_every_order(rows, random):
    y, w = np.array([r[0] for r in rows]), np.array([r[1] for r in rows]) + 1e-3
    order = random.sample(range(y.size), y.size)
    first = foster_greer_thorbecke(y, w, [100.0])
    assert (first == foster_greer_thorbecke(y[order], w[order], [100.0])).all()


def test_foster_greer_thorbecke__refuses_a_line_of_nothing():
    with pytest.raises(InputError, match="poverty line: not an amount"):
        foster_greer_thorbecke(np.ones(2), np.ones(2), [0.0])
