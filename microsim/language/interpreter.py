"""The reference interpreter: plain NumPy, one column at a time, slow and obvious; the oracle of the
compiler.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.kernels import transcendental
from microsim.kernels.draws import decision_hash, uniforms
from microsim.language import tree
from microsim.language.graph import MOST_ROUNDS, Formula, Graph, dependents_of
from microsim.language.people import Array, Floats, Law, People, World
from microsim.language.sites import SiteTable
from microsim.language.states import is_state

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """Where an expression is evaluated: formula, period (-1 for yearly), rows that matter."""

    formula: Formula
    period: int
    active: Mask


class Interpreter:
    """Evaluates formulas of a graph on people under one law.

    Values are float64 arrays (booleans as bool), of shape (n_persons,) for persons and units (at
    the anchor person's row) and (n_households,) for households. `poison` holds for each household
    the smallest number of a site at which a rule could not be computed, 0 for none.
    """

    def __init__(
        self, graph: Graph, people: People, law: Law, world: World, sites: SiteTable | None = None
    ) -> None:
        self.graph, self.people, self.law, self.world = graph, people, law, world
        self.sites = sites or SiteTable(graph)
        self.household = people.household_of()
        self.first = people.start[self.household]
        self.poison = np.zeros(people.n_households, np.int32)
        self.memo: dict[tuple[str, int], Array] = {}
        self._dependents: dict[str, set[str]] = {}
        self.trace: Callable[[Place, tree.Node, Array], None] | None = None

    # -- columns --------------------------------------------------------------------------

    def value(self, key: str, period: int = -1) -> Array:
        """Return the values of formula `key` in a period of the year (-1 for a yearly formula)."""
        formula = self.graph.formulas[key]
        period = period if formula.period == "month" else -1
        if (key, period) not in self.memo:
            for before in self._cycles_of(key):
                same_period = self.graph.formulas[before].period == formula.period
                if same_period and (before, period) not in self.memo:
                    self._settle(before, period)
        if (key, period) not in self.memo:
            self.memo[key, period] = self._column(formula, period)
        return self.memo[key, period]

    # -- fixed points ---------------------------------------------------------------------

    def _cycles_of(self, key: str) -> list[str]:
        """Return the fixed points whose value before a formula is or reads, directly or not."""
        if not self._dependents:
            self._dependents = {b: dependents_of(self.graph, b) for b in self.graph.fixed}
        return [b for b, found in self._dependents.items() if key == b or key in found]

    def _settle(self, before: str, period: int) -> None:
        """Work a cycle through in rounds, each household until its values move by the tolerance at
        most.

        A household that has settled keeps its values, whatever the rounds others still need.
        """
        fixed, formula = self.graph.fixed[before], self.graph.formulas[before]
        shape = self._rows_that_count(formula.of).shape
        assert isinstance(formula.root, tree.Number)  # noqa: S101 - made so in the graph
        value = np.full(shape, formula.root.value)
        unsettled = np.ones(self.people.n_households, bool)
        for _ in range(MOST_ROUNDS):
            self.memo[before, period] = value
            for one in self._dependents[before]:
                self.memo.pop((one, period), None)
            new = self.value(fixed.final, period).astype(np.float64)
            moved = ~(np.abs(new - value) <= fixed.tolerance)
            unsettled &= self._any_of_household(moved, formula.of)
            if not unsettled.any():
                return
            rows = unsettled if formula.of == "household" else unsettled[self.household]
            value = np.where(rows, new, value)
        place = Place(formula, period, np.ones(shape, bool))
        rows = unsettled if formula.of == "household" else unsettled[self.household]
        self._mark(formula.root, place, rows)

    def _any_of_household(self, rows: Mask, of: str) -> Mask:
        if of == "household":
            return rows
        return np.bincount(self.household[rows], minlength=self.people.n_households) > 0

    def _column(self, formula: Formula, period: int) -> Array:
        place = Place(formula, period, self._rows_that_count(formula.of))
        value = np.broadcast_to(self._eval(formula.root, place), place.active.shape).copy()
        if formula.anchor is not None:
            return self._anchors(formula, value.astype(bool))
        value[~place.active] = 0
        return value

    def _rows_that_count(self, of: str) -> Mask:
        if of == "household":
            return np.ones(self.people.n_households, bool)
        if of == "person":
            return np.ones(self.people.n_persons, bool)
        anchor = self._anchor(of)
        return np.asarray(anchor == np.arange(self.people.n_persons), bool)

    def _anchor(self, of: str) -> npt.NDArray[np.int64]:
        return self.value(of.removeprefix("unit:")).astype(np.int64)

    def _linked(self, link: str) -> tuple[npt.NDArray[np.int64], Mask]:
        position = self.people.links[link].astype(np.int64)
        there = position >= 0
        return np.where(there, self.first + position, 0), there

    def _anchors(self, formula: Formula, dependent: Mask) -> Floats:
        """Return the row of the person each person's unit is anchored at."""
        unit = formula.anchor
        assert unit is not None  # noqa: S101 - narrowed by the caller
        n = self.people.n_persons
        me = np.arange(n)
        if unit.rule == "person alone":
            return me.astype(np.float64)
        spouse, has_spouse = self._linked("spouse")
        with_spouse = unit.rule.startswith("couple")
        couple = np.where(has_spouse & with_spouse, np.minimum(me, spouse), me)
        if "dependent children" not in unit.rule:
            return couple.astype(np.float64)
        mother, has_mother = self._linked("mother")
        father, has_father = self._linked("father")
        head, _ = self._linked("head")
        alone = head if unit.children_without_parents == "head" else me
        parent = np.where(has_mother, mother, np.where(has_father, father, alone))
        anchor = np.where(dependent, couple[parent], couple)
        # A dependent whose parent is dependent too joins the grandparent's unit; three steps reach
        # great-grandparents.
        for _ in range(3):
            anchor = np.where(dependent, anchor[anchor], anchor)
        return anchor.astype(np.float64)

    # -- expressions ----------------------------------------------------------------------

    def _eval(self, node: tree.Node, place: Place) -> Array:
        value = self._evaluated(node, place)
        if node.type.kind == "boolean" and value.dtype != np.bool_:
            value = np.asarray(value != 0)
        if self.trace is not None:
            self.trace(place, node, value)
        return value

    def _evaluated(self, node: tree.Node, place: Place) -> Array:
        match node:
            case tree.Number():
                is_boolean = node.type.kind == "boolean"
                return np.asarray(bool(node.value) if is_boolean else node.value)
            case tree.Reference():
                return self._reference(node, place)
            case tree.Parameter():
                return np.asarray(self._law(node.name, place))
            case tree.Arithmetic():
                return self._arithmetic(node, place)
            case tree.Comparison():
                left, right = self._eval(node.left, place), self._eval(node.right, place)
                return np.asarray(_COMPARE[node.op](left, right))
            case tree.Logic():
                return self._logic(node, place)
            case tree.Not():
                return ~self._eval(node.operand, place).astype(bool)
            case tree.Choice():
                return self._choice(node, place)
            case tree.Call():
                return self._call(node, place)
            case tree.Schedule():
                return self._schedule(node, place)
            case tree.Lookup():
                return self._lookup(node, place)
            case tree.Aggregate():
                return self._aggregate(node, place)
            case tree.Link():
                return self._link(node, place)
            case tree.HasLink():
                return self._linked(node.link)[1]
            case tree.Draw():
                return self._draw(node, place)
            case tree.YearSum():
                return self._year_sum(node, place)
            case tree.LastMonth():
                return self._argument(node.argument, place, len(self.law.months) - 1)
            case tree.MonthOf():
                return self._argument(node.argument, place, -1)
            case tree.BestOf():
                return self._best_of(node, place)
        raise AssertionError(node)

    def _law(self, name: str, place: Place) -> float | Floats:
        if place.period < 0:
            return self.law.yearly[name]
        return self.law.monthly[name][place.period]

    def _reference(self, node: tree.Reference, place: Place) -> Array:
        value = self.input(node) if node.is_input else self.value(node.name, place.period)
        of = place.formula.of
        if node.of == of or of == "household":
            return value
        if node.of == "household":
            return value[self.household]
        return value if node.of == "person" else value[self._anchor(node.of)]

    def _argument(self, node: tree.Node, place: Place, period: int) -> Array:
        """Value of the argument of a barrier, in rows of what the argument describes."""
        if isinstance(node, tree.Number):
            return self._eval(node, place)
        assert isinstance(node, tree.Reference)  # noqa: S101 - made so when the graph is built
        return self.input(node) if node.is_input else self.value(node.name, period)

    def input(self, node: tree.Reference) -> Array:
        """Return a column of the people; what is not known of years before is 0."""
        column = self.people.inputs.get(node.name)
        if column is None and is_state(node.name):
            kind = np.bool_ if node.type.kind == "boolean" else np.float64
            return np.zeros(self.people.n_persons, kind)
        column = self.people.inputs[node.name]
        return column if column.dtype == bool else column.astype(np.float64)

    def _arithmetic(self, node: tree.Arithmetic, place: Place) -> Array:
        left, right = self._eval(node.left, place), self._eval(node.right, place)
        if node.op == "+":
            return np.asarray(left + right)
        if node.op == "-":
            return np.asarray(left - right)
        if node.op == "*":
            return np.asarray(left * right)
        zero = np.broadcast_to(right == 0, place.active.shape)
        self._mark(node, place, zero)
        with np.errstate(all="ignore"):
            return np.where(right == 0, 0.0, left / np.where(right == 0, 1.0, right))

    def _mark(self, node: tree.Node, place: Place, bad: Array) -> None:
        rows = np.flatnonzero(np.broadcast_to(bad, place.active.shape) & place.active)
        if not len(rows):
            return
        site = self.sites.number(place.formula, node)
        households = rows if place.formula.of == "household" else self.household[rows]
        there = self.poison[households]
        self.poison[households] = np.where((there == 0) | (there > site), site, there)

    def _logic(self, node: tree.Logic, place: Place) -> Array:
        left = np.broadcast_to(self._eval(node.left, place), place.active.shape)
        looks = left if node.op == "and" else ~left
        right = self._eval(node.right, Place(place.formula, place.period, place.active & looks))
        return np.asarray(left & right if node.op == "and" else left | right)

    def _choice(self, node: tree.Choice, place: Place) -> Array:
        test = np.broadcast_to(self._eval(node.condition, place), place.active.shape)
        then = Place(place.formula, place.period, place.active & test)
        other = Place(place.formula, place.period, place.active & ~test)
        return np.where(test, self._eval(node.then, then), self._eval(node.otherwise, other))

    def _call(self, node: tree.Call, place: Place) -> Array:
        values = [self._eval(argument, place) for argument in node.arguments]
        first = values[0]
        with np.errstate(all="ignore"):
            match node.function:
                case "negative":
                    return -first
                case "abs":
                    return np.abs(first)
                case "min" | "max":
                    for value in values[1:]:
                        keep = first <= value if node.function == "min" else first >= value
                        first = np.where(keep, first, value)
                    return first
                case "round" | "floor" | "ceil":
                    return self._rounded(node, first, values[1], place)
        return self._transcendental(node, values, place)

    def _rounded(self, node: tree.Call, x: Array, to: Array, place: Place) -> Array:
        self._mark(node, place, np.asarray(to == 0))
        ratio = x / np.where(to == 0, 1.0, to)
        if node.function == "round":
            return np.asarray(np.floor(ratio + 0.5) * to)
        return np.asarray((np.floor(ratio) if node.function == "floor" else np.ceil(ratio)) * to)

    def _transcendental(self, node: tree.Call, values: list[Array], place: Place) -> Array:
        shape = place.active.shape
        x = np.ascontiguousarray(np.broadcast_to(values[0], shape), np.float64)
        if node.function == "sqrt":
            self._mark(node, place, x < 0)
            return np.sqrt(np.where(x < 0, 0.0, x))
        if node.function == "exp":
            return _each(transcendental.exp, x)
        if node.function == "log":
            self._mark(node, place, x <= 0)
            return np.where(x <= 0, 0.0, _each(transcendental.log, np.where(x <= 0, 1.0, x)))
        y = np.ascontiguousarray(np.broadcast_to(values[1], shape), np.float64)
        self._mark(node, place, x <= 0)
        result = _each(transcendental.pow, np.where(x <= 0, 1.0, x), y)
        return np.where(x <= 0, 0.0, result)

    def _schedule(self, node: tree.Schedule, place: Place) -> Array:
        x = self._eval(node.argument, place)
        packed = np.asarray(self._law(node.parameter, place))
        n = int(packed[0])
        thresholds, rates = packed[1 : 1 + n], packed[1 + n :]
        total = np.zeros(np.shape(x))
        with np.errstate(invalid="ignore"):
            for b in range(n):
                top = x
                if b + 1 < n:
                    top = np.where(thresholds[b + 1] < x, thresholds[b + 1], x)
                total = np.where(x > thresholds[b], total + rates[b] * (top - thresholds[b]), total)
        return total

    def _lookup(self, node: tree.Lookup, place: Place) -> Array:
        packed = np.asarray(self._law(node.parameter, place))
        n_keys = len(node.arguments)
        sizes = [int(n) for n in packed[:n_keys]]
        first, index, miss = n_keys, np.zeros(place.active.shape, np.int64), ~place.active
        miss = np.zeros(place.active.shape, bool)
        for size, argument in zip(sizes, node.arguments, strict=True):
            keys = packed[first : first + size]
            found = np.searchsorted(keys, self._eval(argument, place), side="right") - 1
            miss = miss | (found < 0)
            index = index * size + np.maximum(found, 0)
            first += size
        self._mark(node, place, miss)
        return np.where(miss, 0.0, packed[first + index])

    def _aggregate(self, node: tree.Aggregate, place: Place) -> Array:
        value = self._argument(node.argument, place, place.period)
        rows = np.arange(self.people.n_persons)
        if node.over not in ("person", "household"):
            rows = np.flatnonzero(self._anchor(node.over) == rows)
        group = self.household if node.group == "household" else self._anchor(node.group)
        n = self.people.n_households if node.group == "household" else self.people.n_persons
        values = np.broadcast_to(value, (self.people.n_persons,))[rows]
        return _aggregated(node.function, values, group[rows], n)

    def _link(self, node: tree.Link, place: Place) -> Array:
        row, there = self._linked(node.link)
        value = np.broadcast_to(
            self._argument(node.argument, place, place.period), (self.people.n_persons,)
        )
        other = Place(place.formula, place.period, place.active & ~there)
        return np.where(there, value[row], self._eval(node.otherwise, other))

    def _best_of(self, node: tree.BestOf, place: Place) -> Array:
        """Largest first, added one after the other; NaN if any year is."""
        shape = place.active.shape
        n = np.broadcast_to(np.floor(self._eval(node.n, place)), shape)
        years = np.stack([np.broadcast_to(self._eval(y, place), shape) for y in node.years])
        inside = (n >= 0) & (n <= len(years))
        if not isinstance(node.n, tree.Number):
            self._mark(node, place, ~inside)
        total: Array = np.where(np.isnan(years).any(axis=0), np.nan, 0.0)
        for k, value in enumerate(-np.sort(-years, axis=0)):
            total = np.where(k < n, total + value, total)
        return np.where(inside, total, 0.0)

    def _draw(self, node: tree.Draw, place: Place) -> Array:
        if self.world.certain:
            return np.asarray(self.world.fixed.get(node.decision, 0.0))
        people = self.people
        keys = people.household_key if place.formula.of == "household" else people.person_key
        period = self.law.year if node.yearly else 0
        world = self.world
        return uniforms(keys, world.seed, world.replicate, decision_hash(node.decision), period, 0)

    def _year_sum(self, node: tree.YearSum, place: Place) -> Array:
        """Months times value, period by period; neighbouring periods of equal value are one.

        So the sum is the same, to the bit, however finely the laws of other scenarios cut the year.
        """
        total: Array = np.zeros(place.active.shape)
        run: Array = np.zeros(place.active.shape)
        length: Array = np.zeros(place.active.shape)
        for period, months in enumerate(self.law.months):
            value = np.broadcast_to(
                self._argument(node.argument, place, period).astype(np.float64), total.shape
            )
            same = (value == run) if period else np.ones(total.shape, bool)
            total = np.where(same, total, total + length * run)
            length = np.where(same, length + months, months)
            run = value
        return np.asarray(total + length * run)


_COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: np.asarray(a == b),
    "!=": lambda a, b: np.asarray(a != b),
}


def _each(function: Callable[..., float], *columns: Floats) -> Floats:
    """Apply a scalar kernel to each element: the very function the compiled rules call."""
    if any(math.prod(c.shape) == 0 for c in columns):
        return np.zeros(columns[0].shape)
    return np.array([function(*row) for row in zip(*(c.tolist() for c in columns), strict=True)])


def _aggregated(function: str, values: Array, group: npt.NDArray[np.int64], n: int) -> Array:
    """Aggregate values by group in row order; nothing over nobody."""
    if function in ("sum", "count"):
        total = np.zeros(n)
        np.add.at(total, group, values.astype(np.float64))  # unbuffered: in row order
        return total
    if function in ("any", "all"):
        hits = np.zeros(n)
        wanted = values.astype(bool) if function == "any" else ~values.astype(bool)
        np.add.at(hits, group, wanted.astype(np.float64))
        return hits > 0 if function == "any" else hits == 0
    seen = np.zeros(n, bool)
    best = np.zeros(n)
    for g, x in zip(group.tolist(), values.tolist(), strict=True):
        better = x > best[g] if function == "max" else x < best[g]
        if not seen[g] or better:
            best[g], seen[g] = x, True
    return best
