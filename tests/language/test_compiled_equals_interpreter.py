"""The compiled rules and the interpreter give the same bits, on random law and random people."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from microsim_reference import fixed_point
from random_systems import INPUTS, REGION, YEAR, random_definitions, random_people, reformed

from microsim.errors import FaultList
from microsim.kernels.accumulate import to_floats
from microsim.language import tree
from microsim.language.compiling import Program, compile_graph
from microsim.language.evaluating import Evaluation, Evaluator, Sum, Wanted, Weighting
from microsim.language.graph import Builder, Graph
from microsim.language.interpreter import Interpreter
from microsim.language.people import Law, People, World
from microsim.simulation.law import LawReader, common_periods, used_parameters

pytestmark = pytest.mark.usefixtures("rules_cache")
SEEDS = (10, 49, 9)  # the first two write every operation
SCALE = 2.0**12
N_CELLS, N_PLACES = 5, 4
checked = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


class Frame:
    """A macro frame of one series."""

    def value(self, name: str, year: int) -> float:
        return 1234.5


@dataclass(frozen=True)
class Case:
    """A compiled random baseline with reforms, and what is brought out of it."""

    program: Program
    laws: list[Law]
    systems: list[int]
    ids: list[dict[str, str]]
    wanted: Wanted

    def evaluator(self) -> Evaluator:
        return Evaluator(self.program, self.laws, self.systems, self.wanted)


@functools.cache
def case_of(seed: int) -> Case:
    """Compile one random system with a parameter reform, a formula reform and one of both."""
    baseline = random_definitions(seed, n_variables=12, cycles=True)
    systems = [
        baseline,
        reformed(baseline, seed + 1000, values=True, formulas=0),
        reformed(baseline, seed + 2000, values=False, formulas=3),
        reformed(baseline, seed + 3000, values=True, formulas=2),
        baseline,  # a reform that changes nothing
    ]
    graph, faults = Graph(), FaultList()
    ids = [Builder(graph, faults).add(one) for one in systems]
    faults.raise_if_any()
    names = list(baseline.variables)
    yearly = [n for n in names if baseline.variables[n].period == "year"]
    columns = {
        of: tuple(
            tuple(found[n] for found in ids)
            for n in names
            if (baseline.variables[n].of == "household") == (of == "household")
        )
        for of in ("person", "household")
    }
    sums = tuple(
        Sum(
            tuple(found[n] for found in ids), whether=k % 3 == 2,
            in_cells=k % 4 != 3, in_places=k % 4 != 1, scale=SCALE,
        )
        for k, n in enumerate(yearly)
    )  # fmt: skip
    extremes = tuple(s.formulas for s in sums[:3])
    wanted = Wanted(sums, extremes, columns["person"], columns["household"])
    program = compile_graph(graph, [found[n] for found in ids for n in names])
    used = [used_parameters(program.graph, members) for members in program.graph.members]
    periods = common_periods(systems, YEAR, [monthly - {"frame.wage"} for monthly, _ in used])
    laws = [
        LawReader(one, Frame(), YEAR).law(periods, monthly, year)
        for one, (monthly, year) in zip(systems, used, strict=True)
    ]
    return Case(program, laws, list(range(len(systems))), ids, wanted)


def weighting_of(people: People, seed: int) -> Weighting:
    rng = np.random.default_rng(seed)
    return Weighting(
        np.round(rng.lognormal(3, 1, people.n_households), 3),
        rng.integers(0, N_CELLS, people.n_persons).astype(np.int32),
        rng.integers(0, N_PLACES, people.n_households).astype(np.int32),
        N_CELLS,
        N_PLACES,
    )


def interpreted(case: Case, people: People, world: World) -> list[Interpreter]:
    """Interpret every formula of every scenario."""
    done = []
    for law, system in zip(case.laws, case.systems, strict=True):
        interpreter = Interpreter(case.program.graph, people, law, world, case.program.sites)
        graph = case.program.graph
        for key in graph.formulas:
            if key not in graph.members[system]:
                continue
            for period in (
                range(len(law.months)) if graph.formulas[key].period == "month" else (-1,)
            ):
                interpreter.value(key, period)
        done.append(interpreter)
    return done


def column_of(interpreter: Interpreter, key: str) -> np.ndarray:
    """Return what is brought out of a formula: its value of the year, or of the last period."""
    last = len(interpreter.law.months) - 1
    return interpreter.value(key, last).astype(np.float64)


def expected_poison(
    case: Case, people: People, weighting: Weighting, runs: list[Interpreter]
) -> np.ndarray:
    """Return the smallest site of each household over all scenarios, sums that cannot be held
    included.
    """
    poison = np.stack([np.where(one.poison == 0, 2**31 - 1, one.poison) for one in runs]).min(
        axis=0
    )
    first_site = len(case.program.sites.sites) + 1
    household = people.household_of()
    for s, one in enumerate(runs):
        for m, wanted in enumerate(case.wanted.sums):
            key = wanted.formulas[s]
            value = column_of(one, key)
            h = (
                np.arange(people.n_households)
                if case.program.graph.formulas[key].of == "household"
                else household
            )
            bad = h[~(np.abs(value) * weighting.weight[h] / SCALE < 4.0e18)]
            poison[bad] = np.minimum(poison[bad], first_site + m)
    return np.where(poison == 2**31 - 1, 0, poison)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two columns are equal to the bit; NaN equals NaN, 0 equals -0."""
    return bool(np.array_equal(a, b, equal_nan=True))


