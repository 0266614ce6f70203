"""Who an event happens to: independent draws, or as many as expected, in every market."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import embedded, inlined, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

YEARS_OF_GROUP = 5
N_GROUPS = 25  # of five years, ages 0 to 124
N_CELLS = 2 * N_GROUPS
# Odds ratio up to which persons are sorted: those chosen have ratios up to about 1.
FIRST_BOUND = 1.5
WIDER = 16.0
SECOND_BOUND = FIRST_BOUND * WIDER
LAST_BOUND = 1e200  # ratios are below 2**53 / p; more than this there are not
OFFSET_BLOCK = 1  # block of a market's draws; persons have block 0


@embedded
def cell_of(sex: int, age: int) -> int:
    """Return the alignment cell of a sex and an age: sexes by groups of five years."""
    return int(sex) * N_GROUPS + int(age) // YEARS_OF_GROUP


@inlined
def largest_market(starts: Ints) -> int:
    """Return the persons of the largest market, at least 1."""
    largest = 1
    for market in range(starts.shape[0] - 1):
        largest = max(largest, starts[market + 1] - starts[market])
    return largest


@inlined
def round_sums(sums: Floats, offset: float, counts: Ints) -> None:
    """Fill in whole numbers that add up to the sum of `sums`, each off by less than one.

    Systematic rounding: the running total plus `offset` (uniform in [0, 1)) is rounded down, so
    that each number has its sum as expectation and the total is off by less than one too.
    """
    total = offset
    before = 0
    for cell in range(sums.shape[0]):
        total += sums[cell]
        now = int(np.floor(total))
        counts[cell] = now - before
        before = now


@inlined
def draw_rows(
    rows: Rows, n: int, keys: Keys, stream: np.uint64, decision: int, year: int, kept: Keys,
    u: Floats,
) -> None:  # fmt: skip
    """Fill in the uniform numbers of n rows; two loops (`kept` is scratch), which vectorise."""
    for j in range(n):
        kept[j] = keys[rows[j]]
    for j in range(n):
        u[j] = uniform_of_stream(kept[j], stream, decision, year, 0)


@inlined
def sort_groups(
    p: Floats, u: Floats, groups: Rows, n: int, wanted: Ints, ratios: Floats, candidates: Rows
) -> int:
    """Put those who may be among the first `wanted` of their group in order; return how many.

    The order is that of logit(p) - logit(u) from the largest, which is that of the odds ratio
    u(1-p) / p(1-u) from the least; ties in order of rows. Only ratios up to a bound are sorted:
    `FIRST_BOUND`, and more in groups that have not enough of them.
    """
    n_groups = wanted.shape[0]
    bounds, found = np.empty(n_groups, np.float64), np.empty(n_groups, np.int64)
    near = 0
    for j in range(n):
        ratio = (u[j] * (1.0 - p[j])) / (p[j] * (1.0 - u[j]))
        ratios[j] = ratio
        candidates[near] = j
        near += ratio <= SECOND_BOUND
    for group in range(n_groups):
        bounds[group] = FIRST_BOUND if wanted[group] > 0 else -1.0
    enough = False
    while not enough:
        found[:] = 0
        for k in range(near):
            j = candidates[k]
            found[groups[j]] += ratios[j] <= bounds[groups[j]]
        enough = True
        widest = 0.0
        for group in range(n_groups):
            if found[group] < wanted[group] and bounds[group] < LAST_BOUND:
                bounds[group] *= WIDER
                widest = max(widest, bounds[group])
                enough = False
        if widest > SECOND_BOUND and near < n:
            for j in range(n):
                candidates[j] = j
            near = n
    m = 0
    for k in range(near):
        j = candidates[k]
        candidates[m] = j
        m += ratios[j] <= bounds[groups[j]]
    sorted_ratios = np.empty(m, np.float64)
    for k in range(m):
        sorted_ratios[k] = ratios[candidates[k]]
    order = np.argsort(sorted_ratios, kind="mergesort")
    unsorted = candidates[:m].copy()
    for k in range(m):
        candidates[k] = unsorted[order[k]]
    return m


@inlined
def choose_expected(
    rows: Rows, p: Floats, u: Floats, n: int, sex: Bytes, age: Bytes, offset: float, ratios: Floats,
    candidates: Rows, groups: Rows,
) -> None:  # fmt: skip
    """Choose, in each cell of a market, as many as the sum of probabilities: the most inclined.

    Their u is set to -1, so that they are those with u < p.
    """
    sums, wanted = np.zeros(N_CELLS, np.float64), np.empty(N_CELLS, np.int64)
    for j in range(n):
        cell = cell_of(sex[rows[j]], age[rows[j]])
        groups[j] = cell
        sums[cell] += p[j]
    round_sums(sums, offset, wanted)
    m = sort_groups(p, u, groups, n, wanted, ratios, candidates)
    for j in range(n):
        u[j] = 2.0
    for k in range(m):
        j = candidates[k]
        if wanted[groups[j]] > 0:
            wanted[groups[j]] -= 1
            u[j] = -1.0


@kernel
def choose_by_table(
    starts: Ints, markets: Keys, sex: Bytes, age: Bytes, eligible: Flags, table: Floats,
    factor: Floats, keys: Keys, stream: np.uint64, decision: int, year: int, aligned: bool,
    chosen: Ints, probability: Floats, draw: Floats,
) -> int:  # fmt: skip
    """Choose those an event happens to, with a probability by sex and age.

    Parameters
    ----------
    starts, markets
        Shape (n_markets + 1,) and (n_markets,): first persons of the markets, and their numbers.
    sex, age
        Shape (n_persons,), code and completed years.
    eligible
        Shape (n_persons,): whom it may happen to; shape (0,) for everybody.
    table
        Shape (2, 121), probability.
    factor
        Shape (n_persons,), multiplies the probability; shape (0,) for none.
    keys
        Shape (n_persons,), draw keys.
    aligned
        Whether as many as expected are chosen in each market and cell (sorted by logit(p) -
        logit(u)), or each if u < p.
    chosen
        Shape (n_persons,): filled in with the rows of those chosen, in order.
    probability, draw
        Shape (n_persons,): filled in for those at risk; shape (0,) for nobody.

    Returns
    -------
    How many are chosen; -1 less the row of a person whose probability is not within 0 to 1.
    """
    size = largest_market(starts)
    rows, candidates = np.empty(size, np.int32), np.empty(size, np.int32)
    groups, kept = np.empty(size, np.int32), np.empty(size, np.uint64)
    p, u, ratios = np.empty(size), np.empty(size), np.empty(size)
    limited, scaled, noted = eligible.shape[0] > 0, factor.shape[0] > 0, probability.shape[0] > 0
    total = 0
    for market in range(markets.shape[0]):
        n = 0
        for i in range(starts[market], starts[market + 1]):
            risk = table[sex[i], age[i]]
            if scaled:
                risk *= factor[i]
                if not 0.0 <= risk <= 1.0 and (not limited or eligible[i]):
                    return -1 - i
            if limited:
                risk = risk if eligible[i] else 0.0
            rows[n] = i
            p[n] = risk
            n += risk > 0.0
        draw_rows(rows, n, keys, stream, decision, year, kept, u)
        if noted:
            for j in range(n):
                probability[rows[j]] = p[j]
                draw[rows[j]] = u[j]
        if aligned:
            offset = uniform_of_stream(markets[market], stream, decision, year, OFFSET_BLOCK)
            choose_expected(rows, p, u, n, sex, age, offset, ratios, candidates, groups)
        for j in range(n):
            chosen[total] = rows[j]
            total += u[j] < p[j]
    return total


@kernel
def normalise(
    starts: Ints, sex: Bytes, age: Bytes, eligible: Flags, table: Floats, relative: Floats
) -> None:
    """Divide a relative factor, in place, by its mean in each market and cell.

    The mean is weighted by the table's probabilities, over those eligible, so that the expected
    number of events stays what the table says. A factor that is 1 for all stays 1 exactly.
    """
    limited = eligible.shape[0] > 0
    rows = np.empty(largest_market(starts), np.int32)
    for market in range(starts.shape[0] - 1):
        n = 0
        for i in range(starts[market], starts[market + 1]):
            rows[n] = i
            n += table[sex[i], age[i]] > 0.0
        plain, weighted = np.zeros(N_CELLS, np.float64), np.zeros(N_CELLS, np.float64)
        for j in range(n):
            i = rows[j]
            cell = cell_of(sex[i], age[i])
            risk = table[sex[i], age[i]]
            if limited:
                risk = risk if eligible[i] else 0.0
            plain[cell] += risk
            weighted[cell] += risk * relative[i]
        for cell in range(N_CELLS):
            weighted[cell] = plain[cell] / weighted[cell] if weighted[cell] > 0.0 else 1.0
        for j in range(n):
            relative[rows[j]] *= weighted[cell_of(sex[rows[j]], age[rows[j]])]


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
