"""Holds the rights that a projection starts with against what administrations count.

Surveys seldom know contribution histories: they are drawn from densities or walked back (see the
lives file), and what they add up to is shown before anything is projected.
"""

from __future__ import annotations

from microsim.population.store import PopulationReader
from microsim.results.contents import Measure
from microsim.scenario.scenario import Scenario
from microsim.scenario.totals import BALANCES
from microsim.simulation.calibrate import Calibrator
from microsim.simulation.model import Model
from microsim.simulation.question import Question

MILLION = 1e6


def initial_histories(
    question: Question, population: PopulationReader, scenario: Scenario, model: Model
) -> list[str]:
    """Return a line for each official total of members' balances in the first year: simulated,
    official, and their ratio; and one for each scheme with balances that no total is given for.
    """
    known = {m.scheme for m in model.measures if m == Measure("fund", m.scheme, "", "balances")}
    totals = [
        one
        for one in scenario.totals
        if one.item == BALANCES and one.year == scenario.year and one.scheme in known
    ]
    lines = []
    if totals:
        found = Calibrator(question, population, scenario, model).simulated(question, totals)
        for total, simulated in zip(totals, found, strict=True):
            ratio = f"{simulated / total.value:.3f}" if total.value else "n/a"
            amounts = f"{simulated / MILLION:,.0f} million simulated, "
            amounts += f"{total.value / MILLION:,.0f} million official, ratio {ratio}"
            lines.append(f"initial balances of {total.scheme}: {amounts}")
    compared = {one.scheme for one in totals}
    lines += [
        f"initial balances of {scheme}: no official total is given to hold them against"
        for scheme in sorted(known - compared)
    ]
    return lines
