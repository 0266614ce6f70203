"""Freezes the cut-offs of quotas: who is among the first n by rank is known only over the whole
population.

One phase for each quota: every shard gives rank and weight of those eligible; sorted by rank, the
cut-off is the largest rank up to which their weights do not pass the number of places. Formulas
then read the cut-off, never a total of their own phase.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import Evaluator, Wanted
from microsim.language.people import World
from microsim.population.store import PopulationReader
from microsim.scenario.scenario import Scenario
from microsim.simulation.model import Model
from microsim.simulation.people import people_of, weighting_of
from microsim.simulation.question import Question, systems_of
from microsim.simulation.unit import shard_columns

SLICE_MARKETS = 20
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Frozen:
    """One quota of one scenario: places, weighted numbers eligible and taken, cut-off of rank."""

    variable: str
    scenario: str
    places: float
    eligible: float
    taken: float
    cut_off: float


def frozen_quotas(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    model: Model,
    say: Callable[[str], None],
) -> tuple[Question, Model, list[Frozen]]:
    """Return question and model with the cut-off of every quota frozen, quotas that others need
    first.
    """
    report: list[Frozen] = []
    for name, quota in model.quotas.items():
        evaluator = Evaluator(
            model.program, model.laws, list(range(len(model.names))), _wanted(model, name)
        )
        cut_offs = []
        for s, scenario_name in enumerate(model.names):
            places = float(model.laws[s].yearly.get(quota.places, 0.0))
            rank, weight = _eligible(model, evaluator, population, question, s)
            cut, taken = cut_off(rank, weight, places)
            total = float(np.sort(weight).sum())
            cut_offs.append(cut)
            report.append(Frozen(quota.variable, scenario_name, places, total, taken, cut))
            if total or places:  # else the scenario has no such quota
                say(
                    f"quota {quota.variable}, {scenario_name}: {taken:,.0f} of {total:,.0f} "
                    f"eligible within {places:,.0f} places"
                )
        question = replace(question, cut_offs=(*question.cut_offs, (name, tuple(cut_offs))))
        systems = list(systems_of(question, population, scenario).values())
        model = model.with_law(systems, dict(question.cut_offs))
    return question, model, report


def _wanted(model: Model, name: str) -> Wanted:
    quota = model.quotas[name]
    columns = tuple(
        tuple(key if key in members else None for members in model.program.graph.members)
        for key in (quota.rank, quota.eligible)
    )
    if model.program.graph.formulas[quota.rank].of == "household":
        return Wanted(household_columns=columns)
    return Wanted(person_columns=columns)


def _eligible(
    model: Model,
    evaluator: Evaluator,
    population: PopulationReader,
    question: Question,
    scenario: int,
) -> tuple[Floats, Floats]:
    """Return rank and weight of everybody eligible, in the order of the population."""
    world = World(question.seed, question.replicate)
    ranks, weights = [np.zeros(0)], [np.zeros(0)]
    of_household = bool(evaluator.wanted.household_columns)
    for first in range(0, population.n_markets, SLICE_MARKETS):
        last = min(first + SLICE_MARKETS, population.n_markets)
        part = population.read_markets(first, last, shard_columns(model))
        people = people_of(part.persons, part.households, model.program.layout.inputs)
        weighting = weighting_of(part.persons, part.households, len(population.regions))
        out = evaluator.run(people, weighting, world)
        columns = out.households if of_household else out.persons
        shared = out.households_shared if of_household else out.persons_shared
        values = [columns[0 if shared[scenario, c] else scenario, c] for c in (0, 1)]
        weight = weighting.weight if of_household else weighting.weight[people.household_of()]
        bad = out.poison != 0 if of_household else (out.poison != 0)[people.household_of()]
        chosen = (values[1] != 0.0) & ~bad
        ranks.append(values[0][chosen])
        weights.append(weight[chosen])
    return np.concatenate(ranks), np.concatenate(weights)


def cut_off(rank: Floats, weight: Floats, places: float) -> tuple[float, float]:
    """Return the largest rank up to which weights add up to at most `places`, and that sum.

    Those of equal rank are in together or out together. The rank is infinite where there is a place
    for everybody and minus infinite where there is none for the first.

    Parameters
    ----------
    rank, weight
        Shape (n,), of those eligible.
    places
        Number of places, persons or households.
    """
    order = np.lexsort((np.arange(len(rank)), rank))
    total = np.cumsum(weight[order])
    if not len(rank) or total[-1] <= places:
        return np.inf, float(total[-1]) if len(rank) else 0.0
    ordered = rank[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # last of each rank
    within = ends[total[ends] <= places]
    if not len(within):
        return -np.inf, 0.0
    return float(ordered[within[-1]]), float(total[within[-1]])
