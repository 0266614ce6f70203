"""Years in a row: the compiled rules and the interpreter give the same bits when values of years
before are carried along, with or without what scenarios share.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_systems import YEAR, random_definitions, random_people, reformed
from small_rules import law, with_variable
from small_rules import people as small_people

from microsim.errors import FaultList, InputError
from microsim.language import tree
from microsim.language.compiling import Program, compile_graph
from microsim.language.evaluating import Evaluation, Evaluator, Wanted, Weighting, moved_over
from microsim.language.graph import Builder, Graph
from microsim.language.interpreter import Interpreter
from microsim.language.people import Array, Law, People, World
from microsim.language.states import (
    KNOWN,
    LATE_LINKS,
    StateColumn,
    lagged,
    state_columns,
    there_is,
)
from microsim.simulation.law import LawReader, common_periods, used_parameters

pytestmark = pytest.mark.usefixtures("rules_cache")
SEEDS = (1, 4)
YEARS = 4
checked = settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
Columns = dict[str, Array]


class Frame:
    """A macro frame of one series."""

    def value(self, name: str, year: int) -> float:
        return 1234.5 + year


@dataclass(frozen=True)
class Case:
    """A compiled random baseline with reforms, the laws of several years, what is carried along."""

    program: Program
    laws: list[list[Law]]  # by year and scenario
    ids: list[dict[str, str]]
    states: tuple[StateColumn, ...]
    wanted: Wanted

    def evaluators(self) -> list[Evaluator]:
        moved, systems = moved_over(self.laws), list(range(len(self.ids)))
        first = Evaluator(self.program, self.laws[0], systems, self.wanted, moved=moved)
        return [first] + [
            Evaluator(self.program, laws, systems, self.wanted, moved=moved, like=first)
            for laws in self.laws[1:]
        ]


@functools.cache
def case_of(seed: int) -> Case:
    """Compile one random system with reforms of values, of formulas, of what is carried, of
    nothing.
    """
    baseline = random_definitions(seed, n_variables=8, depth=3, histories=True)
    paid = replace(baseline.variables["s_paid"], formula="bonus * 0.5 if age > 30 else p.credit")
    systems = [
        baseline,
        reformed(baseline, seed + 1000, values=True, formulas=0),
        replace(baseline, variables=baseline.variables | {"s_paid": paid}),
        reformed(baseline, seed + 3000, values=True, formulas=2),
        baseline,
    ]
    graph, faults = Graph(), FaultList()
    ids = [Builder(graph, faults).add(one) for one in systems]
    faults.raise_if_any()
    yearly = [n for n, v in baseline.variables.items() if v.period == "year"]
    of_persons = [n for n in yearly if baseline.variables[n].of != "household"]
    wanted = Wanted(
        person_columns=tuple(tuple(found[n] for found in ids) for n in of_persons),
        household_columns=tuple(
            tuple(found[n] for found in ids) for n in yearly if n not in of_persons
        ),
    )
    program = compile_graph(graph, [found[n] for found in ids for n in yearly])
    used = [used_parameters(program.graph, members) for members in program.graph.members]
    laws = []
    for year in range(YEAR, YEAR + YEARS):
        periods = common_periods(systems, year, [monthly - {"frame.wage"} for monthly, _ in used])
        laws.append(
            [
                LawReader(one, Frame(), year).law(periods, monthly, of_year)
                for one, (monthly, of_year) in zip(systems, used, strict=True)
            ]
        )
    return Case(program, laws, ids, state_columns(program.graph, ids), wanted)


def weighting_of(people: People) -> Weighting:
    return Weighting(
        np.ones(people.n_households), np.zeros(people.n_persons, np.int32),
        np.zeros(people.n_households, np.int32), 1, 1,
    )  # fmt: skip


@dataclass(frozen=True)
class Step:
    """Rows of the year before, -1 for none: of the person itself and of those who died since."""

    source: Array
    late: dict[str, Array]


def random_step(rng: np.random.Generator, n_before: int, n_now: int) -> Step:
    """Let persons go, come and change places."""
    rows = rng.permutation(n_before)[:n_now]
    source = np.full(n_now, -1)
    source[: len(rows)] = rows
    source[rng.random(n_now) < 0.2] = -1
    late = {
        link: np.where(rng.random(n_now) < 0.3, rng.integers(0, n_before, n_now), -1)
        for link in LATE_LINKS
    }
    return Step(rng.permutation(source), late)


def taken(values: Array, rows: Array) -> Array:
    """Return values of rows of the year before, 0 where there is none."""
    return np.where(rows >= 0, values[np.maximum(rows, 0)], 0).astype(values.dtype)


def carried(case: Case, now: Columns, before: Columns, step: Step) -> Columns:
    """Return a scenario's inputs of years before, from its values and such inputs of last year."""
    found: Columns = {KNOWN: step.source >= 0}
    found |= {there_is(link): rows >= 0 for link, rows in step.late.items()}
    for column in case.states:
        state = column.state
        values = now[state.name]
        if state.boolean:
            values = values.astype(np.bool_)
        older = [values] + [
            before.get(lagged(state.name, k), values * 0) for k in range(1, state.lags)
        ]
        for lag, past in enumerate(older, 1):
            found[lagged(state.name, lag)] = taken(past, step.source)
        for link in state.late:
            found[lagged(state.name, 1, link)] = taken(values, step.late[link])
    return found


