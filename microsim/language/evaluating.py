"""Runs a compiled program on people under the laws of several scenarios, sharing what they have in
common.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import InputError
from microsim.kernels.accumulate import merge_into
from microsim.kernels.draws import stream_key
from microsim.kernels.driving import ADDRESS, INPUTS, PACKED, ROWS, SCALARS, SITES
from microsim.kernels.rows import IN_CELLS, IN_PLACES, OF_HOUSEHOLD, OF_PERSON, WHETHER, settle
from microsim.language.affected import Affected, Moved
from microsim.language.compiling import Program
from microsim.language.generating import dtype_name
from microsim.language.loading import Stages, driver
from microsim.language.people import Array, Floats, Law, People, World
from microsim.language.states import State, is_boolean, is_state, variable_of

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
States = Sequence[Mapping[str, Array]]
SCRATCH_BYTES = 640_000  # of one block's rows: stays in a core's second-level cache
EXCLUDED = 2**31 - 1  # poison of a household left out from the start; larger than any site
LINK_ORDER = ("head", "spouse", "mother", "father")
_LOADING = threading.Lock()  # machine code is made by one thread at a time


@dataclass(frozen=True)
class Sum:
    """A weighted sum wanted.

    formulas: id by scenario, None where the scenario has none. whether: count rows above 0 instead
    of adding their values. in_cells, in_places: by sex, age group and status; by region and area.
    """

    formulas: tuple[str | None, ...]
    whether: bool = False
    in_cells: bool = True
    in_places: bool = True
    scale: float = 1.0


@dataclass(frozen=True)
class Wanted:
    """What to bring out: sums, smallest and largest values, columns kept whole; formula ids by
    scenario for each.
    """

    sums: tuple[Sum, ...] = ()
    extremes: tuple[tuple[str | None, ...], ...] = ()
    person_columns: tuple[tuple[str | None, ...], ...] = ()
    household_columns: tuple[tuple[str | None, ...], ...] = ()


@dataclass(frozen=True)
class Weighting:
    """Weight, cell and place of rows: weight and place (n_households,), cell (n_persons,)."""

    weight: Floats
    cell: Codes
    place: Codes
    n_cells: int
    n_places: int


@dataclass
class Evaluation:
    """What came out.

    hi, low, count: (n_scenarios, n_sums, n_cells); place_hi, place_low, place_count: (n_scenarios,
    n_sums, n_places); smallest, largest: (n_scenarios, n_extremes), infinite where nobody has more
    than 0; columns: (n_scenarios, n_columns, n). Where `shared` (n_scenarios, n_sums or n_columns)
    is true the baseline's row holds. poison: (n_households,), site or 0.
    """

    hi: Ints
    low: npt.NDArray[np.uint64]
    count: Ints
    place_hi: Ints
    place_low: npt.NDArray[np.uint64]
    place_count: Ints
    smallest: Floats
    largest: Floats
    persons: Floats
    households: Floats
    poison: Codes
    sums_shared: npt.NDArray[np.bool_]
    extremes_shared: npt.NDArray[np.bool_]
    persons_shared: npt.NDArray[np.bool_]
    households_shared: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tables:
    """What the driver finds the parts of each stage by.

    stages: (n_stages, 6), see the driver; rounds: (n_rounds, 3). rows, scalars, packed, inputs:
    columns of the layout, one stage's after the other's; sites: numbers of sites.
    """

    stages: Ints
    rounds: Ints
    rows: Ints
    scalars: Ints
    packed: Ints
    inputs: Ints
    sites: Ints

    @classmethod
    def of(cls, program: Program) -> Tables:
        """Return the tables of a program; addresses of stages are filled in later."""
        layout, uses = program.layout, program.uses
        parts: dict[int, list[list[int]]] = {
            ROWS: [use.rows for use in uses],
            SCALARS: [[layout.scalars[name] for name in use.scalars] for use in uses],
            PACKED: [[layout.packed[name] for name in use.packed] for use in uses],
            INPUTS: [[layout.inputs[name] for name in use.inputs] for use in uses],
            SITES: [use.sites for use in uses],
        }
        stages = np.zeros((len(uses), 6), np.int64)
        for column, lists in parts.items():
            stages[1:, column] = np.cumsum([len(one) for one in lists])[:-1]
        joined = (np.array([n for one in part for n in one], np.int64) for part in parts.values())
        return cls(stages, np.array(program.rounds(), np.int64).reshape(-1, 3), *joined)


@dataclass
class MachineCode:
    """What is loaded of a program, for inputs of some types: the driver, and in the tables the
    addresses of stages.
    """

    tables: Tables
    drive: Callable[..., None] | None = None
    kinds: dict[str, str] | None = None


class Evaluator:
    """A program bound to the laws of its scenarios, ready for any number of shards.

    Parameters
    ----------
    program
        The compiled graph.
    laws
        One a scenario, all of one year and cut into the same periods; the first is the baseline.
    systems
        Index into `program.graph.systems` for each scenario.
    wanted
        What to bring out.
    moved
        Parameters that differ from the baseline's, by scenario; those of `laws` if left out. In a
        run of several years they are those of all years (`moved_over`), for what moved once may
        live on in values of years before.
    like
        An evaluator of the same program, of another year, whose machine code is used; and what it
        found that scenarios may change, if the same has moved.
    """

    def __init__(
        self,
        program: Program,
        laws: Sequence[Law],
        systems: Sequence[int],
        wanted: Wanted,
        *,
        moved: Sequence[Moved] | None = None,
        like: Evaluator | None = None,
    ) -> None:
        self.program, self.laws, self.systems, self.wanted = program, laws, systems, wanted
        if any(law.months != laws[0].months or law.year != laws[0].year for law in laws):
            raise InputError("the laws of the scenarios are not cut into the same periods.")
        moved = [moved_parameters(law, laws[0]) for law in laws] if moved is None else moved
        self.states: dict[str, State] = program.graph.states if like is None else like.states
        self.found = self._affected(moved, like)
        self.affected = self.found.formulas
        self._place_rows()
        self._pack_laws()
        self.measure_rows, self.sums_shared = self._rows_of([w.formulas for w in wanted.sums])
        self.extreme_rows, self.extremes_shared = self._rows_of(list(wanted.extremes))
        self.person_rows, self.persons_shared = self._rows_of(list(wanted.person_columns))
        self.household_rows, self.households_shared = self._rows_of(list(wanted.household_columns))
        self._kinds()
        self.code: MachineCode = MachineCode(Tables.of(program)) if like is None else like.code

    def _affected(self, moved: Sequence[Moved], like: Evaluator | None) -> Affected:
        if like is not None and like.systems == self.systems and like.found.moved == list(moved):
            return like.found
        return Affected(self.program, self.systems, list(moved))

    # -- rows of scratch ------------------------------------------------------------------

    def _place_rows(self) -> None:
        """Give every slot its row of scratch: the baseline's, or the scenario's own where a stage
        runs again.
        """
        staging, layout = self.program.staging, self.program.layout
        n_periods, n_slots = len(self.laws[0].months), len(layout.rows)
        self.rows = np.zeros((len(self.laws), n_periods, n_slots), np.int32)
        self.need = np.zeros((len(self.laws), len(staging.stages)), np.bool_)
        self.n_rows = 0
        slots_of: dict[str, list[int]] = {}
        for (key, _), slot in layout.rows.items():
            slots_of.setdefault(key, []).append(slot)
        for s, affected in enumerate(self.affected):
            if s > 0:
                self.rows[s] = self.rows[0]
            renewed: set[str] = set()
            for stage in staging.stages:
                if self.systems[s] not in stage.systems:
                    continue
                # Sums of the year made behind a loop have new rows where their loop's stage has.
                anew = affected | renewed if stage.totals else affected
                if not any(formula.id in anew for formula in stage.formulas):
                    continue
                self.need[s, stage.index] = True
                for formula in stage.formulas if not stage.totals else ():
                    renewed.add(formula.id)
                    for slot in slots_of.get(formula.id, []):
                        self._new_rows(s, slot, n_periods)
            for before, fixed in self.program.graph.fixed.items():
                if fixed.final in affected:
                    for slot in slots_of[before]:
                        self._new_rows(s, slot, n_periods)
        self._place_fixed_points(slots_of)

    def _place_fixed_points(self, slots_of: dict[str, list[int]]) -> None:
        """Make the tables by which the driver works cycles through in rounds."""
        staging, layout, graph = self.program.staging, self.program.layout, self.program.graph
        n_scenarios, n_periods = self.rows.shape[:2]
        self.loop_first = np.full(len(staging.stages), -1, np.int64)
        self.loop_last = np.full(len(staging.stages), -1, np.int64)
        members = [(i, key) for i, loop in enumerate(staging.loops) for key in loop.fixed]
        self.fixed_rows = np.full((n_scenarios, n_periods, len(members), 2), -1, np.int64)
        self.fixed_facts = np.zeros((len(members), 5))
        for i, loop in enumerate(staging.loops):
            self.loop_first[loop.first] = self.loop_last[loop.last] = i
        for f, (i, before) in enumerate(members):
            formula, fixed = graph.formulas[before], graph.fixed[before]
            site = self.program.sites.number(formula, formula.root)
            start, tolerance = formula.fixed_point or (0.0, 0.0)
            self.fixed_facts[f] = (i, formula.of != "household", start, tolerance, site)
            for s, affected in enumerate(self.affected):
                if fixed.final in affected:
                    self.fixed_rows[s, :, f, 0] = self.rows[s, :, slots_of[before][0]]
                    self.fixed_rows[s, :, f, 1] = self.rows[s, :, layout.rows[fixed.final, "value"]]

    def _new_rows(self, scenario: int, slot: int, n_periods: int) -> None:
        if slot in self.program.layout.per_period:
            self.rows[scenario, :, slot] = self.n_rows + np.arange(n_periods)
            self.n_rows += n_periods
        else:
            self.rows[scenario, :, slot] = self.n_rows
            self.n_rows += 1

    def _pack_laws(self) -> None:
        layout, laws = self.program.layout, self.laws
        n_periods = len(laws[0].months)
        self.PM = np.zeros((len(laws), n_periods, len(layout.scalars)))
        self.PY = np.zeros((len(laws), len(layout.scalars)))
        self.TM = np.zeros((len(laws), n_periods, len(layout.packed)), np.int64)
        self.TY = np.zeros((len(laws), len(layout.packed)), np.int64)
        self._tables: list[Floats] = [np.zeros(1)]
        self._offsets: dict[bytes, int] = {}
        for s, law in enumerate(laws):
            for name, column in layout.scalars.items():
                if name in law.monthly:
                    self.PM[s, :, column] = law.monthly[name]
                if name in law.yearly:
                    self.PY[s, column] = law.yearly[name]
            for name, column in layout.packed.items():
                for p, packed in enumerate(law.monthly.get(name, ())):
                    self.TM[s, p, column] = self._offset(packed)
                if name in law.yearly:
                    self.TY[s, column] = self._offset(law.yearly[name])
        self.T = np.concatenate(self._tables)

    def _offset(self, packed: float | Floats) -> int:
        table = np.asarray(packed, np.float64)
        key = table.tobytes()
        if key not in self._offsets:
            self._offsets[key] = sum(len(t) for t in self._tables)
            self._tables.append(table)
        return self._offsets[key]

    def _rows_of(
        self, columns: list[tuple[str | None, ...]]
    ) -> tuple[Codes, npt.NDArray[np.bool_]]:
        rows = np.full((len(self.laws), len(columns)), -1, np.int32)
        shared = np.zeros(rows.shape, np.bool_)
        for c, formulas in enumerate(columns):
            for s, key in enumerate(formulas):
                if key is None:
                    continue
                if s > 0 and key == formulas[0] and key not in self.affected[s]:
                    shared[s, c] = True
                    continue
                rows[s, c] = self.rows[s, -1, self.program.layout.row(key, "value")]
        return rows, shared

    def _kinds(self) -> None:
        formulas, sums = self.program.graph.formulas, self.wanted.sums

        def owners(columns: Sequence[tuple[str | None, ...]]) -> Codes:
            first = [next(k for k in column if k is not None) for column in columns]
            household = [formulas[k].of == "household" for k in first]
            return np.where(household, OF_HOUSEHOLD, OF_PERSON).astype(np.int32)

        self.measure_of = owners([w.formulas for w in sums])
        self.extreme_of = owners(self.wanted.extremes)
        self.measure_in = np.array(
            [IN_CELLS * w.in_cells + IN_PLACES * w.in_places + WHETHER * w.whether for w in sums],
            np.int32,
        )
        self.inverse_scale = np.array([1.0 / w.scale for w in sums], np.float64)

    # -- machine code ---------------------------------------------------------------------

    def _bind(self, people: People, drive_nobody: Callable[[], None]) -> None:
        """Make or load the machine code for inputs of the types people have.

        The driver is compiled, by a call for nobody, while other processes compile stages.
        """
        if not self.program.loaded:
            raise InputError("this program was read for the interpreter only")
        kinds = {name: dtype_name(people.inputs[name]) for name in self.program.population_inputs}
        kinds |= {name: dtype_name(self._nothing(name)) for name in self.program.state_inputs}
        kinds = {name: kinds[name] for name in self.program.layout.inputs}
        if self.code.kinds == kinds:
            return
        with _LOADING:
            if self.code.kinds == kinds:  # by another thread meanwhile
                return
            dtypes = [[kinds[name] for name in uses.inputs] for uses in self.program.uses]
            stages = Stages(self.program.texts, dtypes)
            stages.begin()
            try:
                self.code.drive = driver()
                drive_nobody()
                self.code.tables.stages[:, ADDRESS] = stages.finish()
            finally:
                stages.stop()
            self.code.kinds = kinds

    # -- running --------------------------------------------------------------------------

    def run(
        self,
        people: People,
        weighting: Weighting,
        world: World,
        threads: int = 1,
        into: tuple[Floats, Floats] | None = None,
        excluded: npt.NDArray[np.bool_] | None = None,
        states: States | None = None,
    ) -> Evaluation:
        """Evaluate all scenarios on people; `threads` share the households between them.

        Households `excluded`, shape (n_households,), are left out of all sums; their poison is
        EXCLUDED unless a rule fails for them too.

        Columns go `into` the `persons` and `households` of an earlier evaluation, if they have the
        right shape: new memory costs more than the rules.

        `states`: for each scenario its inputs of years before, by the names of
        `Program.state_inputs`; shape (n_persons,), bool for conditions, 0 where there is nothing.
        What is left out is 0 for everybody. Scenarios may hold the same arrays; whether they share
        what is computed from them depends on the rules alone.
        """
        variants, variant = self._variants(people, states)
        out = self._empty(people, into)
        if excluded is not None:
            out.poison[excluded] = EXCLUDED
        bounds = _bounds(people, threads)
        parts = [self._partial(weighting) for _ in bounds[1:]]
        jobs = [
            lambda k=k: self._drive(
                people, variants, variant, weighting, world, out, parts[k], bounds[k], bounds[k + 1]
            )
            for k in range(len(parts))
        ]
        self._bind(
            people,
            lambda: self._drive(people, variants, variant, weighting, world, out, parts[0], 0, 0),
        )
        if len(jobs) == 1:
            jobs[0]()
        else:
            with ThreadPoolExecutor(len(jobs)) as pool:
                for future in [pool.submit(job) for job in jobs]:
                    future.result()
        totals = [_settled(part) for part in parts]
        for more in totals[1:]:
            _merge(totals[0], more)
        out.hi, out.low, out.count, out.place_hi, out.place_low, out.place_count = totals[0]
        out.smallest = np.min([part[-2] for part in parts], axis=0)
        out.largest = np.max([part[-1] for part in parts], axis=0)
        return out

    def _empty(self, people: People, into: tuple[Floats, Floats] | None) -> Evaluation:
        n_scenarios, nothing = len(self.laws), np.zeros(0, np.int64)
        persons = (n_scenarios, len(self.wanted.person_columns), people.n_persons)
        households = (n_scenarios, len(self.wanted.household_columns), people.n_households)
        if into is None or into[0].shape != persons or into[1].shape != households:
            into = np.zeros(persons), np.zeros(households)
        return Evaluation(
            nothing, nothing.astype(np.uint64), nothing,
            nothing, nothing.astype(np.uint64), nothing, np.zeros(0), np.zeros(0),
            *into, np.zeros(people.n_households, np.int32),
            self.sums_shared, self.extremes_shared, self.persons_shared, self.households_shared,
        )  # fmt: skip

    def _partial(self, weighting: Weighting) -> tuple[Array, ...]:
        cells = (len(self.laws), len(self.wanted.sums), weighting.n_cells)
        places = (len(self.laws), len(self.wanted.sums), weighting.n_places)
        return (
            np.zeros((*cells, 4), np.int64), np.zeros((*places, 4), np.int64),
            np.zeros(cells, np.int64), np.zeros(cells, np.uint64),
            np.zeros(places, np.int64), np.zeros(places, np.uint64),
            np.full(self.extreme_rows.shape, np.inf), np.full(self.extreme_rows.shape, -np.inf),
        )  # fmt: skip

    def block_persons(self, people: People) -> int:
        """Return how many persons a block takes, so that its rows stay in cache."""
        largest = int(np.diff(people.start).max(initial=1))
        return max(largest, min(4096, max(128, SCRATCH_BYTES // (8 * max(1, self.n_rows)))))

    def _nothing(self, name: str, n: int = 0) -> Array:
        """Return zeros of the type an input of years before has."""
        return np.zeros(n, np.bool_ if is_boolean(name, self.states) else np.float64)

    def _variants(
        self, people: People, states: States | None
    ) -> tuple[list[dict[str, Array]], Ints]:
        """Return the different sets of inputs of years before, and which each scenario reads."""
        names = self.program.state_inputs
        variant = np.zeros(len(self.laws), np.int64)
        if states is None or not names:
            return [{}], variant
        if len(states) != len(self.laws):
            raise InputError("there must be values of years before for each scenario.")
        known: dict[tuple[int, np.dtype[Any]], Array] = {}
        numbers: dict[tuple[int, ...], int] = {}
        variants: list[dict[str, Array]] = []
        for s, given in enumerate(states):
            mine = {name: given[name] for name in names if name in given}
            key = tuple(id(mine.get(name)) for name in names)
            if key not in numbers:
                numbers[key] = len(variants)
                for name, column in mine.items():
                    if column.shape != (people.n_persons,):
                        raise InputError(f"`{name}` has not one value for each person.")
                    kind = self._nothing(name).dtype
                    if (id(column), kind) not in known:
                        known[id(column), kind] = np.ascontiguousarray(column, kind)
                    mine[name] = known[id(column), kind]
                variants.append(mine)
            variant[s] = numbers[key]
        self._check_shared(variants, variant)
        return variants, variant

    def _check_shared(self, variants: list[dict[str, Array]], variant: Ints) -> None:
        """Refuse values of years before that a scenario cannot have changed by its rules."""
        for s, number in enumerate(variant[1:], 1):
            mine, base = variants[number], variants[variant[0]]
            for name in mine.keys() | base.keys():
                one, other = mine.get(name), base.get(name)
                if one is other or variable_of(name) in self.found.states[s]:
                    continue
                if one is None or other is None or not np.array_equal(one, other, equal_nan=True):
                    raise InputError(
                        f"scenario {s} has other values of `{name}` than the baseline, but nothing "
                        "it changes reaches them; tell the evaluator what moved in earlier years."
                    )

    def _addresses(
        self, people: People, variants: list[dict[str, Array]], cap: int
    ) -> tuple[list[Array], tuple[Ints, Ints, Ints]]:
        """Return input columns, which must outlive their use, and in shape (n_variants, n_inputs)
        where each begins and the bytes it moves on for a person and for a household.

        What is unknown of years before is one block of zeros that does not move on.
        """
        of_people = {
            name: np.ascontiguousarray(people.inputs[name])
            for name in self.program.population_inputs
        }
        nothing = np.zeros(cap)
        arrays: list[Array] = [nothing]
        facts = np.zeros((3, len(variants), len(self.program.layout.inputs)), np.int64)
        for v, mine in enumerate(variants):
            for k, name in enumerate(self.program.layout.inputs):
                column = mine.get(name, nothing) if is_state(name) else of_people[name]
                arrays.append(column)
                of_person = len(column) == people.n_persons
                step = 0 if column is nothing else column.strides[0]
                facts[:, v, k] = (column.ctypes.data, step * of_person, step * (not of_person))
        address, of_person, of_household = facts[:, :, self.code.tables.inputs]
        return arrays, (address, of_person, of_household)

    def _drive(
        self, people: People, variants: list[dict[str, Array]], variant: Ints,
        weighting: Weighting, world: World, out: Evaluation,
        part: tuple[Array, ...], first: int, last: int,
    ) -> None:  # fmt: skip
        cap = self.block_persons(people)
        # An odd number of cache lines a row: else all rows meet in a few sets of the first-level
        # cache.
        width = 8 * ((cap + 7) // 8 | 1)
        scratch = np.zeros((max(1, self.n_rows), width))
        *sums, smallest, largest = part
        law, tables = self.laws[0], self.code.tables
        arrays, inputs = self._addresses(people, variants, cap)
        rows = _part(self.rows, tables.rows).astype(np.int64)
        drive = self.code.drive
        assert drive is not None  # noqa: S101 - bound before
        links = (np.ascontiguousarray(people.links[name], np.int16) for name in LINK_ORDER)
        drive(
            first, last, cap, np.ascontiguousarray(people.start, np.int64),
            tables.stages, tables.rounds, self.need,
            *(np.ascontiguousarray(one) for one in inputs), variant, tables.sites, *links,
            np.ascontiguousarray(people.person_key, np.uint64),
            np.ascontiguousarray(people.household_key, np.uint64),
            scratch, np.zeros(cap, np.int32),
            scratch.ctypes.data + scratch.strides[0] * rows,
            _part(self.PM, tables.scalars), _part(self.PY, tables.scalars),
            _part(self.TM, tables.packed), _part(self.TY, tables.packed), self.T,
            np.array(law.months, np.int64), sum(law.months),
            np.uint64(stream_key(world.seed, world.replicate)), law.year, out.poison,
            weighting.weight, weighting.cell, weighting.place, self.measure_rows, self.measure_of,
            self.measure_in, self.inverse_scale, len(self.program.sites.sites) + 1,
            np.zeros(cap, np.int32), *sums,
            np.zeros(self.measure_rows.shape, np.bool_),
            self.extreme_rows, self.extreme_of, smallest, largest,
            self.person_rows, out.persons, self.household_rows, out.households,
            self.loop_first, self.loop_last, self.fixed_rows, self.fixed_facts,
        )  # fmt: skip
        del arrays  # not before: the driver reads them by address


def moved_parameters(law: Law, base: Law) -> Moved:
    """Return the parameters a law gives other values than the baseline's law of the same year."""
    moved = {
        (name, "month")
        for name, values in law.monthly.items()
        if name not in base.monthly
        or any(not np.array_equal(a, b) for a, b in zip(values, base.monthly[name], strict=True))
    }
    moved |= {
        (name, "year")
        for name, value in law.yearly.items()
        if name not in base.yearly or not np.array_equal(value, base.yearly[name])
    }
    return moved


