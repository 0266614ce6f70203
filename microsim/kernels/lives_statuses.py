"""Employment statuses of a year: who leaves, where to, and the wanted numbers of each status."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import embedded, inlined, kernel
from microsim.kernels.lives_choice import draw_rows, largest_market, round_sums
from microsim.kernels.lives_sorting import sort_groups

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

N_STATUSES = 13
UNDER_AGE, PUBLIC, PRIVATE, INFORMAL, OWN_FORMAL, OWN_INFORMAL, FAMILY = range(7)
RETIRED = 10
FORMAL_STATUSES = (PUBLIC, PRIVATE, OWN_FORMAL)
WORKING_AGE = 15
N_STATUS_GROUPS = 14  # below 15, groups of five years, 75 and above
N_STATUS_CELLS = 2 * N_STATUS_GROUPS
ROUNDING = 1e-9  # shares add up to 1 within this


@embedded
def status_cell(sex: int, age: int) -> int:
    """Return the cell of a sex and an age: below 15, then groups of five years up to 75."""
    group = 0 if age < WORKING_AGE else min((age - WORKING_AGE) // 5 + 1, N_STATUS_GROUPS - 1)
    return int(sex) * N_STATUS_GROUPS + int(group)


@embedded
def is_formal(status: int) -> bool:
    """Tell whether a status is formal work."""
    return status == OWN_FORMAL or PUBLIC <= status <= PRIVATE


@kernel
def leaving(share: Floats, leave: Floats, effective: Floats) -> None:
    """Fill in the probability to leave: `leave`, or 1 where nobody of that age has the status."""
    for sex in range(share.shape[0]):
        for age in range(share.shape[1]):
            for status in range(N_STATUSES):
                nobody = share[sex, age, status] == 0.0
                effective[sex, age, status] = 1.0 if nobody else leave[sex, age, status]


@kernel
def grow_spells(years: Bytes, months: Bytes, longest: int) -> None:
    """Count another year in everybody's status, up to `longest`, and all of its months."""
    for i in range(years.shape[0]):
        years[i] = min(years[i] + 1, longest)
        months[i] = 12


@kernel
def begin_spells(
    rows: Ints, keys: Keys, stream: np.uint64, decision: int, year: int, block: int, years: Bytes,
    months: Bytes,
) -> None:  # fmt: skip
    """Begin a spell, in the month drawn, for those who changed: years 0, months left 12 to 1."""
    n = rows.shape[0]
    kept, u = np.empty(n, np.uint64), np.empty(n)
    for k in range(n):
        kept[k] = keys[rows[k]]
    for k in range(n):
        u[k] = uniform_of_stream(kept[k], stream, decision, year, block)
    for k in range(n):
        years[rows[k]] = 0
        months[rows[k]] = 12 - int(12.0 * u[k])


@inlined
def person_shares(share: Floats, factor: float, governed: bool, own: int, shares: Floats) -> bool:
    """Fill in one person's wanted shares; tell whether they can be had.

    A factor on formal work multiplies those shares and leaves the rest to the others, in
    proportion. Who retires by a rule has no share in retirement.
    """
    formal = 0.0
    for status in range(N_STATUSES):
        formal += share[status] if is_formal(status) else 0.0
    if not 0.0 <= factor * formal <= 1.0 or (formal == 1.0 and factor != 1.0):
        return False
    others = (1.0 - factor * formal) / (1.0 - formal) if factor != 1.0 else 1.0
    total = 0.0
    for status in range(N_STATUSES):
        shares[status] = share[status] * (factor if is_formal(status) else others)
        if governed and status == RETIRED:
            shares[status] = 0.0
        total += shares[status]
    if governed:
        for status in range(N_STATUSES):
            if total > 0.0:
                shares[status] /= total
            else:
                shares[status] = 1.0 if status == own else 0.0
    return True


@inlined
def wanted_counts(sums: Floats, offset: float, n: int, wanted: Ints) -> None:
    """Round wanted shares of a cell of n persons so that they add up to n."""
    total = offset + ROUNDING
    before = 0
    for status in range(N_STATUSES):
        total += sums[status]
        now = min(int(np.floor(total)), n)
        if status == N_STATUSES - 1:
            now = n
        wanted[status] = now - before
        before = now


@inlined
def keep_possible(wanted: Ints, least: Ints) -> None:
    """Raise wanted numbers to those who cannot leave, at the expense of the largest surplus."""
    for status in range(N_STATUSES):
        while wanted[status] < least[status]:
            richest = 0
            for other in range(N_STATUSES):
                if wanted[other] - least[other] > wanted[richest] - least[richest]:
                    richest = other
            wanted[richest] -= 1
            wanted[status] += 1


