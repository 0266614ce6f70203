"""Reads one rule expression: Python syntax in, typed tree out; every fault with file, line and
column.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from microsim.errors import FaultList
from microsim.language import tree
from microsim.language.definitions import Definitions, Location, ParameterDefinition
from microsim.language.histories import Context, HistoryFunctions, late_link
from microsim.language.quantities import (
    BOOLEAN,
    NUMBER,
    SHARE,
    Type,
    Unit,
    common,
    of_definition,
    parse_unit,
)
from microsim.language.states import LATE_LINKS
from microsim.language.syntax import StopReadingError, closest, dotted, parsed

LINKS = ("head", "spouse", "mother", "father")
AGGREGATES = ("sum", "count", "any", "all", "max", "min")
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
COUNT = Type("number", Unit(name="count"))
MONTHS = Type("number", Unit(name="months"))
FUNCTIONS = (
    *AGGREGATES, "clip", "abs", "round", "floor", "ceil", "exp", "log", "sqrt", "pow", "schedule",
    "lookup", "of", "has", "happens", "propensity", "year", "month", "december", "among_first",
    "previous", "last_years", "best_years",
)  # fmt: skip


class Parser(HistoryFunctions):
    """Parses the expressions of one set of definitions; notes faults instead of raising.

    Parameters
    ----------
    definitions
        What names mean.
    faults
        Receives every fault.
    """

    def __init__(self, definitions: Definitions, faults: FaultList) -> None:
        self.definitions = definitions
        self.faults = faults
        self._text = ""
        self._where = Location("", 0)

    def parse(
        self, text: str, where: Location, context: Context, expected: Type | None = None
    ) -> tree.Node | None:
        """Return the typed tree of `text`, or None after noting its faults."""
        self._text, self._where = text, where
        body = self._syntax(text)
        if body is None:
            return None
        try:
            node = self._node(body, context, expected)
            return node if expected is None else self._match(node, expected, body)
        except StopReadingError:
            return None
        except RecursionError:
            self.faults.add(str(where), "expression is nested too deeply", remedy="Split it up.")
            return None

    def _syntax(self, text: str) -> ast.expr | None:
        where = str(self._where)
        if len(text) > 20_000:
            self.faults.add(where, "expression is too long", len(text), "at most 20,000 characters")
            return None
        try:
            body = parsed(text)
            opened = (body.lineno, body.col_offset) == (1, 0)  # by our bracket, closed by the text
            if not text.strip() or (opened and not isinstance(body, ast.Tuple)):
                raise SyntaxError("unbalanced brackets" if text.strip() else "it is empty")
            return body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            column = getattr(error, "offset", None)
            place = f"{where}, column {column - 1}" if column and column > 1 else where
            reason = getattr(error, "msg", "") or "not an expression"
            self.faults.add(
                place,
                f"cannot read the formula `{text.strip()}`: {reason}",
                remedy="Write one expression, see scenarios/README.md section 2.",
            )
            return None

    # -- faults ---------------------------------------------------------------------------

    def _fail(
        self,
        node: ast.AST,
        what: str,
        found: object = "",
        expected: object = "",
        remedy: str = "",
    ) -> StopReadingError:
        column = getattr(node, "col_offset", 0)
        line = self._where.line + getattr(node, "lineno", 1) - 1
        place = f"{self._where.file}:{line}, column {column} of `{self._text.strip()}`"
        self.faults.add(place, what, found, expected, remedy)
        return StopReadingError()

    def _match(self, node: tree.Node, expected: Type, at: ast.expr) -> tree.Node:
        if common(node.type, expected) is None:
            raise self._fail(
                at, "wrong type or unit", node.type, expected, _crossing(node.type, expected)
            )
        return node

    # -- nodes ----------------------------------------------------------------------------

    def _node(self, at: ast.expr, context: Context, expected: Type | None = None) -> tree.Node:
        match at:
            case ast.Constant():
                return self._constant(at, expected)
            case ast.Name() | ast.Attribute():
                return self._name(at, context)
            case ast.UnaryOp():
                return self._unary(at, context)
            case ast.BinOp():
                return self._binary(at, context)
            case ast.BoolOp():
                return self._logic(at, context)
            case ast.Compare():
                return self._compare(at, context)
            case ast.IfExp():
                return self._choice(at, context, expected)
            case ast.Call():
                return self._call(at, context)
        raise self._fail(
            at,
            f"`{ast.unparse(at)}` is not part of the rule language",
            remedy="Only arithmetic, comparison, and/or/not, if/else and the functions listed are.",
        )

    def _constant(self, at: ast.Constant, expected: Type | None) -> tree.Node:
        value = at.value
        if isinstance(value, bool):
            return tree.Number(BOOLEAN, float(value))
        if isinstance(value, int | float) and abs(value) < 1e300:
            return tree.Number(Type("number", bare=True, zero=value == 0), float(value))
        if isinstance(value, str) and expected is not None and expected.kind == "category":
            return self._label(at, expected)
        raise self._fail(at, f"a text or special constant cannot stand here: {value!r}")

    def _label(self, at: ast.Constant, category: Type) -> tree.Node:
        if at.value not in category.labels:
            raise self._fail(
                at,
                "unknown label",
                repr(at.value),
                "one of " + ", ".join(map(repr, category.labels)),
                closest(str(at.value), category.labels),
            )
        return tree.Number(category, float(category.labels.index(at.value)))

    def _name(self, at: ast.expr, context: Context) -> tree.Node:
        name = dotted(at)
        if name is None:
            raise self._fail(at, f"`{ast.unparse(at)}` is not a name")
        if name in ("true", "false"):
            return tree.Number(BOOLEAN, float(name == "true"))
        definitions = self.definitions
        if name in definitions.variables:
            variable = definitions.variables[name]
            if variable.period != context.period:
                raise self._fail(
                    at,
                    f"`{name}` is per {variable.period}, "
                    f"but the formula around it is per {context.period}",
                    remedy=f"Write {context.period}({name}).",
                )
            return self._reference(at, name, variable.of, variable.unit, variable.labels, context)
        if name in definitions.inputs:
            column = definitions.inputs[name]
            return self._reference(at, name, column.of, column.unit, column.labels, context, True)
        if name in definitions.parameters:
            return self._parameter(at, definitions.parameters[name])
        if name.startswith("frame.") and name[6:] in definitions.frame:
            kind = of_definition(definitions.frame[name[6:]]) or NUMBER
            return tree.Parameter(kind, name)
        raise self._unknown(at, name)

    def _unknown(self, at: ast.expr, name: str) -> StopReadingError:
        definitions = self.definitions
        known = [*definitions.variables, *definitions.inputs, *definitions.parameters]
        known += [f"frame.{series}" for series in definitions.frame]
        return self._fail(at, f"unknown name `{name}`", remedy=closest(name, known))

    def _reference(
        self,
        at: ast.expr,
        name: str,
        of: str,
        unit: str,
        labels: tuple[str, ...],
        context: Context,
        is_input: bool = False,
    ) -> tree.Node:
        kind = of_definition(unit, labels)
        if kind is None:  # noted where it is defined
            raise StopReadingError
        downward = context.of == "person" or of == "household"
        if of != context.of and not downward:
            group = "members" if of == "person" else of
            raise self._fail(
                at,
                f"`{name}` belongs to each {of}, the formula to the {context.of}",
                remedy=f"Aggregate it, for example sum({group}, {name}).",
            )
        return tree.Reference(kind, name, of, is_input)

    def _parameter(self, at: ast.expr, parameter: ParameterDefinition) -> tree.Node:
        if parameter.kind != "scalar":
            use = "schedule(x, " if parameter.kind == "schedule" else "lookup("
            raise self._fail(
                at,
                f"`{parameter.name}` is a {parameter.kind}",
                remedy=f"Use {use}{parameter.name}...).",
            )
        kind = of_definition(parameter.unit, parameter.labels)
        if kind is None:
            raise StopReadingError
        return tree.Parameter(kind, parameter.name)

    def _unary(self, at: ast.UnaryOp, context: Context) -> tree.Node:
        operand = self._node(at.operand, context)
        if isinstance(at.op, ast.Not):
            return tree.Not(BOOLEAN, self._match(operand, BOOLEAN, at.operand))
        if isinstance(at.op, ast.USub | ast.UAdd):
            self._number(operand, at.operand)
            if isinstance(at.op, ast.UAdd):
                return operand
            if isinstance(operand, tree.Number):
                return replace(operand, value=-operand.value)
            return tree.Call(operand.type, "negative", (operand,))
        raise self._fail(at, "this operator is not part of the rule language")

    def _number(self, node: tree.Node, at: ast.expr) -> tree.Node:
        if node.type.kind != "number":
            raise self._fail(at, "a number is needed here", node.type, "a number")
        return node

    def _binary(self, at: ast.BinOp, context: Context) -> tree.Node:
        op = _ARITHMETIC.get(type(at.op))
        if op is None:
            raise self._fail(
                at,
                "this operator is not part of the rule language",
                remedy="Use + - * / or pow(x, y).",
            )
        left = self._number(self._node(at.left, context), at.left)
        right = self._number(self._node(at.right, context), at.right)
        if op in "+-":
            kind = self._common(left, right, at)
            if left.type.bare and right.type.bare:
                kind = Type("number", bare=True)
        elif left.type.bare and right.type.bare:
            kind = Type("number", bare=True)
        else:
            kind = Type("number", left.type.unit.times(right.type.unit, 1 if op == "*" else -1))
            kind = _tidied(kind, left.type, right.type, op)
        return tree.Arithmetic(kind, op, left, right)

    def _common(self, left: tree.Node, right: tree.Node, at: ast.expr) -> Type:
        kind = common(left.type, right.type)
        if kind is None:
            raise self._fail(
                at,
                "these do not go together",
                f"{left.type} and {right.type}",
                "one unit on both sides",
                _crossing(left.type, right.type),
            )
        return kind

    def _logic(self, at: ast.BoolOp, context: Context) -> tree.Node:
        parts = [self._match(self._node(v, context), BOOLEAN, v) for v in at.values]
        op = "and" if isinstance(at.op, ast.And) else "or"
        return _joined(op, parts)

    def _compare(self, at: ast.Compare, context: Context) -> tree.Node:
        sides = [at.left, *at.comparators]
        parts = [
            self._comparison(op, left, right, context)
            for op, left, right in zip(at.ops, sides[:-1], sides[1:], strict=True)
        ]
        return _joined("and", parts)

    def _comparison(
        self, op: ast.cmpop, left: ast.expr, right: ast.expr, context: Context
    ) -> tree.Node:
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(op, left, right, context)
        symbol = _COMPARISONS.get(type(op))
        if symbol is None:
            raise self._fail(left, "this comparison is not part of the rule language")
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            b = self._node(right, context)
            a = self._node(left, context, b.type)
        else:
            a = self._node(left, context)
            b = self._node(right, context, a.type)
        self._common(a, b, left)
        if a.type.kind == "category" and symbol not in ("==", "!="):
            raise self._fail(left, "categories have no order", symbol, "== or !=")
        return tree.Comparison(BOOLEAN, symbol, a, b)

    def _membership(
        self, op: ast.cmpop, left: ast.expr, right: ast.expr, context: Context
    ) -> tree.Node:
        value = self._node(left, context)
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            raise self._fail(right, "`in` needs a list of values", remedy='Write x in ("a", "b").')
        parts: list[tree.Node] = []
        for element in right.elts:
            other = self._node(element, context, value.type)
            self._common(value, other, element)
            parts.append(tree.Comparison(BOOLEAN, "==", value, other))
        joined = _joined("or", parts)
        return tree.Not(BOOLEAN, joined) if isinstance(op, ast.NotIn) else joined

    def _choice(self, at: ast.IfExp, context: Context, expected: Type | None) -> tree.Node:
        condition = self._match(self._node(at.test, context), BOOLEAN, at.test)
        then = self._node(at.body, context, expected)
        otherwise = self._node(at.orelse, context, expected or then.type)
        return tree.Choice(self._common(then, otherwise, at), condition, then, otherwise)

    # -- functions ------------------------------------------------------------------------

    def _call(self, at: ast.Call, context: Context) -> tree.Node:
        name = at.func.id if isinstance(at.func, ast.Name) else ast.unparse(at.func)
        if name not in FUNCTIONS:
            raise self._fail(at, f"unknown function `{name}`", remedy=closest(name, FUNCTIONS))
        if at.keywords or any(isinstance(a, ast.Starred) for a in at.args):
            raise self._fail(at, f"`{name}` takes plain arguments only")
        if name in AGGREGATES and self._is_group(at, context):
            return self._aggregate(name, at, context)
        handlers: dict[str, Callable[[ast.Call, Context], tree.Node]] = {
            "schedule": self._schedule,
            "lookup": self._lookup,
            "of": self._link,
            "has": self._has,
            "happens": self._happens,
            "propensity": self._propensity,
            "year": self._year,
            "month": self._month,
            "december": self._december,
            "among_first": self._among_first,
            "previous": self._previous,
            "last_years": self._last_years,
            "best_years": self._best_years,
        }
        if name in handlers:
            return handlers[name](at, context)
        if name in ("sum", "count", "any", "all"):
            raise self._not_group(at, name, context)
        return self._plain(name, at, context)

    def _is_group(self, at: ast.Call, context: Context) -> bool:
        if not at.args or not isinstance(at.args[0], ast.Name):
            return False
        first = at.args[0].id
        return first == "members" or first in self._groups(context)

    def _groups(self, context: Context) -> tuple[str, ...]:
        units = tuple(self.definitions.units)
        if context.of == "person":
            return ("household", *units)
        return units if context.of == "household" else ()

    def _not_group(self, at: ast.Call, name: str, context: Context) -> StopReadingError:
        groups = self._groups(context)
        allowed = ["members", *groups] if context.of != "person" else list(groups)
        return self._fail(
            at,
            f"`{name}` needs first whom it goes over",
            expected=", ".join(allowed),
            remedy=f"Write {name}({allowed[0]}, ...).",
        )

    def _aggregate(self, name: str, at: ast.Call, context: Context) -> tree.Node:
        first = at.args[0]
        group_name = first.id if isinstance(first, ast.Name) else ""
        if group_name == "members":
            if context.of == "person":
                raise self._not_group(at, name, context)
            group, over = context.of, "person"
        elif context.of == "person":
            group, over = group_name, "person"
        else:
            group, over = context.of, group_name
        inner = Context(over, context.period)
        if name == "count" and len(at.args) == 1:
            argument: tree.Node = tree.Number(BOOLEAN, 1.0)
        else:
            self._arity(at, name, 2, 2)
            argument = self._node(at.args[1], inner)
        if name in ("count", "any", "all"):
            self._match(argument, BOOLEAN, at.args[-1])
            kind = COUNT if name == "count" else BOOLEAN
        else:
            self._number(argument, at.args[1])
            kind = replace(argument.type, bare=False, zero=False)
        return tree.Aggregate(kind, name, group, over, argument)

    def _arity(self, at: ast.Call, name: str, least: int, most: int) -> None:
        if not least <= len(at.args) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            raise self._fail(at, f"`{name}` has the wrong number of arguments", len(at.args), count)

    def _plain(self, name: str, at: ast.Call, context: Context) -> tree.Node:
        least, most = {
            "min": (2, 99), "max": (2, 99), "clip": (3, 3), "abs": (1, 1), "round": (1, 2),
            "floor": (1, 2), "ceil": (1, 2), "exp": (1, 1), "log": (1, 1), "sqrt": (1, 1),
            "pow": (2, 2),
        }[name]  # fmt: skip
        self._arity(at, name, least, most)
        arguments = [self._number(self._node(a, context), a) for a in at.args]
        if name in ("exp", "log", "sqrt", "pow"):
            for argument, place in zip(arguments, at.args, strict=True):
                if argument.type.unit.dimension != (0, 0, 0):
                    raise self._fail(
                        place, f"`{name}` takes plain numbers", argument.type, "a share or number",
                        "Divide by an amount of the same unit first.",
                    )  # fmt: skip
            return tree.Call(NUMBER, name, tuple(arguments))
        kind = arguments[0].type
        for argument, place in zip(arguments[1:], at.args[1:], strict=True):
            found = common(kind, argument.type)
            if found is None:
                raise self._fail(
                    place, f"the arguments of `{name}` do not go together",
                    f"{kind} and {argument.type}", "one unit", _crossing(kind, argument.type),
                )  # fmt: skip
            kind = found
        if name == "clip":
            inner = tree.Call(kind, "max", (arguments[0], arguments[1]))
            return tree.Call(kind, "min", (inner, arguments[2]))
        if name in ("round", "floor", "ceil") and len(arguments) == 1:
            arguments.append(tree.Number(Type("number", bare=True), 1.0))
        return tree.Call(replace(kind, zero=False), name, tuple(arguments))

    def _named_parameter(self, at: ast.expr, kind: str) -> ParameterDefinition:
        name = dotted(at)
        if name is None or name not in self.definitions.parameters:
            raise self._unknown(at, name or ast.unparse(at))
        parameter = self.definitions.parameters[name]
        if parameter.kind != kind:
            raise self._fail(at, f"`{name}` is a {parameter.kind}", expected=f"a {kind}")
        return parameter

    def _schedule(self, at: ast.Call, context: Context) -> tree.Node:
        self._arity(at, "schedule", 2, 2)
        parameter = self._named_parameter(at.args[1], "schedule")
        threshold = of_definition(parameter.unit) or NUMBER
        argument = self._match(self._node(at.args[0], context), threshold, at.args[0])
        rate = of_definition(parameter.rate_unit) or SHARE
        kind = _tidied(Type("number", threshold.unit.times(rate.unit)), threshold, rate, "*")
        return tree.Schedule(kind, parameter.name, argument)

    def _lookup(self, at: ast.Call, context: Context) -> tree.Node:
        if not at.args:
            raise self._fail(at, "`lookup` needs a table and its arguments")
        parameter = self._named_parameter(at.args[0], "table")
        n_keys = len(parameter.keys)
        self._arity(at, f"lookup({parameter.name}, ...)", n_keys + 1, n_keys + 1)
        arguments = []
        for place, (key, unit) in zip(at.args[1:], parameter.keys, strict=True):
            kind = of_definition(unit, self._labels_of(key)) or NUMBER
            argument = self._node(place, context, kind)
            arguments.append(self._match(argument, kind, place))
        kind = of_definition(parameter.unit, parameter.labels) or NUMBER
        return tree.Lookup(kind, parameter.name, tuple(arguments))

    def _labels_of(self, key: str) -> tuple[str, ...]:
        """Return the labels of a table's key: those of the input of its name."""
        column = self.definitions.inputs.get(key)
        return () if column is None else column.labels

    def _link_name(self, at: ast.Call, function: str, context: Context) -> str:
        if context.of != "person":
            raise self._fail(
                at, f"`{function}` works in person formulas only", context.of, "person"
            )
        first = at.args[0] if at.args else None
        if not isinstance(first, ast.Name) or first.id not in LINKS:
            links = ", ".join((*LINKS, *LATE_LINKS))
            raise self._fail(at, f"`{function}` needs a link first", expected=links)
        return first.id

    def _link(self, at: ast.Call, context: Context) -> tree.Node:
        if late_link(at) and context.of == "person":
            return self._late(at, late_link(at), context)
        link = self._link_name(at, "of", context)
        self._arity(at, "of", 2 if link == "head" else 3, 3)
        argument = self._node(at.args[1], context)
        if len(at.args) == 3:
            otherwise = self._node(at.args[2], context, argument.type)
        else:  # every household has a head
            otherwise = tree.Number(argument.type, 0.0)
        return tree.Link(self._common(argument, otherwise, at), link, argument, otherwise)

    def _has(self, at: ast.Call, context: Context) -> tree.Node:
        if late_link(at) and context.of == "person":
            return self._has_late(at, late_link(at))
        link = self._link_name(at, "has", context)
        self._arity(at, "has", 1, 1)
        return tree.HasLink(BOOLEAN, link)

    def _decision(self, at: ast.expr) -> str:
        if not isinstance(at, ast.Constant) or not isinstance(at.value, str) or not at.value:
            raise self._fail(
                at, "a draw needs the name of its decision", remedy='Write "take up ...".'
            )
        return at.value

    def _drawable(self, at: ast.Call, context: Context) -> None:
        if context.of not in ("person", "household"):
            raise self._fail(at, "draws belong to persons or households", context.of)

    def _happens(self, at: ast.Call, context: Context) -> tree.Node:
        self._arity(at, "happens", 2, 2)
        self._drawable(at, context)
        probability = self._match(self._node(at.args[0], context), SHARE, at.args[0])
        draw = tree.Draw(SHARE, self._decision(at.args[1]), True)
        return tree.Comparison(BOOLEAN, "<", draw, probability)

    def _propensity(self, at: ast.Call, context: Context) -> tree.Node:
        self._arity(at, "propensity", 1, 1)
        self._drawable(at, context)
        return tree.Draw(SHARE, self._decision(at.args[0]), False)

    def _year(self, at: ast.Call, context: Context) -> tree.Node:
        argument = self._crossed(at, "year", context)
        if argument.type.kind == "boolean":
            return tree.YearSum(MONTHS, argument)
        unit = argument.type.unit
        if unit.month < 0:
            unit = Unit(unit.currency, unit.month + 1, unit.year - 1, "")
            unit = _named(unit)
        return tree.YearSum(Type("number", unit), argument)

    def _crossed(self, at: ast.Call, function: str, context: Context) -> tree.Node:
        self._arity(at, function, 1, 1)
        if context.period != "year":
            raise self._fail(
                at, f"`{function}(...)` belongs in yearly formulas", "a monthly formula",
                remedy="Give the variable a unit per year or `period: year`, or drop it.",
            )  # fmt: skip
        argument = self._node(at.args[0], Context(context.of, "month"))
        if argument.type.kind == "category" and function == "year":
            raise self._fail(at, "a category cannot be summed over the year")
        return argument

    def _december(self, at: ast.Call, context: Context) -> tree.Node:
        argument = self._crossed(at, "december", context)
        return tree.LastMonth(argument.type, argument)

    def _among_first(self, at: ast.Call, context: Context) -> tree.Node:
        self._arity(at, "among_first", 3, 3)
        self._drawable(at, context)
        if context.period != "year":
            raise self._fail(
                at,
                "`among_first(...)` belongs in yearly formulas",
                "a monthly formula",
                remedy="Make it a boolean variable with `period: year` and read it with month(x).",
            )
        places = self._node(at.args[0], context)
        if not isinstance(places, tree.Parameter) or places.type.unit.dimension != (0, 0, 0):
            raise self._fail(
                at.args[0],
                "the number of places must be a parameter or a series of the frame",
                expected="a count of persons or households",
            )
        rank = self._number(self._node(at.args[1], context), at.args[1])
        eligible = self._match(self._node(at.args[2], context), BOOLEAN, at.args[2])
        return tree.Quota(BOOLEAN, places, rank, eligible)

    def _month(self, at: ast.Call, context: Context) -> tree.Node:
        self._arity(at, "month", 1, 1)
        if context.period != "month":
            raise self._fail(
                at, "`month(...)` belongs in monthly formulas", "a yearly formula",
                remedy="Give the variable a unit per month or `period: month`, or drop it.",
            )  # fmt: skip
        argument = self._node(at.args[0], Context(context.of, "year"))
        unit = argument.type.unit
        if argument.type.kind != "number" or unit.year >= 0:
            return tree.MonthOf(argument.type, argument)
        monthly = Type("number", _named(Unit(unit.currency, unit.month - 1, unit.year + 1)))
        twelfth = tree.Arithmetic(
            monthly, "/", argument, tree.Number(Type("number", bare=True), 12.0)
        )
        return tree.MonthOf(monthly, twelfth)


