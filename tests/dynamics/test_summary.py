"""Fertility and expectations of life under life tables, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_lives import still_tables

from microsim.dynamics.summary import life_expectancy, total_fertility


@pytest.fixture(scope="module")
def tables():
    """Return the rates of de Moivre: as many die in each year of age, none reaches 100."""
    made = still_tables(1)
    age = np.arange(121)
    death = np.where(age < 99, 1.0 / np.maximum(100.0 - age - 0.5, 1.0), 1.0)
    birth = np.where((age >= 20) & (age < 40), 0.1, 0.0)
    return replace(
        made, death=np.broadcast_to(death, (1, 2, 121)).copy(),
        newborn_death=np.full((1, 2), 0.005), birth=birth[None, :],
    )  # fmt: skip


@pytest.mark.parametrize(("age", "exact"), [(0, 50.0), (20, 40.0), (60, 20.0), (80, 10.0)])
def test_life_expectancy__is_half_of_what_is_left_in_de_moivres_table(tables, age, exact):
    assert life_expectancy(tables, 0, 1, age) == pytest.approx(exact, abs=0.02)


def test_total_fertility__adds_rates_up(tables):
    assert total_fertility(tables, 0) == pytest.approx(2.0)