@inlined
def destination(
    u: float, own: int, affinity: Floats, room: Floats, row: int, share: Floats, sex: int,
    age: int, factor: float, governed: bool,
) -> int:  # fmt: skip
    """Return the status a leaver takes: by affinity x room, among statuses the age has.

    Where affinity leads nowhere it is left out; where there is still none, any room will do, the
    own status too; who retires by a rule takes no place of the retired. Returns the own status
    where there is no room at all. `row` is that of `room`; rows are not cut out as arrays of
    their own, which would cost more than the rest.
    """
    for attempt in range(3):
        total = 0.0
        for last in range(2):
            target, total = u * total, 0.0
            for status in range(N_STATUSES):
                weight = 0.0 if governed and status == RETIRED else room[row, status]
                if attempt < 2:
                    open_to = share[sex, age, status] > 0.0 and status != own
                    weight = weight if open_to else 0.0
                    weight *= factor if is_formal(status) else 1.0
                if attempt == 0:
                    weight *= affinity[own, status]
                total += weight
                if last == 1 and weight > 0.0 and target < total:
                    return status
            if total == 0.0:
                break
        if total > 0.0:  # u so close to 1 that rounding passed the last status
            for back in range(N_STATUSES):
                status = N_STATUSES - 1 - back
                barred = governed and status == RETIRED
                if room[row, status] > 0.0 and not barred and (attempt == 2 or status != own):
                    return status
    return own


@kernel
def retire_by_rule(
    sex: Bytes, status: Bytes, retirement: Floats, keys: Keys, stream: np.uint64, decision: int,
    year: int, fixed: Flags, retired: Flags, probability: Floats, draw: Floats,
) -> int:  # fmt: skip
    """Retire those whose rule says so; return the row of a probability outside 0 to 1, or -1.

    `retirement` has shape (n_persons,), NaN for those who retire by the tables. `fixed` is set
    for all whose status is settled: who retires, and who is retired already.
    """
    for i in range(sex.shape[0]):
        fixed[i] = False
        if retirement[i] != retirement[i] or status[i] == UNDER_AGE:
            continue
        if not 0.0 <= retirement[i] <= 1.0:
            return i
        if status[i] == RETIRED:
            fixed[i] = True
            continue
        if retirement[i] == 0.0:
            continue
        u = uniform_of_stream(keys[i], stream, decision, year, 0)
        if probability.shape[0] > 0:
            probability[i], draw[i] = retirement[i], u
        if u < retirement[i]:
            fixed[i], retired[i] = True, True
            status[i] = RETIRED
    return -1


@inlined
def running_totals(
    sex: int, age: int, own: int, affinity: Floats, share: Floats, totals: Floats
) -> None:
    """Fill in the running totals of the weights of the statuses a leaver may take."""
    total = 0.0
    for status in range(N_STATUSES):
        if status != own:
            total += share[sex, age, status] * affinity[own, status]
        totals[sex, age, own, status] = total


@kernel
def draw_statuses(
    starts: Ints, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags, retirement: Floats,
    factor: Floats, share: Floats, leave: Floats, affinity: Floats, keys: Keys,
    stream: np.uint64, left_decision: int, taken_decision: int, year: int, changed: Flags,
    probability: Floats, draw: Floats,
) -> None:  # fmt: skip
    """Move each person who is drawn to leave to a status drawn by affinity x share.

    Arrays as in `align_statuses`.
    """
    size = largest_market(starts)
    rows, kept = np.empty(size, np.int32), np.empty(size, np.uint64)
    p, u = np.empty(size, np.float64), np.empty(size, np.float64)
    totals = np.empty((2, share.shape[1], N_STATUSES, N_STATUSES), np.float64)
    known = np.zeros((2, share.shape[1], N_STATUSES), np.bool_)
    room = np.empty((1, N_STATUSES), np.float64)
    plain = factor.shape[0] == 0 and retirement.shape[0] == 0
    for market in range(starts.shape[0] - 1):
        n = 0
        for i in range(starts[market], starts[market + 1]):
            risk = leave[sex[i], age[i], status[i]]
            if fixed.shape[0] > 0:
                risk = 0.0 if fixed[i] else risk
            rows[n], p[n] = i, risk
            n += risk > 0.0
        draw_rows(rows, n, keys, stream, left_decision, year, kept, u)
        m = 0
        for j in range(n):
            i = rows[j]
            if probability.shape[0] > 0:
                probability[i], draw[i] = p[j], u[j]
            rows[m] = i
            m += u[j] < p[j]
        draw_rows(rows, m, keys, stream, taken_decision, year, kept, u)
        for j in range(m):
            i = rows[j]
            s, a, own = sex[i], age[i], status[i]
            if plain and not known[s, a, own]:
                known[s, a, own] = True
                running_totals(s, a, own, affinity, share, totals)
            new = N_STATUSES
            if plain:
                target = u[j] * totals[s, a, own, N_STATUSES - 1]
                new = 0
                for other in range(N_STATUSES):  # counting has no branch to guess wrongly
                    new += target >= totals[s, a, own, other]
            if new == N_STATUSES:
                governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
                scale = factor[i] if factor.shape[0] > 0 else 1.0
                for other in range(N_STATUSES):
                    room[0, other] = share[s, a, other]
                new = destination(u[j], own, affinity, room, 0, share, s, a, scale, governed)
            changed[i] = new != own
            status[i] = new


