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

N_AGES = 121
N_CELLS = 2 * N_AGES  # of alignment
YEARS_OF_GROUP = 5
N_GROUPS = 25  # of five years, ages 0 to 124: of relative factors
# Odds ratio up to which persons are sorted: those chosen have ratios up to about 1.
FIRST_BOUND = 1.5
WIDER = 16.0
SECOND_BOUND = FIRST_BOUND * WIDER
NEAR_BOUND = 1.01 * SECOND_BOUND  # a product holds more than the ratio rounded does
SMALLEST_SUM = 1e-100
LAST_BOUND = 1e200  # ratios are below 2**53 / p; more than this there are not
FEW = 64  # up to so many are put in order by moving them up
OFFSET_BLOCK = 1  # block of a market's draws; persons have block 0


@embedded
def cell_of(sex: int, age: int) -> int:
    """Return the alignment cell of a sex and an age.

    In order of age, so that rounding leaves the events of any span of ages off by less than one.
    """
    return int(sex) * N_AGES + int(age)


@embedded
def group_of(sex: int, age: int) -> int:
    """Return the group in which relative factors have the mean 1: sexes by five years."""
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
def find_near(p: Floats, u: Floats, n: int, ratios: Floats, candidates: Rows) -> int:
    """Fill in odds ratios u(1-p) / p(1-u), and who is below the second bound; return how many.

    The order of the ratio from the least is that of logit(p) - logit(u) from the largest. Only
    those near are divided for: they have the ratio, and some just above the bound with them.
    """
    near = 0
    for j in range(n):
        candidates[near] = j
        near += u[j] * (1.0 - p[j]) <= NEAR_BOUND * (p[j] * (1.0 - u[j]))
    find_ratios(p, u, near, ratios, candidates)
    return near


@inlined
def find_ratios(p: Floats, u: Floats, n: int, ratios: Floats, candidates: Rows) -> None:
    """Fill in the odds ratios of the first n candidates."""
    for k in range(n):
        j = candidates[k]
        ratios[j] = (u[j] * (1.0 - p[j])) / (p[j] * (1.0 - u[j]))


@inlined
def sort_piece(ratios: Floats, candidates: Rows, first: int, end: int) -> None:
    """Put candidates[first:end] in order of ratio; ties keep their order."""
    if end - first > FEW:
        some = candidates[first:end].copy()
        values = np.empty(end - first, np.float64)
        for k in range(end - first):
            values[k] = ratios[some[k]]
        order = np.argsort(values, kind="mergesort")
        for k in range(end - first):
            candidates[first + k] = some[order[k]]
        return
    for k in range(first + 1, end):
        j = candidates[k]
        ratio = ratios[j]
        place = k
        while place > first and ratios[candidates[place - 1]] > ratio:
            candidates[place] = candidates[place - 1]
            place -= 1
        candidates[place] = j


@inlined
def sort_near(
    groups: Rows, near: int, n: int, wanted: Ints, bounds: Floats, ratios: Floats,
    candidates: Rows,
) -> int:  # fmt: skip
    """Put those who may be among the first `wanted` of their group in order; return how many.

    They come out group by group. `candidates` holds the `near` ones of `find_near`, all n if near
    is n. Only ratios up to the group's bound are sorted, which is widened in groups that have not
    enough of them. Returns -1 where the near ones are not enough. Ties stay in order of rows.
    """
    n_groups = wanted.shape[0]
    found = np.empty(n_groups, np.int64)
    enough = False
    while not enough:
        found[:] = 0
        for k in range(near):
            j = candidates[k]
            found[groups[j]] += ratios[j] <= bounds[groups[j]]
        enough = True
        for group in range(n_groups):
            if found[group] < wanted[group] and bounds[group] < LAST_BOUND:
                bounds[group] *= WIDER
                enough = False
                if bounds[group] > SECOND_BOUND and near < n:
                    return -1
    m = 0
    for k in range(near):
        j = candidates[k]
        candidates[m] = j
        m += ratios[j] <= bounds[groups[j]]
    starts = np.empty(n_groups + 1, np.int64)
    starts[0] = 0
    for group in range(n_groups):
        starts[group + 1] = starts[group] + found[group]
        found[group] = starts[group]
    unsorted = candidates[:m].copy()
    for k in range(m):
        j = unsorted[k]
        place = found[groups[j]]
        candidates[place] = j
        found[groups[j]] = place + 1
    for group in range(n_groups):
        sort_piece(ratios, candidates, starts[group], starts[group + 1])
    return m


@inlined
def first_bounds(wanted: Ints, bounds: Floats) -> None:
    """Fill in the bounds of the groups: nobody where nobody is wanted."""
    for group in range(wanted.shape[0]):
        bounds[group] = FIRST_BOUND if wanted[group] > 0 else -1.0


@inlined
def sort_groups(
    p: Floats, u: Floats, groups: Rows, n: int, wanted: Ints, ratios: Floats, candidates: Rows
) -> int:
    """Put those who may be among the first `wanted` of their group in order; return how many.

    `groups` is known of all n.
    """
    bounds = np.empty(wanted.shape[0], np.float64)
    first_bounds(wanted, bounds)
    near = find_near(p, u, n, ratios, candidates)
    m = sort_near(groups, near, n, wanted, bounds, ratios, candidates)
    if m < 0:
        for j in range(n):
            candidates[j] = j
        find_ratios(p, u, n, ratios, candidates)
        first_bounds(wanted, bounds)
        m = sort_near(groups, n, n, wanted, bounds, ratios, candidates)
    return m


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
    rows: Rows, p: Floats, u: Floats, n: int, sums: Floats, wanted: Ints, ratios: Floats,
    candidates: Rows, groups: Rows, chosen: Ints, total: int,
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
    for j in range(n):
        candidates[j] = j
    find_ratios(p, u, n, ratios, candidates)
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
    year: int, aligned: bool, chosen: Ints, probability: Floats, draw: Floats,
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
        if aligned:
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
                rows, p, u, n, sums, wanted, ratios, candidates, groups, chosen, total
            )
        else:
            draw_rows(rows, n, keys, stream, decision, year, kept, u)
            for j in range(n):
                chosen[total] = rows[j]
                total += u[j] < p[j]
    return int(total)


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
    closed = barred.shape[0] > 0
    place = 0
    for market in range(starts.shape[0] - 1):
        first, end = starts[market], starts[market + 1]
        here = end - first
        if not everybody:
            begin = place
            while place < among.shape[0] and among[place] < end:
                place += 1
            here = place - begin
        n = 0
        for k in range(here):
            i = first + k if everybody else among[begin + k]
            rows[n] = i
            n += table[sex[i], age[i]] > 0.0 and not (closed and barred[i] != 0)
        plain, weighted = np.zeros(2 * N_GROUPS, np.float64), np.zeros(2 * N_GROUPS, np.float64)
        for j in range(n):
            i = rows[j]
            group = group_of(sex[i], age[i])
            risk = table[sex[i], age[i]]
            plain[group] += risk
            weighted[group] += risk * relative[i]
        for group in range(2 * N_GROUPS):
            weighted[group] = plain[group] / weighted[group] if weighted[group] > 0.0 else 1.0
        for j in range(n):
            relative[rows[j]] *= weighted[group_of(sex[rows[j]], age[rows[j]])]


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