def settles(people: People) -> np.ndarray:
    """Whether the cycles of each household come to rest; see `add_fixed_points`."""
    return ~((people.inputs["region"] == REGION.index("east")) & (people.inputs["rooms"] == 5))


def assert_columns_equal(
    case: Case, people: People, out: Evaluation, runs: list[Interpreter]
) -> None:
    """Compare every column of every scenario; a cycle that goes to and fro has no value to compare."""
    household = settles(people)
    pairs = (
        (
            out.persons,
            out.persons_shared,
            case.wanted.person_columns,
            household[people.household_of()],
        ),
        (out.households, out.households_shared, case.wanted.household_columns, household),
    )
    for values, shared, columns, rows in pairs:
        for c, keys in enumerate(columns):
            for s, one in enumerate(runs):
                found = values[0 if shared[s, c] else s, c][rows]
                expected = column_of(one, keys[s])[rows]
                formula = case.program.graph.formulas[keys[s]]
                bad = np.flatnonzero(found != expected)[:5]
                assert same_bits(found, expected), (
                    f"scenario {s}, {formula.name} of {formula.of} per {formula.period}: "
                    f"`{formula.text}`: rows {bad}, compiled {found[bad]}, "
                    f"interpreted {expected[bad]}"
                )


def tally(
    case: Case,
    people: People,
    weighting: Weighting,
    runs: list[Interpreter],
    poison: np.ndarray,
    s: int,
    m: int,
):
    """Return integer sums and household counts of a measure by cell and place, added up one by one."""
    wanted = case.wanted.sums[m]
    key = wanted.formulas[s]
    of_household = case.program.graph.formulas[key].of == "household"
    value = column_of(runs[s], key)
    household = np.arange(people.n_households) if of_household else people.household_of()
    head = people.start[:-1] + people.links["head"][people.start[:-1]]
    cells, places = [0] * N_CELLS, [0] * N_PLACES
    in_cell = [set() for _ in range(N_CELLS)]
    in_place = [set() for _ in range(N_PLACES)]
    for row, (x, h) in enumerate(zip(value.tolist(), household.tolist(), strict=True)):
        if poison[h] or x == 0 or (wanted.whether and x < 0):
            continue
        units = fixed_point((1.0 if wanted.whether else x) * weighting.weight[h] * (1.0 / SCALE))
        cell = weighting.cell[head[h] if of_household else row]
        place = weighting.place[h]
        if wanted.in_cells:
            cells[cell] += units
            in_cell[cell].add(h)
        if wanted.in_places:
            places[place] += units
            in_place[place].add(h)
    return cells, [len(x) for x in in_cell], places, [len(x) for x in in_place]


def as_integers(hi: np.ndarray, low: np.ndarray) -> list[int]:
    return [int(h) * 2**64 + int(n) for h, n in zip(hi, low, strict=True)]


