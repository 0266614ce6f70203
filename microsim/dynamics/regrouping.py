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
from microsim.dynamics.memory import Memory
from microsim.dynamics.stage import Newcomers, Stage
from microsim.kernels import lives_grouping, lives_moves
from microsim.kernels.lives_grouping import grow_older
from microsim.kernels.lives_newcomers import HOUSEHOLD_KEY, HOUSEHOLD_NUMBER, descend

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

OLDEST = 120
GATHERERS = (
    (4, lives_grouping.gather_four), (2, lives_grouping.gather_two), (1, lives_grouping.gather),
)  # fmt: skip
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}  # by bytes
SIGN = np.uint64((1 << 63) - 1)  # household numbers are positive int64


@dataclass(frozen=True)
class Layout:
    """Where everybody is after a step.

    Attributes
    ----------
    source
        Shape (n_now,), row before; newcomers count on after those before.
    rows
        Shape (n_now,), row before that columns are copied from: the donor's for immigrants, 0
        for the newborn.
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
    rows: Array
    new_row: Array
    age: Array
    order: Ints
    household_starts: Ints
    start: Ints
    placed: Ints


def lay_out(stage: Stage, newcomers: Newcomers, chance: Chance) -> Layout:
    """Place children left alone, then sort everybody into the households they live in now."""
    memory = stage.memory
    age = memory.joined("age after", stage.age, newcomers.age)
    grow_older(age, stage.n, OLDEST)
    place = memory.extended("place", stage.place, newcomers.place)
    gone = memory.extended("gone", stage.gone, np.zeros(newcomers.n, np.int8))
    n_founded = int(stage.count[0])
    n_places = stage.n_households + n_founded
    members = memory.array("members", n_places, np.int32)
    adults = memory.array("adults", n_places, np.int32)
    template = stage.template[:n_founded]
    placed = np.zeros(0, np.int64)
    if lives_moves.count_adults(place, gone, age, members, adults):
        moved = np.zeros(place.size, np.bool_)
        lives_moves.place_children(
            gone, members, adults, stage.market_of, stage.household_starts, template, stage.region,
            stage.keys, newcomers.keys, chance.stream,
            hashed(decisions.PLACEMENT), stage.year, place, stage.touched, moved,
        )  # fmt: skip
        placed = np.flatnonzero(moved)
    new_index = memory.array("new index", n_places, np.int32)
    order, household_starts = lives_grouping.order_households(
        stage.household_starts, stage.market_of[template], members, new_index
    )
    n_now = stage.n + newcomers.n - stage.left.size
    start = memory.array("start", order.size + 1, np.int64)
    source = memory.array("source", n_now, np.int64)
    new_row = memory.array("new row", place.size, np.int32)
    lives_grouping.group_persons(place, gone, order, new_index, members, start, source, new_row)
    rows = memory.array("rows before", n_now, np.int32)
    lives_grouping.rows_to_copy(source, stage.n, newcomers.donor, rows)
    return Layout(source, rows, new_row, age, order, household_starts, start, placed)


def carry(
    columns: Columns, names: Iterable[str], rows: Array, memory: Memory, table: str
) -> Columns:
    """Return columns taken from the rows given."""
    carried = {}
    pairs: dict[int, list[tuple[Array, Array]]] = {}
    for name in names:
        before = columns[name]
        now = memory.array(f"{table} {name}", rows.size, before.dtype)
        carried[name] = now
        kind = UNSIGNED[before.itemsize]  # numbers of one size are copied by the same machine code
        pairs.setdefault(before.itemsize, []).append((before.view(kind), now.view(kind)))
    for alike in pairs.values():
        gather_all(rows, alike)
    return carried


def gather_all(rows: Array, pairs: list[tuple[Array, Array]]) -> None:
    """Fill in columns (before, now) of one type, as many at a time as there are kernels for."""
    done = 0
    for width, kernel in GATHERERS:
        while len(pairs) - done >= width:
            before, now = zip(*pairs[done : done + width], strict=True)
            kernel(rows, *before, *now)
            done += width


def renew_links(
    stage: Stage, layout: Layout, newcomers: Newcomers, age: Array, old_welfare: Array,
    welfare: Array,
) -> Array:  # fmt: skip
    """Return the links of everybody, shape (4, n_now), and fill in the welfare of what changed."""
    memory, n = stage.memory, layout.source.size
    links = memory.array("links", 4 * n, np.int16).reshape(4, n)
    gather_all(layout.rows, list(zip(stage.links, links, strict=True)))
    nobody = np.full(newcomers.n, -1, np.int32)
    spouse_row = memory.extended("spouse row", stage.spouse_row, nobody)
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
    n_before, n, memory = stage.n_households, layout.order.size, stage.memory
    rows = memory.array("household rows before", n, np.int32)
    lives_grouping.rows_to_copy(layout.order, n_before, stage.template, rows)
    names = [name for name in households if name not in ("start", "size")]
    carried = carry(households, names, rows, memory, "household")
    founded = np.flatnonzero(layout.order >= n_before)
    if founded.size:
        k = layout.order[founded] - n_before
        keys = founder_keys(stage, newcomers, stage.founder[k])
        numbers = descend(keys, stage.year, HOUSEHOLD_NUMBER) & SIGN
        carried["household_id"][founded] = numbers.astype(np.int64)
        carried["draw_key"][founded] = descend(keys, stage.year, HOUSEHOLD_KEY)
    carried["start"] = layout.start[:-1]
    carried["size"] = memory.array("household size", n, households["size"].dtype)
    carried["size"][:] = np.diff(layout.start)
    return carried


def founder_keys(stage: Stage, newcomers: Newcomers, founder: Ints) -> Array:
    """Return the draw keys of founders: persons before the step, or newcomers."""
    keys = np.empty(founder.size, np.uint64)
    is_new = founder >= stage.n
    keys[~is_new] = stage.keys[founder[~is_new]]
    keys[is_new] = newcomers.keys[founder[is_new] - stage.n]
    return keys
