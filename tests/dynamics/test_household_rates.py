"""Unions, leaving home and disability: rates under which the shares by age stay as they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from microsim.dynamics import household_rates as rates
from microsim.dynamics.tables import N_AGES
from microsim.population.synthesis.parameters import load

Floats = npt.NDArray[np.float64]


def carried(union: Floats, lost: Floats, start: float = 0.0) -> Floats:
    """Return the partnered share by age of one cohort under rates of one year."""
    share = np.full(N_AGES, start)
    for age in range(N_AGES - 1):
        share[age + 1] = share[age] * (1.0 - lost[age]) + (1.0 - share[age]) * union[age]
    return share


@pytest.mark.parametrize("code", ["KEN", "DEU"])
def test_union_rates__keep_the_partnered_shares(code: str) -> None:
    partnered = rates.partnered_shares(load(code))
    death = np.full((1, 2, N_AGES), 0.02)
    dissolution = np.full((1, N_AGES), 0.01)
    union = rates.union_rates(partnered, death, dissolution, 4.0)
    lost = np.full(N_AGES, 1.0 - 0.98 * 0.99)
    # To 60 of men: the share rises or falls less than partners are lost.
    assert carried(union[0, 0], lost)[:60] == pytest.approx(partnered[0, :60], abs=1e-9)
    assert carried(union[0, 1], lost)[:50] == pytest.approx(partnered[1, :50], abs=1e-9)
    assert (union >= 0.0).all()
    assert (union <= 1.0).all()


def test_union_rates__see_the_age_of_the_partner() -> None:
    partnered = np.full((2, N_AGES), 0.5)
    death = np.zeros((1, 2, N_AGES))
    death[0, 0, 44] = 0.2
    union = rates.union_rates(partnered, death, np.zeros((1, N_AGES)), 4.0)
    assert union[0, 1, 40] == pytest.approx(0.5 * 0.2 / 0.5)
    assert np.count_nonzero(union) == 1


def test_leaving_rates__keep_the_shares_with_mother() -> None:
    parameters = load("KEN")
    with_mother, partnered = (
        rates.shares_with_mother(parameters),
        rates.partnered_shares(parameters),
    )
    death = np.full((1, 2, N_AGES), 0.002)
    dissolution = np.full((1, N_AGES), 0.01)
    union = rates.union_rates(partnered, death, dissolution, 5.0)[0]
    mothers_death = np.full(N_AGES, 0.004)
    leaving = rates.leaving_rates(with_mother, partnered, union, mothers_death)
    at_home, single = with_mother[0, 18], 1.0 - partnered[0, 18]
    lost = 1.0 - 0.998 * 0.99
    for age in range(18, 50):
        staying = at_home * single * (1.0 - union[0, age]) * 0.996 * (1.0 - leaving[0, age])
        single = single * (1.0 - union[0, age]) + (1.0 - single) * lost
        at_home = staying / single
        if leaving[0, : age + 1].any():
            assert at_home <= with_mother[0, age + 1] + 1e-9
    assert not leaving[:, :18].any()
    assert (leaving[:, 60] == leaving[:, 49]).all()


def test_leaving_rates__without_anything_else_are_the_fall_of_the_share() -> None:
    with_mother = np.tile(0.8 * 0.9 ** np.arange(N_AGES), (2, 1))
    nothing = np.zeros((2, N_AGES))
    leaving = rates.leaving_rates(with_mother, nothing, nothing, np.zeros(N_AGES))
    assert leaving[:, 18:] == pytest.approx(np.full((2, N_AGES - 18), 0.1))


def test_at_older__shifts_and_stays_at_the_oldest() -> None:
    found = rates.at_older(np.arange(float(N_AGES)), 27.8)
    assert found[[0, 30, 92, 93, 120]].tolist() == [28.0, 58.0, 120.0, 120.0, 120.0]


@pytest.mark.parametrize("recovery", [0.0, 0.05])
def test_onset_rates__keep_the_disabled_shares(recovery: float) -> None:
    disabled = rates.disabled_shares(load("KEN"))
    onset = rates.onset_rates(disabled, recovery)
    share = 0.0
    for age in range(100):
        share = share * (1.0 - recovery) + (1.0 - share) * onset[age]
        assert share == pytest.approx(disabled[age + 1])


def test_onset_rates__are_zero_where_the_share_falls() -> None:
    onset = rates.onset_rates(np.linspace(0.5, 0.1, N_AGES), 0.0)
    assert not onset[1:].any()


def test_rows__are_interpolated_and_flat_outside() -> None:
    found = rates.rows_by_sex([[20, 0.1, 0.3], [30, 0.2, 0.3]])
    assert found[0, [0, 20, 25, 30, 120]] == pytest.approx([0.1, 0.1, 0.15, 0.2, 0.2])
    assert (found[1] == 0.3).all()