@kernel
def align_statuses(
    starts: Ints, markets: Keys, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags,
    retirement: Floats, factor: Floats, share: Floats, leave: Floats, affinity: Floats,
    keys: Keys, stream: np.uint64, left_decision: int, taken_decision: int, year: int,
    changed: Flags, probability: Floats, draw: Floats, method: int,
) -> int:  # fmt: skip
    """Move persons between statuses so that each market and cell has the wanted numbers.

    In each cell (sex, age group) as many leave a status as the probabilities say, but at least
    those who must and those in excess of the wanted number: the ones most inclined. In order of
    rows each takes a status by affinity x places still free.

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
        (NaN: by the tables), the factor on formal work.
    share, leave
        Shape (2, 121, 13): wanted shares, and probabilities to leave as `leaving` makes them.
    affinity
        Shape (13, 13).
    changed
        Shape (n_persons,): set for those who change.
    probability, draw
        Shape (n_persons,): filled in for those at risk; shape (0,) for nobody.
    method
        A sorting method: who leaves first.

    Returns
    -------
    The row of a person whose wanted share of formal work is above 1, or -1.
    """
    size = largest_market(starts)
    rows, candidates = np.empty(size, np.int32), np.empty(size, np.int32)
    groups, kept = np.empty(size, np.int32), np.empty(size, np.uint64)
    p, u, ratios = np.empty(size), np.empty(size), np.empty(size)
    counts = np.empty((2, share.shape[1], N_STATUSES), np.int64)
    sums = np.empty((N_STATUS_CELLS, N_STATUSES), np.float64)
    plain = factor.shape[0] == 0 and retirement.shape[0] == 0
    for market in range(markets.shape[0]):
        first, end, number = starts[market], starts[market + 1], markets[market]
        n = line_up(first, end, sex, age, status, fixed, leave, counts, rows, p, groups)
        sums[:] = 0.0
        if not plain:
            wrong = wanted_shares(
                first, end, sex, age, status, fixed, retirement, factor, share, sums
            )
            if wrong >= 0:
                return wrong
        draw_rows(rows, n, keys, stream, left_decision, year, kept, u)
        for j in range(n if probability.shape[0] > 0 else 0):
            probability[rows[j]], draw[rows[j]] = p[j], u[j]
        leavers, free = plan_cells(
            counts, share, leave, plain, sums, number, stream, left_decision, year
        )
        m = pick_leavers(p, u, groups, n, leavers.reshape(-1), method, ratios, candidates, rows)
        draw_rows(rows, m, keys, stream, taken_decision, year, kept, u)
        seat_leavers(
            rows, m, u, sex, age, status, retirement, factor, share, affinity, free, plain, changed
        )
    return -1


@inlined
def line_up(
    first: int, end: int, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags, leave: Floats,
    counts: Ints, rows: Rows, p: Floats, groups: Rows,
) -> int:  # fmt: skip
    """Count a market's persons by sex, age and status; fill in those who may leave; return n."""
    counts[:] = 0
    n = 0
    for i in range(first, end):
        if fixed.shape[0] > 0 and fixed[i]:
            continue
        s, a, own = sex[i], age[i], status[i]
        counts[s, a, own] += 1
        rows[n], p[n] = i, leave[s, a, own]
        groups[n] = status_cell(s, a) * N_STATUSES + int(own)
        n += p[n] > 0.0
    return n


@inlined
def wanted_shares(
    first: int, end: int, sex: Bytes, age: Bytes, status: Bytes, fixed: Flags, retirement: Floats,
    factor: Floats, share: Floats, sums: Floats,
) -> int:  # fmt: skip
    """Add up the wanted shares person by person; return the row of one who cannot have them."""
    shares = np.empty(N_STATUSES, np.float64)
    for i in range(first, end):
        if fixed.shape[0] > 0 and fixed[i]:
            continue
        scale = factor[i] if factor.shape[0] > 0 else 1.0
        governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
        if not person_shares(share[sex[i], age[i]], scale, governed, status[i], shares):
            return i
        cell = status_cell(sex[i], age[i])
        for other in range(N_STATUSES):
            sums[cell, other] += shares[other]
    return -1


