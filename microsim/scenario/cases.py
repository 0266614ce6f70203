"""Worked cases: hypothetical households with their members, links, draws and expected results."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from microsim.errors import FaultList, InputError
from microsim.files import Fields, FileTree, Node, did_you_mean, listed, month_index, parse_month
from microsim.language.definitions import Definitions, InputDefinition, Location
from microsim.policy.law import location
from microsim.policy.reforms import apply, load_reform
from microsim.policy.system import System
from microsim.policy.values import read_scalar
from microsim.policy.vocabulary import KEYS, is_file_of_kind
from microsim.population.columns import OLDEST, STANDARD
from microsim.scenario.frame import Frame, read_frame
from microsim.scenario.scenario import check_series, read_system, with_frame
from microsim.scenario.years_before import KEYS as KEYS_OF_YEARS_BEFORE
from microsim.scenario.years_before import YearsBefore

LINK_NAMES = ("spouse", "mother", "father")
DEFAULT_TOLERANCE = 0.005
ENGINE_VARIABLES = ("disposable_income",)  # made by the engine, of the household
COMPUTED = ("household_size",)
WHOLE = ("years", "count", "persons", "months", "days")


@dataclass(frozen=True)
class Member:
    """One member of a case.

    Attributes
    ----------
    values
        Inputs as written: numbers, booleans as 0 or 1, labels as codes. What is left out is neutral
        (`InputDefinition.default`).
    head, spouse, mother, father
        Positions in the household, 0-based; -1 if none.
    previous
        Values of years before, last year's first, by variable or input; None if no year before is
        stated.
    late
        Values of the year before of a late spouse, mother or father, by link and variable.
    """

    name: str
    where: Location
    values: dict[str, float]
    head: int = 0
    spouse: int = -1
    mother: int = -1
    father: int = -1
    previous: dict[str, tuple[float, ...]] | None = None
    late: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """An expected value: of a person variable for the member at `position`, else position -1."""

    variable: str
    position: int
    value: float
    where: Location


@dataclass(frozen=True)
class Vary:
    """A range of one input: of the member at `position`, or of the household (position -1)."""

    input: str
    position: int
    start: float
    stop: float
    step: float

    def values(self) -> list[float]:
        """Return the values from start to stop, both included where the step meets the stop."""
        n = int((self.stop - self.start) / self.step + 1e-9) + 1
        return [self.start + i * self.step for i in range(n)]


@dataclass(frozen=True)
class HouseholdCase:
    """A hypothetical household at a date, under a system.

    Attributes
    ----------
    system
        The law, with the reform applied if the case names one.
    month
        1 to 12, or 0 for a whole year.
    region
        Label of the region, or "".
    household
        Other household inputs as written: numbers, codes of labels.
    draws
        Outcome of draws by decision; others are certain (true where the probability is above 0).
    """

    name: str
    where: Location
    source: str
    system: System
    frame: Frame
    year: int
    month: int
    tolerance: float
    region: str
    household: dict[str, float]
    members: tuple[Member, ...]
    draws: dict[str, bool] = field(default_factory=dict)
    expect: tuple[Expectation, ...] = ()
    vary: Vary | None = None
    show: tuple[str, ...] = ()

    @property
    def first_month(self) -> int:
        """Return the month of the case (January for a whole year), in months since year 0."""
        return month_index(self.year, self.month or 1)


def load_cases(path: str | Path) -> tuple[HouseholdCase, ...]:
    """Return the cases of a file: those under `cases`, or the one household of a household file.

    Raises
    ------
    InputError
        Every fault of the file and of the systems it names, each with file and line.
    """
    faults = FaultList()
    tree = FileTree(path)
    top = tree.read(path, faults)
    found: list[HouseholdCase] = []
    if top is not None and is_file_of_kind(top, ("cases", "household"), faults):
        loader = _Loader(tree, faults)
        if top.get("cases") is not None:
            nodes = Fields(top, faults, KEYS["cases"], "the cases file").elements("cases", True)
        else:
            nodes = (top,)
        read = [loader.case(node) for node in nodes]
        found = [case for case in read if case is not None]
    faults.raise_if_any()
    return tuple(found)


class _Loader:
    """Reads cases; systems that several cases name are loaded once."""

    def __init__(self, tree: FileTree, faults: FaultList) -> None:
        self.tree, self.faults = tree, faults
        self.systems: dict[tuple[str, str, str], System | None] = {}
        self.frames: dict[str, Frame] = {}

    def case(self, node: Node) -> HouseholdCase | None:
        """Return one case, or None with faults."""
        fields = Fields(node, self.faults, KEYS["household case"], "the case")
        fields.what = f"case '{fields.text('name')}'" if "name" in fields.nodes else "the case"
        year, month = self._date(fields)
        frame = self._frame(fields)
        system = self._system(fields, frame)
        if system is None:
            return None
        inputs = system.definitions.inputs
        region, household = self._household(fields, inputs)
        members = _Members(fields, system.definitions, self.faults).read()
        positions = {member.name: i for i, member in enumerate(members)}
        tolerance = fields.number("tolerance", DEFAULT_TOLERANCE)
        if tolerance < 0:
            fields.wrong(fields.nodes["tolerance"], "tolerance", "0 or more")
        return HouseholdCase(
            name=fields.text("name", Path(node.file).stem),
            where=location(node),
            source=fields.text("source", required="expect" in fields.nodes),
            system=system,
            frame=frame,
            year=year,
            month=month,
            tolerance=tolerance,
            region=region,
            household=household,
            members=members,
            draws=self._draws(fields),
            expect=self._expectations(fields, system, positions),
            vary=self._vary(fields, inputs, positions),
            show=self._show(fields, system),
        )

    def _date(self, fields: Fields) -> tuple[int, int]:
        if ("date" in fields.nodes) == ("year" in fields.nodes):
            found = "both" if "date" in fields.nodes else "neither"
            expected = "either date: YYYY-MM or year: YYYY"
            self.faults.add(fields.node.where, fields.what, found, expected)
            return 1, 0
        if "year" in fields.nodes:
            return fields.integer("year"), 0
        node = fields.nodes["date"]
        date = parse_month(node.text)
        if date is None:
            fields.wrong(node, "date", "YYYY-MM")
        return date or (1, 0)

    def _frame(self, fields: Fields) -> Frame:
        node = fields.node_of("frame")
        path = self.tree.relative(node, self.faults) if node is not None else None
        if node is None or path is None:
            return Frame()
        if path not in self.frames:
            self.frames[path] = read_frame(self.tree, path, self.faults, node.where)
        return self.frames[path]

    def _system(self, fields: Fields, frame: Frame) -> System | None:
        node = fields.node_of("system", required=True)
        path = self.tree.relative(node, self.faults) if node is not None else None
        if path is None:
            return None
        reform_node = fields.node_of("reform")
        reform = self.tree.relative(reform_node, self.faults) if reform_node is not None else ""
        if reform is None:
            return None
        key = (path, reform, frame.where)
        if key not in self.systems:
            self.systems[key] = self._load(path, reform, frame, fields)
        return self.systems[key]

    def _load(self, path: str, reform: str, frame: Frame, fields: Fields) -> System | None:
        system = read_system(path, fields, self.faults)
        if system is None:
            return None
        system = with_frame(system, frame)
        if reform:
            try:
                system = apply(system, load_reform(reform, system))
            except InputError as error:
                self.faults.faults.extend(error.faults)
                return None
        check_series(system, self.faults)
        return system

    def _household(
        self, fields: Fields, inputs: dict[str, InputDefinition]
    ) -> tuple[str, dict[str, float]]:
        known = [
            one.name
            for one in inputs.values()
            if one.of == "household" and one.name not in COMPUTED
        ]
        node = fields.node_of("household")
        if node is None:
            return "", {}
        inner = Fields(node, self.faults, known, f"household of {fields.what}")
        values = {}
        for key, written in inner.nodes.items():
            if key in known and key != "region":
                value = read_input(written, inputs[key], self.faults)
                if value is not None:
                    values[key] = value
        return inner.text("region"), values

    def _draws(self, fields: Fields) -> dict[str, bool]:
        draws = {}
        for key, node in fields.mapping("draws"):
            value = node.as_boolean()
            if value is None:
                what = f"draw '{key.text}' of {fields.what}"
                self.faults.add(node.where, what, node.described(), "true or false")
            else:
                draws[key.text] = value
        return draws

    def _expectations(
        self, fields: Fields, system: System, positions: dict[str, int]
    ) -> tuple[Expectation, ...]:
        found: list[Expectation] = []
        variables = system.definitions.variables
        for key, node in fields.mapping("expect"):
            variable = variables.get(key.text)
            if variable is None and key.text not in ENGINE_VARIABLES:
                remedy = did_you_mean(key.text, variables)
                what = f"unknown variable '{key.text}' in expect of {fields.what}"
                self.faults.add(key.where, what, "", "a variable of the system", remedy)
                continue
            of = variable.of if variable is not None else "household"
            unit = variable.unit if variable is not None else "currency/month"
            labels = variable.labels if variable is not None else ()
            what = f"expected {key.text} of {fields.what}"
            for position, written in self._targets(what, node, of, positions):
                value = read_scalar(written, unit, labels, what, self.faults)
                if value is not None:
                    found.append(Expectation(key.text, position, value, location(written)))
        return tuple(found)

    def _targets(
        self, what: str, node: Node, of: str, positions: dict[str, int]
    ) -> list[tuple[int, Node]]:
        """Return (position, value) pairs; household variables have position -1."""
        if node.kind != "mapping":
            return [(-1 if of == "household" else 0, node)]
        if of == "household":
            self.faults.add(node.where, what, "values by member", "one value for the household")
            return []
        found = []
        for name, value in node.entries:
            if name.text in positions:
                found.append((positions[name.text], value))
            else:
                unknown_member(name, what, positions, self.faults)
        return found

    def _vary(
        self, fields: Fields, inputs: dict[str, InputDefinition], positions: dict[str, int]
    ) -> Vary | None:
        node = fields.node_of("vary")
        if node is None:
            return None
        inner = Fields(node, self.faults, KEYS["vary"], f"vary of {fields.what}")
        name = inner.text("input", required=True)
        known = [
            one.name
            for one in inputs.values()
            if one.name not in COMPUTED and one.unit not in ("category", "boolean")
        ]
        if name and name not in known:
            expected = "an input that is a number"
            inner.wrong(inner.nodes["input"], "input", expected, did_you_mean(name, known))
            return None
        start, stop = inner.number("from"), inner.number("to", required=True)
        step = inner.number("step", required=True)
        if step <= 0 or stop < start:
            self.faults.add(node.where, inner.what, "", "from <= to, and a step above 0")
            return None
        position = -1
        if name and inputs[name].of == "person":
            position = self._member_position(inner, positions)
        elif "member" in inner.nodes:
            inner.wrong(inner.nodes["member"], "member", f"none: {name} is of the household")
        return Vary(name, position, start, stop, step)

    def _member_position(self, inner: Fields, positions: dict[str, int]) -> int:
        member = inner.text("member")
        if member and member not in positions:
            unknown_member(inner.nodes["member"], inner.what, positions, self.faults)
        return positions.get(member, 0)

    def _show(self, fields: Fields, system: System) -> tuple[str, ...]:
        found = system.definitions
        known = [*found.variables, *found.inputs, *ENGINE_VARIABLES]
        names = fields.texts("show")
        for node in fields.elements("show"):
            if node.text not in known:
                remedy = did_you_mean(node.text, known)
                fields.wrong(node, "show", "names of variables or inputs", remedy)
        return names


def unknown_member(node: Node, what: str, positions: dict[str, int], faults: FaultList) -> None:
    """Note a name that is no member's."""
    remedy = did_you_mean(node.text, positions)
    faults.add(node.where, f"unknown member in {what}", node.text, listed(positions), remedy)


