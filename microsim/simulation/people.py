"""Turns rows of a population file into the people rules are evaluated on, with the columns the
engine computes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import Weighting
from microsim.language.people import Array, People
from microsim.language.states import is_state
from microsim.population.columns import (
    AGE_GROUP_STARTS,
    EMPLOYMENT_STATUS,
    LIFE_INPUTS,
    LINKS,
    SEX,
)

# What a population file need not have; of lives, the values in a run of one year are defaults.
OF_LIVES = {column.name: column for column in LIFE_INPUTS}
COMPUTED = ("household_size", "is_head", "mother_of_infant", *OF_LIVES)
STRUCTURE_PERSON = (*LINKS, "draw_key", "age", "sex", "employment_status")
STRUCTURE_HOUSEHOLD = (
    "household_id", "size", "weight", "draw_key", "region", "urban", "welfare", "psu", "stratum",
)  # fmt: skip
N_AGE_GROUPS, N_STATUSES = len(AGE_GROUP_STARTS), len(EMPLOYMENT_STATUS)
N_CELLS = len(SEX) * N_AGE_GROUPS * N_STATUSES


def people_of(
    persons: dict[str, Array], households: dict[str, Array], inputs: Iterable[str]
) -> People:
    """Return people with the inputs that rules read. Columns as the population file has them."""
    size = households["size"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    links = {link: np.ascontiguousarray(persons[link], np.int16) for link in LINKS}
    computed = computed_inputs(persons, size, start)
    columns: dict[str, Array] = {}
    for name in inputs:
        if is_state(name):
            continue  # of years before: given with the evaluation
        column = computed.get(name)
        if column is None and name in OF_LIVES and name not in persons:
            of = OF_LIVES[name]
            column = np.full(int(start[-1]), of.default, of.dtype)
        elif column is None:
            column = persons[name] if name in persons else households[name]
        columns[name] = np.ascontiguousarray(column)
    return People(
        start,
        links,
        columns,
        np.ascontiguousarray(persons["draw_key"], np.uint64),
        np.ascontiguousarray(households["draw_key"], np.uint64),
    )


def computed_inputs(
    persons: dict[str, Array], size: npt.NDArray[np.int64], start: npt.NDArray[np.int64]
) -> dict[str, Array]:
    """Return the columns the engine derives: household_size, is_head, mother_of_infant."""
    first = np.repeat(start[:-1], size)
    position = np.arange(start[-1]) - first
    mother = persons["mother"].astype(np.int64)
    infant = (persons["age"] < 1) & (mother >= 0)
    of_infant = np.zeros(int(start[-1]), np.bool_)
    of_infant[(first + mother)[infant]] = True
    return {
        "household_size": size.astype(np.int16),
        "is_head": persons["head"].astype(np.int64) == position,
        "mother_of_infant": of_infant & (persons["sex"] == SEX.index("female")),
    }


def age_group(age: Array) -> npt.NDArray[np.int64]:
    """Return the code of the age group of each age."""
    starts = np.array(AGE_GROUP_STARTS)
    found: npt.NDArray[np.int64] = np.searchsorted(starts, age.astype(np.int64), side="right") - 1
    return found


def weighting_of(
    persons: dict[str, Array], households: dict[str, Array], n_regions: int
) -> Weighting:
    """Return weights and the cell of sex, age group and status of each person, region and area of
    each household.
    """
    cell = persons["sex"].astype(np.int64) * N_AGE_GROUPS + age_group(persons["age"])
    cell = cell * N_STATUSES + persons["employment_status"].astype(np.int64)
    place = households["region"].astype(np.int64) * 2 + households["urban"].astype(np.int64)
    return Weighting(
        np.ascontiguousarray(households["weight"], np.float64),
        cell.astype(np.int32),
        place.astype(np.int32),
        N_CELLS,
        n_regions * 2,
    )
