"""What a scenario may change against the baseline, told from its rules and parameters alone.

What it cannot change is computed once for all scenarios. Values of years before are of the same
kind: a variable that a scenario may change moves, a year later, all that look back at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from microsim.language.compiling import Program
from microsim.language.graph import dependents_of, parameters_of
from microsim.language.staging import dependencies
from microsim.language.states import inputs_of, is_state, variable_of

Moved = set[tuple[str, str]]  # (parameter, "month" or "year")


@dataclass(frozen=True)
class Reading:
    """What a formula reads: formulas, parameters by period, variables of years before."""

    id: str
    formulas: frozenset[str]
    parameters: frozenset[tuple[str, str]]
    before: frozenset[str]


class Affected:
    """Finds the formulas whose values each scenario may change.

    Parameters
    ----------
    program
        The compiled graph.
    systems
        Index into `program.graph.systems` for each scenario, the baseline first.
    moved
        Parameters that differ from the baseline's, by scenario.

    Attributes
    ----------
    formulas
        Ids by scenario; all of its own for the baseline.
    states
        Variables whose values of years before may differ from the baseline's, by scenario.
    """

    def __init__(self, program: Program, systems: Sequence[int], moved: Sequence[Moved]) -> None:
        self.graph, self.moved = program.graph, moved
        self._stages = [
            [_reading(f.id, program) for f in s.formulas] for s in program.staging.stages
        ]
        self._names = tuple(program.graph.states)
        self._readers: dict[str, set[str]] = {}
        members = program.graph.members[systems[0]]
        self.formulas = [set(members) & set(program.graph.formulas)]
        self.states: list[set[str]] = [set()]
        for s, system in enumerate(systems[1:], 1):
            found = self._found(systems[0], system, moved[s])
            self.formulas.append(found[0])
            self.states.append(found[1])

    def _found(self, base: int, system: int, moved: Moved) -> tuple[set[str], set[str]]:
        states: set[str] = set()
        while True:
            affected = self._by(base, system, moved, states)
            more = {name for name in self._names if self._moves(base, system, name, affected)}
            if more <= states:
                return affected, states
            states |= more

    def _by(self, base: int, system: int, moved: Moved, states: set[str]) -> set[str]:
        """Return the affected formulas, if values of years before of some variables may differ."""
        graph = self.graph
        mine, others = graph.members[system], graph.members[base]
        affected: set[str] = set()
        for stage in self._stages:
            for one in stage:
                if one.id in mine and (
                    one.id not in others
                    or not affected.isdisjoint(one.formulas)
                    or not moved.isdisjoint(one.parameters)
                    or not states.isdisjoint(one.before)
                ):
                    affected.add(one.id)
            for value_before, fixed in graph.fixed.items():  # a cycle moves as a whole
                if fixed.final in affected and fixed.final in mine:
                    affected |= self._readers_of(value_before) & mine & set(graph.formulas)
        return affected

    def _readers_of(self, key: str) -> set[str]:
        """Return the formulas that read one, directly or not; found once."""
        if key not in self._readers:
            self._readers[key] = dependents_of(self.graph, key)
        return self._readers[key]

    def _moves(self, base: int, system: int, name: str, affected: set[str]) -> bool:
        """Tell whether a scenario may change a variable that is read of years before."""
        mine = self.graph.systems[system].get(name)
        return mine != self.graph.systems[base].get(name) or mine in affected


def _reading(key: str, program: Program) -> Reading:
    formula = program.graph.formulas[key]
    inputs = {one.name for one in inputs_of(formula.root) if is_state(one.name)}
    return Reading(
        key,
        frozenset(read for _, read in dependencies(formula)),
        frozenset((name, formula.period) for name in parameters_of(formula.root)),
        frozenset(variable_of(name) for name in inputs),
    )
