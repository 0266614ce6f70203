"""Values of the year before: how rules name them, and which of them a run has to carry along.

To a formula they are inputs of persons whose names no modeller can write: `x@1` is variable x one
year before, `x@1@late_spouse` that of the spouse who has died since, `@known` whether the person
has a year before, `@late_spouse` whether there is such a spouse. All are 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from microsim.language import tree

KNOWN = "@known"
LATE_LINKS = ("late_spouse", "late_mother", "late_father")
MOST_YEARS = 60  # that a history may reach back, this year included


@dataclass(frozen=True)
class State:
    """A variable or input of persons that rules read of years before.

    Attributes
    ----------
    lags
        How many years back rules reach at most.
    late
        Links to persons who died since over which rules read it.
    boolean
        Whether all formulas that read it take it for a condition.
    """

    name: str
    lags: int
    late: tuple[str, ...]
    boolean: bool


@dataclass(frozen=True)
class StateColumn:
    """A state with its formula in each scenario: None where the scenario has no such variable, or
    where it is an input of persons (then in all).
    """

    state: State
    formulas: tuple[str | None, ...]


class ReadsStates(Protocol):
    """A graph of formulas."""

    @property
    def states(self) -> dict[str, State]:
        """What its formulas read of years before."""


def lagged(name: str, lag: int, late: str = "") -> str:
    """Return the input that holds a variable `lag` years before, of oneself or over a late link."""
    return f"{name}@{lag}@{late}" if late else f"{name}@{lag}"


def there_is(late: str) -> str:
    """Return the input that tells whether a person has a late link."""
    return f"@{late}"


def is_state(name: str) -> bool:
    """Tell whether an input holds something of years before, which no population file has."""
    return "@" in name


def variable_of(name: str) -> str:
    """Return the variable that an input of years before holds; "" for `@known` and the like."""
    return name.partition("@")[0]


def inputs_of(node: tree.Node) -> Iterable[tree.Reference]:
    """Yield the references to inputs of an expression."""
    if isinstance(node, tree.Reference) and node.is_input:
        yield node
    for child in tree.children(node):
        yield from inputs_of(child)


def in_words(name: str) -> str:
    """Return an input of years before as people say it."""
    variable, _, rest = name.partition("@")
    lag, _, late = rest.partition("@")
    if not variable:
        return "has a year before" if name == KNOWN else f"has a {lag.replace('_', ' ')}"
    if late:
        return f"{variable} of the {late.replace('_', ' ')}, the year before"
    return f"{variable} of the year before" if lag == "1" else f"{variable} {lag} years before"


def states_of(roots: Iterable[tree.Node]) -> dict[str, State]:
    """Return the states that expressions read, by name of the variable."""
    found: dict[str, State] = {}
    read = {ref.name: ref for root in roots for ref in inputs_of(root) if is_state(ref.name)}
    kinds = {(ref.name, ref.type.kind) for root in roots for ref in inputs_of(root)}
    for name in sorted(read):
        variable, _, rest = name.partition("@")
        if not variable:
            continue
        lag, _, late = rest.partition("@")
        before = found.get(variable, State(variable, 1, (), True))
        found[variable] = State(
            variable,
            max(before.lags, int(lag)),
            before.late + ((late,) if late else ()),
            before.boolean and all(kind == "boolean" for one, kind in kinds if one == name),
        )
    return found


def is_boolean(name: str, states: Mapping[str, State]) -> bool:
    """Tell whether an input of years before is a condition: bool, where others are float64."""
    variable = variable_of(name)
    return not variable or states[variable].boolean


def state_columns(graph: ReadsStates, ids: Sequence[Mapping[str, str]]) -> tuple[StateColumn, ...]:
    """Return what a run of several years carries along: each state with its formula by scenario.

    `ids`: formula id by variable of each scenario, the baseline first.
    """
    return tuple(
        StateColumn(state, tuple(one.get(name) for one in ids))
        for name, state in graph.states.items()
    )
