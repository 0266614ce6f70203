"""Those who join a population in a step: the newborn and immigrants, with keys of their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import mix_keys, uniform_of_stream
from microsim.kernels.jit import embedded, inlined, kernel
from microsim.kernels.lives_choice import OFFSET_BLOCK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Keys = npt.NDArray[np.uint64]

# Ordinals of `mix_keys`: what descends from one key in one year.
CHILD = 0
IMMIGRANT = 1  # and on: running number of the market's immigrants
HOUSEHOLD_NUMBER = 1 << 30
HOUSEHOLD_KEY = (1 << 30) + 1
FIRST_DONOR_BLOCK = 2
ADULT = 18
YOUNGEST_PARENT, OLDEST_PARENT = 15, 50
WIDEST = 128


@kernel
def descend(keys: Keys, year: int, ordinal: int) -> Keys:
    """Return `mix_keys` of each key. Shape (n,)."""
    found = np.empty(keys.shape[0], np.uint64)
    for i in range(keys.shape[0]):
        found[i] = mix_keys(keys[i], year, ordinal)
    return found


@kernel
def draw_keys(keys: Keys, stream: np.uint64, decision: int, year: int, block: int) -> Floats:
    """Return the uniform number of each key. Shape (n,), in [0, 1)."""
    drawn = np.empty(keys.shape[0], np.float64)
    for i in range(keys.shape[0]):
        drawn[i] = uniform_of_stream(keys[i], stream, decision, year, block)
    return drawn


@kernel
def admit(
    starts: Ints, markets: Keys, rate: Floats, sex: Bytes, age: Bytes, gone: Bytes, keys: Keys,
    stream: np.uint64, decision: int, donor_decision: int, year: int,
) -> tuple[Ints, Bytes, Bytes, Keys, Ints]:  # fmt: skip
    """Return the immigrants of each market: donor, sex, age, draw key, and host.

    Their number by sex and age is the rate times the persons of the market at the start, rounded
    so that the market's total is off by less than one. Each is the copy of a resident of the sex
    and age: the first who fits from a keyed row on, in order and around, with as little
    difference of age as the market allows.

    Parameters
    ----------
    rate
        Shape (2, 121), per resident, by age at the end of the step.
    age
        Shape (n_persons,), completed years at the start of the step.

    Returns
    -------
    Arrays of shape (n_immigrants,), in order of markets. `host` is the number in these arrays of
    the adult a child comes with, a keyed choice among those 15 to 50 years older, or -1.
    """
    n_ages = rate.shape[1]
    counts = np.zeros((markets.shape[0], 2, n_ages), np.int64)
    total = 0
    for market in range(markets.shape[0]):
        here = starts[market + 1] - starts[market]
        offset = uniform_of_stream(markets[market], stream, decision, year, OFFSET_BLOCK)
        total += round_arrivals(rate, here, offset, counts, market)
    donor, host = np.empty(total, np.int64), np.full(total, -1, np.int64)
    new_sex, new_age = np.empty(total, np.int8), np.empty(total, np.int8)
    new_keys = np.empty(total, np.uint64)
    n = 0
    for market in range(markets.shape[0]):
        first, end, begin = starts[market], starts[market + 1], n
        for s in range(2):
            for a in range(n_ages):
                for _ in range(counts[market, s, a]):
                    block = FIRST_DONOR_BLOCK + n - begin
                    u = uniform_of_stream(markets[market], stream, donor_decision, year, block)
                    found = donor_of(u, first, end, s, a, sex, age, gone)
                    if found < 0:
                        continue  # nobody of that sex is left in the market to be copied
                    donor[n], new_sex[n], new_age[n] = found, s, a
                    new_keys[n] = mix_keys(keys[found], year, IMMIGRANT + n - begin)
                    n += 1
        for k in range(begin, n):
            if new_age[k] < ADULT:
                u = uniform_of_stream(new_keys[k], stream, donor_decision, year, 0)
                host[k] = host_of(u, new_age, k, begin, n)
    return donor[:n], new_sex[:n], new_age[:n], new_keys[:n], host[:n]


@inlined
def round_arrivals(rate: Floats, here: int, offset: float, counts: Ints, market: int) -> int:
    """Fill in the immigrants of a market by sex and age; return how many they are in all."""
    running, before = offset, 0
    for s in range(2):
        for a in range(rate.shape[1]):
            running += rate[s, a] * here
            now = int(np.floor(running))
            counts[market, s, a] = now - before
            before = now
    return before


@inlined
def donor_of(
    u: float, first: int, end: int, wanted_sex: int, wanted_age: int, sex: Bytes, age: Bytes,
    gone: Bytes,
) -> int:  # fmt: skip
    """Return the resident an immigrant copies, -1 if nobody of that sex is there."""
    n = end - first
    begin = int(np.floor(u * n))
    width = 0
    while width <= WIDEST:
        for step in range(n):
            i = first + (begin + step) % n
            if gone[i] == 0 and sex[i] == wanted_sex and abs(age[i] + 1 - wanted_age) <= width:
                return int(i)
        width = 2 * width + 1
    return -1


@inlined
def host_of(u: float, ages: Bytes, child: int, begin: int, end: int) -> int:
    """Return one of the adults begin..end-1 who could be the child's parent, -1 if none."""
    adults = 0
    for j in range(begin, end):
        adults += could_be_parent(ages[j], ages[child])
    which = int(np.floor(u * adults))
    for j in range(begin, end):
        if could_be_parent(ages[j], ages[child]):
            if which == 0:
                return j
            which -= 1
    return -1


@embedded
def could_be_parent(age: int, child: int) -> bool:
    """Tell whether an adult has the age of a parent of the child."""
    return age >= ADULT and YOUNGEST_PARENT <= age - child <= OLDEST_PARENT


@kernel
def descend_each(keys: Keys, year: int, ordinals: Ints) -> Keys:
    """Return `mix_keys` of each key with an ordinal of its own. Shape (n,)."""
    found = np.empty(keys.shape[0], np.uint64)
    for i in range(keys.shape[0]):
        found[i] = mix_keys(keys[i], year, ordinals[i])
    return found
