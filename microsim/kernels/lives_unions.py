"""Who forms a union with whom: equal numbers of both sexes, matched inside the market by age."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import inlined, kernel
from microsim.kernels.lives_choice import OFFSET_BLOCK, draw_rows, largest_market
from microsim.kernels.lives_sorting import DRAWN, SBDL, sort_groups
from microsim.kernels.transcendental import normal_quantile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Shorts = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

SECOND_OFFSET_BLOCK = 2  # of a market: how many of the unions are with a man who has a wife
SMALLEST_UNIFORM = 1.0 / 9007199254740992.0


@inlined
def at_risk(
    first: int, end: int, wanted_sex: int, sex: Bytes, age: Bytes, eligible: Flags, table: Floats,
    factor: Floats, rows: Rows, p: Floats,
) -> int:  # fmt: skip
    """Fill in those of one sex who may form a union; return how many, or -1 - row of a fault."""
    n = 0
    for i in range(first, end):
        asked = (sex[i] == wanted_sex) & eligible[i]
        risk = table[wanted_sex, age[i]]
        if factor.shape[0] > 0:
            risk *= factor[i]
            if not 0.0 <= risk <= 1.0 and asked:
                return -1 - i
        risk = risk if asked else 0.0
        rows[n], p[n] = i, risk
        n += risk > 0.0
    return n


@inlined
def below(p: Floats, u: Floats, n: int, aligned: bool) -> float:
    """Return how many unions one side wants: the sum of probabilities, or of those drawn."""
    total = 0.0
    for j in range(n):
        if aligned:
            total += p[j]
        elif u[j] < p[j]:
            total += 1.0
    return total


@inlined
def pair_by_age(
    men: Ints, women: Ints, sex_age: Bytes, gap: Floats, household_of: Rows, out_men: Ints,
    out_women: Ints, n_out: int,
) -> int:  # fmt: skip
    """Pair men and women, as many of each, in order of his age and of her age plus her gap.

    In that order the summed distance of the ages is least. Who would get somebody of the own
    household changes with the next pair that allows it; else the pair is not made.
    """
    n = men.shape[0]
    his, hers = np.empty(n, np.float64), np.empty(n, np.float64)
    for j in range(n):
        his[j] = sex_age[men[j]]
        hers[j] = sex_age[women[j]] + gap[women[j]]
    by_his = np.argsort(his, kind="mergesort")
    by_hers = np.argsort(hers, kind="mergesort")
    for j in range(n):
        man = men[by_his[j]]
        if household_of[man] != household_of[women[by_hers[j]]]:
            continue
        for step in range(1, n):
            other = (j + step) % n
            his_new, hers_new = women[by_hers[other]], women[by_hers[j]]
            if (
                household_of[man] != household_of[his_new]
                and household_of[men[by_his[other]]] != household_of[hers_new]
            ):
                kept = by_hers[j]
                by_hers[j] = by_hers[other]
                by_hers[other] = kept
                break
    for j in range(n):
        man, woman = men[by_his[j]], women[by_hers[j]]
        if household_of[man] != household_of[woman]:
            out_men[n_out], out_women[n_out] = man, woman
            n_out += 1
    return n_out


@kernel
def match_couples(
    starts: Ints, markets: Keys, sex: Bytes, age: Bytes, single: Flags, husband: Flags,
    table: Floats, factor: Floats, keys: Keys, stream: np.uint64, decision: int,
    second_decision: int, gap_decision: int, year: int, method: int, polygamy: float,
    gap_mean: float, gap_deviation: float, household_of: Rows, region: Shorts, n_regions: int,
    men: Ints, women: Ints, probability: Floats, draw: Floats,
) -> tuple[int, int]:  # fmt: skip
    """Choose who forms a union, and with whom.

    The number of unions of a market is the mean of what men and women want; of them the share
    `polygamy` is with men who have a wife. Each side gives the first by the sorting method, SBDL
    where the number is drawn. Pairs are made inside a region as far as its numbers go, then
    across regions.

    Parameters
    ----------
    single, husband
        Shape (n_persons,): who may marry, and men who may marry again.
    factor
        Shape (n_persons,), multiplies the probability; shape (0,) for none.
    household_of, region
        Shape (n_persons,), and region of each household.
    men, women
        Filled in with the rows of the pairs.
    probability, draw
        Shape (n_persons,): filled in for those at risk; shape (0,) for nobody.

    Returns
    -------
    Number of pairs, and the row of a person whose probability is not within 0 to 1, or -1.
    """
    size = largest_market(starts)
    rows = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    p = (np.empty(size), np.empty(size), np.empty(size))
    u = (np.empty(size), np.empty(size), np.empty(size))
    order = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    kept, ratios = np.empty(size, np.uint64), np.empty(size)
    together, wish = np.zeros(size, np.int32), np.empty(1, np.int64)
    gap = np.zeros(sex.shape[0])
    aligned = method != DRAWN
    ranking = method if aligned else SBDL
    n_pairs = 0
    for market in range(markets.shape[0]):
        first, end, number = starts[market], starts[market + 1], markets[market]
        counts = np.zeros(3, np.int64)
        for side in range(3):
            if side == 2 and polygamy == 0.0:
                continue
            who = husband if side == 2 else single
            n = at_risk(first, end, side % 2, sex, age, who, table, factor, rows[side], p[side])
            if n < 0:
                return n_pairs, -1 - n
            what = second_decision if side == 2 else decision
            draw_rows(rows[side], n, keys, stream, what, year, kept, u[side])
            counts[side] = n
            if probability.shape[0] > 0:
                for j in range(n):
                    probability[rows[side][j]] = p[side][j]
                    draw[rows[side][j]] = u[side][j]
        offset = uniform_of_stream(number, stream, decision, year, OFFSET_BLOCK)
        wanted = 0.5 * (
            below(p[0], u[0], counts[0], aligned) + below(p[1], u[1], counts[1], aligned)
        )
        total = min(int(np.floor(wanted + offset)), counts[1])
        offset = uniform_of_stream(number, stream, decision, year, SECOND_OFFSET_BLOCK)
        second = min(int(np.floor(polygamy * total + offset)), counts[2], total)
        firsts = min(total - second, counts[0])
        total = firsts + second
        if total == 0:
            continue
        for side, n in ((0, firsts), (1, total), (2, second)):
            wish[0] = n
            sort_groups(
                p[side], u[side], together, counts[side], wish, ranking, ratios, order[side]
            )
        his, hers = np.empty(total, np.int64), np.empty(total, np.int64)
        for j in range(total):
            his[j] = rows[0][order[0][j]] if j < firsts else rows[2][order[2][j - firsts]]
            hers[j] = rows[1][order[1][j]]
            woman = hers[j]
            drawn = uniform_of_stream(keys[woman], stream, gap_decision, year, 0)
            z = normal_quantile(max(drawn, SMALLEST_UNIFORM))
            gap[woman] = gap_mean + gap_deviation * z
        n_pairs = pair_in_regions(
            his, hers, age, gap, household_of, region, n_regions, men, women, n_pairs
        )
    return n_pairs, -1


@kernel
def pair_in_regions(
    his: Ints, hers: Ints, age: Bytes, gap: Floats, household_of: Rows, region: Shorts,
    n_regions: int, men: Ints, women: Ints, n_pairs: int,
) -> int:  # fmt: skip
    """Pair inside each region as many as both sides have, the rest across; return the new count."""
    total = his.shape[0]
    of_man, of_woman = np.zeros(n_regions, np.int64), np.zeros(n_regions, np.int64)
    for j in range(total):
        of_man[region[household_of[his[j]]]] += 1
        of_woman[region[household_of[hers[j]]]] += 1
    quota = np.minimum(of_man, of_woman)
    group_of_man, group_of_woman = np.empty(total, np.int64), np.empty(total, np.int64)
    for people, groups in ((his, group_of_man), (hers, group_of_woman)):
        left = quota.copy()
        for j in range(total):
            r = region[household_of[people[j]]]
            groups[j] = r if left[r] > 0 else n_regions
            left[r] -= 1
    for group in range(n_regions + 1):
        some_men, some_women = his[group_of_man == group], hers[group_of_woman == group]
        if some_men.shape[0] > 0:
            n_pairs = pair_by_age(some_men, some_women, age, gap, household_of, men, women, n_pairs)
    return n_pairs
