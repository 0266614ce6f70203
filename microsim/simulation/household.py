"""Hypothetical households: the same rules on a family written by hand, at any date, over a range of
one input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.kernels.draws import mix_keys
from microsim.language.definitions import Definitions
from microsim.language.graph import Builder, Graph, draws_of
from microsim.language.interpreter import Interpreter
from microsim.language.people import Array, Law, People, World
from microsim.language.states import KNOWN, LATE_LINKS, State, inputs_of, is_state, lagged, there_is
from microsim.policy.system import System
from microsim.population.columns import LINKS
from microsim.scenario.cases import HouseholdCase, Member
from microsim.simulation.engine_variables import EngineVariables, engine_variables
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.model import with_regions
from microsim.simulation.people import computed_inputs

TAKEN, NOT_TAKEN = 0.0, 1.0  # a draw below the probability happens
_QUOTED = re.compile(r"""["']([^"']+)["']""")


@dataclass
class Rules:
    """The rules of a system ready for hypothetical households."""

    system: System
    engine: EngineVariables
    graph: Graph
    ids: dict[str, str]

    @property
    def definitions(self) -> Definitions:
        """Definitions with the engine's variables."""
        return self.engine.definitions


@dataclass(frozen=True)
class CaseResult:
    """Values of the variables of one case.

    values: variable -> shape (n_points, n_members) for persons and units, (n_points, 1) for the
    household; n_points is 1 unless the case varies an input, whose values are `points`. neutral:
    inputs left out, with the value used. unit_of: the declared unit of each variable that has one.
    groups: the members (positions) of each unit of such a variable, absent where they change with
    the varied input. certain: draws the values depend on that the case does not fix. without_past:
    members without a year before, where values depend on one.
    """

    case: HouseholdCase
    points: npt.NDArray[np.float64]
    values: dict[str, npt.NDArray[np.float64]]
    units: dict[str, str]
    neutral: dict[str, float]
    draws: dict[str, bool]
    unit_of: dict[str, str] = field(default_factory=dict)
    groups: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    certain: tuple[str, ...] = ()
    without_past: tuple[str, ...] = ()


def rules_of(system: System, regions: tuple[str, ...] = ()) -> Rules:
    """Return a system's rules; region labels are those given and those its formulas name.

    Raises
    ------
    InputError
        With every fault of the rules.
    """
    if not regions:
        regions = region_labels(system)
    engine = engine_variables(with_regions(system, regions))
    faults, graph = FaultList(), Graph()
    ids = Builder(graph, faults).add(engine.definitions)
    faults.raise_if_any()
    return Rules(system, engine, graph, ids)


