"""Puts households into markets (hash pools of persons), orders them, and gives draw keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PERSONS_PER_MARKET = 20_000

Array = npt.NDArray[np.generic]
Keys = npt.NDArray[np.uint64]

# Distinct salts, so that a household's market, its key and its members' keys are independent.
_HOUSEHOLD_SALT = 0x9E3779B97F4A7C15
_MARKET_SALT = 0xD1B54A32D192ED03
_MASK = (1 << 64) - 1


def mix(values: Keys) -> Keys:
    """Return a 64-bit hash of each value: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

    Parameters
    ----------
    values
        Shape (n,), any 64-bit integers.

    Returns
    -------
    Keys
        Shape (n,); a one-to-one function of `values`.
    """
    mixed = values.astype(np.uint64, copy=True)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _seeded(seed: int, ids: npt.NDArray[np.int64], salt: int) -> Keys:
    start = int(mix(np.array([(seed * 0x9E3779B97F4A7C15 + salt) & _MASK], dtype=np.uint64))[0])
    return mix(mix(ids.astype(np.uint64)) ^ np.uint64(start))


def household_keys(seed: int, household_id: npt.NDArray[np.int64]) -> Keys:
    """Return the draw key of each household, shape (n_households,): a hash of (seed, id)."""
    return _seeded(seed, household_id, _HOUSEHOLD_SALT)


def person_keys(keys: Keys, size: npt.NDArray[np.integer]) -> Keys:
    """Return the draw key of each person: a hash of (key of the household, position in it).

    Parameters
    ----------
    keys
        Shape (n_households,), draw keys of the households.
    size
        Shape (n_households,), persons in each household.

    Returns
    -------
    Keys
        Shape (n_persons,), persons in household order.
    """
    counts = size.astype(np.int64)
    return mix(np.repeat(keys, counts) + positions(counts).astype(np.uint64) + np.uint64(1))


def positions(size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return each person's position in the household, shape (n_persons,), 0-based."""
    starts = np.cumsum(size) - size
    return np.arange(int(size.sum()), dtype=np.int64) - np.repeat(starts, size)


def assign_markets(
    household_id: npt.NDArray[np.int64],
    size: npt.NDArray[np.integer],
    seed: int,
    persons_per_market: int = PERSONS_PER_MARKET,
) -> npt.NDArray[np.int32]:
    """Return the market of each household, shape (n_households,), 0-based: a hash of (seed, id).

    Every market has at least one household: the numbers of empty pools are closed up.
    """
    n_markets = max(1, round(int(size.sum(dtype=np.int64)) / persons_per_market))
    pool = _seeded(seed, household_id, _MARKET_SALT) % np.uint64(n_markets)
    _, dense = np.unique(pool, return_inverse=True)
    market: npt.NDArray[np.int32] = dense.astype(np.int32)
    return market


def arrange(
    persons: dict[str, Array],
    households: dict[str, Array],
    seed: int,
    persons_per_market: int = PERSONS_PER_MARKET,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Assign markets and draw keys, and sort both tables by (market, household).

    Parameters
    ----------
    persons
        Columns of shape (n_persons,), the persons of a household next to each other, in the order
        of `households`; links are positions in the household.
    households
        Columns of shape (n_households,), among them `household_id` and `size`.
    seed
        Seed of the markets and draw keys.

    Returns
    -------
    persons, households
        New columns; households gain `market`, `start` and `draw_key`, persons `draw_key`.
    """
    ids = households["household_id"].astype(np.int64)
    size = households["size"].astype(np.int64)
    market = assign_markets(ids, size, seed, persons_per_market)
    order = np.lexsort((ids, market))
    new_size = size[order]
    rows = np.repeat((np.cumsum(size) - size)[order], new_size) + positions(new_size)
    tidy_households = {name: column[order] for name, column in households.items()}
    tidy_persons = {name: column[rows] for name, column in persons.items()}
    keys = household_keys(seed, ids[order])
    tidy_households["market"] = market[order]
    tidy_households["start"] = np.cumsum(new_size) - new_size
    tidy_households["draw_key"] = keys
    tidy_persons["draw_key"] = person_keys(keys, new_size)
    return tidy_persons, tidy_households
