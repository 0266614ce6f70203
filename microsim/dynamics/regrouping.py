"""Lays out the persons and households of a year from those of the year before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.choosing import Chance
from microsim.dynamics.decisions import hashed
from microsim.dynamics.stage import Newcomers, Stage
from microsim.kernels import lives_grouping, lives_moves
from microsim.kernels.lives_newcomers import HOUSEHOLD_KEY, HOUSEHOLD_NUMBER, descend

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

OLDEST = 120
SIGN = np.uint64((1 << 63) - 1)  # household numbers are positive int64


@dataclass(frozen=True)
class Layout:
    """Where everybody is after a step.

    Attributes
    ----------
    source
        Shape (n_now,), row before; newcomers count on after those before.
    new_row
        Shape (n_before + n_newcomers,), row now, -1 if gone.
    age
        Shape (n_before + n_newcomers,), completed years at the end of the step.
    order
        Shape (n_households_now,), household before; those founded count on after those before.
    household_starts
        Shape (n_markets + 1,), first households of the markets.
    start
        Shape (n_households_now + 1,), first persons of the households.
    placed
        Rows (before, and newcomers) of children given another household.
    """

    source: Ints
    new_row: Array
    age: Array
    order: Ints
    household_starts: Ints
    start: Ints
    placed: Ints


def lay_out(stage: Stage, newcomers: Newcomers, chance: Chance) -> Layout:
    """Place children left alone, then sort everybody into the households they live in now."""
    age = np.concatenate([np.minimum(stage.age, OLDEST - 1) + np.int8(1), newcomers.age])
    place = np.concatenate([stage.place, newcomers.place.astype(np.int32)])
    gone = np.concatenate([stage.gone, np.zeros(newcomers.n, np.int8)])
    n_founded = int(stage.count[0])
    n_places = stage.n_households + n_founded
    members, adults = np.empty(n_places, np.int32), np.empty(n_places, np.int32)
    template = stage.template[:n_founded]
    placed = np.zeros(0, np.int64)
    if lives_moves.count_adults(place, gone, age, members, adults):
        moved = np.zeros(place.size, np.bool_)
        lives_moves.place_children(
            gone, adults, stage.market_of, stage.household_starts, template, stage.region,
            np.concatenate([stage.keys, newcomers.keys]), chance.stream,
            hashed(decisions.PLACEMENT), stage.year, place, stage.touched, moved,
        )  # fmt: skip
        placed = np.flatnonzero(moved)
        lives_moves.count_adults(place, gone, age, members, adults)
    new_index = np.empty(n_places, np.int32)
    order, household_starts = lives_grouping.order_households(
        stage.household_starts, stage.market_of[template], members, new_index
    )
    start = np.empty(order.size + 1, np.int64)
    source = np.empty(int(members.sum()), np.int64)
    new_row = np.empty(place.size, np.int32)
    lives_grouping.group_persons(place, gone, order, new_index, members, start, source, new_row)
    return Layout(source, new_row, age, order, household_starts, start, placed)


def carry(columns: Columns, names: Iterable[str], source: Ints, n_before: int) -> Columns:
    """Return columns in the new order; rows of those who were not there before are left open."""
    runs = lives_grouping.find_runs(source, n_before)
    carried = {}
    for name in names:
        before = columns[name]
        carried[name] = np.empty(source.size, before.dtype)
        lives_grouping.copy_runs(*runs, before, carried[name])
    return carried


def renew_links(
    stage: Stage, layout: Layout, newcomers: Newcomers, age: Array, old_welfare: Array,
    welfare: Array,
) -> Array:  # fmt: skip
    """Return the links of everybody, shape (4, n_now), and fill in the welfare of what changed."""
    links = np.empty((4, layout.source.size), np.int16)
    runs = lives_grouping.find_runs(layout.source, stage.n)
    for k in range(4):
        lives_grouping.copy_runs(*runs, stage.links[k], links[k])
    spouse_row = np.concatenate([stage.spouse_row, np.full(newcomers.n, -1, np.int32)])
    lives_grouping.relink(
        layout.order, stage.touched, layout.start, layout.source, layout.new_row, stage.start,
        stage.household_of, spouse_row, stage.links, np.stack([newcomers.mother, newcomers.father]),
        stage.founder[: int(stage.count[0])], newcomers.share, old_welfare, age, links, welfare,
    )  # fmt: skip
    return links


def household_columns(
    households: Columns, stage: Stage, layout: Layout, newcomers: Newcomers
) -> Columns:
    """Return the columns of households in the new order.

    A household founded in the step takes region, area, market, stratum, PSU and weight from the
    one its founder lived in; number and draw key descend from the founder's key.
    """
    n_before = stage.n_households
    carried = carry(households, households, layout.order, n_before)
    founded = np.flatnonzero(layout.order >= n_before)
    if founded.size:
        k = layout.order[founded] - n_before
        keys = np.concatenate([stage.keys, newcomers.keys])[stage.founder[k]]
        for name, column in households.items():
            carried[name][founded] = column[stage.template[k]]
        numbers = descend(keys, stage.year, HOUSEHOLD_NUMBER) & SIGN
        carried["household_id"][founded] = numbers.astype(np.int64)
        carried["draw_key"][founded] = descend(keys, stage.year, HOUSEHOLD_KEY)
    carried["start"] = layout.start[:-1].copy()
    carried["size"] = np.diff(layout.start).astype(households["size"].dtype)
    return carried
