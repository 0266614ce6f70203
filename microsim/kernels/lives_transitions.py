"""Employment statuses of a year by transition probabilities: drawn, or of wanted numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import inlined, kernel
from microsim.kernels.lives_choice import draw_rows, largest_market
from microsim.kernels.lives_statuses import (
    N_STATUS_CELLS,
    N_STATUSES,
    RETIRED,
    UNDER_AGE,
    is_formal,
    keep_possible,
    status_cell,
    wanted_counts,
    wanted_shares,
)
from microsim.kernels.transcendental import exp

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

FITTINGS = 100  # rounds at most
NEAR_ENOUGH = 1e-3  # persons of a status in a cell


@inlined
def bar_retirement(own: int, row: Floats) -> None:
    """Take retirement out of a person's row; the rest is divided by its sum, or all stay."""
    row[RETIRED] = 0.0
    total = 0.0
    for to in range(N_STATUSES):
        total += row[to]
    for to in range(N_STATUSES):
        row[to] = row[to] / total if total > 0.0 else 0.0
    if total == 0.0:
        row[own] = 1.0


@inlined
def weigh_formal(own: int, factor: float, row: Floats) -> None:
    """Multiply the chances of formal work among those who leave; as many leave as before."""
    before, after = 0.0, 0.0
    for to in range(N_STATUSES):
        if to != own:
            before += row[to]
            row[to] *= factor if is_formal(to) else 1.0
            after += row[to]
    for to in range(N_STATUSES):
        if to != own:
            row[to] = row[to] * (before / after) if after > 0.0 else 0.0
    if after == 0.0:
        row[own] += before


@inlined
def in_model(codes: Ints, base: int, own: int) -> bool:
    """Tell whether a status is one that formulas are for: any, unless a logit has a fixed base."""
    found = base < 0 or own == base
    for j in range(codes.shape[0]):
        found = found or codes[j] == own
    return bool(found)


@inlined
def state_row(
    stated: Floats, i: int, codes: Ints, logit: bool, base: int, own: int, row: Floats
) -> None:
    """Fill in the probabilities that formulas state: as they are, or as logits against a base.

    What stated probabilities leave is to stay. A base below 0 is the status a person is in.
    """
    row[:] = 0.0
    if not logit:
        left = 1.0
        for j in range(codes.shape[0]):
            row[codes[j]] += stated[j, i]
            left -= stated[j, i]
        row[own] += max(left, 0.0)
        return
    against = own if base < 0 else base
    top = 0.0
    for j in range(codes.shape[0]):
        top = max(top, stated[j, i]) if codes[j] != against else top
    total = exp(-top)
    row[against] = total
    for j in range(codes.shape[0]):
        if codes[j] != against:
            row[codes[j]] = exp(stated[j, i] - top)
            total += row[codes[j]]
    for to in range(N_STATUSES):
        row[to] /= total


@inlined
def fill_row(
    matrix: Floats, stated: Floats, codes: Ints, logit: bool, base: int, first: int, last: int,
    i: int, sex: int, age: int, own: int, governed: bool, factor: float, row: Floats,
) -> None:  # fmt: skip
    """Fill in a person's probabilities of each status in the new year."""
    by_formula = stated.shape[0] > 0 and first <= age <= last and own != UNDER_AGE
    if by_formula and stated[0, i] == stated[0, i] and in_model(codes, base, own):
        state_row(stated, i, codes, logit, base, own, row)
    else:
        for to in range(N_STATUSES):
            row[to] = matrix[sex, age, own, to]
    if governed and own != RETIRED and row[RETIRED] > 0.0:
        bar_retirement(own, row)
    if factor != 1.0:
        weigh_formal(own, factor, row)


@inlined
def status_at(row: Floats, u: float) -> int:
    """Return the status at which the running total of a row passes u; else the last possible."""
    total, last = 0.0, 0
    for to in range(N_STATUSES):
        if row[to] > 0.0:
            total += row[to]
            last = to
            if u < total:
                return to
    return last


@kernel
def draw_transitions(
    starts: Ints, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags, retirement: Floats,
    factor: Floats, matrix: Floats, stated: Floats, codes: Ints, logit: bool, base: int,
    first_age: int, last_age: int, keys: Keys, stream: np.uint64, decision: int, year: int,
    changed: Flags, probability: Floats, draw: Floats,
) -> int:  # fmt: skip
    """Give each person the status at which the running total of their row passes their draw.

    One uniform number a person and year; statuses in their fixed order. Arrays as in
    `align_transitions`. Returns the row of a person whose factor on formal work is below 0, or -1.
    """
    row = np.empty(N_STATUSES, np.float64)
    for i in range(starts[0], starts[starts.shape[0] - 1]):
        if fixed.shape[0] > 0 and fixed[i]:
            continue
        governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
        scale = factor[i] if factor.shape[0] > 0 else 1.0
        if not 0.0 <= scale < np.inf:
            return int(i)
        own = status[i]
        fill_row(
            matrix, stated, codes, logit, base, first_age, last_age, i, sex[i], age[i], own,
            governed, scale, row,
        )  # fmt: skip
        if row[own] == 1.0:
            continue
        u = uniform_of_stream(keys[i], stream, decision, year, 0)
        new = status_at(row, u)
        if probability.shape[0] > 0:
            probability[i], draw[i] = row[new], u
        changed[i] = new != own
        status[i] = new
    return -1