def region_labels(system: System, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the region labels formulas compare with, and `more`: a case brings no population."""
    known = system.definitions.inputs["region"].labels
    texts = [
        text
        for variable in system.definitions.variables.values()
        for text in (variable.formula, *(part for case in variable.cases for part in case[:2]))
        if "region" in text
    ]
    found = [label for text in texts for label in _QUOTED.findall(text)]
    return tuple(dict.fromkeys([*known, *found, *more, "elsewhere"]))


def evaluate(
    case: HouseholdCase, rules: Rules | None = None, wanted: tuple[str, ...] = ()
) -> CaseResult:
    """Return the values of variables of a case: those wanted, else those it shows and expects.

    Raises
    ------
    InputError
        Faults of the rules; a parameter without value at the date; a rule that cannot be computed
        for the household.
    """
    regions = region_labels(case.system, (case.region,) if case.region else ())
    rules = rules or rules_of(case.system, regions)
    names = wanted or wanted_names(case, rules)
    people, points, neutral = people_of_case(case, rules)
    interpreter = interpreter_of(case, rules, people, names)
    n, size = len(points), len(case.members)
    values, units, unit_of, groups = {}, {}, {}, {}
    for name in names:
        variable = rules.definitions.variables.get(name)
        if variable is None:
            column = people.inputs[name].astype(np.float64)
            values[name], units[name] = column.reshape(n, -1), rules.definitions.inputs[name].unit
            continue
        one = value_of(interpreter, rules, name, whole_year=case.month == 0)
        if variable.of not in ("person", "household"):
            anchor = interpreter.value(rules.ids[f"anchor:{variable.of}"]).astype(np.int64)
            one, unit_of[name] = one[anchor], variable.of
            together = _groups(anchor.reshape(n, size))
            if together:
                groups[name] = together
        values[name] = one.reshape(n, 1 if variable.of == "household" else size)
        units[name] = variable.unit
        if case.month == 0 and variable.unit == "currency/month":
            units[name] = "currency/year"
    _raise_if_poisoned(interpreter, case)
    draws, certain = dict(case.draws), certain_draws(case, rules, names)
    without = without_past(case, rules, names)
    return CaseResult(
        case, points, values, units, neutral, draws, unit_of, groups, certain, without
    )


def _groups(anchor: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Return the positions of each unit's members; () if they change from point to point.

    `anchor`: shape (n_points, n_members), the row that stands for each member's unit.
    """
    n, size = anchor.shape
    position = anchor - size * np.arange(n)[:, None]
    if bool((position != position[0]).any()):
        return ()
    return tuple(
        tuple(int(i) for i in np.flatnonzero(position[0] == one)) for one in np.unique(position[0])
    )


def certain_draws(case: HouseholdCase, rules: Rules, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the draws that variables depend on and the case does not fix, by name."""
    found = {
        draw.decision
        for key in closure(rules, names)
        for draw in draws_of(rules.graph.formulas[key].root)
    }
    return tuple(sorted(found - set(case.draws)))


def without_past(case: HouseholdCase, rules: Rules, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the members whose year before is not stated, if variables depend on years before."""
    looks_back = any(
        is_state(one.name)
        for key in closure(rules, names)
        for one in inputs_of(rules.graph.formulas[key].root)
    )
    return tuple(m.name for m in case.members if m.previous is None and looks_back)


def wanted_names(case: HouseholdCase, rules: Rules) -> tuple[str, ...]:
    """Return what a case shows, or expects, or else every benefit, contribution and tax, and
    disposable income.
    """
    names = [*case.show, *(e.variable for e in case.expect)]
    if not names:
        system = rules.system
        for scheme in system.schemes.values():
            names += [c.variable for c in scheme.contributions] + [
                b.variable for b in scheme.benefits
            ]
        names += [tax.variable for tax in system.taxes.values()]
        names.append("disposable_income")
    if case.vary is not None and "disposable_income" not in names:
        names.append("disposable_income")
    return tuple(dict.fromkeys(names))


def value_of(interpreter: Interpreter, rules: Rules, name: str, *, whole_year: bool) -> Array:
    """Return a variable's values: of the month, or of the year (the sum of amounts a month,
    December of the rest).
    """
    key, variable = rules.ids[name], rules.definitions.variables[name]
    if variable.period == "year":
        return interpreter.value(key).astype(np.float64)
    months = interpreter.law.months
    if not whole_year or variable.unit != "currency/month":
        return interpreter.value(key, len(months) - 1).astype(np.float64)
    total = np.zeros(interpreter.value(key, 0).shape)
    for period, n in enumerate(months):
        total = total + n * interpreter.value(key, period)
    return total


def interpreter_of(
    case: HouseholdCase, rules: Rules, people: People, names: tuple[str, ...]
) -> Interpreter:
    """Return an interpreter of the case's law at its date; draws are certain unless the case says
    otherwise.
    """
    ids = closure(rules, names)
    monthly, yearly = used_parameters(rules.graph, ids)
    reader = LawReader(rules.definitions, case.frame, case.year)
    law: Law
    if case.month:
        law = reader.law_of_month(case.month, 12, monthly, yearly)
    else:
        periods = common_periods([rules.definitions], case.year, [monthly])
        law = reader.law(periods, monthly, yearly)
    fixed = {name: TAKEN if happens else NOT_TAKEN for name, happens in case.draws.items()}
    return Interpreter(rules.graph, people, law, World(0, certain=True, fixed=fixed))


def closure(rules: Rules, names: tuple[str, ...]) -> set[str]:
    """Return the ids of all formulas that some variables need."""
    from microsim.language.staging import dependencies

    found: set[str] = set()
    waiting = [rules.ids[name] for name in names if name in rules.ids]
    for name in names:
        variable = rules.definitions.variables.get(name)
        if variable is not None and variable.of not in ("person", "household"):
            waiting.append(rules.ids[f"anchor:{variable.of}"])
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += [read for _, read in dependencies(rules.graph.formulas[key])]
            if key in rules.graph.fixed:
                waiting.append(rules.graph.fixed[key].final)
    return found


def people_of_case(
    case: HouseholdCase, rules: Rules
) -> tuple[People, npt.NDArray[np.float64], dict[str, float]]:
    """Return the household, once for each value of the varied input; the values; and inputs left
    out.
    """
    points = np.array(case.vary.values() if case.vary else [np.nan])
    n, size = len(points), len(case.members)
    persons: dict[str, Array] = {}
    households: dict[str, Array] = {}
    neutral: dict[str, float] = {}
    for name, column in rules.definitions.inputs.items():
        if column.of == "person":
            given = [member.values.get(name) for member in case.members]
            if all(value is None for value in given):
                neutral[name] = column.default
            row = [column.default if value is None else value for value in given]
            persons[name] = np.tile(np.array(row, np.float64), n)
        else:
            if name not in case.household and name != "region":
                neutral[name] = column.default
            households[name] = np.full(n, case.household.get(name, column.default))
    labels = rules.definitions.inputs["region"].labels
    households["region"] = np.full(n, float(labels.index(case.region or "elsewhere")))
    if case.vary is not None:
        table = persons if case.vary.position >= 0 else households
        varied = table[case.vary.input].reshape(n, -1)
        varied[:, max(case.vary.position, 0)] = points
    links = {
        link: np.tile(np.array([getattr(m, link) for m in case.members], np.int16), n)
        for link in LINKS
    }
    start = np.arange(n + 1, dtype=np.int64) * size
    facts = {**persons, **links}
    computed = computed_inputs(facts, np.full(n, size, np.int64), start)
    for name, values in computed.items():
        (households if name == "household_size" else persons)[name] = values
        neutral.pop(name, None)
    boolean = [n for n, c in rules.definitions.inputs.items() if c.unit == "boolean"]
    persons |= _years_before(case.members, rules.graph.states, n)
    columns = {**persons, **households}
    for name in boolean:
        columns[name] = columns[name].astype(np.bool_)
    keys = np.array([mix_keys(np.uint64(1), 0, i) for i in range(n * size)], np.uint64)
    return People(start, links, columns, keys, keys[:n]), points, neutral


def _years_before(
    members: tuple[Member, ...], states: dict[str, State], n_points: int
) -> dict[str, Array]:
    """Return the columns of years before, as the members of a case state them."""
    rows: dict[str, list[float]] = {KNOWN: [m.previous is not None for m in members]}
    for link in LATE_LINKS:
        rows[there_is(link)] = [link in m.late for m in members]
    for name, state in states.items():
        own = [(m.previous or {}).get(name, ()) for m in members]
        for lag in range(1, state.lags + 1):
            rows[lagged(name, lag)] = [x[lag - 1] if lag <= len(x) else 0.0 for x in own]
        for link in state.late:
            late = [m.late.get(link, {}).get(name, 0.0) for m in members]
            rows[lagged(name, 1, link)] = late
    return {name: np.tile(np.array(row, np.float64), n_points) for name, row in rows.items()}


def _raise_if_poisoned(interpreter: Interpreter, case: HouseholdCase) -> None:
    bad = interpreter.poison[interpreter.poison != 0]
    faults = FaultList()
    for number in np.unique(bad):
        site = interpreter.sites[int(number)]
        faults.add(
            str(site.formula.where),
            f"{site.what} in the formula of {site.formula.name.removeprefix('part of ')} "
            f"for case '{case.name}'",
            f"`{site.formula.text}`",
            "a formula that can be computed for this household",
        )
    faults.raise_if_any()


@dataclass(frozen=True)
class Check:
    """One expectation of a worked case against what the rules give."""

    case: HouseholdCase
    variable: str
    member: str
    expected: float
    found: float
    where: str

    @property
    def holds(self) -> bool:
        """Whether the difference is within the case's tolerance."""
        return abs(self.found - self.expected) <= self.case.tolerance


def check_case(case: HouseholdCase, rules: Rules | None = None) -> list[Check]:
    """Return every expectation of a case with what the rules give."""
    if not case.expect:
        return []
    names = tuple(dict.fromkeys(e.variable for e in case.expect))
    result = evaluate(replace(case, vary=None), rules, names)
    checks = []
    for one in case.expect:
        row = result.values[one.variable][0]
        member = case.members[one.position].name if one.position >= 0 else ""
        found = float(row[max(one.position, 0)] if len(row) > 1 else row[0])
        checks.append(Check(case, one.variable, member, one.value, found, str(one.where)))
    return checks


def marginal_rates(result: CaseResult) -> npt.NDArray[np.float64]:
    """Return METR between neighbouring points: 1 - change of disposable income / change of the
    input.

    Shape (n_points,); the first is NaN. Both are taken in the same period.
    """
    disposable = result.values["disposable_income"][:, 0]
    per = 12.0 if result.case.month == 0 else 1.0
    rates = np.full(len(disposable), np.nan)
    if len(disposable) > 1:
        rates[1:] = 1.0 - np.diff(disposable) / (np.diff(result.points) * per)
    return rates


def check_rules(cases: tuple[HouseholdCase, ...]) -> list[Check]:
    """Return every expectation of several cases; rules that cases share are read once.

    Raises
    ------
    InputError
        Faults of the rules.
    """
    ready: dict[tuple[int, str], Rules] = {}
    checks: list[Check] = []
    for case in cases:
        key = (id(case.system), case.region)
        if key not in ready:
            more = (case.region,) if case.region else ()
            ready[key] = rules_of(case.system, region_labels(case.system, more))
        checks += check_case(case, ready[key])
    return checks


__all__ = ["CaseResult", "Check", "InputError", "Rules", "check_case", "check_rules", "evaluate"]
