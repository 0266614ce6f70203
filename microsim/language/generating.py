"""Writes the source of the compiled form: one function a stage, and a driver that takes blocks
through all stages.

Generated code holds no law: parameters come as arrays, so a changed value never compiles again. Its
text depends on the formulas only, and so does the name of the cached module (see compiling.py).
Semantics are those of interpreter.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from microsim.kernels.draws import decision_hash
from microsim.language import tree
from microsim.language.graph import Formula, Graph
from microsim.language.people import Array
from microsim.language.sites import SiteTable, can_fail
from microsim.language.staging import Stage, Staging

HEADER = '''"""Generated from rules; do not edit."""
import math

import numpy as np

from microsim.kernels.draws import drawn
from microsim.kernels.pointers import select, {casts}
from microsim.kernels.rows import add_month, anchors, best_of, fill, mark
from microsim.kernels.schedules import lookup1, lookup2, lookup3, schedule
from microsim.kernels.stages import stage
from microsim.kernels.transcendental import exp, log, pow


@stage
'''


@dataclass
class Uses:
    """What a stage reads and writes, in the order of its own numbering: rows of scratch (slots of
    the layout), scalar parameters, schedules and tables, inputs, places where a household can fail.
    """

    rows: list[int] = field(default_factory=list)
    scalars: list[str] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)


Numbered = TypeVar("Numbered", int, str)


def _number(names: list[Numbered], name: Numbered) -> int:
    """Return the position of a name in a list, put there if new."""
    if name not in names:
        names.append(name)
    return names.index(name)


@dataclass
class Layout:
    """What the stages of a program use together: rows of scratch, columns of parameters, inputs.

    rows: (formula id, "value" | "total" | "last" | "spare0" ...) -> slot. scalars, packed,
    inputs: name -> column.
    """

    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    per_period: set[int] = field(default_factory=set)
    scalars: dict[str, int] = field(default_factory=dict)
    packed: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict)

    def row(self, key: str, what: str, *, per_period: bool = False) -> int:
        """Return the slot of a row, made if new; a formula that only names a sum has that sum's
        row.
        """
        if what == "value" and key in self.aliases:
            key, what = self.aliases[key]
        slot = self.rows.setdefault((key, what), len(self.rows))
        if per_period:
            self.per_period.add(slot)
        return slot

    def use(self, uses: Uses) -> None:
        """Give columns to the parameters and inputs of a stage."""
        for names, columns in (
            (uses.scalars, self.scalars),
            (uses.packed, self.packed),
            (uses.inputs, self.inputs),
        ):
            for name in names:
                columns.setdefault(name, len(columns))


ARGUMENTS = (
    "rows, P, TO, T, inputs, start, hidx, head, spouse, mother, father, pkey, hkey, poison, sites, "
    "n, nh, months, first, last, n_months, stream, year"
)


class StageWriter:
    """Writes the function of one stage."""

    def __init__(
        self, stage: Stage, staging: Staging, graph: Graph, layout: Layout, sites: SiteTable
    ) -> None:
        self.stage, self.staging, self.graph = stage, staging, graph
        self.layout, self.sites = layout, sites
        self.uses = Uses()
        self.reads: dict[str, str] = {}  # names of what a row reads again and again
        self.top: dict[str, str] = {}  # definitions hoisted out of the loop, text by name
        self.before: list[str] = []  # loops before the main loop
        self.lines: list[str] = []
        self.indent = 2
        self.counter = 0
        self.here = {formula.id for formula in stage.formulas}
        self.local: dict[str, str] = {}
        self.index = "h" if stage.of == "household" else "i"
        self.aggregates: dict[str, str] = {}

    # -- helpers --------------------------------------------------------------------------

    def put(self, line: str) -> None:
        """Add a line to the body of the main loop."""
        self.lines.append("    " * self.indent + line)

    def temporary(self, text: str) -> str:
        """Assign an expression to a new name and return it."""
        self.counter += 1
        name = f"t{self.counter}"
        self.put(f"{name} = {text}")
        return name

    def row(self, key: str, what: str) -> str:
        """Return the name of a row of scratch, fetched at the top of the function."""
        slots = self.staging.slots[key]
        slot = self.layout.row(key, what, per_period=what == "value" and slots.per_period)
        return self._row_of(slot)

    def _row_of(self, slot: int) -> str:
        number = _number(self.uses.rows, slot)
        self.top.setdefault(f"r{number}", f"rows[{number}]")
        return f"r{number}"

    def scalar(self, name: str) -> str:
        """Return the name of a scalar parameter, fetched at the top of the function."""
        number = _number(self.uses.scalars, name)
        self.top.setdefault(f"p{number}", f"P[{number}]")
        return f"p{number}"

    def offset(self, name: str) -> str:
        """Return the name of the offset of a packed parameter."""
        number = _number(self.uses.packed, name)
        self.top.setdefault(f"o{number}", f"TO[{number}]")
        return f"o{number}"

    def fault(self, node: tree.Node, formula: Formula) -> None:
        """Mark the household at this site."""
        number = _number(self.uses.sites, self.sites.number(formula, node))
        self.put(f"mark(poison, {self.household()}, sites[{number}])")

    def household(self) -> str:
        """Return the name of the row of the household in the block."""
        if self.index == "i":
            self.reads.setdefault("hidx[i]", "h")
        return "h"

    def read(self, text: str) -> str:
        """Return the name of something read at the row of the loop, fetched once a row."""
        return self.reads.setdefault(text, f"x{len(self.reads)}")

    # -- writing --------------------------------------------------------------------------

    def write(self) -> str:
        """Return the source of the function."""
        if self.stage.formulas[0].anchor is not None:
            return self._anchor_stage(self.stage.formulas[0])
        for formula in self.stage.formulas:
            if self.stage.totals:
                value = f"{self.row(formula.id, 'value')}[{self.index}]"
                self._sums(formula, self.temporary(value))
            elif formula.id not in self.layout.aliases:
                self._formula(formula)
        if not self.lines:
            return f"def stage_of_rules({ARGUMENTS}):\n    return 0\n"
        body = list(self.lines)
        if self.stage.of.startswith("unit:"):
            body = self._only_anchors(body)
        return self._function([*self._member_loop(), *body], [])

    def _function(self, body: list[str], after: list[str]) -> str:
        loop = "for h in range(nh):" if self.index == "h" else "for i in range(n):"
        top = [f"    {name} = {text}" for name, text in self.top.items()]
        reads = [f"        {name} = {text}" for text, name in self.reads.items()]
        head = f"def stage_of_rules({ARGUMENTS}):"
        lines = [head, *top, *self.before, f"    {loop}", *reads, *body, *after, "    return 0"]
        return "\n".join(lines) + "\n"

    def _only_anchors(self, body: list[str]) -> list[str]:
        anchor = self.row(self.stage.of[5:], "value")
        zero = [
            f"            {self.row(formula.id, what)}[i] = 0.0"
            for formula in self.stage.formulas
            for what in self._outputs(formula)
            if formula.id not in self.layout.aliases and not self.stage.totals
        ]
        inner = ["    " + line for line in body]
        return [
            f"        if {anchor}[i] == i:",
            *inner,
            *(["        else:", *zero] if zero else []),
        ]

    def _outputs(self, formula: Formula) -> list[str]:
        slots = self.staging.slots[formula.id]
        return [
            what
            for what, needed in (
                ("value", slots.value),
                ("total", slots.total),
                ("last", slots.last),
            )
            if needed
        ]

    def _formula(self, formula: Formula) -> None:
        value = self.expression(formula.root, formula)
        if not value.isidentifier():
            value = self.temporary(value)
        self.local[formula.id] = value
        number = f"({value} * 1.0)" if formula.type.kind == "boolean" else value
        if self.staging.slots[formula.id].value:
            self.put(f"{self.row(formula.id, 'value')}[{self.index}] = {number}")
        if not self.stage.sums_later:
            self._sums(formula, number)

    def _sums(self, formula: Formula, number: str) -> None:
        """Write the sum over the year and the December value of a formula, where they are read."""
        slots = self.staging.slots[formula.id]
        if slots.total:
            self._total(formula, number)
        if slots.last:
            self.put("if last:")
            self.put(f"    {self.row(formula.id, 'last')}[{self.index}] = {number}")

    def _total(self, formula: Formula, number: str) -> None:
        """Write the sum over the year: months times value, neighbouring periods of equal value
        taken as one.

        So the sum is the same, to the bit, however finely the laws of other scenarios cut the year.
        Months of a condition are whole numbers, whose sum is exact anyway.
        """
        at = self.index
        total = self.row(formula.id, "total")
        if formula.type.kind == "boolean":
            self.put(f"{total}[{at}] = select(first != 0, 0.0, {total}[{at}]) + months * {number}")
            return
        run, length = self.row(formula.id, "run"), self.row(formula.id, "length")
        self.put(f"add_month({total}, {run}, {length}, {at}, {number}, months, first, last)")

    def _anchor_stage(self, formula: Formula) -> str:
        unit = formula.anchor
        assert unit is not None  # noqa: S101 - the caller looked
        row = self.row(formula.id, "value")
        self.put(f"{row}[i] = ({self.expression(formula.root, formula)}) * 1.0")
        couple = unit.rule.startswith("couple")
        children = "dependent children" in unit.rule
        with_head = unit.children_without_parents == "head"
        call = (
            f"    anchors({row}, n, 0, 0, start, hidx, head, spouse, mother, father, "
            f"{couple}, {children}, {with_head})"
        )
        return self._function(self.lines, [call])

    # -- expressions ----------------------------------------------------------------------

    def expression(self, node: tree.Node, formula: Formula) -> str:
        """Return Python text for a node; statements it needs are put before."""
        match node:
            case tree.Number():
                if node.type.kind == "boolean":
                    return "True" if node.value else "False"
                return repr(float(node.value))
            case tree.Reference():
                return self._reference(node)
            case tree.Parameter():
                name = self.scalar(node.name)
                return f"({name} != 0.0)" if node.type.kind == "boolean" else name
            case tree.Arithmetic():
                return self._arithmetic(node, formula)
            case tree.Comparison():
                left = self.expression(node.left, formula)
                return f"({left} {node.op} {self.expression(node.right, formula)})"
            case tree.Logic():
                return self._logic(node, formula)
            case tree.Not():
                return f"(not {self.expression(node.operand, formula)})"
            case tree.Choice():
                return self._choice(node, formula)
            case tree.Call():
                return self._call(node, formula)
            case tree.Schedule():
                x = self.expression(node.argument, formula)
                return self.temporary(f"schedule({x}, T, {self.offset(node.parameter)})")
            case tree.Lookup():
                return self._lookup(node, formula)
            case tree.Aggregate():
                return self._aggregate(node)
            case tree.Link():
                return self._link(node, formula)
            case tree.HasLink():
                return f"({node.link}[i] >= 0)"
            case tree.Draw():
                return self._draw(node)
            case tree.YearSum():
                return self._year_sum(node)
            case tree.LastMonth():
                return self._last(node)
            case tree.MonthOf():
                return self._month_of(node)
            case tree.BestOf():
                return self._best_of(node, formula)
        raise AssertionError(node)

    def _input(self, name: str, index: str, kind: str) -> str:
        number = _number(self.uses.inputs, name)
        self.top.setdefault(f"in_{number}", f"at_{number}(inputs[{number}])")
        place = f"in_{number}[{index}]"
        return f"({place} != 0)" if kind == "boolean" else f"float_{number}({place})"

    def _reference(self, node: tree.Reference) -> str:
        kind = node.type.kind
        if node.is_input:
            index = self.household() if node.of == "household" else "i"
            return self.read(self._input(node.name, index, kind))
        if node.name in self.local:
            return self.local[node.name]
        row = self.row(node.name, "value")
        index = self.index
        if node.of == "household" and self.index == "i":
            index = self.household()
        elif node.of.startswith("unit:") and node.of != self.stage.of:
            index = self.read(f"int({self.row(node.of[5:], 'value')}[i])")
        return self.read(self._read(row, index, kind))

    @staticmethod
    def _read(row: str, index: str, kind: str) -> str:
        place = f"{row}[{index}]"
        return f"({place} != 0.0)" if kind == "boolean" else place

    def _arithmetic(self, node: tree.Arithmetic, formula: Formula) -> str:
        left = self.expression(node.left, formula)
        if node.op == "/" and can_fail(node):
            left = left if left.isidentifier() else self.temporary(left)
        right = self.expression(node.right, formula)
        if node.op != "/" or (isinstance(node.right, tree.Number) and node.right.value != 0):
            return f"({left} {node.op} {right})"
        right = right if right.isidentifier() else self.temporary(right)
        result = self.temporary("0.0")
        self.put(f"if {right} == 0.0:")
        self.indent += 1
        self.fault(node, formula)
        self.indent -= 1
        self.put("else:")
        self.put(f"    {result} = {left} / {right}")
        return result

    def _logic(self, node: tree.Logic, formula: Formula) -> str:
        left = self.expression(node.left, formula)
        if not _heavy(node.right):
            op = "&" if node.op == "and" else "|"
            return f"({left} {op} {self.expression(node.right, formula)})"
        result = self.temporary(left)
        self.put(f"if {result}:" if node.op == "and" else f"if not {result}:")
        self.indent += 1
        self.put(f"{result} = {self.expression(node.right, formula)}")
        self.indent -= 1
        return result

    def _choice(self, node: tree.Choice, formula: Formula) -> str:
        test = self.expression(node.condition, formula)
        if not _heavy(node.then) and not _heavy(node.otherwise):
            then = self.expression(node.then, formula)
            otherwise = self.expression(node.otherwise, formula)
            return self.temporary(f"select({test}, {then}, {otherwise})")
        self.counter += 1
        result = f"t{self.counter}"
        self.put(f"if {test}:")
        self._branch(result, node.then, formula)
        self.put("else:")
        self._branch(result, node.otherwise, formula)
        return result

    def _branch(self, result: str, node: tree.Node, formula: Formula) -> None:
        self.indent += 1
        self.put(f"{result} = {self.expression(node, formula)}")
        self.indent -= 1

    def _call(self, node: tree.Call, formula: Formula) -> str:
        values = []
        for argument in node.arguments:
            text = self.expression(argument, formula)
            simple = text.isidentifier() or isinstance(argument, tree.Number)
            values.append(text if simple else self.temporary(text))
        match node.function:
            case "negative":
                return f"(-{values[0]})"
            case "abs":
                return f"abs({values[0]})"
            case "min" | "max":
                op = "<=" if node.function == "min" else ">="
                result = values[0]
                for other in values[1:]:
                    result = self.temporary(f"select({result} {op} {other}, {result}, {other})")
                return result
            case "exp":
                return f"exp({values[0]})"
        return self._guarded(node, values, formula)

    def _guarded(self, node: tree.Call, values: list[str], formula: Formula) -> str:
        """Write a function that is not defined everywhere."""
        x, to = values[0], values[-1]
        text, bad = {
            "round": (f"math.floor({x} / {to} + 0.5) * {to}", f"{to} == 0.0"),
            "floor": (f"math.floor({x} / {to}) * {to}", f"{to} == 0.0"),
            "ceil": (f"math.ceil({x} / {to}) * {to}", f"{to} == 0.0"),
            "sqrt": (f"math.sqrt({x})", f"{x} < 0.0"),
            "log": (f"log({x})", f"{x} <= 0.0"),
            "pow": (f"pow({x}, {to})", f"{x} <= 0.0"),
        }[node.function]
        if not can_fail(tree.Call(node.type, node.function, node.arguments)) or (
            isinstance(node.arguments[-1], tree.Number)
            and node.function in ("round", "floor", "ceil")
            and node.arguments[-1].value != 0
        ):
            text = text.replace("math.floor", "np.floor").replace("math.ceil", "np.ceil")
            return self.temporary(text)
        result = self.temporary("0.0")
        self.put(f"if {bad}:")
        self.indent += 1
        self.fault(node, formula)
        self.indent -= 1
        self.put("else:")
        text = text.replace("math.floor", "np.floor").replace("math.ceil", "np.ceil")
        self.put(f"    {result} = {text}")
        return result

    def _lookup(self, node: tree.Lookup, formula: Formula) -> str:
        values = ", ".join(self.expression(a, formula) for a in node.arguments)
        call = f"lookup{len(node.arguments)}({values}, T, {self.offset(node.parameter)})"
        found = self.temporary(call)
        result = self.temporary("0.0")
        self.put(f"if {found} < 0:")
        self.indent += 1
        self.fault(node, formula)
        self.indent -= 1
        self.put("else:")
        self.put(f"    {result} = T[{found}]")
        return result

    def _link(self, node: tree.Link, formula: Formula) -> str:
        position = self.temporary(f"{node.link}[i]")
        self.counter += 1
        result = f"t{self.counter}"
        self.put(f"if {position} >= 0:")
        argument, kind = node.argument, node.argument.type.kind
        row = f"start[{self.household()}] + {position}"
        if isinstance(argument, tree.Number):
            value = self.expression(argument, formula)
        elif isinstance(argument, tree.Reference) and argument.is_input:
            value = self._input(argument.name, row, kind)
        else:
            assert isinstance(argument, tree.Reference)  # noqa: S101 - made so in the graph
            value = self._read(self.row(argument.name, "value"), row, kind)
        self.put(f"    {result} = {value}")
        self.put("else:")
        self._branch(result, node.otherwise, formula)
        return result

    def _draw(self, node: tree.Draw) -> str:
        number = decision_hash(node.decision)
        key = "hkey[h]" if self.index == "h" else "pkey[i]"
        period = "year" if node.yearly else "0"
        return self.temporary(f"drawn({key}, stream, {number}, {period})")

    def _argument(self, node: tree.Node, what: str) -> str:
        if isinstance(node, tree.Number):
            text = repr(float(node.value))
            return text if node.type.kind != "boolean" else str(bool(node.value))
        assert isinstance(node, tree.Reference)  # noqa: S101 - made so in the graph
        if node.is_input:
            return self._reference(node)
        return self._read(self.row(node.name, what), self.index, "number")

    def _year_sum(self, node: tree.YearSum) -> str:
        if isinstance(node.argument, tree.Reference) and not node.argument.is_input:
            return self._argument(node.argument, "total")
        value = self.temporary(f"{self._argument(node.argument, 'value')} * 1.0")
        total = self.temporary("0.0")
        self.put(f"{total} = 0.0 + n_months * {value}")
        return total

    def _last(self, node: tree.LastMonth) -> str:
        text = self._argument(node.argument, "last")
        is_computed = isinstance(node.argument, tree.Reference) and not node.argument.is_input
        return f"({text} != 0.0)" if node.type.kind == "boolean" and is_computed else text

    def _month_of(self, node: tree.MonthOf) -> str:
        text = self._argument(node.argument, "value")
        is_computed = isinstance(node.argument, tree.Reference) and not node.argument.is_input
        return f"({text} != 0.0)" if node.type.kind == "boolean" and is_computed else text

    def _best_of(self, node: tree.BestOf, formula: Formula) -> str:
        """Write the values of the years into a room of the function's own, which a kernel sorts."""
        length = len(node.years)
        n = self.temporary(f"np.floor({self.expression(node.n, formula)})")
        years = f"years{sum(name.startswith('years') for name in self.top)}"
        self.top[years] = f"np.empty({length})"
        for k, year in enumerate(node.years):
            self.put(f"{years}[{k}] = {self.expression(year, formula)}")
        if not can_fail(node):
            return self.temporary(f"best_of({years}, {length}, {n})")
        result = self.temporary("0.0")
        self.put(f"if {n} >= 0.0 and {n} <= {length}.0:")
        self.put(f"    {result} = best_of({years}, {length}, {n})")
        self.put("else:")
        self.indent += 1
        self.fault(node, formula)
        self.indent -= 1
        return result

    # -- aggregates -----------------------------------------------------------------------

    def _aggregate(self, node: tree.Aggregate) -> str:
        if node.group != "household":
            return self._unit_aggregate(node)
        key = f"{node.function}|{node.over}|{node.argument!r}"
        if key not in self.aggregates:
            self.aggregates[key] = f"a{len(self.aggregates)}"
            self._aggregate_nodes = getattr(self, "_aggregate_nodes", {})
            self._aggregate_nodes[self.aggregates[key]] = node
        name = self.aggregates[key]
        if node.function == "any":
            return f"({name} > 0.0)"
        return f"({name} == 0.0)" if node.function == "all" else name

    def _member(self, node: tree.Aggregate) -> str:
        argument, kind = node.argument, node.argument.type.kind
        if isinstance(argument, tree.Number):
            return str(bool(argument.value)) if kind == "boolean" else repr(float(argument.value))
        assert isinstance(argument, tree.Reference)  # noqa: S101 - made so in the graph
        if argument.is_input:
            return self._input(argument.name, "j", kind)
        return self._read(self.row(argument.name, "value"), "j", kind)

    def _member_loop(self) -> list[str]:
        nodes: dict[str, tree.Aggregate] = getattr(self, "_aggregate_nodes", {})
        if not nodes:
            return []
        lines = []
        for name, node in nodes.items():
            lines.append(f"        {name} = 0.0")
            if node.function in ("max", "min"):
                lines.append(f"        {name}_seen = False")
        lines.append("        for j in range(start[h], start[h + 1]):")
        for name, node in nodes.items():
            text = self._member(node)
            guard = "            "
            if node.over != "person":
                anchor = self.row(node.over[5:], "value")
                lines.append(f"{guard}if {anchor}[j] == j:")
                guard += "    "
            match node.function:
                case "sum":
                    lines.append(f"{guard}{name} = {name} + {text}")
                case "count" | "any":
                    lines.append(f"{guard}{name} = {name} + select({text}, 1.0, 0.0)")
                case "all":
                    lines.append(f"{guard}{name} = {name} + select({text}, 0.0, 1.0)")
                case "max" | "min":
                    op = ">" if node.function == "max" else "<"
                    lines.append(f"{guard}{name}_x = {text}")
                    lines.append(f"{guard}if not {name}_seen or {name}_x {op} {name}:")
                    lines.append(f"{guard}    {name} = {name}_x")
                    lines.append(f"{guard}    {name}_seen = True")
        return lines

    def _unit_aggregate(self, node: tree.Aggregate) -> str:
        key = f"{node.function}|{node.group}|{node.argument!r}"
        if key not in self.aggregates:
            spare = self.layout.row(self.stage.formulas[0].id, f"spare {len(self.aggregates)}")
            seen = self.layout.row(self.stage.formulas[0].id, f"spare {len(self.aggregates)} seen")
            self.aggregates[key] = self._row_of(spare)
            self._unit_loop(node, self._row_of(spare), self._row_of(seen))
        row = self.aggregates[key]
        if node.function == "any":
            return f"({row}[i] > 0.0)"
        return f"({row}[i] == 0.0)" if node.function == "all" else f"{row}[i]"

    def _unit_loop(self, node: tree.Aggregate, row: str, seen: str) -> None:
        anchor = self.row(node.group[5:], "value")
        text = self._member(node)
        put = self.before.append
        put(f"    fill({row}, {seen}, n)")
        put("    for j in range(n):")
        put(f"        g = int({anchor}[j])")
        match node.function:
            case "sum":
                put(f"        {row}[g] = {row}[g] + {text}")
            case "count" | "any":
                put(f"        {row}[g] = {row}[g] + select({text}, 1.0, 0.0)")
            case "all":
                put(f"        {row}[g] = {row}[g] + select({text}, 0.0, 1.0)")
            case _:
                op = ">" if node.function == "max" else "<"
                put(f"        x = {text}")
                put(f"        if {seen}[g] == 0.0 or x {op} {row}[g]:")
                put(f"            {row}[g] = x")
                put(f"            {seen}[g] = 1.0")


