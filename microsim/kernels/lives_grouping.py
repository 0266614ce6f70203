"""Puts the persons of a step into their households again: counting sorts, copies, links."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import inlined, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Shorts = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]


@kernel
def unfold(start: Ints, spouse: Shorts, household_of: Rows, place: Rows, spouse_row: Rows) -> None:
    """Fill in each person's household, twice, and the row of the spouse, -1 if none.

    `start` has shape (n_households + 1,).
    """
    for h in range(start.shape[0] - 1):
        first = start[h]
        for i in range(first, start[h + 1]):
            household_of[i] = h
            place[i] = h
            spouse_row[i] = first + spouse[i] if spouse[i] >= 0 else -1


@kernel
def count_members(place: Rows, gone: Bytes, members: Rows) -> int:
    """Count the persons who stay in each household; return how many they are in all."""
    total = 0
    for i in range(place.shape[0]):
        if gone[i] == 0:
            members[place[i]] += 1
            total += 1
    return total


@kernel
def order_households(
    old_starts: Ints, new_market: Rows, members: Rows, new_index: Rows
) -> tuple[Ints, Ints]:
    """Order households by market, in it the old ones first, and drop those without members.

    Parameters
    ----------
    old_starts
        Shape (n_markets + 1,): first of the old households of each market.
    new_market
        Shape (n_new,): market of each new household (row n_old + k of `members`).
    members
        Shape (n_old + n_new,).
    new_index
        Shape (n_old + n_new,): filled in with the place in the new order, -1 if dropped.

    Returns
    -------
    Rows of the households in their new order, and first households of the markets.
    """
    n_markets, n_new = old_starts.shape[0] - 1, new_market.shape[0]
    n_old = old_starts[n_markets]
    first_new = np.zeros(n_markets + 1, np.int64)
    for k in range(n_new):
        first_new[new_market[k] + 1] += 1
    for market in range(n_markets):
        first_new[market + 1] += first_new[market]
    cursor, by_market = first_new.copy(), np.empty(n_new, np.int64)
    for k in range(n_new):
        by_market[cursor[new_market[k]]] = k
        cursor[new_market[k]] += 1
    order, starts = np.empty(n_old + n_new, np.int64), np.empty(n_markets + 1, np.int64)
    n = 0
    for market in range(n_markets):
        starts[market] = n
        for h in range(old_starts[market], old_starts[market + 1]):
            new_index[h] = n if members[h] > 0 else -1
            order[n] = h
            n += members[h] > 0
        for k in range(first_new[market], first_new[market + 1]):
            h = n_old + by_market[k]
            new_index[h] = n if members[h] > 0 else -1
            order[n] = h
            n += members[h] > 0
    starts[n_markets] = n
    return order[:n].copy(), starts


@kernel
def group_persons(
    place: Rows, gone: Bytes, order: Ints, new_index: Rows, members: Rows, start: Ints,
    source: Ints, new_row: Rows,
) -> None:  # fmt: skip
    """Sort those who stay by household, in it by the row before: a counting sort.

    `start` (n_now + 1,), `source` (persons now: their row before) and `new_row` (persons before:
    their row now, -1 if gone) are filled in.
    """
    start[0] = 0
    for k in range(order.shape[0]):
        start[k + 1] = start[k] + members[order[k]]
    cursor = start[:-1].copy()
    for i in range(place.shape[0]):
        if gone[i] != 0:
            new_row[i] = -1
            continue
        h = new_index[place[i]]
        row = cursor[h]
        cursor[h] = row + 1
        source[row] = i
        new_row[i] = row


@kernel
def grow_older(age: Bytes, n: int, oldest: int) -> None:
    """Make the first n persons a year older, up to the oldest age there is."""
    for i in range(n):
        age[i] = min(age[i] + 1, oldest)


@kernel
def gather(rows: Rows, before: npt.NDArray[Any], now: npt.NDArray[Any]) -> None:
    """Fill in a column from the rows given. Twice as fast as copying piece by piece."""
    for i in range(rows.shape[0]):
        now[i] = before[rows[i]]


@kernel
def gather_two(
    rows: Rows, a: npt.NDArray[Any], b: npt.NDArray[Any], a_now: npt.NDArray[Any],
    b_now: npt.NDArray[Any],
) -> None:  # fmt: skip
    """Fill in two columns from the rows given."""
    for i in range(rows.shape[0]):
        row = rows[i]
        a_now[i] = a[row]
        b_now[i] = b[row]


@kernel
def gather_four(
    rows: Rows, a: npt.NDArray[Any], b: npt.NDArray[Any], c: npt.NDArray[Any], d: npt.NDArray[Any],
    a_now: npt.NDArray[Any], b_now: npt.NDArray[Any], c_now: npt.NDArray[Any],
    d_now: npt.NDArray[Any],
) -> None:  # fmt: skip
    """Fill in four columns from the rows given: their numbers are read once."""
    for i in range(rows.shape[0]):
        row = rows[i]
        a_now[i] = a[row]
        b_now[i] = b[row]
        c_now[i] = c[row]
        d_now[i] = d[row]


@kernel
def fill_rows(column: npt.NDArray[Any], rows: Rows, value: int) -> None:
    """Set the rows of a column to a number."""
    for k in range(rows.shape[0]):
        column[rows[k]] = value


@kernel
def rows_to_copy(source: Ints, n_before: int, model: Ints, rows: Rows) -> None:
    """Fill in the row each one's columns are taken from.

    That is `source` for those who were there before, and `model` for the others, in their order;
    0 where the model is -1.
    """
    for i in range(source.shape[0]):
        k = source[i] - n_before
        rows[i] = source[i] if k < 0 else max(model[k], 0)


@inlined
def position_in(row: int, new_row: Rows, first: int, end: int) -> int:
    """Return the position of a person (row before) in the household first..end-1, -1 if not in."""
    if row < 0:
        return -1
    now = int(new_row[row])
    return now - first if first <= now < end else -1


@inlined
def head_of(
    head_row: int, spouse_before: int, new_row: Rows, first: int, end: int, age: Bytes
) -> int:
    """Return the position of the household's head.

    The head stays head; else the spouse the head had before follows, else the oldest person.
    """
    found = position_in(head_row, new_row, first, end)
    if found < 0:
        found = position_in(spouse_before, new_row, first, end)
    if found < 0:
        found = 0
        for row in range(first, end):
            if age[row] > age[first + found]:
                found = row - first
    return found


@kernel
def relink(
    order: Ints, touched: Flags, start: Ints, source: Ints, new_row: Rows, old_start: Ints,
    household_of: Rows, spouse_row: Rows, old_links: Shorts, newcomer_parents: Ints,
    founder: Ints, newcomer_share: Floats, old_welfare: Floats, age: Bytes, links: Shorts,
    welfare: Floats,
) -> None:  # fmt: skip
    """Renew the links and the welfare of the households that changed.

    Parameters
    ----------
    order, touched, start, source, new_row
        As `order_households` and `group_persons` leave them; `touched` by row before.
    old_start
        Shape (n_households_before + 1,).
    household_of, spouse_row
        Persons before: household; row before of the spouse now, -1 if none. `spouse_row` has the
        newcomers too.
    old_links
        Shape (4, n_persons_before): positions of head, spouse, mother, father.
    newcomer_parents
        Shape (2, n_newcomers): rows before of mother and father, -1 if none.
    founder
        Shape (n_new_households,): row before of the founder.
    newcomer_share
        Shape (n_newcomers,): the welfare a newcomer brings.
    old_welfare
        Shape (n_households_before,).
    age, links, welfare
        Persons now: age now; shape (4, n_persons_now) and (n_households_now,): filled in.
    """
    n_before, n_old = household_of.shape[0], old_start.shape[0] - 1
    changed, n_changed = np.empty(order.shape[0], np.int32), 0
    for k in range(order.shape[0]):
        changed[n_changed] = k
        n_changed += touched[order[k]]
    for k in changed[:n_changed]:
        h = order[k]
        first, end = start[k], start[k + 1]
        if h < n_old:
            head_row = old_start[h] + old_links[0, old_start[h]]
            married = old_links[1, head_row]
            spouse_before = old_start[h] + married if married >= 0 else -1
        else:
            head_row, spouse_before = founder[h - n_old], -1
        head = head_of(head_row, spouse_before, new_row, first, end, age)
        total = 0.0
        for row in range(first, end):
            i = source[row]
            if i < n_before:
                home = household_of[i]
                base = old_start[home]
                mother = base + old_links[2, i] if old_links[2, i] >= 0 else -1
                father = base + old_links[3, i] if old_links[3, i] >= 0 else -1
                total += old_welfare[home] / (old_start[home + 1] - base)
            else:
                mother = newcomer_parents[0, i - n_before]
                father = newcomer_parents[1, i - n_before]
                total += newcomer_share[i - n_before]
            links[0, row] = head
            links[1, row] = position_in(spouse_row[i], new_row, first, end)
            links[2, row] = position_in(mother, new_row, first, end)
            links[3, row] = position_in(father, new_row, first, end)
        welfare[k] = total