@pytest.mark.parametrize("seed", SEEDS)
@checked
@given(
    people_seed=st.integers(0, 2**32),
    n_households=st.integers(1, 300),
    world_seed=st.integers(0, 2**31),
)
def test_compiled_rules__equal_the_interpreter_to_the_bit(
    seed, people_seed, n_households, world_seed
):
    case, people = case_of(seed), random_people(people_seed, n_households)
    weighting, world = (
        weighting_of(people, people_seed),
        World(world_seed, replicate=world_seed % 3),
    )
    out = case.evaluator().run(people, weighting, world)
    runs = interpreted(case, people, world)
    assert_columns_equal(case, people, out, runs)
    poison = expected_poison(case, people, weighting, runs)
    still = settles(people)
    np.testing.assert_array_equal(out.poison[still], poison[still])
    np.testing.assert_array_equal(out.poison > 0, poison > 0)
    for m in range(len(case.wanted.sums)):
        for s in range(len(runs)):
            source = 0 if out.sums_shared[s, m] else s
            cells, n_cells, places, n_places = tally(case, people, weighting, runs, poison, s, m)
            assert as_integers(out.hi[source, m], out.low[source, m]) == cells
            assert as_integers(out.place_hi[source, m], out.place_low[source, m]) == places
            assert out.count[source, m].tolist() == n_cells
            assert out.place_count[source, m].tolist() == n_places
            floats = to_floats(out.hi[source, m], out.low[source, m], SCALE)
            assert floats.tolist() == [
                float(x * SCALE / 2**64)
                if abs(x) < 2**53
                else pytest.approx(x / 2**64 * SCALE, rel=1e-15)
                for x in cells
            ]
    _assert_extremes(case, people, out, runs, poison)


def _assert_extremes(case, people, out, runs, poison):
    for k, keys in enumerate(case.wanted.extremes):
        for s, one in enumerate(runs):
            source = 0 if out.extremes_shared[s, k] else s
            value = column_of(one, keys[s])
            of_household = case.program.graph.formulas[keys[s]].of == "household"
            household = np.arange(people.n_households) if of_household else people.household_of()
            above = value[(value > 0) & (poison[household] == 0)]
            assert out.smallest[source, k] == above.min(initial=np.inf)
            assert out.largest[source, k] == above.max(initial=-np.inf)


