"""Brings a scenario's systems together as one program: formulas of all reforms, laws of the year,
what to measure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from microsim.errors import Fault, FaultList, InputError
from microsim.files import did_you_mean
from microsim.kernels.accumulate import scale_of
from microsim.language.compiling import Program, compile_graph, reachable
from microsim.language.definitions import Definitions
from microsim.language.evaluating import Evaluator, Sum, Wanted
from microsim.language.graph import Builder, Graph, QuotaColumns, parameters_of
from microsim.language.people import Law
from microsim.language.states import State, state_columns
from microsim.policy.system import System
from microsim.results.contents import CONCEPTS, Measure
from microsim.scenario.frame import Frame
from microsim.simulation.engine_variables import EngineVariables, engine_variables
from microsim.simulation.law import LawReader, common_periods, used_parameters

MONEY_STATISTICS = (
    "amount", "entitlement", "due", "insurable", "covered_wages",
    "balances", "new_awards", "closed", "accrued",
)  # fmt: skip


@dataclass(frozen=True)
class Carried:
    """Which columns of persons a projection takes from one year to the next.

    Attributes
    ----------
    states
        What rules read of earlier years, with its column; -1 for an input of persons.
    behaviours
        Column by process of lives that it moves; of the first scenario.
    benefits
        Column by (scheme, benefit) of those paid to persons: their beginning and end is counted.
    """

    states: tuple[tuple[State, int], ...] = ()
    behaviours: dict[str, int] = field(default_factory=dict)
    benefits: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def kept(self) -> list[tuple[int, str]]:
        """Column and name of each value kept from year to year: states, then benefits."""
        found = [(column, state.name) for state, column in self.states]
        return found + [(column, "") for column in self.benefits.values()]


@dataclass(frozen=True)
class Model:
    """All scenarios of a run, ready to be evaluated on people.

    Attributes
    ----------
    names
        Scenario names, the baseline first.
    systems
        The law of each.
    measures, instruments, stocks
        What is summed; the household amounts kept, by `scheme.item`; the benefits whose December
        amounts are kept.
    persons
        Variables whose value of each person is kept.
    """

    names: tuple[str, ...]
    systems: tuple[System, ...]
    frame: Frame
    year: int
    engine: tuple[EngineVariables, ...]
    ids: tuple[dict[str, str], ...]
    graph: Graph
    program: Program
    laws: tuple[Law, ...]
    measures: tuple[Measure, ...]
    instruments: tuple[str, ...]
    stocks: tuple[tuple[str, str], ...]
    wanted: Wanted
    money_scale: float
    quotas: dict[str, QuotaColumns] = field(default_factory=dict)
    persons: tuple[str, ...] = ()
    carried: Carried = field(default_factory=Carried)

    def with_law(
        self,
        systems: Sequence[System],
        cut_offs: Mapping[str, Sequence[float]],
        frame: Frame | None = None,
    ) -> Model:
        """Return the model with other values of parameters and quotas; formulas stay as they are.

        Parameters
        ----------
        systems
            The law of each scenario, which differs from that of the model in values only.
        cut_offs
            Frozen cut-off of each quota, by scenario.
        frame
            Macro series, if other values of parameters carry them on otherwise (a projection).
        """
        engine = tuple(
            replace(one, definitions=replace(one.definitions, parameters=s.definitions.parameters))
            for one, s in zip(self.engine, systems, strict=True)
        )
        definitions = [one.definitions for one in engine]
        frame = frame or self.frame
        laws = _laws(self.program, definitions, frame, self.year, cut_offs)
        return replace(self, systems=tuple(systems), engine=engine, frame=frame, laws=laws)

    def evaluator(self) -> Evaluator:
        """Return an evaluator bound to the laws of all scenarios."""
        return Evaluator(self.program, self.laws, list(range(len(self.names))), self.wanted)

    def sign(self, instrument: str) -> int:
        """Return 1 for what the household receives, -1 for what it pays."""
        return next(
            e.instruments[instrument][1] for e in self.engine if instrument in e.instruments
        )


def with_regions(system: System, regions: Sequence[str]) -> System:
    """Return the system with the region labels of a population known to its rules."""
    definitions = system.definitions
    region = definitions.inputs["region"]
    inputs = definitions.inputs | {"region": replace(region, labels=tuple(regions))}
    return replace(system, definitions=replace(definitions, inputs=inputs))


def check_columns(definitions: Definitions, used: Sequence[str], known: Sequence[str]) -> None:
    """Raise `InputError` naming every input that rules read and the population lacks."""
    faults = FaultList()
    for name in used:
        if name not in known:
            column = definitions.inputs[name]
            faults.add(
                str(column.where),
                f"the rules read the input `{name}`, which the population does not have",
                "no such column",
                f"a column of each {column.of}, {column.unit}",
                "Add it to the population (its mapping's `extras`), or change the rules.",
            )
    faults.raise_if_any()


def build(
    names: Sequence[str],
    systems: Sequence[System],
    frame: Frame,
    year: int,
    *,
    compiled: bool = True,
    cut_offs: Mapping[str, Sequence[float]] | None = None,
    persons: Sequence[str] = (),
    behaviours: Mapping[str, str] | None = None,
) -> Model:
    """Return the model of some systems in a year.

    Parameters
    ----------
    names, systems
        The scenarios and their laws, the baseline first.
    frame, year
        Macro series, and the year to evaluate.
    compiled
        If not, no machine code is made or loaded: for the interpreter only.
    cut_offs
        Frozen cut-off of each quota by scenario; until a quota is frozen everybody eligible has a
        place.
    persons
        Variables whose value of each person is kept, in every scenario that has them.
    behaviours
        Of a projection: variable by process of lives that it moves.

    Raises
    ------
    InputError
        With every fault of the rules of all systems, each once; a variable to keep that no person
        has.
    """
    faults, graph = FaultList(), Graph()
    builder = Builder(graph, faults)
    engine = [engine_variables(system) for system in systems]
    ids = [builder.add(one.definitions) for one in engine]
    if faults.faults:
        raise InputError(faults.faults)
    measures = tuple(sorted({measure for one in engine for measure in one.measures}))
    instruments = tuple(sorted({key for one in engine for key in one.instruments}))
    stocks = tuple(sorted({key for one in engine for key in one.december}))
    money_scale = _money_scale(frame, year)
    wanted = _wanted(measures, instruments, stocks, engine, ids, money_scale)
    columns: tuple[tuple[str | None, ...], ...] = ()
    carried = Carried()
    if behaviours is not None:
        columns, carried = _carried(graph, engine, ids, behaviours)
    wanted = replace(wanted, person_columns=(*columns, *_kept_persons(persons, engine, ids)))
    outputs = [k for w in wanted.sums for k in w.formulas if k is not None]
    for kept in (wanted.extremes, wanted.household_columns, wanted.person_columns):
        outputs += [k for column in kept for k in column if k is not None]
    quotas = _quotas_of(graph, outputs)
    outputs += [key for quota in quotas.values() for key in (quota.rank, quota.eligible)]
    program = compile_graph(graph, outputs, loaded=compiled)
    laws = _laws(program, [one.definitions for one in engine], frame, year, cut_offs or {})
    return Model(
        tuple(names), tuple(systems), frame, year, tuple(engine), tuple(ids), graph, program, laws,
        measures, instruments, stocks, wanted, money_scale, quotas, tuple(persons), carried,
    )  # fmt: skip


def _carried(
    graph: Graph,
    engine: Sequence[EngineVariables],
    ids: Sequence[dict[str, str]],
    behaviours: Mapping[str, str],
) -> tuple[tuple[tuple[str | None, ...], ...], Carried]:
    """Return the columns of persons that a projection carries on, and what each is."""
    columns: list[tuple[str | None, ...]] = []
    states: list[tuple[State, int]] = []
    for one in state_columns(graph, ids):
        has_formula = any(key is not None for key in one.formulas)
        states.append((one.state, len(columns) if has_formula else -1))
        columns += [one.formulas] if has_formula else []
    moves = {}
    for process, variable in behaviours.items():
        moves[process] = len(columns)
        columns.append((ids[0][variable], *([None] * (len(ids) - 1))))
    benefits = {}
    for measure in sorted({m for one in engine for m in one.measures}):
        if (measure.kind, measure.statistic) == ("benefit", "amount"):
            formulas = tuple(
                found[one.measures[measure]] if measure in one.measures else None
                for one, found in zip(engine, ids, strict=True)
            )
            if all(graph.formulas[k].of == "person" for k in formulas if k is not None):
                benefits[measure.scheme, measure.item] = len(columns)
                columns.append(formulas)
    return tuple(columns), Carried(tuple(states), moves, benefits)


def of_lives_alone(model: Model, behaviours: Mapping[str, str]) -> Model:
    """Return the model of what lives read under the first scenario, without schemes and tables."""
    ids = model.ids[0]
    outputs = [ids[variable] for variable in behaviours.values()]
    program = compile_graph(model.graph, outputs, loaded=model.program.loaded)
    columns: list[tuple[str | None, ...]] = []
    states: list[tuple[State, int]] = []
    for one in state_columns(program.graph, [ids]):
        has_formula = one.formulas[0] is not None
        states.append((one.state, len(columns) if has_formula else -1))
        columns += [one.formulas] if has_formula else []
    moves = {process: len(columns) + k for k, process in enumerate(behaviours)}
    columns += [(key,) for key in outputs]
    definitions = [one.definitions for one in model.engine]
    laws = _laws(program, definitions, model.frame, model.year, {})[:1]
    carried = Carried(tuple(states), moves)
    return replace(
        model, names=model.names[:1], systems=model.systems[:1], engine=model.engine[:1],
        ids=model.ids[:1], program=program, laws=laws, measures=(), instruments=(), stocks=(),
        wanted=Wanted(person_columns=tuple(columns)), quotas={}, persons=(), carried=carried,
    )  # fmt: skip


def laws_of_years(
    model: Model, years: Sequence[int], cut_offs: Mapping[str, Sequence[float]] | None = None
) -> tuple[tuple[Law, ...], ...]:
    """Return the laws of each year, by scenario.

    Raises
    ------
    InputError
        A parameter or series that a formula reads has no value in a year; each is named once.
    """
    definitions = [one.definitions for one in model.engine]
    faults = FaultList()
    found = []
    for year in years:
        try:
            laws = _laws(model.program, definitions, model.frame, year, cut_offs or {})
            found.append(laws)
        except InputError as error:
            faults.faults.extend(error.faults)
    faults.raise_if_any()
    return tuple(found)


def _wanted(
    measures: tuple[Measure, ...],
    instruments: tuple[str, ...],
    stocks: tuple[tuple[str, str], ...],
    engine: Sequence[EngineVariables],
    ids: Sequence[dict[str, str]],
    scale: float,
) -> Wanted:
    pairs = list(zip(engine, ids, strict=True))
    sums = tuple(
        Sum(
            tuple(found[one.measures[m]] if m in one.measures else None for one, found in pairs),
            whether=any(m in one.whether for one in engine),
            scale=scale if m.statistic in MONEY_STATISTICS else 1.0,
        )
        for m in measures
    )
    columns: list[tuple[str | None, ...]] = [
        tuple(found[one.concepts[concept]] for one, found in pairs) for concept in CONCEPTS
    ]
    columns.append(tuple(found[one.pensions] for one, found in pairs))
    columns += [
        tuple(
            found[one.instruments[key][0]] if key in one.instruments else None
            for one, found in pairs
        )
        for key in instruments
    ]
    extremes = tuple(
        tuple(found[one.december[key]] if key in one.december else None for one, found in pairs)
        for key in stocks
    )
    return Wanted(sums, extremes, (), tuple(columns))


def _kept_persons(
    names: Sequence[str], engine: Sequence[EngineVariables], ids: Sequence[dict[str, str]]
) -> tuple[tuple[str | None, ...], ...]:
    faults = FaultList()
    for name in names:
        known = [one.definitions.variables for one in engine if name in one.definitions.variables]
        if not known:
            every = {n for one in engine for n in one.definitions.variables}
            remedy = did_you_mean(name, every)
            faults.add("--keep-persons", "unknown variable", name, "a variable of persons", remedy)
        elif known[0][name].of != "person":
            faults.add("--keep-persons", f"variable {name} is of", known[0][name].of, "person")
    faults.raise_if_any()
    return tuple(tuple(found.get(name) for found in ids) for name in names)


def _quotas_of(graph: Graph, outputs: list[str]) -> dict[str, QuotaColumns]:
    """Return the quotas that results depend on, in the order in which they can be frozen."""
    kept = reachable(graph, outputs).formulas.values()
    named = {name for formula in kept for name in parameters_of(formula.root)}
    return {name: quota for name, quota in graph.quotas.items() if name in named}


def _laws(
    program: Program,
    definitions: Sequence[Definitions],
    frame: Frame,
    year: int,
    cut_offs: Mapping[str, Sequence[float]],
) -> tuple[Law, ...]:
    members = program.graph.members[: len(definitions)]
    used = [used_parameters(program.graph, one) for one in members]
    periods = common_periods(definitions, year, [monthly for monthly, _ in used])
    faults = FaultList()
    laws = []
    for s, (one, (monthly, yearly)) in enumerate(zip(definitions, used, strict=True)):
        frozen = {name: values[s] for name, values in cut_offs.items()}
        try:
            laws.append(LawReader(one, frame, year, frozen).law(periods, monthly, yearly))
        except InputError as error:
            faults.faults.extend(error.faults)
    faults.raise_if_any()
    return tuple(laws)


def _money_scale(frame: Frame, year: int) -> float:
    """Return the power of two that puts the average yearly wage (or what is known nearest to it)
    into [1, 2).
    """
    for name, months in (
        ("average_wage", 12.0),
        ("poverty_line_830", 12.0),
        ("minimum_wage", 12.0),
    ):
        value = frame.get(name, year)
        if value is not None and value > 0:
            return math.ldexp(1.0, math.frexp(value * months)[1] - 1)
    gdp = frame.get("gdp", year)
    return scale_of(gdp, 1) if gdp else 1.0


def unused_parameters(
    model: Model, ahead: Sequence[Model] = (), of_lives: Iterable[str] = ()
) -> tuple[Fault, ...]:
    """Return a warning for each parameter, of any scenario, that no formula and no table reads.

    Parameters
    ----------
    model
        Of all scenarios.
    ahead
        Of a projection, the models of its life groups.
    of_lives
        Parameters that rates of lives and the economy are made from.
    """
    read = set(of_lives)
    for graph in (one.program.graph for one in (model, *ahead)):
        monthly, yearly = used_parameters(graph, graph.formulas)
        read |= monthly | yearly
    for system in model.systems:
        read |= {system.retirement_age, *system.poverty_lines.values()}
        for scheme in system.schemes.values():
            read |= {b.minimum for b in scheme.benefits}
            if scheme.administration is not None:
                read.add(scheme.administration.parameter)
            if scheme.fund is not None:
                read.add(scheme.fund.returns)
    declared = {p.name: p for s in model.systems for p in s.definitions.parameters.values()}
    return tuple(
        Fault(str(p.where), f"parameter {p.name} is used by no formula that reaches a result")
        for p in declared.values()
        if p.name not in read
    )
