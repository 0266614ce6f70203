"""What lives reached beside what they were made to reach: table T2's figures."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from microsim.dynamics.open_rates import target_population
from microsim.population import opendata
from microsim.population.columns import AGE_GROUP_STARTS
from microsim.results.contents import Alignment, Cells
from microsim.scenario.frame import Frame
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.reached import PERSONS, alignment_of

YEARS = (2029, 2030)
WEIGHT = 400.0
MORE = 1.01  # people reached, over those published
RATES = 1.02  # people the rates lead to, over those published


def reached(country: str, k: int, *, static: bool = False) -> dict[str, Alignment]:
    """Return the rows of a year in which people and rates are off by known shares."""
    published = target_population(opendata.country("KEN"), range(YEARS[0], YEARS[-1] + 1))
    share = np.zeros((len(YEARS), 2, 121, 13))
    share[..., 7] = 1.0
    groups = np.add.reduceat(published[k], AGE_GROUP_STARTS, axis=-1)
    persons = np.zeros((1, 1, 2, 7, 13))
    persons[0, 0, :, :, 7] = MORE * groups
    cells = Cells((PERSONS,), persons, np.ones(persons.shape, np.int64), np.zeros((1, 1, 1, 2)))
    group = cast("LifeGroup", SimpleNamespace(tables=SimpleNamespace(status_share=share)))
    horizon = Horizon(
        YEARS, frozenset(), WEIGHT, 1000.0, (1.0, 1.0), RATES * published, (), (group,),
        static=cast("None", object()) if static else None,
    )  # fmt: skip
    return {one.what: one for one in alignment_of(horizon, k, cells, Frame(), country)}


@pytest.mark.parametrize(
    ("name", "ages"),
    [("0-14", (0, 15)), ("15-64", (15, 65)), ("65+", (65, 121)), ("", (0, 121))],
)
def test_published_population__says_what_the_rates_miss(name: str, ages: tuple[int, int]):
    row = reached("KEN", 1)[f"published population{', ' if name else ''}{name}"]
    known = target_population(opendata.country("KEN"), range(2030, 2031))[0]
    persons = known[:, slice(*ages)].sum()
    assert row.target == pytest.approx(persons, rel=1e-12)
    assert row.achieved == pytest.approx(MORE * persons, rel=1e-12)
    assert row.expected == pytest.approx(RATES * persons, rel=1e-12)


@pytest.mark.parametrize(("country", "k"), [("KEN", 0), ("", 1), ("XXX", 1)])
def test_published_population__is_of_decades_and_known_countries(country: str, k: int):
    assert not [name for name in reached(country, k) if name.startswith("published")]


def test_chance__is_that_of_as_many_persons_drawn_one_by_one():
    rows = reached("KEN", 1)
    for name in ("population, female 80+", "published population, 65+", "unemployed"):
        row = rows[name]
        persons = row.target / WEIGHT
        assert row.chance == pytest.approx(WEIGHT * math.sqrt(persons), rel=1e-12)
    assert rows["employed"].chance == 0.0
    assert all(one.chance is None for one in reached("KEN", 1, static=True).values())
