"""Shows how a household's figures come about: every formula with its numbers, down to inputs, draws
and dated law.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from microsim.errors import Fault, InputError
from microsim.files import did_you_mean, month_index
from microsim.language import tree
from microsim.language.definitions import Definitions, ParameterDefinition
from microsim.language.graph import Formula, Graph
from microsim.language.interpreter import Interpreter, Place
from microsim.language.people import Array
from microsim.language.states import in_words, is_state
from microsim.policy.dated import dated_value_at


@dataclass(frozen=True)
class ParameterUse:
    """A parameter as a formula read it: value, date and source of the dated value, place in the law
    files.
    """

    name: str
    value: Any
    unit: str
    date: str
    source: str
    where: str


@dataclass(frozen=True)
class DrawUse:
    """A keyed draw: the uniform number each person (or the household) drew for a decision."""

    decision: str
    values: tuple[float, ...]


@dataclass
class Step:
    """One variable of the household, with what its formula read.

    values: one a member, or one for the household. month: 1 to 12 for a monthly variable, 0 for a
    yearly one. notes: where inputs come from that no file states, by name.
    """

    name: str
    label: str
    of: str
    unit: str
    month: int
    values: tuple[Any, ...]
    formula: str
    where: str
    source: str = ""
    reads: tuple[str, ...] = ()
    inputs: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    parameters: tuple[ParameterUse, ...] = ()
    draws: tuple[DrawUse, ...] = ()
    trouble: str = ""


class Explainer:
    """Explains variables of one household, from an interpreter that holds just that household.

    Parameters
    ----------
    interpreter
        On people of one household, under the law that counts.
    definitions
        Of the system, with the engine's variables.
    ids
        Formula id by variable.
    first_months
        First month (1 to 12) of each period of the interpreter's law.
    notes
        Where inputs come from that the engine makes, in words, by name.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        definitions: Definitions,
        ids: dict[str, str],
        first_months: tuple[int, ...],
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.interpreter, self.definitions, self.ids = interpreter, definitions, ids
        self.first_months, self.notes = first_months, notes or {}
        self.graph: Graph = interpreter.graph
        self.names: dict[str, str] = {}
        for name, key in ids.items():
            self.names.setdefault(key, name)

    def explain(self, names: list[str], month: int) -> list[Step]:
        """Return every step from the inputs to the named variables, what is read before what reads
        it.

        Parameters
        ----------
        names
            Variables wanted.
        month
            1 to 12: at which month monthly variables are shown.

        Raises
        ------
        InputError
            Unknown variables, each with the nearest name.
        """
        unknown = [name for name in names if name not in self.ids]
        if unknown:
            known = list(self.definitions.variables)
            raise InputError(
                [
                    Fault("", f"unknown variable '{n}'", "", "", did_you_mean(n, known))
                    for n in unknown
                ]
            )
        steps: dict[str, Step] = {}
        for name in names:
            self._visit(name, month, steps)
        return list(steps.values())

    def _visit(self, name: str, month: int, steps: dict[str, Step]) -> None:
        if name in steps:
            return
        formula = self.graph.formulas[self.ids[name]]
        reads = list(dict.fromkeys(self._read_variables(formula)))
        for other in reads:
            if other != name:
                self._visit(other, month, steps)
        steps[name] = self._step(name, formula, month, reads)

    def _formulas(self, formula: Formula) -> Iterator[Formula]:
        """Yield a formula and the unnamed parts of it that are columns of their own."""
        yield formula
        for node in _nodes(formula.root):
            if (
                isinstance(node, tree.Reference)
                and not node.is_input
                and node.name not in self.names
            ):
                yield from self._formulas(self.graph.formulas[node.name])

    def _read_variables(self, formula: Formula) -> Iterator[str]:
        for part in self._formulas(formula):
            for node in _nodes(part.root):
                if (
                    isinstance(node, tree.Reference)
                    and not node.is_input
                    and node.name in self.names
                ):
                    yield self.names[node.name]

    def _step(self, name: str, formula: Formula, month: int, reads: list[str]) -> Step:
        variable = self.definitions.variables.get(name)
        period = self._period(month) if formula.period == "month" else -1
        value = self.interpreter.value(self.ids[name], period)
        labels = formula.type.labels if formula.type.kind == "category" else ()
        step = Step(
            name=name,
            label=variable.label if variable else "",
            of=variable.of if variable else "person",
            unit=variable.unit if variable else "row",
            month=month if formula.period == "month" else 0,
            values=_plain(value, formula.type.kind, labels),
            formula=_text(variable.formula, variable.cases) if variable else formula.text,
            where=str(formula.where),
            source=variable.source if variable else "",
            reads=tuple(reads),
        )
        parts = list(self._formulas(formula))
        step.inputs = dict(self._inputs(parts))
        step.notes = {name: text for name, text in self.notes.items() if name in step.inputs}
        step.parameters = tuple(self._parameters(parts, month))
        step.draws = tuple(self._draws(parts))
        step.trouble = self._trouble(parts)
        return step

    def _period(self, month: int) -> int:
        return max(p for p, first in enumerate(self.first_months) if first <= month)

    def _inputs(self, parts: list[Formula]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        for node in (n for part in parts for n in _nodes(part.root)):
            if isinstance(node, tree.Reference) and node.is_input:
                values = self.interpreter.input(node)
                labels = node.type.labels if node.type.kind == "category" else ()
                name = in_words(node.name) if is_state(node.name) else node.name
                yield name, _plain(values, node.type.kind, labels)

    def _parameters(self, parts: list[Formula], month: int) -> Iterator[ParameterUse]:
        seen: set[str] = set()
        for part in parts:
            yearly = part.period == "year"
            law = self.interpreter.law
            for name in _parameter_names(part.root):
                if name in seen:
                    continue
                seen.add(name)
                value = law.yearly[name] if yearly else law.monthly[name][self._period(month)]
                yield self._parameter(name, value, month, yearly)

    def _parameter(self, name: str, value: float | Array, month: int, yearly: bool) -> ParameterUse:
        if name.startswith("quota."):
            return ParameterUse(
                name, value, "rank", "", "cut-off of the quota, frozen by the run", ""
            )
        if name.startswith("frame."):
            unit = self.definitions.frame.get(name[6:], "")
            return ParameterUse(name, value, unit, "", "macro frame of the run", "")
        parameter: ParameterDefinition = self.definitions.parameters[name]
        year = self.interpreter.law.year
        dated = dated_value_at(parameter, month_index(year, 12 if yearly else month), yearly)
        shown = dated.value.tolist() if isinstance(dated.value, np.ndarray) else value
        return ParameterUse(name, shown, parameter.unit, dated.date, dated.source, str(dated.where))

    def _draws(self, parts: list[Formula]) -> Iterator[DrawUse]:
        for part in parts:
            for node in _nodes(part.root):
                if isinstance(node, tree.Draw):
                    rows = np.ones(
                        1 if part.of == "household" else self.interpreter.people.n_persons, bool
                    )
                    drawn = self.interpreter._draw(node, Place(part, -1, rows))
                    yield DrawUse(node.decision, tuple(float(x) for x in np.atleast_1d(drawn)))

    def _trouble(self, parts: list[Formula]) -> str:
        number = int(self.interpreter.poison.max(initial=0))
        if not number:
            return ""
        site = self.interpreter.sites[number]
        return site.what if any(part.id == site.formula.id for part in parts) else ""


def _nodes(node: tree.Node) -> Iterator[tree.Node]:
    yield node
    for child in tree.children(node):
        yield from _nodes(child)


def _parameter_names(node: tree.Node) -> Iterator[str]:
    for one in _nodes(node):
        if isinstance(one, tree.Parameter):
            yield one.name
        elif isinstance(one, tree.Schedule | tree.Lookup):
            yield one.parameter


def _plain(values: Array, kind: str, labels: tuple[str, ...]) -> tuple[Any, ...]:
    if kind == "boolean":
        return tuple(bool(v) for v in values)
    if labels:
        return tuple(labels[int(v)] for v in values.astype(np.float64))
    return tuple(float(v) for v in values.astype(np.float64))


def _text(formula: str, cases: tuple[tuple[str, str, Any], ...]) -> str:
    if formula or not cases:
        return " ".join(formula.split())
    return "; ".join(
        f"{result} if {condition}" if condition else f"otherwise {result}"
        for condition, result, _ in cases
    )


def as_json(steps: list[Step]) -> list[dict[str, Any]]:
    """Return steps as plain data."""
    return [asdict(step) for step in steps]


def as_text(steps: list[Step], members: list[str]) -> str:
    """Return steps for people: each variable with its numbers, its formula and what it read."""
    return "\n".join(line for step in steps for line in _lines(step, members))


def _lines(step: Step, members: list[str]) -> Iterator[str]:
    when = f" in month {step.month}" if step.month else ""
    title = f" ({step.label})" if step.label else ""
    yield f"{step.name}{title}{when}: {_shown(step.values, members)} {step.unit}".rstrip()
    yield f"    = {step.formula}    [{step.where}]"
    if step.source:
        yield f"    law: {step.source}"
    for name, values in step.inputs.items():
        note = f" ({step.notes[name]})" if name in step.notes else ""
        yield f"    input {name}: {_shown(values, members)}{note}"
    for one in step.parameters:
        since = f", since {one.date}" if one.date else ""
        place = f" [{one.where}]" if one.where else ""
        yield f"    {one.name} = {_number(one.value)} {one.unit}{since}: {one.source}{place}"
    for draw in step.draws:
        yield f'    draw "{draw.decision}": {_shown(draw.values, members)}'
    if step.trouble:
        yield f"    CANNOT BE COMPUTED: {step.trouble}"
    yield ""


def _shown(values: tuple[Any, ...], members: list[str]) -> str:
    if len(values) == 1:
        return _number(values[0])
    named = zip(members, values, strict=False)
    return ", ".join(f"{name} {_number(value)}" for name, value in named)


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return str(value)
