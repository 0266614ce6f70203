"""A scenario: which system, year, population and frame, and which reforms are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microsim.errors import Fault, FaultList, InputError
from microsim.files import Fields, FileTree, Node, SourceFile, did_you_mean, listed
from microsim.language.definitions import Location
from microsim.policy.law import location
from microsim.policy.loading import load_system
from microsim.policy.reforms import Reform, apply, load_reform, set_parameter
from microsim.policy.system import System
from microsim.policy.vocabulary import KEYS, STANDARD_SERIES, is_file_of_kind, name_fault
from microsim.scenario.frame import PROJECTED, Frame, read_frame
from microsim.scenario.projection import Projection, read_projection
from microsim.scenario.totals import SCHEME_ITEMS, TAX_ITEMS, Total, read_totals

BASELINE = "baseline"
FIRST_YEAR, LAST_YEAR = 1900, 2200


@dataclass(frozen=True)
class PopulationSpec:
    """Which population: a file, or a country to synthesise with so many households and a seed."""

    file: str = ""
    country: str = ""
    households: int = 0
    seed: int = 1


@dataclass(frozen=True)
class Calibration:
    """A parameter (a probability) to move until an official total of a scheme is met."""

    parameter: str
    scheme: str
    item: str
    where: Location


@dataclass(frozen=True)
class Scenario:
    """The question asked.

    Attributes
    ----------
    system
        The baseline law; its frame units are known.
    frame
        Series given by the scenario's own frame file (a population file may fill what is missing).
    reforms
        Reforms by name, in file order; several files under one name are applied one after another.
    files
        Every file read, with checksum.
    projection
        The years after the first one and how lives go on; None for a run of one year.
    """

    name: str
    where: Location
    system_path: str
    system: System
    year: int
    seed: int
    population: PopulationSpec
    frame: Frame
    totals: tuple[Total, ...] = ()
    calibrate: tuple[Calibration, ...] = ()
    reforms: dict[str, tuple[Reform, ...]] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    projection: Projection | None = None

    def systems(self, settings: Sequence[str] = ()) -> dict[str, System]:
        """Return the baseline and each reformed system by name, the baseline first.

        Parameters
        ----------
        settings
            `name=value` texts of `--set`: set in the baseline before the reforms are applied (a
            reform that replaces the parameter still does); a parameter that only a reform adds is
            set after that reform.

        Raises
        ------
        InputError
            Every setting that cannot be read or names a parameter of no system.
        """
        baseline, later = self._baseline_with(settings)
        found = {BASELINE: baseline}
        for name, reforms in self.reforms.items():
            system = baseline
            for reform in reforms:
                system = apply(system, reform)
            for setting in later:
                if parameter_of(setting) in system.definitions.parameters:
                    system = set_parameter(system, setting, self.year)
            found[name] = system
        return found

    def _baseline_with(self, settings: Sequence[str]) -> tuple[System, list[str]]:
        """Return the baseline with what can be set in it, and the settings left for reforms."""
        added = {
            name
            for group in self.reforms.values()
            for reform in group
            for name in reform.added_parameters
        }
        system, later, faults = self.system, [], FaultList()
        for setting in settings:
            if parameter_of(setting) in added:
                later.append(setting)
                continue
            try:
                system = set_parameter(system, setting, self.year)
            except InputError as error:
                faults.faults.extend(error.faults)
        faults.raise_if_any()
        return system, later


def parameter_of(setting: str) -> str:
    """Return the name in `name=value`."""
    return setting.partition("=")[0].strip()


def load_scenario(path: str | Path) -> Scenario:
    """Return the scenario of a file, with its system, frame, totals and reforms loaded.

    Raises
    ------
    InputError
        Every fault of the scenario file and of the files it names, each with file and line.
    """
    faults = FaultList()
    tree = FileTree(path)
    top = tree.read(path, faults)
    scenario = None
    if top is not None and is_file_of_kind(top, ("scenario",), faults):
        scenario = _read_scenario(top, tree, faults)
    faults.raise_if_any()
    assert scenario is not None  # noqa: S101 (whatever prevents a scenario has left a fault)
    return scenario


def with_frame(system: System, frame: Frame) -> System:
    """Return the system with the units of the frame's series known to formulas."""
    units = STANDARD_SERIES | PROJECTED | frame.units()
    return replace(system, definitions=replace(system.definitions, frame=units))