def read_input(node: Node, definition: InputDefinition, faults: FaultList) -> float | None:
    """Return the value of an input: a number, 0 or 1, or the code of a label; None with a fault."""
    what = f"input {definition.name}"
    value = read_scalar(node, definition.unit, definition.labels, what, faults)
    if value is None:
        return None
    whole = definition.unit in WHOLE or definition.name in _WHOLE_COLUMNS
    if whole and (value < 0 or value != int(value)):
        faults.add(node.where, what, node.text, "a whole number of 0 or more")
        return None
    if definition.name == "age" and value > OLDEST:
        faults.add(node.where, what, node.text, f"0 to {OLDEST}")
        return None
    return value


_WHOLE_COLUMNS = tuple(one.name for one in STANDARD if one.dtype.startswith("int"))


class _Members:
    """Reads the members of a case and resolves their links by name."""

    def __init__(self, fields: Fields, definitions: Definitions, faults: FaultList) -> None:
        self.case, self.faults = fields, faults
        inputs = definitions.inputs
        self.inputs = {name: one for name, one in inputs.items() if one.of == "person"}
        self.years_before = YearsBefore(definitions, faults)
        self.keys = ("name", "head", *LINK_NAMES, *KEYS_OF_YEARS_BEFORE, *self.inputs)
        what = f"member of {fields.what}"
        nodes = fields.elements("members", required=True)
        self.fields = [Fields(node, faults, self.keys, what) for node in nodes]
        self.positions: dict[str, int] = {}

    def read(self) -> tuple[Member, ...]:
        """Return the members in file order."""
        if "members" in self.case.nodes and not self.fields:
            self.case.wrong(self.case.nodes["members"], "members", "at least one member")
        names = []
        for i, fields in enumerate(self.fields):
            name = fields.text("name", f"member {i + 1}")
            names.append(name)
            if name in self.positions:
                self.faults.add(fields.node.where, f"two members are called {name}")
            self.positions[name] = i
            fields.what = f"{name} of {self.case.what}"
        links = [self._links(fields, i) for i, fields in enumerate(self.fields)]
        self._pair_spouses(links)
        head = self._head()
        return tuple(
            Member(
                name,
                location(fields.node),
                self._values(fields),
                head,
                spouse=link[0],
                mother=link[1],
                father=link[2],
                previous=self.years_before.own(fields),
                late=self.years_before.late(fields),
            )
            for name, fields, link in zip(names, self.fields, links, strict=True)
        )

    def _head(self) -> int:
        heads = [i for i, fields in enumerate(self.fields) if fields.boolean("head")]
        if len(heads) > 1:
            found = f"{len(heads)} heads"
            self.faults.add(self.fields[heads[1]].node.where, self.case.what, found, "one head")
        return heads[0] if heads else 0

    def _links(self, fields: Fields, i: int) -> list[int]:
        links = []
        for link in LINK_NAMES:
            name = fields.text(link)
            position = self.positions.get(name, -1) if name else -1
            if name and position < 0:
                unknown_member(
                    fields.nodes[link], f"{link} of {fields.what}", self.positions, self.faults
                )
            elif position == i:
                fields.wrong(fields.nodes[link], link, "another member")
            links.append(position)
        if links[1] >= 0 and links[1] == links[2]:
            fields.wrong(fields.nodes["father"], "father", "another member than the mother")
        return links

    def _pair_spouses(self, links: list[list[int]]) -> None:
        """Let spouses name each other when one of them does."""
        for i, link in enumerate(links):
            spouse = link[0]
            if spouse < 0 or spouse == i:
                continue
            if links[spouse][0] < 0:
                links[spouse][0] = i
            elif links[spouse][0] != i:
                fields = self.fields[i]
                found = f"the spouse of {fields.text('spouse')} is someone else"
                self.faults.add(fields.nodes["spouse"].where, f"spouse of {fields.what}", found)

    def _values(self, fields: Fields) -> dict[str, float]:
        fields.node_of("age", required=True)
        values = {}
        for name, definition in self.inputs.items():
            node = fields.node_of(name)
            value = read_input(node, definition, self.faults) if node is not None else None
            if value is not None:
                values[name] = value
        return values