@pytest.mark.parametrize("seed", SEEDS[:2])
@checked
@given(
    people_seed=st.integers(0, 2**32),
    n_households=st.integers(1, 150),
    scratch=st.sampled_from([1, 5_000, 100_000, 10**7]),
)
def test_results__do_not_depend_on_blocks_or_threads(
    seed, people_seed, n_households, scratch, monkeypatch
):
    case, people = case_of(seed), random_people(people_seed, n_households)
    weighting, world = weighting_of(people, people_seed), World(7)
    evaluator = case.evaluator()
    reference = evaluator.run(people, weighting, world)
    largest = int(np.diff(people.start).max())
    monkeypatch.setattr(evaluator, "block_persons", lambda people: max(largest, scratch // 500))
    for threads in (1, 2, 3):
        assert_same(evaluator.run(people, weighting, world, threads), reference)


def assert_same(one: Evaluation, other: Evaluation) -> None:
    for name, array in vars(reference := other).items():
        np.testing.assert_array_equal(
            getattr(one, name), array, err_msg=f"{name} of {type(reference).__name__}"
        )


@pytest.mark.parametrize("seed", SEEDS[:2])
@checked
@given(people_seed=st.integers(0, 2**32), cut=st.floats(0, 1))
def test_results__of_two_parts_of_a_population_are_those_of_the_whole(seed, people_seed, cut):
    case, people = case_of(seed), random_people(people_seed, 80)
    weighting, world = weighting_of(people, people_seed), World(7)
    evaluator = case.evaluator()
    whole = evaluator.run(people, weighting, world)
    at = 1 + int(cut * 78)
    parts = [
        evaluator.run(part(people, a, b), part_of_weights(people, weighting, a, b), world)
        for a, b in ((0, at), (at, 80))
    ]
    np.testing.assert_array_equal(np.concatenate([p.poison for p in parts]), whole.poison)
    np.testing.assert_array_equal(np.concatenate([p.persons for p in parts], axis=2), whole.persons)
    for hi, low in (("hi", "low"), ("place_hi", "place_low")):
        added = [
            [a + b for a, b in zip(*(as_integers(getattr(p, hi)[s, m], getattr(p, low)[s, m]) for p in parts), strict=True)]
            for s in range(len(case.laws)) for m in range(len(case.wanted.sums))
        ]  # fmt: skip
        assert added == [
            as_integers(getattr(whole, hi)[s, m], getattr(whole, low)[s, m])
            for s in range(len(case.laws)) for m in range(len(case.wanted.sums))
        ]  # fmt: skip
    np.testing.assert_array_equal(parts[0].count + parts[1].count, whole.count)


def part(people: People, first: int, last: int) -> People:
    """Return some neighbouring households."""
    rows = slice(int(people.start[first]), int(people.start[last]))
    return People(
        people.start[first : last + 1] - people.start[first],
        {name: np.ascontiguousarray(link[rows]) for name, link in people.links.items()},
        {
            name: np.ascontiguousarray(
                column[rows] if INPUTS[name][0] == "person" else column[first:last]
            )
            for name, column in people.inputs.items()
        },
        np.ascontiguousarray(people.person_key[rows]),
        np.ascontiguousarray(people.household_key[first:last]),
    )


def part_of_weights(people: People, weighting: Weighting, first: int, last: int) -> Weighting:
    rows = slice(int(people.start[first]), int(people.start[last]))
    return Weighting(
        np.ascontiguousarray(weighting.weight[first:last]), np.ascontiguousarray(weighting.cell[rows]),
        np.ascontiguousarray(weighting.place[first:last]), N_CELLS, N_PLACES,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_reform_that_changes_nothing__shares_everything_with_the_baseline(seed):
    case = case_of(seed)
    out = case.evaluator().run(people := random_people(seed, 50), weighting_of(people, 1), World(1))
    assert out.sums_shared[-1].all()
    assert out.persons_shared[-1].all()
    assert out.households_shared[-1].all()
    assert not out.persons_shared[1].all() or not out.households_shared[1].all()


def kinds_of(node: tree.Node) -> set[str]:
    """Return the operations of an expression."""
    found = {type(node).__name__}
    for field in ("op", "function", "link"):
        if hasattr(node, field):
            found.add(f"{type(node).__name__} {getattr(node, field)}")
    if isinstance(node, tree.Lookup):
        found.add(f"Lookup of {len(node.arguments)}")
    if isinstance(node, tree.Aggregate):
        group, over = (x.partition(":")[0] for x in (node.group, node.over))
        found.add(f"Aggregate {group} over {over}")
    for child in tree.children(node):
        found |= kinds_of(child)
    return found


WRITTEN = {
    *(f"Arithmetic {op}" for op in "+-*/"),
    *(f"Comparison {op}" for op in ("<", "<=", ">", ">=", "==", "!=")),
    "Logic and", "Logic or", "Not", "Choice", "Number", "Parameter", "Reference", "Schedule",
    *(f"Lookup of {n}" for n in (1, 2, 3)),
    *(f"Call {f}" for f in ("min", "max", "abs", "negative", "round", "floor", "ceil", "exp", "log", "sqrt", "pow")),
    *(f"Aggregate {f}" for f in ("sum", "count", "any", "all", "max", "min")),
    "Aggregate household over person", "Aggregate household over unit", "Aggregate unit over person",
    *(f"Link {link}" for link in ("head", "spouse", "mother", "father")),
    *(f"HasLink {link}" for link in ("head", "spouse", "mother", "father")),
    "Draw", "YearSum", "LastMonth", "MonthOf", "no fixed point within 50 rounds",
}  # fmt: skip


def test_random_systems__write_every_operation():
    """What the property test covers: every operation, three levels of months and years, several law
    changes.
    """
    kinds, rounds, periods = set(), set(), set()
    for seed in SEEDS:
        case = case_of(seed)
        for formula in case.program.graph.formulas.values():
            kinds |= kinds_of(formula.root)
        kinds |= {site.what for site in case.program.sites.sites}
        rounds |= {stage.level[:2] for stage in case.program.staging.stages}
        periods.add(len(case.laws[0].months))
    assert WRITTEN - kinds == set()
    assert {(0, 0), (0, 1), (1, 0), (1, 1)} <= rounds
    assert max(periods) >= 4
