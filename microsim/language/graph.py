"""Formulas of one or several systems as one graph: parts named by content, so that systems share
what is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from microsim.errors import FaultList
from microsim.language import tree
from microsim.language.definitions import Definitions, Location, UnitDefinition, VariableDefinition
from microsim.language.histories import Context
from microsim.language.parsing import Parser
from microsim.language.quantities import BOOLEAN, Type, of_definition
from microsim.language.states import State, states_of


@dataclass(frozen=True)
class Formula:
    """One computed column: of whom, in which period, by which expression.

    References inside `root` to other computed columns carry the `id` of their formula as name; the
    arguments of aggregates, links, year sums and month crossings are plain references or inputs.
    `anchor` is set for the partition of a unit of people instead of an expression.
    """

    id: str
    name: str
    of: str
    period: str
    root: tree.Node
    text: str
    where: Location
    anchor: UnitDefinition | None = None
    fixed_point: tuple[float, float] | None = None

    @property
    def type(self) -> Type:
        """Type of the value."""
        return self.root.type


@dataclass(frozen=True)
class QuotaColumns:
    """What a run needs to freeze the cut-off of a quota: ids of rank and eligibility, the parameter
    of places.
    """

    rank: str
    eligible: str
    places: str
    variable: str
    of: str


@dataclass(frozen=True)
class FixedPoint:
    """A cycle that is worked through in rounds: formula `final` becomes the next round's value.

    The graph holds it by the id of a formula that stands for the value of the round before, whose
    root is the start value.
    """

    final: str
    tolerance: float
    variable: str
    where: Location


MOST_ROUNDS = 50


@dataclass
class Graph:
    """Formulas by id, in an order in which each comes after what it reads; variables of each system
    by name.
    """

    formulas: dict[str, Formula] = field(default_factory=dict)
    systems: list[dict[str, str]] = field(default_factory=list)
    members: list[frozenset[str]] = field(default_factory=list)  # ids of each system
    quotas: dict[str, QuotaColumns] = field(default_factory=dict)  # in order of dependence
    fixed: dict[str, FixedPoint] = field(default_factory=dict)  # by id of the value before

    @property
    def states(self) -> dict[str, State]:
        """Variables and inputs of persons that formulas read of years before, by name."""
        return states_of([formula.root for formula in self.formulas.values()])


def canonical(node: tree.Node) -> str:
    """Return a text that is equal for equal expressions, whatever their units are called."""
    parts = [type(node).__name__, node.type.kind]
    for name, value in vars(node).items():
        if name == "type":
            continue
        if isinstance(value, tree.Node):
            parts.append(canonical(value))
        elif isinstance(value, tuple):
            parts.append("(" + ",".join(canonical(v) for v in value) + ")")
        else:
            parts.append(f"{name}={value!r}")
    return "[" + " ".join(parts) + "]"


def references(node: tree.Node) -> Iterator[tuple[tree.Node, tree.Reference]]:
    """Yield (node that reads, reference) for every computed column an expression reads."""
    if isinstance(node, tree.Reference):
        if not node.is_input:
            yield node, node
        return
    for child in tree.children(node):
        barrier = isinstance(
            node, tree.Aggregate | tree.Link | tree.YearSum | tree.LastMonth | tree.MonthOf
        )
        if barrier and isinstance(child, tree.Reference) and child is tree.children(node)[0]:
            if not child.is_input:
                yield node, child
        else:
            yield from references(child)


class Builder:
    """Adds systems to a graph; notes faults of names, types, units and cycles."""

    def __init__(self, graph: Graph, faults: FaultList) -> None:
        self.graph = graph
        self.faults = faults

    def add(self, definitions: Definitions) -> dict[str, str]:
        """Add all variables of a system; return the formula id of each variable by name."""
        self.definitions = definitions
        self.parsed = self._parse_all()
        self.ids: dict[str, str] = {}
        self.used: set[str] = set()
        self.path: list[str] = []
        self.broken: set[str] = {n for n, root in self.parsed.items() if root is None}
        self.previous: dict[str, str] = {}
        self.salt = _digest(
            "|".join(
                f"{v.name}:{v.formula}:{[case[:2] for case in v.cases]}"  # not where they stand
                for v in definitions.variables.values()
            )
        )
        settled = [v.name for v in definitions.variables.values() if v.fixed_point is not None]
        for name in (*settled, *definitions.variables):
            self._variable(name)
        self._check_fixed_points()
        self.graph.systems.append(self.ids)
        self.graph.members.append(frozenset(self.used))
        return self.ids

    def _parse_all(self) -> dict[str, tree.Node | None]:
        parser = Parser(self.definitions, self.faults)
        self.parser = parser
        return {
            name: self._parse(parser, variable)
            for name, variable in self.definitions.variables.items()
        }

    def _parse(self, parser: Parser, variable: VariableDefinition) -> tree.Node | None:
        expected = of_definition(variable.unit, variable.labels)
        if expected is None:
            self.faults.add(
                str(variable.where), f"unknown unit of `{variable.name}`", variable.unit
            )
            return None
        context = Context(variable.of, variable.period)
        if not variable.cases:
            return parser.parse(variable.formula, variable.formula_where, context, expected)
        root: tree.Node | None = None
        whole = True
        for condition, result, where in reversed(variable.cases):
            value = parser.parse(result, where, context, expected)
            test = parser.parse(condition, where, context, BOOLEAN) if condition else None
            whole = whole and value is not None and (test is not None or not condition)
            if value is not None and not condition:
                root = value
            elif value is not None and test is not None and root is not None:
                root = tree.Choice(expected, test, value, root)
        return root if whole else None

    def _variable(self, name: str) -> str | None:
        if name in self.ids:
            return self.ids[name]
        if name in self.broken:
            return None
        variable = self.definitions.variables[name]
        if name in self.path:
            if variable.fixed_point is not None:
                return self._value_before(variable)
            self._cycle(name)
            return None
        self.path.append(name)
        root = self.parsed[name]
        lowered = None if root is None else self._lower(root, variable)
        self.path.pop()
        if lowered is None or name in self.broken:
            self.broken.add(name)
            return None
        text = variable.formula or "cases"
        key = self._store(name, variable.of, variable.period, lowered, text, variable.formula_where)
        if key is None:
            self.broken.add(name)
            return None
        self.ids[name] = key
        if name in self.previous and variable.fixed_point is not None:
            made = FixedPoint(key, variable.fixed_point[1], name, variable.where)
            self.graph.fixed[self.previous[name]] = made
        return key

    def _value_before(self, variable: VariableDefinition) -> str | None:
        """Return the id of what stands for a variable's value of the round before."""
        if variable.name not in self.previous:
            kind = of_definition(variable.unit, variable.labels)
            of = self._unit(variable.of)
            if kind is None or of is None or variable.fixed_point is None:
                return None
            start = tree.Number(kind, float(variable.fixed_point[0]))
            content = (
                f"before|{of}|{variable.period}|{variable.name}|{variable.fixed_point}|{self.salt}"
            )
            key = _digest(content)
            self.graph.formulas.setdefault(
                key,
                Formula(
                    key, f"{variable.name} of the round before", of, variable.period, start,
                    variable.formula or "cases", variable.formula_where,
                    fixed_point=variable.fixed_point,
                ),
            )  # fmt: skip
            self.used.add(key)
            self.previous[variable.name] = key
        return self.previous[variable.name]

    def _check_fixed_points(self) -> None:
        """Note cycles that cross months and years, or hold several fixed points that need each
        other.
        """
        dependents = {name: dependents_of(self.graph, key) for name, key in self.previous.items()}
        for name, key in self.previous.items():
            if key not in self.graph.fixed:
                continue
            fixed = self.graph.fixed[key]
            period = self.graph.formulas[key].period
            cycle = dependents[name] & ancestors_of(self.graph, fixed.final)
            where = str(fixed.where)
            if any(self.graph.formulas[one].period != period for one in cycle):
                self.faults.add(where, f"the cycle of `{name}` crosses months and years")
            for other, other_key in self.previous.items():
                needs = other_key in self.graph.fixed and other != name
                if needs and self.graph.fixed[other_key].final in cycle:
                    self.faults.add(
                        where,
                        f"the fixed points of `{name}` and `{other}` need each other",
                        remedy="Give `fixed_point` to one variable of a cycle only.",
                    )

    def _cycle(self, name: str) -> None:
        cycle = [*self.path[self.path.index(name) :], name]
        variable = self.definitions.variables[name]
        self.faults.add(
            str(variable.where),
            "formulas depend on themselves: " + " -> ".join(cycle),
            remedy="Break the cycle, or give one `fixed_point: {start: 0, tolerance: ...}`.",
        )
        self.broken.update(cycle)

    def _store(
        self, name: str, of: str, period: str, root: tree.Node, text: str, where: Location,
        anchor: UnitDefinition | None = None,
    ) -> str | None:  # fmt: skip
        unit = self._unit(of)
        if unit is None:
            return None
        of = unit
        content = f"{of}|{period}|{canonical(root)}"
        if anchor is not None:
            content += f"|{anchor.rule}|{anchor.children_without_parents}"
        key = _digest(content)
        self.used.add(key)
        if key not in self.graph.formulas:
            self.graph.formulas[key] = Formula(key, name, of, period, root, text, where, anchor)
        return key

    # -- lowering: names become ids, arguments of barriers become columns of their own ----------

    def _lower(self, node: tree.Node, variable: VariableDefinition) -> tree.Node | None:
        return self._lowered(node, variable.of, variable.period, variable)

    def _lowered(
        self, node: tree.Node, of: str, period: str, variable: VariableDefinition
    ) -> tree.Node | None:
        match node:
            case tree.Reference():
                return self._reference(node)
            case tree.Aggregate():
                return self._aggregate(node, of, period, variable)
            case tree.Link():
                inner = self._column(node.argument, "person", period, variable)
                other = self._lowered(node.otherwise, of, period, variable)
                return None if inner is None or other is None else _with(node, (inner, other))
            case tree.Quota():
                return self._quota(node, of, period, variable)
            case tree.YearSum() | tree.LastMonth():
                inner = self._column(node.argument, of, "month", variable)
                return None if inner is None else _with(node, (inner,))
            case tree.MonthOf():
                inner = self._column(node.argument, of, "year", variable)
                return None if inner is None else _with(node, (inner,))
        parts = [self._lowered(child, of, period, variable) for child in tree.children(node)]
        whole = [part for part in parts if part is not None]
        return None if len(whole) < len(parts) else _with(node, tuple(whole))

    def _aggregate(
        self, node: tree.Aggregate, of: str, period: str, variable: VariableDefinition
    ) -> tree.Node | None:
        group, over = self._unit(node.group), self._unit(node.over)
        inner = self._column(node.argument, node.over, period, variable)
        if inner is None or group is None or over is None:
            return None
        lowered = tree.Aggregate(node.type, node.function, group, over, inner)
        if node.group == of:
            return lowered
        key = self._part(lowered, node.group, period, variable)  # a person reads its group's value
        return None if key is None else tree.Reference(node.type, key, group, False)

    def _quota(
        self, node: tree.Quota, of: str, period: str, variable: VariableDefinition
    ) -> tree.Node | None:
        """Return: eligible, and the rank is at most the cut-off that the run freezes."""
        rank = self._column(node.rank, of, period, variable)
        eligible = self._column(node.eligible, of, period, variable)
        if rank is None or eligible is None:
            return None
        keys = [
            one.name
            if isinstance(one, tree.Reference) and not one.is_input
            else self._part(one, of, period, variable)
            for one in (rank, eligible)
        ]
        if keys[0] is None or keys[1] is None or not isinstance(node.places, tree.Parameter):
            return None
        text = "|".join((keys[0], keys[1], node.places.name))
        name = "quota." + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        made = QuotaColumns(keys[0], keys[1], node.places.name, variable.name, of)
        self.graph.quotas.setdefault(name, made)
        cut = tree.Parameter(node.rank.type, name)
        places = tree.Comparison(BOOLEAN, ">", node.places, tree.Number(node.places.type, 0.0))
        within = tree.Comparison(BOOLEAN, "<=", rank, cut)
        return tree.Logic(BOOLEAN, "and", tree.Logic(BOOLEAN, "and", eligible, places), within)

    def _reference(self, node: tree.Reference) -> tree.Node | None:
        of = self._unit(node.of)
        if node.is_input:
            return node
        key = self._variable(node.name)
        return None if key is None or of is None else tree.Reference(node.type, key, of, False)

    def _unit(self, of: str) -> str | None:
        """Return person, household, or `unit:` and the id of the partition."""
        if of in ("person", "household"):
            return of
        self._anchor(of)
        key = self.ids.get(f"anchor:{of}")
        return None if key is None else f"unit:{key}"

    def _part(
        self, lowered: tree.Node, of: str, period: str, variable: VariableDefinition
    ) -> str | None:
        text = variable.formula or "cases"
        return self._store(
            f"part of {variable.name}", of, period, lowered, text, variable.formula_where
        )

    def _column(
        self, node: tree.Node, of: str, period: str, variable: VariableDefinition
    ) -> tree.Node | None:
        if isinstance(node, tree.Reference) and not node.is_input and node.of == of:
            return self._reference(node)
        if isinstance(node, tree.Number):
            return node
        lowered = self._lowered(node, of, period, variable)
        unit = self._unit(of)
        if lowered is None or unit is None:
            return None
        key = self._part(lowered, of, period, variable)
        return None if key is None else tree.Reference(node.type, key, unit, False)

    def _anchor(self, unit: str) -> None:
        name = f"anchor:{unit}"
        if name in self.ids or name in self.broken or unit not in self.definitions.units:
            return
        if name in self.path:
            self.broken.add(name)
            where = str(self.definitions.units[unit].where)
            self.faults.add(where, f"the rule of unit `{unit}` depends on the unit itself")
            return
        self.path.append(name)
        definition = self.definitions.units[unit]
        text = definition.dependent or "false"
        node = self.parser.parse(text, definition.where, Context("person", "year"), BOOLEAN)
        holder = VariableDefinition(
            name, "person", "boolean", "year", text, definition.where, definition.where
        )
        lowered = None if node is None else self._lowered(node, "person", "year", holder)
        self.path.pop()
        if lowered is None:
            self.broken.add(name)
            return
        key = self._store(name, "person", "year", lowered, text, definition.where, definition)
        if key is not None:
            self.ids[name] = key