def moved_over(laws_by_year: Iterable[Sequence[Law]]) -> list[Moved]:
    """Return the parameters each scenario moves in any of several years, the baseline first."""
    found: list[Moved] = []
    for laws in laws_by_year:
        found = found or [set() for _ in laws]
        for moved, law in zip(found, laws, strict=True):
            moved |= moved_parameters(law, laws[0])
    return found


def _part(table: Array, columns: Ints) -> Array:
    """Return some columns of a table as an array in C order, which pointers into it rely on."""
    return np.ascontiguousarray(table[..., columns])


def _bounds(people: People, threads: int) -> list[int]:
    """Cut households into contiguous parts of about as many persons each."""
    threads = max(1, min(threads, people.n_households))
    cuts = [people.n_persons * k // threads for k in range(threads + 1)]
    return [int(np.searchsorted(people.start, cut)) for cut in cuts[:-1]] + [people.n_households]


def _settled(part: tuple[Array, ...]) -> tuple[Array, ...]:
    """Return sums and counts of households, by cell and by place, of what a thread summed."""
    settled: list[Array] = []
    for parts, hi, low in ((part[0], part[2], part[3]), (part[1], part[4], part[5])):
        count = np.zeros(hi.shape, np.int64)
        settle(parts.reshape(-1, 4), hi.reshape(-1), low.reshape(-1), count.reshape(-1))
        settled += [hi, low, count]
    return tuple(settled)


def _merge(into: tuple[Array, ...], part: tuple[Array, ...]) -> None:
    for first in (0, 3):
        merge_into(
            into[first].reshape(-1), into[first + 1].reshape(-1),
            part[first].reshape(-1), part[first + 1].reshape(-1),
        )  # fmt: skip
    for counts in (2, 5):
        into[counts][...] += part[counts]