def values_of(case: Case, out: Evaluation, people: People, s: int) -> Columns:
    """Return what is carried of a scenario, by variable; the baseline's own arrays where shared."""
    found: Columns = {}
    place = {keys: c for c, keys in enumerate(case.wanted.person_columns)}
    for column in case.states:
        if column.formulas[s] is None:
            found[column.state.name] = people.inputs[column.state.name].astype(np.float64)
        else:
            c = place[column.formulas]
            found[column.state.name] = out.persons[0 if out.persons_shared[s, c] else s, c].copy()
    return found


def shared_with_baseline(states: list[Columns]) -> list[Columns]:
    """Put the baseline's array in the place of an equal one, as a run does that carries it once."""
    return [
        {
            name: states[0][name] if np.array_equal(one, states[0][name], equal_nan=True) else one
            for name, one in mine.items()
        }
        for mine in states
    ]


def assert_equal(case: Case, out: Evaluation, runs: list[Interpreter], shared: Evaluation) -> None:
    for values, other, flags, columns in (
        (out.persons, shared.persons, out.persons_shared, case.wanted.person_columns),
        (out.households, shared.households, out.households_shared, case.wanted.household_columns),
    ):
        for c, keys in enumerate(columns):
            for s, one in enumerate(runs):
                row = 0 if flags[s, c] else s
                expected = one.value(keys[s] or "").astype(np.float64)
                formula = case.program.graph.formulas[keys[s] or ""]
                bad = np.flatnonzero(values[row, c] != expected)[:5]
                assert np.array_equal(values[row, c], expected, equal_nan=True), (
                    f"scenario {s}, {formula.name}: `{formula.text}`: rows {bad}, compiled "
                    f"{values[row, c][bad]}, interpreted {expected[bad]}"
                )
                assert np.array_equal(values[row, c], other[row, c], equal_nan=True)


def interpreted(
    case: Case, people: People, laws: list[Law], world: World, past: list[Columns]
) -> list[Interpreter]:
    """Return an interpreter of each scenario."""
    return [
        Interpreter(
            case.program.graph, replace(people, inputs=people.inputs | mine), law, world,
            case.program.sites,
        )
        for law, mine in zip(laws, past, strict=True)
    ]  # fmt: skip


def interpreted_values(case: Case, people: People, one: Interpreter, s: int) -> Columns:
    """Return what is carried of a scenario, by variable."""
    return {
        column.state.name: (
            people.inputs[column.state.name]
            if column.formulas[s] is None
            else one.value(column.formulas[s] or "")
        ).astype(np.float64)
        for column in case.states
    }


def assert_same_poison(out: Evaluation, runs: list[Interpreter]) -> None:
    poison = np.stack([np.where(one.poison == 0, 2**31 - 1, one.poison) for one in runs])
    smallest = poison.min(axis=0)
    np.testing.assert_array_equal(out.poison, np.where(smallest == 2**31 - 1, 0, smallest))


@pytest.mark.parametrize("seed", SEEDS)
@checked
@given(people_seed=st.integers(0, 2**32), n_households=st.integers(1, 60))
def test_years_in_a_row__have_the_bits_of_the_interpreter(seed, people_seed, n_households):
    case = case_of(seed)
    rng, world = np.random.default_rng(people_seed), World(people_seed % 1000)
    scenarios = range(len(case.ids))
    past: list[Columns] = [{} for _ in scenarios]  # of the compiled rules
    twins: list[Columns] = [{} for _ in scenarios]  # of the interpreter
    before, twins_before = past, twins
    n_before = 0
    for year, evaluator in enumerate(case.evaluators()):
        people = random_people(people_seed + year, n_households + int(rng.integers(0, 5)))
        if year:
            step = random_step(rng, n_before, people.n_persons)
            past = [carried(case, before[s], past[s], step) for s in scenarios]
            twins = [carried(case, twins_before[s], twins[s], step) for s in scenarios]
        out = evaluator.run(people, weighting_of(people), world, states=past)
        shared = evaluator.run(
            people, weighting_of(people), world, threads=2, states=shared_with_baseline(past)
        )
        runs = interpreted(case, people, case.laws[year], world, twins)
        assert_equal(case, out, runs, shared)
        assert_same_poison(out, runs)
        assert out.persons_shared[-1].all()  # a reform that changes nothing, in every year
        assert out.households_shared[-1].all()
        before = [values_of(case, out, people, s) for s in scenarios]
        twins_before = [interpreted_values(case, people, runs[s], s) for s in scenarios]
        n_before = people.n_persons