def _read_scenario(top: Node, tree: FileTree, faults: FaultList) -> Scenario | None:
    fields = Fields(top, faults, KEYS["scenario"], "the scenario file")
    year = fields.integer("year", required=True)
    if "year" in fields.nodes and not FIRST_YEAR <= year <= LAST_YEAR:
        fields.wrong(fields.nodes["year"], "year", "a year")
    frame_path, frame = _path(fields, "frame", tree), Frame()
    if frame_path:
        frame = read_frame(tree, frame_path, faults, fields.nodes["frame"].where)
    population = _read_population(fields, tree, faults)
    seed = fields.integer("seed", 1)
    system_path = _path(fields, "system", tree, required=True)
    system = read_system(system_path, fields, faults)
    if system is None:
        return None
    projection = read_projection(fields, tree, year, faults)
    if projection is not None:
        system = _with_lives(system, projection, faults)
    system = with_frame(system, frame)
    check_series(system, faults)
    totals: tuple[Total, ...] = ()
    totals_path = _path(fields, "totals", tree)
    if totals_path:
        asked = fields.nodes["totals"].where
        totals = read_totals(tree, totals_path, faults, asked, system.schemes, system.taxes)
    reforms = _read_reforms(fields, tree, system)
    read = [file for group in reforms.values() for reform in group for file in reform.files]
    return Scenario(
        name=fields.text("scenario", required=True),
        where=location(top),
        system_path=system_path,
        system=system,
        year=year,
        seed=seed,
        population=population,
        frame=frame,
        totals=totals,
        calibrate=_read_calibrations(fields, system, totals, year),
        reforms=reforms,
        files=tuple(dict.fromkeys((*tree.files.values(), *system.files, *read))),
        projection=projection,
    )


def _with_lives(system: System, projection: Projection, faults: FaultList) -> System:
    """Return the system with the parameters and variables of lives; faults are noted."""
    try:
        return projection.lives.apply(system)
    except InputError as error:
        faults.faults.extend(error.faults)
        return system


def _path(
    fields: Fields, key: str, tree: FileTree, required: bool = False, data: bool = False
) -> str:
    node = fields.node_of(key, required)
    if node is None:
        return ""
    return tree.relative(node, fields.faults, data) or ""


def read_system(path: str, fields: Fields, faults: FaultList) -> System | None:
    """Return the system of a path, or None with its faults noted."""
    if not path:
        return None
    if not Path(path).is_file():
        where = fields.nodes["system"].where
        faults.add(where, f"cannot read {path}", "no such file", "a system file")
        return None
    try:
        return load_system(path)
    except InputError as error:
        faults.faults.extend(error.faults)
        return None


def _read_population(fields: Fields, tree: FileTree, faults: FaultList) -> PopulationSpec:
    node = fields.node_of("population", required=True)
    if node is None:
        return PopulationSpec()
    inner = Fields(node, faults, KEYS["population"], "population")
    if "file" in inner.nodes:
        others = [key for key in inner.nodes if key != "file"]
        if others:
            faults.add(node.where, "population", listed(others), "file alone, or country")
        return PopulationSpec(file=_path(inner, "file", tree, data=True))
    country = inner.text("country", required=True)
    households = inner.integer("households", required=True)
    if country and not (len(country) == 3 and country.isascii() and country.isupper()):
        inner.wrong(inner.nodes["country"], "country", "a code of three capitals (ISO 3166: KEN)")
    if "households" in inner.nodes and households < 1:
        inner.wrong(inner.nodes["households"], "households", "1 or more")
    return PopulationSpec("", country, households, inner.integer("seed", 1))


INTEREST = "interest"


