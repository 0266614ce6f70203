"""Holds the rights that a projection starts with against what administrations count.

Surveys seldom know contribution histories: they are drawn from densities or walked back (see the
lives file), and what they add up to is shown before anything is projected.
"""

from __future__ import annotations

from microsim.language.people import World
from microsim.population.store import PopulationSlice
from microsim.results.contents import Measure
from microsim.scenario.totals import BALANCES
from microsim.simulation.calibrate import Calibrator, Columns
from microsim.simulation.phases import Prepared
from microsim.simulation.projecting import ShardLife
from microsim.simulation.static_ageing import StaticLife
from microsim.simulation.worlds import WorldKey

MILLION = 1e6


def initial_histories(prepared: Prepared) -> list[str]:
    """Return a line for each official total of members' balances in the first year: simulated,
    official, and their ratio; and one for each scheme with balances that no total is given for.

    People are as the projection begins with them: with the past work that they are given.
    """
    question, scenario, model = prepared.question, prepared.scenario, prepared.base_model(0)
    known = {m.scheme for m in model.measures if m == Measure("fund", m.scheme, "", "balances")}
    totals = [
        one
        for one in scenario.totals
        if one.item == BALANCES and one.year == scenario.year and one.scheme in known
    ]
    lines = []
    if totals:
        calibrator = Calibrator(
            question, prepared.population, scenario, model, lambda part: _first_year(prepared, part)
        )
        found = calibrator.simulated(question, totals)
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


def _first_year(prepared: Prepared, part: PopulationSlice) -> tuple[Columns, Columns]:
    """Return the columns of persons and households of some markets in the first year."""
    horizon = prepared.horizon(0, WorldKey())
    kind = ShardLife if horizon.static is None else StaticLife
    regions, chance = len(prepared.population.regions), World(prepared.question.seed, 0)
    life = kind(horizon, horizon.groups[0], part, regions, chance)
    life.begin_year()
    return dict(life.persons), dict(life.households)
