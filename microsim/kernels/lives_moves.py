"""Who moves to which household: the bereaved, the divorced, the young, elders, children left alone.

Persons are rows before the step. `place` is the household a person is in at this point of the
step; numbers from the old number of households on are those founded in the step. `founder` and
`template` are theirs: the founder's row, and the old household whose region and design they take.
`count` has one entry, the households founded so far.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import inlined, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
Shorts = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

DIED = 1
EMIGRATED = 2
FEMALE = 1
HEAD, SPOUSE, MOTHER, FATHER = 0, 1, 2, 3
ADULT = 18  # age after the step from which a child no longer follows a parent
ALONE = 15  # age after the step below which nobody lives without an adult


@inlined
def linked(links: Shorts, link: int, i: int, base: int) -> int:
    """Return the row of a linked person at the start of the step, -1 if none."""
    position = int(links[link, i])
    return base + position if position >= 0 else -1


@kernel
def bereave(
    leavers: Ints, gone: Bytes, household_of: Rows, start: Ints, links: Shorts, spouse_row: Rows,
    touched: Flags, who: Ints, lost: Ints, link: Bytes,
) -> int:  # fmt: skip
    """Undo the links to those who died or left; return how many of the living lost somebody.

    Filled in, in order of leavers: `who` lost `lost`, who was the `link` (spouse, mother,
    father). Emigrants are not noted. A man who loses the wife he points to points to another one
    in the household, if there is one.
    """
    n = 0
    for k in range(leavers.shape[0]):
        dead = leavers[k]
        h = household_of[dead]
        base = start[h]
        touched[h] = True
        for i in range(base, start[h + 1]):
            if gone[i] != 0:
                continue
            if spouse_row[i] == dead:
                spouse_row[i] = -1
                for j in range(base, start[h + 1]):
                    if spouse_row[i] < 0 and spouse_row[j] == i and gone[j] == 0:
                        spouse_row[i] = j
            for kind in range(SPOUSE, FATHER + 1):
                if gone[dead] == DIED and linked(links, kind, i, base) == dead:
                    who[n], lost[n], link[n] = i, dead, kind
                    n += 1
    return n


@inlined
def move(i: int, to: int, place: Rows, touched: Flags) -> None:
    """Move a person to a household."""
    touched[place[i]] = True
    touched[to] = True
    place[i] = to


@inlined
def found(
    i: int, household_of: Rows, start: Ints, founder: Ints, template: Ints, count: Ints
) -> int:
    """Found a household; return its number."""
    k = count[0]
    founder[k], template[k] = i, household_of[i]
    count[0] = k + 1
    return int(start.shape[0] - 1 + k)


@inlined
def take_children(
    parent: int, left: int, to: int, age: Bytes, gone: Bytes, household_of: Rows, start: Ints,
    links: Shorts, spouse_row: Rows, place: Rows, touched: Flags,
) -> None:  # fmt: skip
    """Move the children of a parent who moved from household `left` to `to`.

    Children below 18 without partner follow their mother, and their father where no mother is in
    the household they live in.
    """
    home = household_of[parent]
    base = start[home]
    for i in range(base, start[home + 1]):
        if place[i] != left or gone[i] != 0 or age[i] + 1 >= ADULT or spouse_row[i] >= 0:
            continue
        mother = linked(links, MOTHER, i, base)
        follows = mother == parent
        if linked(links, FATHER, i, base) == parent:
            follows = mother < 0 or gone[mother] != 0 or place[mother] != left
        if follows:
            move(i, to, place, touched)


@kernel
def dissolve(
    wives: Ints, age: Bytes, gone: Bytes, household_of: Rows, start: Ints, links: Shorts,
    spouse_row: Rows, place: Rows, touched: Flags, founder: Ints, template: Ints, count: Ints,
) -> None:  # fmt: skip
    """End the unions of the wives given.

    The husband leaves and founds a household; the children stay with the mother. Where he has
    another wife in the household, it is the wife who leaves, with her children.
    """
    for k in range(wives.shape[0]):
        wife = wives[k]
        husband = spouse_row[wife]
        other = -1
        home = household_of[wife]
        for i in range(start[home], start[home + 1]):
            if other < 0 and i != wife and spouse_row[i] == husband and gone[i] == 0:
                other = i
        spouse_row[wife] = -1
        if spouse_row[husband] == wife:
            spouse_row[husband] = other
        leaves = wife if other >= 0 else husband
        left = place[leaves]
        to = found(leaves, household_of, start, founder, template, count)
        move(leaves, to, place, touched)
        take_children(leaves, left, to, age, gone, household_of, start, links, spouse_row, place,
                      touched)  # fmt: skip


@inlined
def is_head(i: int, start: Ints, links: Shorts, place: Rows, founder: Ints) -> bool:
    """Tell whether a person heads the household they are in at this point of the step."""
    h, n_old = place[i], start.shape[0] - 1
    if h >= n_old:
        return bool(founder[h - n_old] == i)
    base = start[h]
    return bool(base + links[HEAD, base] == i)


@kernel
def unite(
    men: Ints, women: Ints, age: Bytes, gone: Bytes, household_of: Rows, start: Ints, links: Shorts,
    spouse_row: Rows, place: Rows, touched: Flags, founder: Ints, template: Ints, count: Ints,
) -> None:  # fmt: skip
    """Make couples of the pairs given, and give them a household.

    A man who heads his household, or has a wife already, is joined by the woman and her children;
    else a woman who heads hers is joined by him and his; else they found a household.
    """
    for k in range(men.shape[0]):
        man, woman = men[k], women[k]
        his, hers = place[man], place[woman]
        stays = spouse_row[man] >= 0 or is_head(man, start, links, place, founder)
        spouse_row[woman] = man
        if spouse_row[man] < 0:
            spouse_row[man] = woman
        touched[his] = True
        touched[hers] = True
        if stays:
            to = his
        elif is_head(woman, start, links, place, founder):
            to = hers
        else:
            to = found(man, household_of, start, founder, template, count)
        for i, left in ((man, his), (woman, hers)):
            if left != to:
                move(i, to, place, touched)
                take_children(i, left, to, age, gone, household_of, start, links, spouse_row,
                              place, touched)  # fmt: skip


@kernel
def leave_home(
    leavers: Ints, age: Bytes, gone: Bytes, household_of: Rows, start: Ints, links: Shorts,
    spouse_row: Rows, place: Rows, touched: Flags, founder: Ints, template: Ints, count: Ints,
) -> None:  # fmt: skip
    """Let grown children found households of their own, with their own children."""
    for k in range(leavers.shape[0]):
        i = leavers[k]
        left = place[i]
        to = found(i, household_of, start, founder, template, count)
        move(i, to, place, touched)
        take_children(i, left, to, age, gone, household_of, start, links, spouse_row, place,
                      touched)  # fmt: skip


@kernel
def wives(sex: Bytes, gone: Bytes, spouse_row: Rows, rows: Ints) -> int:
    """Fill in the rows of women who have a spouse; return how many."""
    n = 0
    for i in range(sex.shape[0]):
        rows[n] = i
        n += (sex[i] == FEMALE) & (spouse_row[i] >= 0) & (gone[i] == 0)
    return n


@kernel
def live_with_parents(
    gone: Bytes, household_of: Rows, start: Ints, links: Shorts, spouse_row: Rows, place: Rows,
    age: Bytes, rows: Ints,
) -> int:  # fmt: skip
    """Fill in the rows of who may leave home; return how many.

    They are grown, without partner, not head, and live with a parent.
    """
    n = 0
    for i in range(age.shape[0]):
        linked_to = max(links[MOTHER, i], links[FATHER, i])
        rows[n] = i
        n += (age[i] + 1 >= ADULT) & (linked_to >= 0) & (links[SPOUSE, i] < 0)
    m = 0
    for k in range(n):
        i = rows[k]
        home = household_of[i]
        base = start[home]
        if gone[i] != 0 or spouse_row[i] >= 0 or place[i] != home or links[HEAD, i] == i - base:
            continue
        with_parent = False
        for kind in (MOTHER, FATHER):
            parent = linked(links, kind, i, base)
            if parent >= 0 and gone[parent] == 0 and place[parent] == home:
                with_parent = True
        rows[m] = i
        m += with_parent
    return m


@kernel
def live_alone(gone: Bytes, start: Ints, spouse_row: Rows, place: Rows, rows: Ints) -> int:
    """Fill in the rows of those who lived alone and have not moved; return how many."""
    n = 0
    for h in range(start.shape[0] - 1):
        i = start[h]
        rows[n] = i
        if start[h + 1] == i + 1:
            n += (gone[i] == 0) & (place[i] == h) & (spouse_row[i] < 0)
    return n


@inlined
def host_for(
    u: float, first: int, end: int, own: int, region: Shorts, wanted: int, low: int, high: int,
    start: Ints, links: Shorts, gone: Bytes, place: Rows, age: Bytes,
) -> int:  # fmt: skip
    """Return an old household of the market whose head, still there, has an age in low..high.

    The first from a keyed place on, in order and around; of the same region if there is one,
    else of any; -1 if there is none.
    """
    n = end - first
    begin = int(np.floor(u * n))
    for any_region in range(2):
        for step in range(n):
            h = first + (begin + step) % n
            head = start[h] + links[HEAD, start[h]]
            if h == own or gone[head] != 0 or place[head] != h:
                continue
            if low <= age[head] <= high and (any_region == 1 or region[h] == wanted):
                return int(h)
    return -1


@kernel
def join_kin(
    elders: Ints, market_of: Rows, household_starts: Ints, region: Shorts, keys: Keys,
    stream: np.uint64, decision: int, year: int, youngest: int, oldest: int, age: Bytes,
    gone: Bytes, household_of: Rows, start: Ints, links: Shorts, place: Rows, touched: Flags,
) -> None:  # fmt: skip
    """Let elders who live alone join a household whose head could be their child.

    Links between households are not stored, so that any household of the market will do whose
    head is `youngest` to `oldest` years younger; who finds none stays alone.
    """
    for k in range(elders.shape[0]):
        i = elders[k]
        own = household_of[i]
        market = market_of[own]
        u = uniform_of_stream(keys[i], stream, decision, year, 0)
        host = host_for(
            u, household_starts[market], household_starts[market + 1], own, region, region[own],
            age[i] - oldest, age[i] - youngest, start, links, gone, place, age,
        )  # fmt: skip
        if host >= 0:
            move(i, host, place, touched)


@kernel
def count_adults(place: Rows, gone: Bytes, age_now: Bytes, members: Rows, adults: Rows) -> int:
    """Count members and adults of each household; return how many have members but no adult."""
    members[:] = 0
    adults[:] = 0
    for i in range(place.shape[0]):
        if gone[i] == 0:
            members[place[i]] += 1
            adults[place[i]] += age_now[i] >= ALONE
    lonely = 0
    for h in range(members.shape[0]):
        lonely += members[h] > 0 and adults[h] == 0
    return lonely


@inlined
def home_for(begin: int, first: int, n: int, adults: Rows, region: Shorts, wanted: int) -> int:
    """Return the first household with an adult from `begin` on, of the region if there is one."""
    for any_region in range(2):
        for step in range(n):
            host = first + (begin + step) % n
            if adults[host] > 0 and (any_region == 1 or region[host] == wanted):
                return int(host)
    return -1


@kernel
def place_children(
    gone: Bytes, members: Rows, adults: Rows, market_of: Rows, household_starts: Ints,
    template: Ints, region: Shorts, keys: Keys, new_keys: Keys, stream: np.uint64,
    decision: int, year: int, place: Rows, touched: Flags, placed: Flags,
) -> None:  # fmt: skip
    """Give children whose household has no adult another household of the market.

    All of a household go together, to the first one with an adult from a place on that is keyed
    by the first child; of the same region if there is one. `placed` is set for them, `members`
    brought up to date. Rows are those before the step and the newcomers.
    """
    n_old = market_of.shape[0]
    to = np.full(adults.shape[0], -1, np.int64)
    for i in range(place.shape[0]):
        h = place[i]
        if adults[h] > 0 or gone[i] != 0:
            continue
        if to[h] < 0:
            own = h if h < n_old else template[h - n_old]
            market = market_of[own]
            first = household_starts[market]
            n = household_starts[market + 1] - first
            key = keys[i] if i < keys.shape[0] else new_keys[i - keys.shape[0]]
            begin = int(np.floor(uniform_of_stream(key, stream, decision, year, 0) * n))
            to[h] = home_for(begin, first, n, adults, region, region[own])
        if to[h] >= 0:
            placed[i] = True
            move(i, to[h], place, touched)
            members[h] -= 1
            members[to[h]] += 1