def _heavy(node: tree.Node) -> bool:
    """Tell whether a side of a choice is worth a branch, or must not be evaluated for others."""
    if can_fail(node):
        return True
    heavy = tree.Schedule | tree.Lookup | tree.Draw | tree.Link | tree.YearSum | tree.BestOf
    if isinstance(node, heavy):
        return True
    if isinstance(node, tree.Call) and node.function in ("exp", "log", "pow", "sqrt"):
        return True
    return any(_heavy(child) for child in tree.children(node))


def aliases(graph: Graph) -> dict[str, tuple[str, str]]:
    """Return the formulas that only name the year's sum or December's value of another, with that
    row.
    """
    found: dict[str, tuple[str, str]] = {}
    for formula in graph.formulas.values():
        root = formula.root
        if not isinstance(root, tree.YearSum | tree.LastMonth):
            continue
        argument = root.argument
        if (
            isinstance(argument, tree.Reference)
            and not argument.is_input
            and argument.of == formula.of
        ):
            found[formula.id] = (
                argument.name,
                "total" if isinstance(root, tree.YearSum) else "last",
            )
    return found


def typed(text: str, dtypes: Sequence[str]) -> str:
    """Return a stage's text as a module for inputs of these types (NumPy's names)."""
    casts = ", ".join(f"at_{dtype} as at_{k}" for k, dtype in enumerate(dtypes)) or "shifted"
    for k, dtype in enumerate(dtypes):
        text = text.replace(f"float_{k}(", "(" if dtype == "float64" else "float(")
    return HEADER.replace("{casts}", casts) + text


def dtype_name(column: Array) -> str:
    """Return the name of the type of an input in the generated code."""
    return "int8" if column.dtype == np.bool_ else column.dtype.name