def _with(node: tree.Node, parts: tuple[tree.Node, ...]) -> tree.Node:
    """Return `node` with other sub-expressions."""
    match node:
        case tree.Arithmetic() | tree.Comparison() | tree.Logic():
            return type(node)(node.type, node.op, *parts)
        case tree.Not() | tree.YearSum() | tree.LastMonth() | tree.MonthOf():
            return type(node)(node.type, *parts)
        case tree.Choice():
            return tree.Choice(node.type, *parts)
        case tree.Call():
            return tree.Call(node.type, node.function, parts)
        case tree.Lookup():
            return tree.Lookup(node.type, node.parameter, parts)
        case tree.Schedule():
            return tree.Schedule(node.type, node.parameter, *parts)
        case tree.Aggregate():
            return tree.Aggregate(node.type, node.function, node.group, node.over, *parts)
        case tree.BestOf():
            return tree.BestOf(node.type, parts[0], parts[1:])
        case tree.Link():
            return tree.Link(node.type, node.link, *parts)
        case _:
            return node


def _digest(content: str) -> str:
    return hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


def _read_ids(formula: Formula) -> set[str]:
    """Return the ids a formula reads, partitions of units included."""
    read = {reference.name for _, reference in references(formula.root)}
    owners = [formula.of, *(reference.of for _, reference in references(formula.root))]
    return read | {of[5:] for of in owners if of.startswith("unit:")}


def ancestors_of(graph: Graph, key: str) -> set[str]:
    """Return the ids of a formula and of all it reads, directly or not."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _read_ids(graph.formulas[one])
    return found


def dependents_of(graph: Graph, key: str) -> set[str]:
    """Return the ids of all formulas that read a formula, directly or not, without itself."""
    readers: dict[str, set[str]] = {}
    for formula in graph.formulas.values():
        for read in _read_ids(formula):
            readers.setdefault(read, set()).add(formula.id)
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for one in readers.get(waiting.pop(), ()):
            if one not in found:
                found.add(one)
                waiting.append(one)
    return found


def parameters_of(node: tree.Node) -> Iterator[str]:
    """Yield the names of all parameters and frame series an expression reads."""
    if isinstance(node, tree.Parameter | tree.Schedule | tree.Lookup):
        yield node.name if isinstance(node, tree.Parameter) else node.parameter
    for child in tree.children(node):
        yield from parameters_of(child)


def draws_of(node: tree.Node) -> Iterator[tree.Draw]:
    """Yield the keyed draws of an expression."""
    if isinstance(node, tree.Draw):
        yield node
    for child in tree.children(node):
        yield from draws_of(child)