def test_without_values_of_years_before__all_of_them_are_zero():
    case, people = case_of(SEEDS[0]), random_people(3, 40)
    evaluator, n = case.evaluators()[0], people.n_persons
    nothing = {
        name: np.zeros(n, np.bool_ if name.startswith("@") else np.float64)
        for name in case.program.state_inputs
    }
    one = evaluator.run(people, weighting_of(people), World(1))
    other = evaluator.run(people, weighting_of(people), World(1), states=[nothing] * len(case.ids))
    np.testing.assert_array_equal(one.persons, other.persons)
    np.testing.assert_array_equal(one.households, other.households)


def test_a_scenario__shares_what_its_changes_do_not_reach_in_any_year():
    case = case_of(SEEDS[0])
    affected = case.evaluators()[0].affected
    reached = {name for name, key in case.ids[2].items() if key in affected[2]}
    assert {"s_paid", "s_balance", "s_after", "s_best", "s_last", "s_widow", "s_kin"} <= reached
    assert not {"s_was", "s_ever", "s_years", "s_status"} & reached
    assert affected[4] == set()


def test_values_a_scenario_cannot_have_changed__are_refused():
    case, people = case_of(SEEDS[0]), random_people(3, 10)
    evaluator, n = case.evaluators()[0], people.n_persons
    states = [{"s_was@1": np.zeros(n)} for _ in case.ids]
    states[2] = {"s_was@1": np.ones(n)}
    with pytest.raises(InputError, match="other values of `s_was@1` than the baseline"):
        evaluator.run(people, weighting_of(people), World(1), states=states)


def test_values_of_another_length__are_refused():
    case, people = case_of(SEEDS[0]), random_people(3, 10)
    states = [{"s_was@1": np.zeros(people.n_persons + 1)}] * len(case.ids)
    with pytest.raises(InputError, match="not one value for each person"):
        case.evaluators()[0].run(people, weighting_of(people), World(1), states=states)
    with pytest.raises(InputError, match="for each scenario"):
        case.evaluators()[0].run(people, weighting_of(people), World(1), states=states[:1])


def kinds_of(node: tree.Node) -> set[str]:
    found = {type(node).__name__}
    if isinstance(node, tree.Reference) and "@" in node.name:
        found |= {f"{node.type.kind} {part}" for part in node.name.split("@")[1:]}
    for child in tree.children(node):
        found |= kinds_of(child)
    return found


def test_random_systems__look_back_in_every_way():
    kinds = set()
    for seed in SEEDS:
        for formula in case_of(seed).program.graph.formulas.values():
            kinds |= kinds_of(formula.root)
    assert {"BestOf", "number 1", "number 3", "boolean 1", "category 1", "boolean known"} <= kinds
    assert {f"boolean {link}" for link in LATE_LINKS} <= kinds
    assert {"number late_spouse"} <= kinds


def test_a_condition_that_a_reform_makes_a_number__is_read_as_each_scenario_takes_it():
    base = with_variable(law(), "was", "disabled", unit="boolean", period="year")
    base = with_variable(base, "x", "tax.credit if previous(was) else 0", unit="currency/year")
    other = with_variable(law(), "was", "age", unit="years", period="year")
    other = with_variable(other, "x", "tax.credit * previous(was)", unit="currency/year")
    graph, faults = Graph(), FaultList()
    ids = [Builder(graph, faults).add(one) for one in (base, other)]
    faults.raise_if_any()
    program = compile_graph(graph, [found["x"] for found in ids])
    (column,) = state_columns(program.graph, ids)
    assert not column.state.boolean
    who = small_people([[{"age": 30}, {"age": 50}]])
    laws = [
        LawReader(one, Frame(), YEAR).law([(1, 12)], (), ("tax.credit",)) for one in (base, other)
    ]
    wanted = Wanted(person_columns=((ids[0]["x"], ids[1]["x"]),))
    evaluator = Evaluator(program, laws, [0, 1], wanted)
    states = [{"was@1": np.array([True, False])}, {"was@1": np.array([2.0, 3.0])}]
    out = evaluator.run(who, weighting_of(who), World(1), states=states)
    assert out.persons[:, 0].tolist() == [[1200.0, 0.0], [2400.0, 3600.0]]
