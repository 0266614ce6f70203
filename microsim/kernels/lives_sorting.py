"""Puts persons in the order in which an aligned event happens to them: by SBP, SBD or SBDL."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import inlined

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]

# How events are chosen; the names of the sorting methods are those of Li and O'Donoghue (2014).
DRAWN, SBP, SBD, SBDL = range(4)
# Odds ratio up to which persons are sorted: those chosen have ratios up to about 1.
FIRST_BOUND = 1.5
WIDER = 16.0
SECOND_BOUND = FIRST_BOUND * WIDER
NEAR_BOUND = 1.01 * SECOND_BOUND  # a product holds more than the ratio rounded does
LAST_BOUND = 1e200  # ratios are below 2**53 / p; more than this there are not
FEW = 64  # up to so many are put in order by moving them up


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
def find_scores(
    p: Floats, u: Floats, n: int, method: int, scores: Floats, candidates: Rows
) -> None:
    """Fill in the scores of n persons, the least first, and in which order ties stand.

    SBDL: odds ratio u(1-p) / p(1-u), whose order is that of logit(p) - logit(u). SBD: u - p. SBP:
    -p, and ties, which are the rule there, in order of u.
    """
    if method == SBP:
        order = np.argsort(u[:n], kind="mergesort")
        for j in range(n):
            candidates[j] = order[j]
            scores[j] = -p[j]
        return
    for j in range(n):
        candidates[j] = j
    if method == SBD:
        for j in range(n):
            scores[j] = u[j] - p[j]
    else:
        find_ratios(p, u, n, scores, candidates)


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
    enough of them. Returns -1 where the near ones are not enough. Ties stay in the order they have.
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
    p: Floats, u: Floats, groups: Rows, n: int, wanted: Ints, method: int, ratios: Floats,
    candidates: Rows,
) -> int:  # fmt: skip
    """Put those who may be among the first `wanted` of their group in order; return how many.

    `groups` is known of all n.
    """
    bounds = np.empty(wanted.shape[0], np.float64)
    first_bounds(wanted, bounds)
    m = -1
    if method == SBDL:
        near = find_near(p, u, n, ratios, candidates)
        m = sort_near(groups, near, n, wanted, bounds, ratios, candidates)
    if m < 0:
        find_scores(p, u, n, method, ratios, candidates)
        first_bounds(wanted, bounds)
        m = sort_near(groups, n, n, wanted, bounds, ratios, candidates)
    return m
