"""A small law for tests of the rule language: inputs, parameters and units of people, and ways to
read formulas.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from microsim.errors import FaultList
from microsim.language.definitions import (
    DatedValue,
    Definitions,
    InputDefinition,
    Location,
    ParameterDefinition,
    UnitDefinition,
    VariableDefinition,
)
from microsim.language.graph import Builder, Graph
from microsim.language.interpreter import Interpreter
from microsim.language.people import Law, People, World
from microsim.simulation.law import LawReader, common_periods, used_parameters

PLACE = Location("law.yaml", 12)
YEAR = 2025
SEX = ("male", "female")
STATUS = ("employee", "own-account", "retired")


def dated(*values: tuple[str, object]) -> tuple[DatedValue, ...]:
    """Return dated values of (date, value)."""
    made = []
    for date, value in values:
        year, month, day = (int(part) for part in date.split("-"))
        first = year * 12 + month - 1 + (day > 1)
        number = float(value) if np.isscalar(value) else np.array(value, float)
        made.append(DatedValue(first, number, date, "Act", PLACE))
    return tuple(made)


def parameter(name, unit, *values, kind="scalar", **more) -> ParameterDefinition:
    """Return a parameter; a single value holds from 2000."""
    pairs = values if values and isinstance(values[0], tuple) else [("2000-01-01", *values)]
    return ParameterDefinition(name, unit, kind, dated(*pairs), PLACE, **more)


def law() -> Definitions:
    """Return inputs, parameters and units of people, without variables."""
    inputs = [
        InputDefinition("age", "person", "years", PLACE),
        InputDefinition("sex", "person", "category", PLACE, labels=SEX),
        InputDefinition("status", "person", "category", PLACE, labels=STATUS),
        InputDefinition("earnings", "person", "currency/month", PLACE),
        InputDefinition("bonus", "person", "currency/year", PLACE),
        InputDefinition("disabled", "person", "boolean", PLACE),
        InputDefinition("rent", "household", "currency/month", PLACE),
        InputDefinition("urban", "household", "boolean", PLACE),
        InputDefinition("size", "household", "count", PLACE),
    ]
    table = [[a, s, 10 * a + s] for a in (0.0, 60.0) for s in (0.0, 1.0)]
    parameters = [
        parameter("tax.rate", "share", ("2000-01-01", 0.1), ("2025-07-01", 0.2)),
        parameter("tax.credit", "currency/year", 1200.0),
        parameter("grant.amount", "currency/month", 50.0),
        parameter("grant.age", "years", 18.0),
        parameter("grant.open", "boolean", 1.0),
        parameter("grant.who", "category", 1.0, labels=SEX),
        parameter("tax.bands", "currency/month", [[0, 0.1], [100, 0.3]], kind="schedule"),
        parameter(
            "grant.table", "currency/month", table, kind="table",
            keys=(("age", "years"), ("sex", "category")),
        ),
    ]  # fmt: skip
    units = [UnitDefinition("family", "couple with dependent children", "age < 18", "head", PLACE)]
    return Definitions(
        {one.name: one for one in parameters},
        {one.name: one for one in inputs},
        {},
        {one.name: one for one in units},
        {"wage": "currency/month"},
    )


def with_variable(definitions: Definitions, name: str, formula: str, *, of="person", unit="currency/month",
                  period="", labels=(), cases=(), place=PLACE) -> Definitions:  # fmt: skip
    """Return the law with one more variable."""
    period = period or ("year" if unit.endswith("/year") else "month")
    texts = tuple((when, then, place) for when, then in cases)
    one = VariableDefinition(
        name, of, unit, period, formula, place, place, cases=texts, labels=labels
    )
    return replace(definitions, variables=definitions.variables | {name: one})


def faults_of(definitions: Definitions) -> list[str]:
    """Return the faults of a law as text."""
    faults = FaultList()
    Builder(Graph(), faults).add(definitions)
    return [str(fault) for fault in faults.faults]


def people(members: list[list[dict]], **households) -> People:
    """Return households written as lists of persons; links are positions, left out they are none
    (head: first).
    """
    rows = [person for household in members for person in household]
    start = np.cumsum([0, *(len(household) for household in members)]).astype(np.int64)
    links = {
        name: np.array([row.get(name, 0 if name == "head" else -1) for row in rows], np.int16)
        for name in ("head", "spouse", "mother", "father")
    }
    inputs = {
        "age": np.array([row.get("age", 30) for row in rows], np.int8),
        "sex": np.array([SEX.index(row.get("sex", "male")) for row in rows], np.int8),
        "status": np.array([STATUS.index(row.get("status", "employee")) for row in rows], np.int8),
        "earnings": np.array([row.get("earnings", 0.0) for row in rows], float),
        "bonus": np.array([row.get("bonus", 0.0) for row in rows], float),
        "disabled": np.array([row.get("disabled", False) for row in rows], bool),
        "rent": np.array(households.get("rent", [0.0] * len(members)), float),
        "urban": np.array(households.get("urban", [False] * len(members)), bool),
        "size": np.array([len(household) for household in members], np.int16),
    }
    return People(
        start, links, inputs, np.arange(1, len(rows) + 1, dtype=np.uint64),
        np.arange(1, len(members) + 1, dtype=np.uint64),
    )  # fmt: skip


class Frame:
    """A macro frame of one series."""

    def value(self, name: str, year: int) -> float:
        """Return 300 of 2024 and 330 after."""
        return 300.0 if year <= 2024 else 330.0


def interpreter_of(definitions: Definitions, who: People, year: int = YEAR, world: World | None = None,
                   periods=None) -> tuple[Interpreter, dict[str, str]]:  # fmt: skip
    """Return an interpreter of a law on people, and the formula of each variable."""
    faults, graph = FaultList(), Graph()
    ids = Builder(graph, faults).add(definitions)
    faults.raise_if_any()
    monthly, yearly = used_parameters(graph, graph.formulas)
    dated_names = [n for n in monthly if not n.startswith("frame.")]
    periods = periods or common_periods([definitions], year, [dated_names])
    found: Law = LawReader(definitions, Frame(), year).law(periods, monthly, yearly)
    return Interpreter(graph, who, found, world or World(1)), ids


def value_of(definitions: Definitions, who: People, name: str, month: int = 1, **more) -> list:
    """Return the values of a variable in a month (1 to 12) or, if it is yearly, of the year."""
    interpreter, ids = interpreter_of(definitions, who, **more)
    ends = np.cumsum(interpreter.law.months)
    period = int(np.searchsorted(ends, month))
    return interpreter.value(ids[name], period).tolist()
