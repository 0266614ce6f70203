"""Puts units of kin together into the wanted number of households, and names a head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.population.synthesis.families import ADULT, NOBODY, Families
from microsim.population.synthesis.parameters import Parameters
from microsim.population.synthesis.people import Bools, Draws, Floats, Ints, choose

OLD = 60


@dataclass(frozen=True)
class Homes:
    """Persons sorted into households, head first, then spouse, then by age.

    Attributes
    ----------
    order
        Shape (n_persons,), row in the order of `Families` of each person in household order.
    size
        Shape (n_households,), persons in each household.
    head, spouse, mother, father
        Shape (n_persons,), in household order: position in the household, -1 if none.
    """

    order: Ints
    size: Ints
    head: Ints
    spouse: Ints
    mother: Ints
    father: Ints


def make_households(
    families: Families,
    sex: Bools,
    age: Ints,
    n_households: int,
    parameters: Parameters,
    draws: Draws,
) -> Homes:
    """Form `n_households` households (or the nearest number possible).

    Elders join younger kin or stay alone, units without adults join others, and single adults
    join or leave until the number is reached.
    """
    host = np.arange(age.size, dtype=np.int64)
    leader = families.leaders()
    elder_heads = _join_elders(families, leader, host, sex, age, parameters, draws)
    leader = host[leader]
    leader = _join_minors(leader, age, draws)
    leader = _reach_number(families, leader, age, n_households, parameters, draws)
    head = _heads(families, leader, elder_heads, sex, age, parameters, draws)
    return _arrange(families, leader, head, age)


def _unit_facts(leader: Ints, age: Ints) -> tuple[Ints, Ints]:
    """Return by leader row: persons in the unit, and the age of its youngest member."""
    size = np.bincount(leader, minlength=leader.size)
    youngest = np.full(leader.size, 999)
    np.minimum.at(youngest, leader, age)
    return size, youngest


def _join_elders(
    families: Families,
    leader: Ints,
    host: Ints,
    sex: Bools,
    age: Ints,
    parameters: Parameters,
    draws: Draws,
) -> Ints:
    """Let units of elders only join a younger unit as parents; return elders who may be heads."""
    size, youngest = _unit_facts(leader, age)
    roots = np.flatnonzero(size > 0)
    old = roots[youngest[roots] >= OLD]
    alone, couple = (parameters.number("structure.elders", k) for k in ("alone", "couple_alone"))
    stays = draws.uniform("elder stays alone", old) < np.where(size[old] == 1, alone, couple)
    joining = old[~stays]
    younger = roots[(youngest[roots] < OLD) & (age[roots] >= ADULT)]
    younger = younger[(families.mother[younger] == NOBODY) & (families.father[younger] == NOBODY)]
    order = np.argsort(age[younger], kind="stable")
    younger = younger[order]
    if younger.size == 0 or joining.size == 0:
        return np.zeros(0, dtype=np.int64)
    gap = 27.0 + 6.0 * draws.bell("age gap of elder and child", joining)
    wanted = age[joining] - np.clip(gap, 15.0, 45.0)
    place = np.searchsorted(age[younger], wanted)
    spread = draws.uniform("which child", joining) * 0.06 * younger.size
    child = younger[np.minimum(place + spread.astype(np.int64), younger.size - 1)]
    fits = age[joining] - age[child] >= 15
    _, first = np.unique(child, return_index=True)
    once = np.zeros(joining.size, dtype=np.bool_)
    once[first] = True
    joining, child = joining[fits & once], child[fits & once]
    host[joining] = child
    partner = families.spouse[joining]
    partner = np.where((partner != NOBODY) & (age[partner] - age[child] >= 15), partner, NOBODY)
    is_mother = sex[joining]
    families.mother[child] = np.where(is_mother, joining, partner)
    families.father[child] = np.where(is_mother, partner, joining)
    share = parameters.number("structure.elders", "elder_is_head")
    heads: Ints = joining[draws.uniform("elder is head", joining) < share]
    return heads


def _join_minors(leader: Ints, age: Ints, draws: Draws) -> Ints:
    """Let units without an adult join a unit with one, rather that of a grandparent."""
    oldest = np.zeros(leader.size, dtype=np.int64)
    np.maximum.at(oldest, leader, age)
    is_root = leader == np.arange(leader.size)
    lost = np.flatnonzero(is_root & (oldest < ADULT))
    hosts = np.flatnonzero(is_root & (oldest >= 25))
    if lost.size == 0 or hosts.size == 0:
        return leader
    weight = np.where(oldest[hosts] >= 45, 3.0, 1.0)
    return _send(leader, lost, hosts[_weighted(weight, draws.uniform("foster home", lost))])


def _weighted(weight: Floats, u: Floats) -> Ints:
    """Return an index for each uniform number, with the given weights."""
    cumulative = np.cumsum(weight)
    place = np.searchsorted(cumulative, u * cumulative[-1], side="right")
    index: Ints = np.minimum(place, weight.size - 1)
    return index


def _send(leader: Ints, guests: Ints, hosts: Ints) -> Ints:
    """Return the leaders after each guest unit joined its host."""
    onward = np.arange(leader.size, dtype=np.int64)
    onward[guests] = hosts
    after: Ints = onward[leader]
    return after


def _reach_number(
    families: Families,
    leader: Ints,
    age: Ints,
    n_households: int,
    parameters: Parameters,
    draws: Draws,
) -> Ints:
    n_now = int(np.count_nonzero(leader == np.arange(leader.size)))
    if n_now > n_households:
        block = "structure.one_person_households"
        wanted = None
        if parameters.has(block):
            wanted = round(parameters.number(block, "share") * n_households)
        return _merge(families, leader, age, n_now - n_households, wanted, draws)
    if n_now < n_households:
        return _split(families, leader, age, n_households - n_now, draws)
    return leader


def _merge(
    families: Families, leader: Ints, age: Ints, surplus: int, singles: int | None, draws: Draws
) -> Ints:
    """Let single persons (the young first), then units without a couple, join others.

    `singles` is the number of one-person households to keep; None keeps what is left.
    """
    size, _ = _unit_facts(leader, age)
    roots = np.flatnonzero(size > 0)
    alone = size[roots] == 1
    score = np.minimum(size[roots] - 1, 5) * 1.0 + draws.uniform("joins another household", roots)
    score = score + np.where(age[roots] < 30, 0.0, np.where(age[roots] < OLD, 0.35, 0.6))
    joins = np.zeros(roots.size, dtype=np.bool_)
    spare = surplus if singles is None else max(int(alone.sum()) - singles, 0)
    joins[alone] = choose(score[alone], min(surplus, spare))
    left = surplus - int(joins.sum())
    others = ~joins & (families.spouse[roots] == NOBODY) & (~alone if singles is not None else True)
    joins[others] = choose(score[others], left)
    left = surplus - int(joins.sum())
    joins[~joins] = choose(score[~joins], min(left, int((~joins).sum()) - 1))
    guests, hosts = roots[joins], roots[~joins]
    weight = np.where(age[hosts] >= 25, 1.0, 0.3)
    weight = np.where(size[hosts] == 1, 1.5 if singles is None else 0.0, weight)
    if not bool((weight > 0.0).any()):
        weight = np.ones(hosts.size)
    return _send(leader, guests, hosts[_weighted(weight, draws.uniform("which host", guests))])


def _split(families: Families, leader: Ints, age: Ints, missing: int, draws: Draws) -> Ints:
    """Let single adults without children leave for a household of their own."""
    is_parent = np.zeros(leader.size, dtype=np.bool_)
    for link in (families.mother, families.father):
        is_parent[link[link != NOBODY]] = True
    free = (families.spouse == NOBODY) & ~is_parent & (age >= ADULT)
    able = np.flatnonzero(free & (leader != np.arange(leader.size)))
    score = draws.uniform("leaves home", able) - 0.02 * np.minimum(age[able], 50)
    leaving = able[choose(score, missing)]
    leader = leader.copy()
    leader[leaving] = leaving
    families.mother[leaving], families.father[leaving] = NOBODY, NOBODY
    return leader


def _heads(
    families: Families,
    leader: Ints,
    elder_heads: Ints,
    sex: Bools,
    age: Ints,
    parameters: Parameters,
    draws: Draws,
) -> Ints:
    """Return by leader row the row of the head: leader, wife of the leader, or elder parent.

    Where the country's file gives the share of women among heads, as many wives head as it needs.
    """
    head = np.arange(leader.size, dtype=np.int64)
    wife, u = families.spouse, draws.uniform("wife heads")
    head[leader[elder_heads]] = elder_heads
    roots = np.flatnonzero(leader == np.arange(leader.size))
    couples = roots[(wife[roots] != NOBODY) & (head[roots] == roots) & ~sex[roots]]
    if parameters.has("structure.female_heads"):
        wanted = round(parameters.number("structure.female_heads", "share") * roots.size)
        swap = choose(u[couples], wanted - int(sex[head[roots]].sum()))
    else:
        swap = u[couples] < parameters.number("structure.wife_heads_couple", "share")
    head[couples[swap]] = wife[couples[swap]]
    # A leader may be a minor where nobody older was free: then the oldest member heads.
    minors = np.flatnonzero((leader == np.arange(leader.size)) & (age[head] < ADULT))
    if minors.size:
        by_age = np.lexsort((np.arange(leader.size), -age, leader))
        first = np.searchsorted(leader[by_age], minors)
        head[minors] = by_age[first]
    return head


def _arrange(families: Families, leader: Ints, head: Ints, age: Ints) -> Homes:
    n = leader.size
    own_head = head[leader]
    rows = np.arange(n, dtype=np.int64)
    rank = np.where(
        rows == own_head, -2, np.where(rows == families.spouse[own_head], -1, 127 - age)
    )
    _, household = np.unique(leader, return_inverse=True)
    order = np.lexsort((rows, rank, household))
    size = np.bincount(household)
    starts = np.cumsum(size) - size
    position = np.empty(n, dtype=np.int64)
    position[order] = rows - np.repeat(starts, size)

    def placed(link: Ints) -> Ints:
        linked = link[order]
        together = (linked != NOBODY) & (household[linked] == household[order])
        return np.where(together, position[linked], NOBODY)

    return Homes(
        order, size, placed(own_head), placed(families.spouse),
        placed(families.mother), placed(families.father),
    )  # fmt: skip
