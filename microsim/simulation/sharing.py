"""Finds which scenarios of a projection share one life course, and makes the model of each group.

Lives read variables of the rule language (chances to die, to marry, to retire ...) as they were at
the end of the year before. Scenarios under which all of them have the same formulas, parameters
and states as under the baseline, and which move no parameter that tables of rates are made from,
share its lives; every other scenario has lives of its own. Chance is the same in all: draws are
keyed by person, not by scenario.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from microsim.dynamics.tables import LifeTables
from microsim.errors import Fault, InputError
from microsim.language.evaluating import Evaluator, moved_over
from microsim.policy.system import System
from microsim.scenario.frame import Frame
from microsim.simulation.horizon import LifeGroup
from microsim.simulation.model import Model, build, laws_of_years


def life_groups(
    names: Sequence[str],
    systems: Sequence[System],
    frame: Frame,
    years: Sequence[int],
    behaviours: Mapping[str, str],
    tables: Mapping[str, LifeTables],
    *,
    compiled: bool = True,
    persons: Sequence[str] = (),
) -> tuple[LifeGroup, ...]:
    """Return the life groups of some scenarios, that of the first one (the baseline) first.

    Parameters
    ----------
    names, systems, frame
        As of `build`; the frame has every year.
    years
        First to last.
    behaviours
        Variable by process of lives that it moves.
    tables
        Rates of lives by scenario: the baseline's, and of those that have rates of their own.
    compiled
        If not, no machine code is made or loaded.
    persons
        Variables whose value of each person is kept.

    Raises
    ------
    InputError
        Faults of the rules; a parameter without value in a year; a quota, which only runs of one
        year have.
    """
    rates = tables[names[0]]
    whole = _group(0, names, systems, rates, frame, years, behaviours, persons, compiled=compiled)
    if whole.model.quotas:
        variables = ", ".join(q.variable for q in whole.model.quotas.values())
        raise InputError(
            Fault(
                "among_first(...)", "a projection has no quotas", variables, "runs of one year",
                "State who is served by a probability or an income limit.",
            )
        )  # fmt: skip
    own = _with_own_lives(whole, behaviours) | (set(tables) - {names[0]})
    if not own:
        return (whole,)
    law = dict(zip(names, systems, strict=True))
    parts = [[name for name in names if name not in own]]
    parts += [[name] for name in names if name in own]
    return tuple(
        _group(
            k,
            part,
            [law[name] for name in part],
            tables.get(part[0], rates),
            frame,
            years,
            behaviours,
            persons,
            compiled=compiled,
        )
        for k, part in enumerate(parts)
    )


def _group(
    number: int,
    names: Sequence[str],
    systems: Sequence[System],
    tables: LifeTables,
    frame: Frame,
    years: Sequence[int],
    behaviours: Mapping[str, str],
    persons: Sequence[str],
    *,
    compiled: bool,
) -> LifeGroup:
    model = build(
        names, systems, frame, years[0], compiled=compiled, behaviours=behaviours, persons=persons
    )
    laws = laws_of_years(model, years)
    return LifeGroup(number, model, tables, laws, tuple(moved_over(laws)))


def _with_own_lives(group: LifeGroup, behaviours: Mapping[str, str]) -> set[str]:
    """Return the scenarios under which something that lives read may differ from the baseline."""
    model = group.model
    evaluator = _evaluator(model, group)
    found = set()
    for s, name in enumerate(model.names[1:], 1):
        for variable in behaviours.values():
            key = model.ids[s].get(variable)
            if key != model.ids[0][variable] or key in evaluator.affected[s]:
                found.add(name)
    return found


def _evaluator(model: Model, group: LifeGroup) -> Evaluator:
    systems = list(range(len(model.names)))
    return Evaluator(model.program, group.laws[0], systems, model.wanted, moved=group.moved)