@inlined
def fit_factors(rows: Floats, first: int, end: int, wanted: Floats, factors: Floats) -> None:
    """Fill in the factor of each status under which a cell's expected numbers are the wanted.

    Iterative proportional fitting (Deming and Stephan 1940): each person's row, times the factors,
    is divided by its sum; ratios of odds between persons stay as they are. Statuses that no row
    leads to, and numbers that no factors reach, are left to those who find no other place.
    """
    sums = np.empty(N_STATUSES, np.float64)
    factors[:] = 1.0
    for _ in range(FITTINGS):
        expect(rows, first, end, factors, sums)
        miss = 0.0
        for to in range(N_STATUSES):
            if sums[to] > 0.0:
                miss = max(miss, abs(sums[to] - wanted[to]))
        if miss < NEAR_ENOUGH:
            return
        for to in range(N_STATUSES):
            if sums[to] > 0.0:
                factors[to] *= wanted[to] / sums[to]


@inlined
def expect(rows: Floats, first: int, end: int, factors: Floats, sums: Floats) -> None:
    """Fill in the expected numbers of each status in a cell, of those who may move."""
    sums[:] = 0.0
    for k in range(first, end):
        total = 0.0
        for to in range(N_STATUSES):
            total += rows[k, to] * factors[to]
        if total > 0.0:
            for to in range(N_STATUSES):
                sums[to] += rows[k, to] * factors[to] / total


@inlined
def take_place(u: float, rows: Floats, k: int, factors: Floats, free: Floats, rest: Floats) -> int:
    """Return the status a person takes, and take the person out of those still expected.

    Weights are the row times the factors, times places still free per person still expected. -1
    where they lead to no free place.
    """
    total = 0.0
    for to in range(N_STATUSES):
        total += rows[k, to] * factors[to]
    weight = np.zeros(N_STATUSES, np.float64)
    reach = 0.0
    for to in range(N_STATUSES):
        if rows[k, to] * factors[to] > 0.0:
            own_part = rows[k, to] * factors[to] / total
            weight[to] = own_part * max(free[to], 0.0) / max(rest[to], own_part)
            rest[to] -= own_part
            reach += weight[to]
    return status_at(weight, u * reach) if reach > 0.0 else -1


@inlined
def make_room(
    rows: Floats, k: int, first: int, own: int, governed: bool, free: Floats, order: Rows,
    status: Bytes,
) -> tuple[int, int, int]:  # fmt: skip
    """Return who of those before gives a place to a person, that place, and the one they take.

    The last one before whose place the person's row leads to, and whose own row leads to a free
    one. Where there is none (-1), the person takes any free place, but of the retired if the own
    retirement has a rule; else stays.
    """
    for j in range(k - 1, first - 1, -1):
        place = status[order[j]]
        if rows[k, place] > 0.0:
            for to in range(N_STATUSES):
                if free[to] > 0.0 and rows[j, to] > 0.0:
                    return j, place, to
    for to in range(N_STATUSES):
        if free[to] > 0.0 and not (governed and to == RETIRED):
            return -1, to, to
    return -1, own, own


@inlined
def seat_cell(
    rows: Floats, u: Floats, order: Rows, first: int, end: int, status: Bytes,
    retirement: Floats, sums: Floats, offset: float, changed: Flags, probability: Floats,
    draw: Floats, tally: Ints,
) -> None:  # fmt: skip
    """Give everybody of a cell, in order, one of the wanted places; count what that took."""
    wanted, least = np.empty(N_STATUSES, np.int64), np.zeros(N_STATUSES, np.int64)
    free, rest = np.empty(N_STATUSES, np.float64), np.empty(N_STATUSES, np.float64)
    factors, own = np.empty(N_STATUSES, np.float64), np.empty(end - first, np.int64)
    movable = first  # rows of those who may move come first, in their order
    for k in range(first, end):
        before = status[order[k]]
        if rows[k, before] == 1.0:
            least[before] += 1
            continue
        order[movable], u[movable] = order[k], u[k]
        for to in range(N_STATUSES):
            rows[movable, to] = rows[k, to]
        movable += 1
    wanted_counts(sums, offset, end - first, wanted)
    empty = wanted - least  # places nobody has taken so far
    keep_possible(wanted, least)
    for to in range(N_STATUSES):
        free[to] = float(wanted[to] - least[to])
    fit_factors(rows, first, movable, free, factors)
    expect(rows, first, movable, factors, rest)
    for k in range(first, movable):
        i = order[k]
        own[k - first] = status[i]
        new = take_place(u[k], rows, k, factors, free, rest)
        if new >= 0:
            free[new] -= 1.0
        else:
            governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
            j, new, other = make_room(
                rows, k, first, int(own[k - first]), governed, free, order, status
            )
            free[other] = max(free[other] - 1.0, 0.0)
            if j >= 0:
                status[order[j]] = other
        status[i] = new
    for k in range(first, movable):
        i = order[k]
        if probability.shape[0] > 0:
            probability[i], draw[i] = rows[k, status[i]], u[k]
        changed[i] = status[i] != own[k - first]
        empty[status[i]] -= 1
        barred = rows[k, status[i]] == 0.0
        tally[0] += changed[i] or barred
        tally[1] += barred
    for to in range(N_STATUSES):
        tally[2] += max(empty[to], 0)


