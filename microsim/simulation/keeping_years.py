"""Keeps values of persons in chosen years of a projection: who they are, and what was asked for.

Scenarios that share lives have the same persons and stand side by side; one with lives of its own
has its own persons. A person has one id in all years and scenarios, so that years join to a panel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import Evaluation
from microsim.language.people import People
from microsim.simulation.horizon import LifeGroup
from microsim.simulation.unit import Persons, kept_columns

Column = npt.NDArray[Any]
PEOPLE = "people"  # the group of what is known of each person, beside the scenarios
UNITS = {"weight": "persons", "age": "years"}
SIGN = np.uint64((1 << 63) - 1)  # ids are positive int64


def part_of(year: int, group: LifeGroup) -> str:
    """Return the name of the persons of a life group in a year: `2030`, or `2030-longer_lives` of a
    scenario with lives of its own.
    """
    return f"{year}-{group.model.names[0]}" if group.number else str(year)


def year_and_scenario(part: str) -> tuple[int, str]:
    """Return the year of a part, and the scenario with lives of its own, or an empty text."""
    year, _, scenario = part.partition("-")
    return int(year), scenario


def persons_kept(
    group: LifeGroup,
    people: People,
    persons: Mapping[str, Column],
    households: Mapping[str, Column],
    out: Evaluation,
) -> Persons:
    """Return who lives in a year, and what is kept of each.

    The id of a person is made from its draw key, which no other person has and which stays.

    Parameters
    ----------
    group
        Whose lives.
    people, persons, households
        Who lives in the year, and their columns.
    out
        What the year's laws gave.
    """
    household_of = people.household_of()
    ids = {
        "person": (persons["draw_key"].astype(np.uint64) & SIGN).astype(np.int64),
        "household_id": households["household_id"].astype(np.int64)[household_of],
    }
    known: dict[str, Column] = {
        "weight": households["weight"].astype(np.float64)[household_of],
        "sex": persons["sex"].astype(np.int8),
        "age": persons["age"].astype(np.int8),
        "employment_status": persons["employment_status"].astype(np.int8),
    }
    columns: dict[str, Column] = {f"{PEOPLE}/{name}": column for name, column in known.items()}
    columns |= kept_columns(group.model, out, household_of)
    return Persons(columns, ids)


class PersonsOfYears:
    """What the markets of a shard keep, by year and life group; from any thread, in any order."""

    def __init__(self, years: Iterable[int]) -> None:
        self.years = frozenset(years)
        self._markets: dict[str, dict[int, Persons]] = {}
        self._adding = Lock()

    def add(self, part: str, market: int, kept: Persons) -> None:
        """Add a market's persons."""
        with self._adding:
            self._markets.setdefault(part, {})[market] = kept

    def parts(self) -> dict[str, Persons]:
        """Return the persons of the shard, market by market in their order, by part."""
        return {
            part: _joined([of[market] for market in sorted(of)])
            for part, of in sorted(self._markets.items())
        }


def _joined(pieces: list[Persons]) -> Persons:
    return Persons(
        {name: np.concatenate([p.columns[name] for p in pieces]) for name in pieces[0].columns},
        {name: np.concatenate([p.ids[name] for p in pieces]) for name in pieces[0].ids},
    )
