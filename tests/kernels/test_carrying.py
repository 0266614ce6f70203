"""Columns move along with persons; what begins and ceases is counted whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from microsim.kernels.carrying import moved, stocks_and_flows

OPENING, NEW, DEATH, EMIGRATION, OTHER, CLOSING = range(6)


@st.composite
def passages(draw: st.DrawFn) -> tuple[np.random.Generator, int, np.ndarray, np.ndarray]:
    """Return random people before, and where those of now come from."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 40))
    stays = generator.random(n) < 0.8
    order = generator.permutation(np.flatnonzero(stays))
    source = np.append(order, np.full(draw(st.integers(0, 5)), -1)).astype(np.int64)
    return generator, n, generator.permutation(source), np.flatnonzero(~stays)


@given(passages())
def test_moved__takes_each_value_along(
    given_: tuple[np.random.Generator, int, np.ndarray, np.ndarray],
) -> None:
    generator, n, source, _ = given_
    values = generator.normal(size=n)
    expected = [values[row] if row >= 0 else 0.0 for row in source]
    assert moved(values, source).tolist() == expected


@given(passages())
def test_stocks_and_flows__add_up_and_equal_a_count_person_by_person(
    given_: tuple[np.random.Generator, int, np.ndarray, np.ndarray],
) -> None:
    generator, n, source, left = given_
    cause = generator.integers(0, 2, left.size).astype(np.int8)
    sex_before = generator.integers(0, 2, n).astype(np.int8)
    born = generator.integers(0, 2, source.size).astype(np.int8)
    sex_now = np.where(source >= 0, moved(sex_before.astype(float), source), born).astype(np.int8)
    before = np.maximum(0.0, generator.normal(size=n))
    now = np.maximum(0.0, generator.normal(size=source.size))
    found = stocks_and_flows(before, now, source, left, cause, sex_before, sex_now)
    closing = found[:, OPENING] + found[:, NEW] - found[:, DEATH : OTHER + 1].sum(axis=1)
    assert closing.tolist() == found[:, CLOSING].tolist()
    expected = np.zeros((2, 6), np.int64)
    for sex in (0, 1):
        expected[sex, OPENING] = sum(before[i] > 0 for i in range(n) if sex_before[i] == sex)
        for row, why in zip(left, cause, strict=True):
            if sex_before[row] == sex and before[row] > 0:
                expected[sex, DEATH + why] += 1
        for i, row in enumerate(source):
            if sex_now[i] != sex:
                continue
            was = row >= 0 and before[row] > 0
            expected[sex, NEW] += bool(now[i] > 0 and not was)
            expected[sex, OTHER] += bool(was and not now[i] > 0)
            expected[sex, CLOSING] += bool(now[i] > 0)
    assert found.tolist() == expected.tolist()