def _joined(op: str, parts: list[tree.Node]) -> tree.Node:
    joined = parts[0]
    for part in parts[1:]:
        joined = tree.Logic(BOOLEAN, op, joined, part)
    return joined


def _named(unit: Unit) -> Unit:
    for name in ("currency/month", "currency/year", "currency", "number"):
        known = parse_unit(name)
        if known is not None and known.dimension == unit.dimension:
            return known
    return unit


def _tidied(kind: Type, left: Type, right: Type, op: str) -> Type:
    """Keep the name of the unit where a share or plain number multiplies it."""
    if op == "*" and right.unit.dimension == (0, 0, 0) and left.unit.name:
        return Type("number", left.unit)
    if op == "*" and left.unit.dimension == (0, 0, 0) and right.unit.name:
        return Type("number", right.unit)
    if op == "/" and right.unit.dimension == (0, 0, 0) and left.unit.name:
        return Type("number", left.unit)
    return replace(kind, unit=_named(kind.unit))


def _crossing(a: Type, b: Type) -> str:
    if a.kind != "number" or b.kind != "number":
        return ""
    if a.bare or b.bare:
        return "An amount of money must be a parameter with a unit (0 may stand as it is)."
    if a.unit.currency == b.unit.currency and a.unit.dimension != b.unit.dimension:
        return "Cross between months and years with year(x) or month(x)."
    return ""