@inlined
def pick_leavers(
    p: Floats, u: Floats, groups: Rows, n: int, wanted: Ints, method: int, ratios: Floats,
    candidates: Rows, rows: Rows,
) -> int:  # fmt: skip
    """Keep, in `rows`, the most inclined of each group, as many as wanted; return how many."""
    m = sort_groups(p, u, groups, n, wanted, method, ratios, candidates)
    for j in range(n):
        u[j] = 0.0
    for k in range(m):
        j = candidates[k]
        if wanted[groups[j]] > 0:
            wanted[groups[j]] -= 1
            u[j] = 1.0
    m = 0
    for j in range(n):
        rows[m] = rows[j]
        m += u[j] > 0.0
    return m


@inlined
def seat_leavers(
    rows: Rows, m: int, u: Floats, sex: Bytes, age: Bytes, status: Bytes, retirement: Floats,
    factor: Floats, share: Floats, affinity: Floats, free: Floats, plain: bool, changed: Flags,
) -> None:  # fmt: skip
    """Give each leaver, in order, one of the places still free in their cell."""
    totals = np.empty(N_STATUSES, np.float64)
    for j in range(m):
        i = rows[j]
        s, a, own = sex[i], age[i], status[i]
        cell = status_cell(s, a)
        new = N_STATUSES
        if plain:
            total = 0.0
            for other in range(N_STATUSES):
                open_to = share[s, a, other] > 0.0 and other != own
                total += free[cell, other] * affinity[own, other] if open_to else 0.0
                totals[other] = total
            new = 0
            for other in range(N_STATUSES):  # counting has no branch to guess wrongly
                new += u[j] * total >= totals[other]
        if new == N_STATUSES:
            governed = retirement.shape[0] > 0 and retirement[i] == retirement[i]
            scale = factor[i] if factor.shape[0] > 0 else 1.0
            new = destination(u[j], own, affinity, free, cell, share, s, a, scale, governed)
        if free[cell, new] > 0.0:
            free[cell, new] -= 1.0
        changed[i] = new != own
        status[i] = new


@inlined
def plan_cells(
    counts: Ints, share: Floats, leave: Floats, plain: bool, sums: Floats, number: np.uint64,
    stream: np.uint64, decision: int, year: int,
) -> tuple[Ints, Floats]:  # fmt: skip
    """Return how many leave each status of each cell, and how many places they find there.

    `counts` has shape (2, 121, 13), persons of the market by sex, age and status; `sums` (n_cells,
    13), their summed wanted shares, is filled in here where they are plainly those of the tables.
    Offsets of rounding are the market's, block 1 + cell for the wanted numbers, 101 + cell for
    the leavers.
    """
    leavers, free = np.zeros((N_STATUS_CELLS, N_STATUSES), np.int64), np.zeros_like(sums)
    present, n_sure, least = np.zeros_like(leavers), np.zeros_like(leavers), np.zeros_like(leavers)
    inclined = np.zeros_like(sums)
    for s in range(2):
        for a in range(share.shape[1]):
            cell = status_cell(s, a)
            here = counts[s, a].sum()
            for status in range(N_STATUSES):
                n = counts[s, a, status]
                present[cell, status] += n
                inclined[cell, status] += n * leave[s, a, status]
                least[cell, status] += n if leave[s, a, status] == 0.0 else 0
                n_sure[cell, status] += n if leave[s, a, status] == 1.0 else 0
                if plain:
                    sums[cell, status] += here * share[s, a, status]
    wanted, expected = np.empty(N_STATUSES, np.int64), np.empty(N_STATUSES, np.int64)
    for cell in range(N_STATUS_CELLS):
        n = present[cell].sum()
        if n == 0:
            continue
        offset = uniform_of_stream(number, stream, decision, year, 1 + cell)
        wanted_counts(sums[cell], offset, n, wanted)
        keep_possible(wanted, least[cell])
        offset = uniform_of_stream(number, stream, decision, year, 101 + cell)
        round_sums(inclined[cell], offset, expected)
        for status in range(N_STATUSES):
            excess = present[cell, status] - wanted[status]
            going = max(expected[status], excess, n_sure[cell, status])
            going = min(going, present[cell, status] - least[cell, status])
            leavers[cell, status] = going
            free[cell, status] = float(wanted[status] - (present[cell, status] - going))
    return leavers, free