@kernel
def align_transitions(
    starts: Ints, markets: Keys, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags,
    retirement: Floats, factor: Floats, share: Floats, matrix: Floats, stated: Floats,
    codes: Ints, logit: bool, base: int, first_age: int, last_age: int, keys: Keys,
    stream: np.uint64, decision: int, year: int, changed: Flags, probability: Floats, draw: Floats,
    tally: Ints,
) -> int:  # fmt: skip
    """Give everybody a status so that each market and cell (sex, age group) has the wanted numbers.

    Rows of the matrix are multiplied by factors of the statuses, the same for everybody of a cell,
    so that the wanted numbers are the expected ones (see `fit_factors`). Then, in order of rows,
    each takes a place by the own draw (see `take_place`). Numbers are met except where those who
    cannot move are too many; places that no row leads to are met by moves of probability 0. Both
    are counted. Offsets of rounding are the market's, block 1 + cell.

    Parameters
    ----------
    starts, markets
        Shape (n_markets + 1,) and (n_markets,): first persons of the markets, and their numbers.
    sex, age
        Shape (n_persons,), code and completed years at the end of the step.
    status
        Shape (n_persons,), code: before, and now.
    fixed, retirement, factor
        Shape (n_persons,) or (0,): whose status is settled, the probability to retire by rule
        (NaN: by the matrix), the factor on formal work.
    share
        Shape (2, 121, 13): wanted shares.
    matrix
        Shape (2, 121, 13, 13): probability of each status (last axis) by the one before.
    stated
        Shape (n_formulas, n_persons): what formulas state, NaN where the matrix holds; (0, 0) for
        none.
    codes
        Shape (n_formulas,): status that each formula leads to.
    logit, base
        Whether formulas are logits, and against which status (below 0: the present one).
    first_age, last_age
        For whom formulas are.
    changed
        Shape (n_persons,): set for those who change.
    probability, draw
        Shape (n_persons,): probability of the status taken, before alignment, and number drawn;
        shape (0,) for nobody.
    tally
        Shape (3,), added to: persons whose status changes (or stays though their row bars that),
        those of them whose row gives the status they take probability 0, places left empty.

    Returns
    -------
    The row of a person whose wanted share of formal work is above 1, or -1.
    """
    size = largest_market(starts)
    order, kept = np.empty(size, np.int32), np.empty(size, np.uint64)
    u, rows = np.empty(size), np.empty((size, N_STATUSES))
    ends = np.empty(N_STATUS_CELLS + 1, np.int64)
    sums = np.empty((N_STATUS_CELLS, N_STATUSES), np.float64)
    for market in range(markets.shape[0]):
        first, end = starts[market], starts[market + 1]
        sums[:] = 0.0
        wrong = wanted_shares(first, end, sex, age, status, fixed, retirement, factor, share, sums)
        if wrong >= 0:
            return int(wrong)
        n = sort_by_cell(first, end, sex, age, fixed, order, ends)
        for k in range(n):
            i = order[k]
            governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
            scale = factor[i] if factor.shape[0] > 0 else 1.0
            fill_row(
                matrix, stated, codes, logit, base, first_age, last_age, i, sex[i], age[i],
                status[i], governed, scale, rows[k],
            )  # fmt: skip
        draw_rows(order, n, keys, stream, decision, year, kept, u)
        for cell in range(N_STATUS_CELLS):
            if ends[cell + 1] > ends[cell]:
                offset = uniform_of_stream(markets[market], stream, decision, year, 1 + cell)
                seat_cell(
                    rows, u, order, ends[cell], ends[cell + 1], status, retirement,
                    sums[cell], offset, changed, probability, draw, tally,
                )  # fmt: skip
    return -1


@inlined
def sort_by_cell(
    first: int, end: int, sex: Bytes, age: Bytes, fixed: Flags, order: Rows, ends: Ints
) -> int:
    """Fill in the rows of those whose status is open, cell by cell, and where cells begin."""
    ends[:] = 0
    for i in range(first, end):
        if not (fixed.shape[0] > 0 and fixed[i]):
            ends[status_cell(sex[i], age[i]) + 1] += 1
    for cell in range(N_STATUS_CELLS):
        ends[cell + 1] += ends[cell]
    place = ends.copy()
    for i in range(first, end):
        if not (fixed.shape[0] > 0 and fixed[i]):
            cell = status_cell(sex[i], age[i])
            order[place[cell]] = i
            place[cell] += 1
    return int(ends[N_STATUS_CELLS])
