"""Who an event happens to: independent draws, or as many as expected, in every market."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import embedded, inlined, kernel
from microsim.kernels.lives_sorting import DRAWN, find_scores, first_bounds, sort_near

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Keys = npt.NDArray[np.uint64]

N_AGES = 121
N_CELLS = 2 * N_AGES  # of alignment
SMALLEST_SUM = 1e-100
OFFSET_BLOCK = 1  # block of a market's draws; persons have block 0


@embedded
def cell_of(sex: int, age: int) -> int:
    """Return the alignment cell of a sex and an age.

    In order of age, so that rounding leaves the events of any span of ages off by less than one.
    """
    return int(sex) * N_AGES + int(age)


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
def keep_wanted(
    rows: Rows, p: Floats, n: int, sex: Bytes, age: Bytes, wanted: Ints, groups: Rows
) -> int:
    """Keep, in `rows` and `p`, those of cells in which somebody is wanted; return how many."""
    m = 0
    for j in range(n):
        i = rows[j]
        cell = cell_of(sex[i], age[i])
        rows[m], p[m], groups[m] = i, p[j], cell
        m += wanted[cell] > 0
    return m


@inlined
def choose_expected(
    rows: Rows, p: Floats, u: Floats, n: int, sums: Floats, wanted: Ints, method: int,
    ratios: Floats, candidates: Rows, groups: Rows, chosen: Ints, total: int,
) -> int:  # fmt: skip
    """Choose, in each cell of a market, as many as wanted: the most inclined.

    Their rows are filled in, in order, after the first `total` of `chosen`; returns how many are
    there then. Where a small expected number was rounded up, those chosen have larger ratios, in
    that proportion.
    """
    bounds = np.empty(N_CELLS, np.float64)
    first_bounds(wanted, bounds)
    for cell in range(N_CELLS):
        if sums[cell] < wanted[cell]:
            bounds[cell] *= wanted[cell] / max(sums[cell], SMALLEST_SUM)
    find_scores(p, u, n, method, ratios, candidates)
    m = sort_near(groups, n, n, wanted, bounds, ratios, candidates)
    end = total
    for k in range(m):
        j = candidates[k]
        if wanted[groups[j]] > 0:
            wanted[groups[j]] -= 1
            chosen[end] = rows[j]
            end += 1
    chosen[total:end].sort()
    return end


@inlined
def expected_in_cells(counts: Ints, table: Floats, sums: Floats) -> None:
    """Add up a table over persons counted by sex and age, in order of age, for each cell."""
    sums[:] = 0.0
    for s in range(counts.shape[0]):
        for a in range(counts.shape[1]):
            sums[cell_of(s, a)] += counts[s, a] * table[s, a]


@kernel
def choose_by_table(
    starts: Ints, markets: Keys, sex: Bytes, age: Bytes, everybody: bool, among: Ints,
    barred: Bytes, table: Floats, factor: Floats, keys: Keys, stream: np.uint64, decision: int,
    year: int, method: int, chosen: Ints, probability: Floats, draw: Floats,
) -> int:  # fmt: skip
    """Choose those an event happens to, with a probability by sex and age.

    Parameters
    ----------
    starts, markets
        Shape (n_markets + 1,) and (n_markets,): first persons of the markets, and their numbers.
    sex, age
        Shape (n_persons,), code and completed years.
    everybody, among
        Whether it may happen to all, else the rows of those it may happen to, in order.
    barred
        Shape (n_persons,): not 0 for those it cannot happen to; shape (0,) for none.
    table
        Shape (2, 121), probability.
    factor
        Shape (n_persons,), multiplies the probability; shape (0,) for none.
    keys
        Shape (n_persons,), draw keys.
    method
        DRAWN: each if u < p; a sorting method: as many as expected in each market and cell.
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
    counts, sums = np.empty(table.shape, np.int64), np.empty(N_CELLS)
    wanted = np.empty(N_CELLS, np.int64)
    scaled, closed, noted = factor.shape[0] > 0, barred.shape[0] > 0, probability.shape[0] > 0
    total, place = 0, 0
    for market in range(markets.shape[0]):
        first, end = starts[market], starts[market + 1]
        n = 0
        if everybody and closed:
            for i in range(first, end):
                rows[n] = i
                p[n] = table[sex[i], age[i]]
                n += (p[n] > 0.0) & (barred[i] == 0)
        elif everybody:
            for i in range(first, end):
                rows[n] = i
                p[n] = table[sex[i], age[i]]
                n += p[n] > 0.0
        else:
            while place < among.shape[0] and among[place] < end:
                i = among[place]
                place += 1
                rows[n] = i
                p[n] = table[sex[i], age[i]]
                n += p[n] > 0.0
        if scaled:
            for j in range(n):
                p[j] *= factor[rows[j]]
                if not 0.0 <= p[j] <= 1.0:
                    return int(-1 - rows[j])
        if noted:
            draw_rows(rows, n, keys, stream, decision, year, kept, u)
            for j in range(n):
                probability[rows[j]] = p[j]
                draw[rows[j]] = u[j]
        if method != DRAWN:
            if scaled:
                sums[:] = 0.0
                for j in range(n):
                    sums[cell_of(sex[rows[j]], age[rows[j]])] += p[j]
            else:
                counts[:] = 0
                for j in range(n):
                    counts[sex[rows[j]], age[rows[j]]] += 1
                expected_in_cells(counts, table, sums)
            offset = uniform_of_stream(markets[market], stream, decision, year, OFFSET_BLOCK)
            round_sums(sums, offset, wanted)
            n = keep_wanted(rows, p, n, sex, age, wanted, groups)
            draw_rows(rows, n, keys, stream, decision, year, kept, u)
            total = choose_expected(
                rows, p, u, n, sums, wanted, method, ratios, candidates, groups, chosen, total
            )
        else:
            draw_rows(rows, n, keys, stream, decision, year, kept, u)
            for j in range(n):
                chosen[total] = rows[j]
                total += u[j] < p[j]
    return int(total)
