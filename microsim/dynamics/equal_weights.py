"""Makes the weights of a population equal: each household becomes as many as it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.decisions import COPIES, hashed
from microsim.errors import Fault, InputError
from microsim.kernels.draws import Keys, stream_key
from microsim.kernels.lives_newcomers import (
    HOUSEHOLD_NUMBER,
    descend_each,
    draw_keys,
)

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

SIGN = np.uint64((1 << 63) - 1)  # household numbers are positive int64


def equalise(
    persons: Mapping[str, Array], households: Mapping[str, Array], weight: float, seed: int
) -> tuple[Columns, Columns]:
    """Return the same population with one weight for all households.

    Inside each market the households, in order of region and area, are drawn systematically: the
    running total of weight / `weight`, from a start keyed by the market, gives each household its
    copies, whose expected number is exact and whose sum is off by less than one. The first copy
    keeps number and draw keys; the others get keys that descend from them, so that they live
    other lives.

    Parameters
    ----------
    persons, households
        Columns as a population file has them, sorted by market.
    weight
        The weight of every household afterwards; a national figure, so that no piece of a
        population depends on which other pieces are read.
    seed
        Seed of the starts.

    Returns
    -------
    persons, households
        New columns in the old order, copies beside each other, `start` renewed.

    Raises
    ------
    InputError
        `weight` is not above 0.
    """
    if not weight > 0.0:
        raise InputError(Fault("equal weight", "is not above 0", f"{weight:g}"))
    copies = _copies(households, weight, seed)
    row = np.repeat(np.arange(copies.size), copies)
    ordinal = np.arange(row.size) - np.repeat(np.cumsum(copies) - copies, copies)
    new_households = {name: column[row] for name, column in households.items()}
    size = households["size"].astype(np.int64)
    first = np.cumsum(size) - size
    new_size = size[row]
    start = np.cumsum(new_size) - new_size
    person = np.arange(int(new_size.sum())) + np.repeat(first[row] - start, new_size)
    new_persons = {name: column[person] for name, column in persons.items()}
    new_persons["draw_key"] = _keys(new_persons["draw_key"], np.repeat(ordinal, new_size))
    old_keys = new_households["draw_key"].astype(np.uint64)
    new_households["draw_key"] = _keys(old_keys, ordinal)
    cloned = np.flatnonzero(ordinal)
    numbers = descend_each(old_keys[cloned], 0, HOUSEHOLD_NUMBER + ordinal[cloned]) & SIGN
    ids = new_households["household_id"].astype(np.int64)
    ids[cloned] = numbers.astype(np.int64)
    new_households["household_id"] = ids
    new_households["start"] = start
    new_households["weight"] = np.full(row.size, weight)
    return new_persons, new_households


def _copies(households: Mapping[str, Array], weight: float, seed: int) -> Ints:
    """Return the copies of each household. Shape (n_households,)."""
    market = households["market"].astype(np.int64)
    order = np.lexsort((
        np.arange(market.size), households["urban"], households["region"], market,
    ))  # fmt: skip
    first = np.flatnonzero(np.diff(market, prepend=market[0] - 1))
    stream = np.uint64(stream_key(seed, 0))
    offset = draw_keys(market[first].astype(np.uint64), stream, hashed(COPIES), 0, 0)
    copies = np.empty(market.size, np.int64)
    ratio = households["weight"].astype(np.float64) / weight
    for k, (begin, end) in enumerate(zip(first, [*first[1:], market.size], strict=True)):
        rows = order[begin:end]
        total = np.floor(offset[k] + np.cumsum(ratio[rows]))
        copies[rows] = np.diff(total, prepend=0.0).astype(np.int64)
    return copies


def _keys(keys: Array, ordinal: Ints) -> Keys:
    """Return the keys of copies: the first keeps its own."""
    found = keys.astype(np.uint64)
    cloned = np.flatnonzero(ordinal)
    found[cloned] = descend_each(found[cloned], 0, ordinal[cloned])
    return found
