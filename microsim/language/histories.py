"""Reads the functions that look back: values of years before, of late spouses and parents, best
years.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from microsim.language import tree
from microsim.language.definitions import Definitions
from microsim.language.quantities import BOOLEAN, NUMBER, Type, of_definition
from microsim.language.states import KNOWN, LATE_LINKS, MOST_YEARS, lagged, there_is
from microsim.language.syntax import StopReadingError, closest, dotted


@dataclass(frozen=True)
class Context:
    """Where an expression stands: of which unit of people, in which period."""

    of: str
    period: str


class HistoryFunctions(ABC):
    """The part of the parser that reads them; the rest of the parser supplies what is abstract."""

    definitions: Definitions

    @abstractmethod
    def _fail(
        self, node: ast.AST, what: str, found: object = "", expected: object = "", remedy: str = ""
    ) -> StopReadingError: ...

    @abstractmethod
    def _node(self, at: ast.expr, context: Context, expected: Type | None = None) -> tree.Node: ...

    @abstractmethod
    def _match(self, node: tree.Node, expected: Type, at: ast.expr) -> tree.Node: ...

    @abstractmethod
    def _arity(self, at: ast.Call, name: str, least: int, most: int) -> None: ...

    # -- functions ------------------------------------------------------------------------

    def _previous(self, at: ast.Call, context: Context) -> tree.Node:
        """previous(x) or previous(x, initial)."""
        self._arity(at, "previous", 1, 2)
        self._looks_back(at, "previous", context)
        now = self._kept(at.args[0], "previous")
        before = _years_before(now, 1)
        if len(at.args) == 1:
            return before
        initial = self._match(self._node(at.args[1], context, now.type), now.type, at.args[1])
        known = tree.Reference(BOOLEAN, KNOWN, "person", True)
        return tree.Choice(now.type, known, before, initial)

    def _late(self, at: ast.Call, link: str, context: Context) -> tree.Node:
        """of(late_spouse, previous(x), otherwise)."""
        self._arity(at, "of", 3, 3)
        inner = at.args[1]
        named = isinstance(inner, ast.Call) and dotted(inner.func) == "previous"
        if not isinstance(inner, ast.Call) or not named or len(inner.args) != 1:
            raise self._fail(
                inner,
                f"of a {link.replace('_', ' ')} only the year before is known",
                ast.unparse(inner),
                "previous(name of a variable)",
                f"Write of({link}, previous(x), otherwise).",
            )
        self._looks_back(inner, "previous", context)
        now = self._kept(inner.args[0], "previous")
        otherwise = self._match(self._node(at.args[2], context, now.type), now.type, at.args[2])
        there = tree.Reference(BOOLEAN, there_is(link), "person", True)
        value = tree.Reference(now.type, lagged(now.name, 1, link), "person", True)
        return tree.Choice(now.type, there, value, otherwise)

    def _has_late(self, at: ast.Call, link: str) -> tree.Node:
        """has(late_spouse)."""
        self._arity(at, "has", 1, 1)
        return tree.Reference(BOOLEAN, there_is(link), "person", True)

    def _last_years(self, at: ast.Call, context: Context) -> tree.Node:
        """last_years(x, n): the sum, this year first."""
        self._arity(at, "last_years", 2, 2)
        self._looks_back(at, "last_years", context)
        years = self._years(at.args[0], "last_years", self._literal(at.args[1], "last_years"))
        total: tree.Node = years[0]
        for one in years[1:]:
            total = tree.Arithmetic(one.type, "+", total, one)
        return total

    def _best_years(self, at: ast.Call, context: Context) -> tree.Node:
        """best_years(x, n, of_last)."""
        self._arity(at, "best_years", 3, 3)
        self._looks_back(at, "best_years", context)
        of_last = self._literal(at.args[2], "best_years")
        years = self._years(at.args[0], "best_years", of_last)
        n = self._match(self._node(at.args[1], context), NUMBER, at.args[1])
        if isinstance(n, tree.Number) and not 0 <= n.value < of_last + 1:
            raise self._fail(at.args[1], "no such number of years", n.value, f"0 to {of_last}")
        return tree.BestOf(years[0].type, n, years)

    # -- what they look at ----------------------------------------------------------------

    def _looks_back(self, at: ast.Call, function: str, context: Context) -> None:
        """Refuse formulas that are not yearly ones of persons."""
        if context.of != "person":
            raise self._fail(
                at, f"`{function}(...)` looks back at a person", f"a formula of the {context.of}",
                "a formula of persons", f"Aggregate it, for example sum(members, {function}(...)).",
            )  # fmt: skip
        if context.period != "year":
            raise self._fail(
                at, f"`{function}(...)` belongs in yearly formulas", "a monthly formula",
                remedy="Make it a variable with `period: year` and read it with month(x).",
            )  # fmt: skip

    def _kept(self, at: ast.expr, function: str) -> tree.Reference:
        """Return the reference to what a name means this year: a yearly variable or an input, of
        persons.
        """
        name, known = dotted(at), self.definitions
        if name is None:
            raise self._fail(
                at, f"`{function}` takes the name of a variable or input", ast.unparse(at),
                remedy="Give the expression a variable of its own, and name that.",
            )  # fmt: skip
        one = known.variables.get(name) or known.inputs.get(name)
        if one is None:
            raise self._not_kept(at, name, function)
        if one.of != "person":
            raise self._fail(
                at, f"`{function}` looks back at persons", f"`{name}` belongs to each {one.of}",
                remedy="People change households: read it in a yearly variable of persons, and "
                "look back at that.",
            )  # fmt: skip
        if name in known.variables and known.variables[name].period != "year":
            raise self._fail(
                at, f"`{name}` is per month; of years before, yearly variables are kept",
                remedy=f"Define a variable per year, for example with the formula year({name}), "
                "and look back at that.",
            )  # fmt: skip
        kind = of_definition(one.unit, one.labels)
        if kind is None:  # noted where it is defined
            raise StopReadingError
        return tree.Reference(kind, name, "person", name not in known.variables)

    def _not_kept(self, at: ast.expr, name: str, function: str) -> StopReadingError:
        known = self.definitions
        if name in known.parameters or name.startswith("frame."):
            return self._fail(
                at, f"`{function}` looks back at persons", f"`{name}` is a parameter",
                "a variable or input of persons",
            )  # fmt: skip
        names = [n for n, v in known.variables.items() if (v.of, v.period) == ("person", "year")]
        names += [n for n, column in known.inputs.items() if column.of == "person"]
        return self._fail(at, f"unknown name `{name}`", remedy=closest(name, names))

    def _years(self, at: ast.expr, function: str, n: int) -> tuple[tree.Reference, ...]:
        """Return references to a number in this year and the n - 1 years before."""
        now = self._kept(at, function)
        if now.type.kind != "number":
            raise self._fail(
                at, "a number is needed here", now.type, "a number",
                f"Count years in a variable of their own, for example 1 if {now.name} else 0."
                if now.type.kind == "boolean" else "",
            )  # fmt: skip
        now = replace(now, type=replace(now.type, bare=False, zero=False))
        return (now, *(_years_before(now, lag) for lag in range(1, n)))

    def _literal(self, at: ast.expr, function: str) -> int:
        """Return a number of years written as such: how much is kept cannot depend on persons."""
        value = at.value if isinstance(at, ast.Constant) else None
        if type(value) is not int or not 2 <= value <= MOST_YEARS:
            raise self._fail(
                at, f"`{function}` looks back over a fixed number of years", ast.unparse(at),
                f"a whole number from 2 to {MOST_YEARS}",
            )  # fmt: skip
        return value


def _years_before(now: tree.Reference, lag: int) -> tree.Reference:
    return tree.Reference(now.type, lagged(now.name, lag), "person", True)


def late_link(at: ast.Call) -> str:
    """Return the late link that the first argument names, or an empty text."""
    first = dotted(at.args[0]) if at.args else None
    return first if first is not None and first in LATE_LINKS else ""
