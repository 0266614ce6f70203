"""Shares of statuses: those of the population file at first, then along the stated paths."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.dynamics import labour_paths
from microsim.dynamics.labour_paths import Changes, first_shares, paths, retiring_at
from microsim.errors import InputError

Floats = npt.NDArray[np.float64]
STARTS = [15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80]


def people(seed: int = 1, sparse: bool = False) -> Floats:
    """Return persons by sex, age and status as a small file has them."""
    random = np.random.default_rng(seed)
    persons = random.poisson(0.4 if sparse else 20.0, (2, 121, 13)).astype(np.float64)
    persons[:, 90 if sparse else 110 :] = 0.0
    persons[:, :15, 1:] = 0.0
    persons[:, 15:, 0] = 0.0
    persons[:, 15, 3] += 1.0
    return persons


def no_changes(n: int = 3, **changed: Floats | None) -> Changes:
    zeros = np.zeros(n)
    plain: dict[str, Floats | None] = {
        "participation": np.zeros((2, n)), "unemployment": zeros, "formal_share": zeros,
        "formal_jobs": None, "retirement_age": None,
    }  # fmt: skip
    return Changes(**{**plain, **changed})  # type: ignore[arg-type]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_first_shares__give_back_every_status_of_every_group(seed: int, sparse: bool) -> None:
    persons = people(seed, sparse)
    shares = first_shares(persons)
    assert shares.sum(axis=-1) == pytest.approx(np.ones((2, 121)), abs=1e-12)
    assert (shares >= 0.0).all()
    by_age = persons[:, :].sum(axis=-1, keepdims=True)
    reached = np.add.reduceat(by_age * shares, STARTS, axis=1)
    wanted = np.add.reduceat(persons, STARTS, axis=1)
    size = np.maximum(wanted.sum(axis=-1, keepdims=True), 1.0)
    assert abs(reached - wanted).max() / size.max() < 1e-3
    assert (shares[:, :15, 0] == 1.0).all()
    assert not shares[:, 15:, 0].any()


def test_first_shares__of_ages_nobody_has_are_those_below() -> None:
    persons = people(sparse=True)
    shares = first_shares(persons)
    assert np.isfinite(shares).all()
    assert shares[0, 120] == pytest.approx(shares[0, 118])


def rate(shares: Floats, population: Floats, part: slice, whole: slice) -> float:
    persons = population[..., None] * shares
    persons[:, :15] = 0.0
    return float(persons[..., part].sum() / persons[..., whole].sum())


def test_paths__without_change_are_the_first_shares_bit_for_bit() -> None:
    shares = first_shares(people())
    found = paths(shares, np.ones((3, 2, 121)), no_changes(), 2025)
    for year in found:
        assert (year == shares).all()


def test_paths__move_each_rate_by_what_is_stated() -> None:
    shares, population = first_shares(people()), np.ones((3, 2, 121))
    changes = no_changes(
        participation=np.array([[0.0, 0.02, 0.04], [0.0, -0.03, -0.06]]),
        unemployment=np.array([0.0, 0.01, 0.02]),
        formal_share=np.array([0.0, 0.05, 0.10]),
    )
    found = paths(shares, population, changes, 2025)
    force, everybody = labour_paths.FORCE, slice(1, 13)
    formal, employees = labour_paths.FORMAL, labour_paths.EMPLOYEES
    unemployed = slice(labour_paths.UNEMPLOYED, labour_paths.UNEMPLOYED + 1)
    for t in range(3):
        for sex in (0, 1):
            part = slice(sex, sex + 1)
            moved = rate(found[t][part], population[0][part], force, everybody)
            before = rate(shares[part], population[0][part], force, everybody)
            assert moved - before == pytest.approx(changes.participation[sex, t])
        moved = rate(found[t], population[0], unemployed, force)
        after_participation = paths(
            shares, population, no_changes(participation=changes.participation), 2025
        )[t]
        before = rate(after_participation, population[0], unemployed, force)
        assert moved - before == pytest.approx(changes.unemployment[t])
        moved = rate(found[t], population[0], formal, employees)
        without = no_changes(participation=changes.participation, unemployment=changes.unemployment)
        before = rate(paths(shares, population, without, 2025)[t], population[0], formal, employees)
        assert moved - before == pytest.approx([0.0, 0.05, 0.10][t])
        assert found[t].sum(axis=-1) == pytest.approx(np.ones((2, 121)))
        assert (found[t] >= 0.0).all()


def test_formal_jobs__grow_in_numbers_while_people_grow_too() -> None:
    shares = first_shares(people())
    population = np.stack([np.ones((2, 121)) * (1.0 + 0.01 * t) for t in range(3)])
    population[2, :, 30:] *= 1.02
    changes = no_changes(formal_share=None, formal_jobs=np.array([1.0, 1.03, 1.07]))
    found = paths(shares, population, changes, 2025)
    jobs = [(population[t][..., None] * found[t][..., labour_paths.FORMAL]).sum() for t in range(3)]
    assert np.array(jobs) / jobs[0] == pytest.approx([1.0, 1.03, 1.07])
    assert (found[0] == shares).all()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"participation": np.array([[0.0, 0.9], [0.0, 0.0]])}, "participation of men in 2026"),
        ({"participation": np.array([[0.0, 0.0], [0.0, -0.9]])}, "participation of women in 2026"),
        ({"unemployment": np.array([0.0, -0.5])}, "the unemployment rate in 2026"),
        ({"formal_share": None, "formal_jobs": np.array([1.0, 9.0])}, "among employees in 2026"),
    ],
)
def test_paths__that_lead_nowhere_are_refused(changed: dict[str, Floats], words: str) -> None:
    shares = first_shares(people())
    with pytest.raises(InputError, match=words):
        paths(shares, np.ones((2, 2, 121)), no_changes(2, **changed), 2025)


def test_retiring_at__a_later_age_keeps_people_as_just_below_the_old_one() -> None:
    shares, population = first_shares(people()), np.ones((2, 121))
    later = retiring_at(shares, population, 60, 65)
    assert later[:, 60:65] == pytest.approx(
        np.repeat(shares[:, 55:60].mean(axis=1)[:, None], 5, axis=1)
    )
    assert (later[:, :60] == shares[:, :60]).all()
    assert (later[:, 65:] == shares[:, 65:]).all()
    earlier = retiring_at(shares, population, 60, 58)
    assert earlier[:, 58] == pytest.approx(shares[:, 60:65].mean(axis=1))
    assert retiring_at(shares, population, 60, 60) is shares


def test_retirement_age__moves_with_the_year() -> None:
    shares = first_shares(people())
    ages = np.array([60.0, 60.0, 62.0])
    found = paths(shares, np.ones((3, 2, 121)), no_changes(retirement_age=ages), 2025)
    assert (found[1] == shares).all()
    assert not (found[2][:, 60:62] == shares[:, 60:62]).all()
    assert (found[2][:, 62:] == shares[:, 62:]).all()


def test_smoothed__keeps_the_level_of_a_flat_series() -> None:
    flat = np.ones((2, 30, 3))
    inside = labour_paths.smoothed(flat)[:, 4:-4]
    assert (inside == inside[0, 0, 0]).all()
