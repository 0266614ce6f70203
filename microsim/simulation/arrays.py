"""Rules on arrays in memory: columns in, columns and exact weighted totals out; no files, no
schemes, no tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.files import did_you_mean
from microsim.kernels.accumulate import to_floats
from microsim.language import tree
from microsim.language.compiling import Program, compile_graph
from microsim.language.definitions import Definitions
from microsim.language.evaluating import LINK_ORDER, Evaluator, Sum, Wanted, Weighting
from microsim.language.graph import Builder, Graph
from microsim.language.people import Array, Floats, People, World
from microsim.policy.system import System
from microsim.scenario.frame import Frame
from microsim.simulation.law import LawReader, used_parameters

Columns = Mapping[str, npt.ArrayLike]
SIZE = "household_size"


@dataclass(frozen=True)
class Answers:
    """What rules give on arrays.

    Attributes
    ----------
    persons, households
        The columns asked for, shape (n_persons,) and (n_households,), in the unit of their
        variable.
    totals
        Weighted totals by variable, shape (n_groups,): exact sums, rounded once; the same for every
        order of households and any number of threads. Households in `faulty` are left out.
    faulty
        Shape (n_households,), 0, or the number of the fault that kept a household from being
        computed.
    faults
        What the numbers in `faulty` mean: number -> formula and what is wrong.
    columns
        The arrays that hold all columns, shapes (1, n_columns, n_persons) and (1, n_columns,
        n_households): give them to the next `evaluate` to have it write there.
    """

    persons: dict[str, Floats]
    households: dict[str, Floats]
    totals: dict[str, Floats]
    faulty: npt.NDArray[np.int32]
    faults: dict[int, str]
    columns: tuple[Floats, Floats]


@dataclass(frozen=True)
class ArrayRules:
    """A system's rules, compiled for columns in memory under the law of one month; made by
    `compile_rules`.

    Attributes
    ----------
    definitions
        Of the system.
    program, evaluator
        The compiled form, bound to the law.
    persons, households, totals
        Names of the variables brought out.
    scale
        Unit of the exact sums.
    """

    definitions: Definitions
    program: Program
    evaluator: Evaluator
    persons: tuple[str, ...]
    households: tuple[str, ...]
    totals: tuple[str, ...]
    scale: float

    def evaluate(
        self,
        size: npt.ArrayLike,
        persons: Columns,
        households: Columns,
        *,
        weight: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
        n_groups: int = 1,
        seed: int = 1,
        threads: int = 1,
        into: tuple[Floats, Floats] | None = None,
    ) -> Answers:
        """Apply the rules.

        Parameters
        ----------
        size
            Shape (n_households,), members of each household, 1 or more; persons are sorted by
            household.
        persons, households
            The inputs that rules read, shape (n_persons,) and (n_households,); categories as codes.
            Rules that follow links need `head`, `spouse`, `mother`, `father` (position within the
            household, -1 for none); rules with draws need `draw_key` of persons and households.
            `household_size` need not be given.
        weight
            Shape (n_households,), for the totals; 1 if left out.
        group
            Shape (n_households,), 0 to n_groups - 1, of the totals; one group if left out.
        n_groups
            Number of groups.
        seed
            Of draws.
        threads
            How many threads share the households; moves no bit of any result.
        into
            `columns` of an earlier answer that is no longer needed, to be overwritten: new memory
            costs more time than the rules. Of another size they are left alone.

        Raises
        ------
        InputError
            A column is missing, or its length is not that of its table; a size or group is out of
            range.
        """
        start = _starts(size)
        people = self._people(start, persons, households)
        weighting = _weighting(len(start) - 1, weight, group, n_groups)
        out = self.evaluator.run(people, weighting, World(seed), threads, into)
        totals = {
            name: to_floats(out.place_hi[0, k], out.place_low[0, k], self.scale)
            for k, name in enumerate(self.totals)
        }
        return Answers(
            dict(zip(self.persons, out.persons[0], strict=True)),
            dict(zip(self.households, out.households[0], strict=True)),
            totals,
            out.poison,
            self._faults(out.poison) if out.poison.any() else {},
            (out.persons, out.households),
        )

    def _people(
        self, start: npt.NDArray[np.int64], persons: Columns, households: Columns
    ) -> People:
        faults = FaultList()
        given = {"person": persons, "household": households}
        lengths = {"person": int(start[-1]), "household": len(start) - 1}

        def column(of: str, name: str, dtype: type[np.generic] | None = None) -> Array:
            if name not in given[of]:
                remedy = did_you_mean(name, given[of])
                faults.add(f"columns of each {of}", "missing", ", ".join(given[of]), name, remedy)
                return np.zeros(lengths[of])
            values = np.ascontiguousarray(given[of][name], dtype)
            if values.shape != (lengths[of],):
                faults.add(f"column {name}", "wrong length", values.shape, (lengths[of],))
            return values

        inputs = {}
        for name in self.program.population_inputs:
            if name == SIZE and name not in households:
                inputs[name] = np.diff(start)
            else:
                inputs[name] = column(self.definitions.inputs[name].of, name)
        nodes = list(_nodes(self.program.graph))
        draws = any(isinstance(node, tree.Draw) for node in nodes)
        linked = any(isinstance(node, tree.Link | tree.HasLink) for node in nodes)
        linked |= any(f.anchor is not None for f in self.program.graph.formulas.values())
        links = {
            link: column("person", link, np.int16) if linked else np.zeros(0, np.int16)
            for link in LINK_ORDER
        }
        keys = [
            column(of, "draw_key", np.uint64) if draws else np.zeros(0, np.uint64) for of in given
        ]
        faults.raise_if_any()
        return People(start, links, inputs, keys[0], keys[1])

    def _faults(self, poison: npt.NDArray[np.int32]) -> dict[int, str]:
        """Say what each fault number that occurs means; numbers above those of formulas are of
        totals.
        """
        sites = self.program.sites.sites
        found = {}
        for number in np.unique(poison[poison > 0]).tolist():
            if number <= len(sites):
                site = sites[number - 1]
                found[number] = f"{site.formula.where}: {site.formula.name}: {site.what}"
            else:
                name = self.totals[number - len(sites) - 1]
                found[number] = f"{name}: not a finite amount that a total can hold"
        return found


def compile_rules(
    system: System,
    year: int,
    month: int,
    *,
    persons: Sequence[str] = (),
    households: Sequence[str] = (),
    totals: Sequence[str] = (),
    frame: Frame | None = None,
    scale: float = 1.0,
) -> ArrayRules:
    """Compile the rules of a system for columns in memory, under the law of one month.

    Parameters
    ----------
    system
        From `microsim.policy.loading.load_system`.
    year, month
        The month whose law holds; the year counts as twelve such months.
    persons, households
        Variables whose columns are wanted.
    totals
        Variables of persons or households whose weighted totals are wanted.
    frame
        Series that parameters follow or formulas read.
    scale
        A power of two, in the unit of the totals: they are exact to 2**-64 of it, and hold 2**62 of
        it.

    Raises
    ------
    InputError
        Faults of the rules; an unknown variable, or one of other people than asked; no law for the
        month.

    Examples
    --------
    >>> from microsim.policy.loading import load_system
    >>> system = load_system("benchmarks/plain/system.yaml")
    >>> rules = compile_rules(system, 2024, 1, persons=["income_tax"], totals=["income_taxes"])
    >>> answers = rules.evaluate(
    ...     [2],
    ...     {"age": [40, 5], "status": [1, 0], "wage": [100000.0, 0.0], "pension": [0.0, 0.0]},
    ...     {},
    ...     weight=[10.0],
    ... )  # doctest: +SKIP
    """
    faults, graph = FaultList(), Graph()
    ids = Builder(graph, faults).add(system.definitions)
    faults.raise_if_any()
    for names, of in ((persons, "person"), (households, "household"), (totals, "")):
        _check_names(system.definitions, names, of, faults)
    faults.raise_if_any()
    program = compile_graph(graph, [ids[name] for name in (*persons, *households, *totals)])
    monthly, yearly = used_parameters(program.graph, program.graph.formulas)
    reader = LawReader(system.definitions, frame or Frame(), year)
    law = reader.law_of_month(month, 12, monthly, yearly)
    wanted = Wanted(
        sums=tuple(Sum((ids[name],), in_cells=False, scale=scale) for name in totals),
        person_columns=tuple((ids[name],) for name in persons),
        household_columns=tuple((ids[name],) for name in households),
    )
    evaluator = Evaluator(program, [law], [0], wanted)
    return ArrayRules(
        system.definitions,
        program,
        evaluator,
        tuple(persons),
        tuple(households),
        tuple(totals),
        scale,
    )


def _check_names(
    definitions: Definitions, names: Sequence[str], of: str, faults: FaultList
) -> None:
    for name in names:
        variable = definitions.variables.get(name)
        if variable is None:
            remedy = did_you_mean(name, definitions.variables)
            faults.add("variables wanted", "unknown variable", name, "a variable", remedy)
        elif of and variable.of != of:
            faults.add(str(variable.where), f"variable {name} is wanted", variable.of, of)


def _nodes(graph: Graph) -> Iterator[tree.Node]:
    waiting = [formula.root for formula in graph.formulas.values()]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(tree.children(node))


def _starts(size: npt.ArrayLike) -> npt.NDArray[np.int64]:
    sizes = np.asarray(size)
    if sizes.ndim != 1 or not sizes.size or sizes.min() < 1:
        raise InputError(
            "household sizes: a household without members, or none. Expected 1 or more."
        )
    start = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    return start


def _weighting(
    n: int, weight: npt.ArrayLike | None, group: npt.ArrayLike | None, n_groups: int
) -> Weighting:
    faults = FaultList()
    weights = np.ones(n) if weight is None else np.ascontiguousarray(weight, np.float64)
    groups = np.zeros(n, np.int32) if group is None else np.ascontiguousarray(group, np.int32)
    for name, values in (("weight", weights), ("group", groups)):
        if values.shape != (n,):
            faults.add(f"column {name}", "wrong length", values.shape, (n,))
    faults.raise_if_any()
    if groups.min() < 0 or groups.max() >= n_groups:
        found = f"{groups.min()} to {groups.max()}"
        raise InputError(
            f"column group: out of range; found {found}, expected 0 to {n_groups - 1}."
        )
    return Weighting(weights, np.zeros(0, np.int32), groups, 1, n_groups)
