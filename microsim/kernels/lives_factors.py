"""Relative factors between persons, brought to the total of the tables, and those of births."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import embedded, inlined, kernel
from microsim.kernels.lives_choice import largest_market

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]

YEARS_OF_GROUP = 5
N_GROUPS = 25  # of five years, ages 0 to 124
N_SEX_GROUPS = 2 * N_GROUPS
LARGEST_ODDS = 1e200  # a multiplier beyond it cannot be told from certainty


@embedded
def group_of(sex: int, age: int) -> int:
    """Return the group in which relative factors have the mean 1: sexes by five years."""
    return int(sex) * N_GROUPS + int(age) // YEARS_OF_GROUP


@inlined
def at_risk(
    first: int, end: int, everybody: bool, among: Ints, begin: int, sex: Bytes, age: Bytes,
    barred: Bytes, table: Floats, rows: Rows,
) -> int:  # fmt: skip
    """Fill in the rows of a market's persons with a chance; return how many.

    `end` is that of the persons, or of the places in `among`, which begin at `begin`.
    """
    closed = barred.shape[0] > 0
    n = 0
    for k in range(end - (first if everybody else begin)):
        i = first + k if everybody else among[begin + k]
        rows[n] = i
        n += table[sex[i], age[i]] > 0.0 and not (closed and barred[i] != 0)
    return n


@inlined
def past(everybody: bool, among: Ints, begin: int, end: int) -> int:
    """Return the end of a market: its own, or the place in `among` after its persons."""
    if everybody:
        return end
    while begin < among.shape[0] and among[begin] < end:
        begin += 1
    return begin


@kernel
def normalise(
    starts: Ints, sex: Bytes, age: Bytes, everybody: bool, among: Ints, barred: Bytes,
    table: Floats, relative: Floats,
) -> None:  # fmt: skip
    """Divide a relative factor, in place, by its mean in each market, sex and five ages.

    The mean is weighted by the table's probabilities, over those it may happen to, so that the
    expected number of events stays what the table says. A factor of 1 for all stays 1 exactly.
    """
    rows = np.empty(largest_market(starts), np.int32)
    place = 0
    for market in range(starts.shape[0] - 1):
        first = starts[market]
        end = past(everybody, among, place, starts[market + 1])
        n = at_risk(first, end, everybody, among, place, sex, age, barred, table, rows)
        place = end
        plain, weighted = np.zeros(N_SEX_GROUPS, np.float64), np.zeros(N_SEX_GROUPS, np.float64)
        for j in range(n):
            i = rows[j]
            group = group_of(sex[i], age[i])
            risk = table[sex[i], age[i]]
            plain[group] += risk
            weighted[group] += risk * relative[i]
        for group in range(N_SEX_GROUPS):
            weighted[group] = plain[group] / weighted[group] if weighted[group] > 0.0 else 1.0
        for j in range(n):
            relative[rows[j]] *= weighted[group_of(sex[rows[j]], age[rows[j]])]


@embedded
def moved(p: float, odds: float) -> float:
    """Return a probability whose odds are multiplied."""
    return p * odds / (1.0 - p + p * odds)


@kernel
def shift_logits(
    starts: Ints, sex: Bytes, age: Bytes, everybody: bool, among: Ints, barred: Bytes,
    table: Floats, relative: Floats,
) -> int:  # fmt: skip
    """Take a relative factor as one on the odds, and shift logits to the total of the table.

    In each market, sex and five ages all odds are multiplied by one number more, found by halving,
    so that the probabilities add up to those of the table: ratios of odds stay, and no probability
    passes 1. `relative` becomes, in place, the factor on the probability. A factor of 1 for all
    of a group stays 1 exactly.

    Returns
    -------
    -1, or the row of a person of a group in which those whose factor is not 0 are too few.
    """
    size = largest_market(starts)
    rows, some = np.empty(size, np.int32), np.empty(size, np.int32)
    place = 0
    for market in range(starts.shape[0] - 1):
        first = starts[market]
        end = past(everybody, among, place, starts[market + 1])
        n = at_risk(first, end, everybody, among, place, sex, age, barred, table, rows)
        place = end
        for group in range(N_SEX_GROUPS):
            m, target, differs = 0, 0.0, False
            for j in range(n):
                i = rows[j]
                if group_of(sex[i], age[i]) == group:
                    some[m] = i
                    m += 1
                    target += table[sex[i], age[i]]
                    differs = differs or relative[i] != 1.0
            if not differs:
                continue
            odds = shift_of(some, m, target, sex, age, table, relative)
            if odds < 0.0:
                return int(some[0])
            for k in range(m):
                i = some[k]
                risk = table[sex[i], age[i]]
                if risk < 1.0:
                    relative[i] = moved(risk, relative[i] * odds) / risk
                    while risk * relative[i] > 1.0:  # rounded up beyond certainty
                        relative[i] = np.nextafter(relative[i], 0.0)
                else:
                    relative[i] = 1.0
    return -1


@inlined
def shift_of(
    some: Rows, m: int, target: float, sex: Bytes, age: Bytes, table: Floats, relative: Floats
) -> float:
    """Return what all odds of a group are multiplied by; -1 where nothing reaches the target."""
    least, most = np.inf, 0.0
    for k in range(m):
        r = relative[some[k]]
        most = max(most, r)
        least = min(least, r) if r > 0.0 else least
    if most == 0.0:
        return -1.0
    low, high = 1.0 / most, 1.0 / least
    while reached(some, m, high, sex, age, table, relative) < target:
        low, high = high, high * 1e10
        if high > LARGEST_ODDS:
            return -1.0
    while True:
        odds = np.sqrt(low) * np.sqrt(high)
        if not low < odds < high:
            return high
        if reached(some, m, odds, sex, age, table, relative) < target:
            low = odds
        else:
            high = odds


@inlined
def reached(
    some: Rows, m: int, odds: float, sex: Bytes, age: Bytes, table: Floats, relative: Floats
) -> float:
    """Return the sum of the probabilities of a group under a multiplier of odds."""
    total = 0.0
    for k in range(m):
        i = some[k]
        risk = table[sex[i], age[i]]
        total += moved(risk, relative[i] * odds) if risk < 1.0 else 1.0
    return total


@kernel
def birth_factors(
    births: Bytes, spouse: npt.NDArray[np.int16], by_parity: Floats, unpartnered: float,
    relative: Floats,
) -> None:  # fmt: skip
    """Fill in the factors of earlier births and of having no partner. Shape (n_persons,)."""
    last = by_parity.shape[0] - 1
    for i in range(relative.shape[0]):
        alone = unpartnered if spouse[i] < 0 else 1.0
        relative[i] = by_parity[min(births[i], last)] * alone