def check_series(system: System, faults: FaultList) -> None:
    """Note indices and poverty lines that name a series nobody declares."""
    known = system.definitions.frame

    def check(name: str, where: str, what: str) -> None:
        if name and name not in known:
            remedy = did_you_mean(name, known)
            faults.add(where, f"{what} names an unknown series '{name}'", "", listed(known), remedy)

    for parameter in system.definitions.parameters.values():
        check(parameter.index, str(parameter.where), f"parameter {parameter.name}")
    for scheme in system.schemes.values():
        for given in scheme.given:
            check(given.index, str(given.where), f"given line of scheme {scheme.id}")
        if scheme.fund is not None and scheme.fund.returns.startswith("frame."):
            series = scheme.fund.returns.removeprefix("frame.")
            if series != INTEREST:  # a projection makes it
                check(series, str(scheme.fund.where), f"fund of scheme {scheme.id}")
    for line, name in system.poverty_lines.items():
        if name.startswith("frame."):
            series = name.removeprefix("frame.")
            check(series, str(system.where), f"poverty line {line}")
            if known.get(series, "currency/month") != "currency/month":
                what = f"unit of poverty line {line}"
                faults.add(str(system.where), what, known[series], "currency/month")


def _read_reforms(fields: Fields, tree: FileTree, system: System) -> dict[str, tuple[Reform, ...]]:
    reforms: dict[str, tuple[Reform, ...]] = {}
    for key, node in fields.mapping("reforms"):
        if key.text == BASELINE or name_fault(key.text):
            reason = name_fault(key.text) or "a name other than baseline"
            fields.faults.add(key.where, f"name of reform '{key.text}'", "", reason)
        nodes = node.elements if node.kind == "list" else (node,)
        group: list[Reform] = []
        current = system
        for one in nodes:
            reform = _read_one_reform(one, tree, current, fields.faults)
            if reform is not None:
                group.append(reform)
                current = apply(current, reform)
        reforms[key.text] = tuple(group)
    return reforms


def _read_one_reform(
    node: Node, tree: FileTree, system: System, faults: FaultList
) -> Reform | None:
    path = tree.relative(node, faults)
    if path is None:
        return None
    if not Path(path).is_file():
        faults.faults.append(Fault(node.where, f"cannot read {path}", "no such file", "a reform"))
        return None
    try:
        reform = load_reform(path, system)
    except InputError as error:
        faults.faults.extend(error.faults)
        return None
    check_series(apply(system, reform), faults)
    return reform


def _read_calibrations(
    fields: Fields, system: System, totals: tuple[Total, ...], year: int
) -> tuple[Calibration, ...]:
    found = []
    for node in fields.elements("calibrate"):
        inner = Fields(node, fields.faults, KEYS["calibrate"], "calibrate")
        parameter = inner.text("parameter", required=True)
        scheme, item = inner.text("scheme", required=True), inner.text("item", required=True)
        known = system.definitions.parameters
        if parameter and parameter not in known:
            remedy = did_you_mean(parameter, known)
            inner.wrong(inner.nodes["parameter"], "parameter", "the name of a parameter", remedy)
        elif parameter and (known[parameter].unit, known[parameter].kind) != ("share", "scalar"):
            inner.wrong(inner.nodes["parameter"], "parameter", "a parameter whose unit is share")
        if scheme and scheme not in (*system.schemes, *system.taxes):
            remedy = did_you_mean(scheme, [*system.schemes, *system.taxes])
            inner.wrong(inner.nodes["scheme"], "scheme", "a scheme or tax", remedy)
        elif item and item not in (*SCHEME_ITEMS, *TAX_ITEMS):
            remedy = did_you_mean(item, SCHEME_ITEMS)
            inner.wrong(inner.nodes["item"], "item", listed((*SCHEME_ITEMS, *TAX_ITEMS)), remedy)
        elif not any((one.scheme, one.item, one.year) == (scheme, item, year) for one in totals):
            expected = f"a line {scheme},{item},{year},... in the totals file"
            fields.faults.add(
                node.where, "there is no official total to calibrate to", "", expected
            )
        found.append(Calibration(parameter, scheme, item, location(node)))
    return tuple(found)
