"""Who is whose spouse, child and parent: couples, mothers, fathers, and the units they form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.population.synthesis.parameters import Parameters, at_ages
from microsim.population.synthesis.people import Bools, Draws, Floats, Ints, choose

NOBODY = -1
YOUNGEST_MOTHER, OLDEST_MOTHER = 13, 49
ADULT = 18


@dataclass
class Families:
    """Rows of the person each person is linked to, -1 if none.

    Attributes
    ----------
    spouse, mother, father
        Shape (n_persons,), rows.
    lives_with
        Shape (n_persons,), row of the person whose unit one belongs to; oneself for who leads it.
    """

    spouse: Ints
    mother: Ints
    father: Ints
    lives_with: Ints

    def leaders(self) -> Ints:
        """Return the row of the leader of each person's unit, shape (n_persons,)."""
        leader = self.lives_with
        while True:
            onward = leader[leader]
            if np.array_equal(onward, leader):
                return leader
            leader = onward


def make_families(sex: Bools, age: Ints, parameters: Parameters, draws: Draws) -> Families:
    """Form couples, give children mothers and fathers, keep some adults with their parents.

    Parameters
    ----------
    sex
        Shape (n_persons,), whether female.
    age
        Shape (n_persons,), completed years.
    """
    n = age.size
    own = np.arange(n, dtype=np.int64)
    families = Families(np.full(n, NOBODY), np.full(n, NOBODY), np.full(n, NOBODY), own.copy())
    _form_couples(families, sex, age, parameters, draws)
    _give_parents(families, sex, age, parameters, draws)
    return families


def _form_couples(
    families: Families, sex: Bools, age: Ints, parameters: Parameters, draws: Draws
) -> None:
    block = "structure.partnered"
    u = draws.uniform("lives with a spouse")
    women, men = np.flatnonzero(sex), np.flatnonzero(~sex)
    wants = women[u[women] < parameters.by_age(block, age[women], 2)]
    rate = parameters.by_age(block, age[men], 1)
    eligible = men[rate > 0.0]
    score = u[eligible] / rate[rate > 0.0]
    n_couples = min(wants.size, eligible.size)
    # Fewer men than women who should be partnered: the women drawn last stay alone.
    wives = wants[choose(u[wants], n_couples)]
    husbands = eligible[choose(score, n_couples)]
    gap, deviation = (parameters.number("structure.age_gap", k) for k in ("mean", "deviation"))
    wife_age = age[wives] + gap + deviation * draws.bell("age gap", wives)
    husband_age = age[husbands] + draws.uniform("age gap", husbands)
    wives = wives[np.argsort(wife_age, kind="stable")]
    husbands = husbands[np.argsort(husband_age, kind="stable")]
    families.spouse[wives], families.spouse[husbands] = husbands, wives
    families.lives_with[wives] = husbands


def _give_parents(
    families: Families, sex: Bools, age: Ints, parameters: Parameters, draws: Draws
) -> None:
    u = draws.uniform("lives with a parent")
    children = parameters.by_age("structure.children", age, 1)
    grown = np.where(
        sex,
        parameters.by_age("structure.with_parents", age, 2),
        parameters.by_age("structure.with_parents", age, 1),
    )
    with_mother = np.where(age < ADULT, children, grown)
    with_father = np.where(age < ADULT, parameters.by_age("structure.children", age, 2), 0.0)
    single = families.spouse == NOBODY
    to_mother = np.flatnonzero(single & (u < with_mother))
    to_father = np.flatnonzero(single & (u >= with_mother) & (u < with_mother + with_father))
    mean, deviation = (parameters.number("structure.mother_age", k) for k in ("mean", "deviation"))
    at_birth = np.rint(mean + deviation * draws.bell("age at birth")).astype(np.int64)
    at_birth = np.clip(at_birth, YOUNGEST_MOTHER, OLDEST_MOTHER)
    partnered = families.spouse != NOBODY
    likely_mother = np.where(partnered, 1.0, np.where(age < 25, 0.12, 0.45)) * sex
    pick = draws.uniform("which parent")
    mother = _pick_by_age(age, likely_mother, (age + at_birth)[to_mother], pick[to_mother])
    families.mother[to_mother] = mother
    found = to_mother[mother != NOBODY]
    families.lives_with[found] = mother[mother != NOBODY]
    husband = families.spouse[families.mother[found]]
    old_enough = (husband != NOBODY) & (age[husband] - age[found] >= YOUNGEST_MOTHER)
    families.father[found] = np.where(old_enough, husband, NOBODY)
    gap = round(parameters.number("structure.age_gap", "mean"))
    likely_father = np.where(partnered, 0.05, 1.0) * ~sex
    wanted = (age + at_birth + gap)[to_father]
    father = _pick_by_age(age, likely_father, wanted, pick[to_father])
    families.father[to_father] = father
    found = to_father[father != NOBODY]
    families.lives_with[found] = father[father != NOBODY]


def _pick_by_age(age: Ints, likelihood: Floats, wanted: Ints, u: Floats) -> Ints:
    """Pick, for each wanted age, a person of that age with the given likelihood; -1 if none.

    Parameters
    ----------
    age, likelihood
        Shape (n_persons,).
    wanted, u
        Shape (n_picks,): age looked for, and a uniform number.

    Returns
    -------
    Ints
        Shape (n_picks,), row picked.
    """
    order = np.argsort(age, kind="stable")
    cumulative = np.r_[0.0, np.cumsum(likelihood[order])]
    starts = np.searchsorted(age[order], np.arange(129))
    low, high = (
        cumulative[starts[np.clip(wanted, 0, 127)]],
        cumulative[starts[np.clip(wanted, 0, 127) + 1]],
    )
    place = np.searchsorted(cumulative, low + u * (high - low), side="right") - 1
    picked = order[np.clip(place, 0, age.size - 1)]
    return np.where((high > low) & (likelihood[picked] > 0.0), picked, NOBODY)


def mark_orphans(families: Families, age: Ints, parameters: Parameters, draws: Draws) -> Bools:
    """Return who lost one or both parents: rather children who do not live with both.

    Shape (n_persons,). The number is the sum of the rates by age of the country's file.
    """
    minors = np.flatnonzero(age < ADULT)
    rate = parameters.by_age("structure.orphans", age[minors], 1)
    n_parents = (families.mother[minors] != NOBODY) * 1.0 + (families.father[minors] != NOBODY)
    # A child with both parents at home is no orphan; one with none is likeliest to be.
    score = draws.uniform("orphan", minors) * np.choose(n_parents.astype(np.int64), [1, 4, 1e9])
    score = score / np.maximum(rate, 1e-9)
    orphan = np.zeros(age.size, dtype=np.bool_)
    orphan[minors[choose(score, round(float(np.cumsum(rate)[-1]) if rate.size else 0))]] = True
    return orphan


def mark_severe_disability(age: Ints, parameters: Parameters, draws: Draws) -> Bools:
    """Return who has a severe disability, shape (n_persons,), by the rates by age.

    Systematic sampling along age: the number is the sum of the rates to a person.
    """
    rows = parameters.blocks["structure.severe_disability"]["rows"]
    order = np.lexsort((draws.uniform("severe disability"), age))
    passed = np.floor(np.cumsum(at_ages(rows, age)[order]) + 0.5)
    chosen = np.zeros(age.size, dtype=np.bool_)
    chosen[order] = np.diff(passed, prepend=0.0) > 0.0
    return chosen
