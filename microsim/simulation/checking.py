"""Checks files a modeller writes: systems build at every date their law changes, scenarios load,
worked cases hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from microsim.dynamics.lives_file import load_lives
from microsim.errors import Fault, FaultList, InputError
from microsim.files import FileTree
from microsim.language.definitions import Location
from microsim.language.graph import Builder, Graph
from microsim.policy.loading import load_system
from microsim.policy.system import System
from microsim.scenario.cases import load_cases
from microsim.scenario.frame import load_frame
from microsim.scenario.scenario import load_scenario, with_frame
from microsim.simulation.engine_variables import engine_variables
from microsim.simulation.household import Check, check_rules, region_labels
from microsim.simulation.law import used_parameters
from microsim.simulation.model import with_regions

_WORD = re.compile(r"[A-Za-z_][\w.]*")

KINDS = {
    "system": "system",
    "scenario": "scenario",
    "cases": "cases",
    "members": "cases",
    "reform": "reform",
    "frame": "frame",
    "lives": "lives",
}


@dataclass
class Report:
    """What was checked, the faults found, and the expectations of worked cases.

    declared, read: parameters of all systems built, by (name, file and line).
    """

    lines: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    declared: set[tuple[str, Location]] = field(default_factory=set)
    read: set[tuple[str, Location]] = field(default_factory=set)

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """A warning for each parameter that nothing in any system checked reads."""
        left = sorted(self.declared - self.read, key=lambda one: (str(one[1].file), one[1].line))
        return tuple(
            Fault(str(where), f"parameter {name} is read by no formula, scheme, line or unit")
            for name, where in left
        )


def check_path(path: Path) -> Report:
    """Check a file, or every YAML file of a folder.

    Raises
    ------
    InputError
        There is no such file or folder.
    """
    if not path.exists():
        raise InputError(Fault(str(path), "no such file or folder"))
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise InputError(Fault(str(path), "the folder holds no YAML file"))
    report = Report()
    for file in files:
        try:
            _check_file(file, report)
        except InputError as error:
            report.faults.extend(error.faults)
    report.faults = list(dict.fromkeys(report.faults))
    return report


def kind_of(path: Path) -> str:
    """Return what a file is by its first telling key (a value of `KINDS`), or an empty text."""
    faults = FaultList()
    top = FileTree(path).read(path, faults)
    faults.raise_if_any()
    if top is None or top.kind != "mapping":
        return ""
    keys = [key.text for key, _ in top.entries]
    for key in ("scenario", "cases", "members", "reform", "frame", "system", "lives"):
        if key in keys:
            return KINDS[key]
    return ""


def _check_file(path: Path, report: Report) -> None:
    kind = kind_of(path)
    if kind == "system":
        system = load_system(path)
        beside = path.parent / "frame.yaml"  # series a system's formulas may name
        if beside.is_file():
            system = with_frame(system, load_frame(beside))
        report.lines.append(f"{path}: {_build(system, report)}")
    elif kind == "scenario":
        scenario = load_scenario(path)
        for name, system in scenario.systems().items():
            said = _build(with_frame(system, scenario.frame), report)
            report.lines.append(f"{path} ({name}): {said}")
        if scenario.projection is not None:  # lives read their parameters outside of formulas
            own = scenario.projection.lives.parameters
            report.read |= {(name, parameter.where) for name, parameter in own.items()}
    elif kind == "lives":
        lives = load_lives(path)
        report.lines.append(
            f"{path}: {len(lives.processes)} processes, {len(lives.parameters)} parameters, "
            f"{len(lives.variables)} variables"
        )
    elif kind == "cases":
        cases = load_cases(path)
        checks = check_rules(cases)
        report.checks += checks
        held = sum(one.holds for one in checks)
        report.lines.append(f"{path}: {len(cases)} cases, {held} of {len(checks)} values hold")
    elif kind == "frame":
        report.lines.append(f"{path}: {len(load_frame(path).series)} series")


def _build(system: System, report: Report) -> str:
    """Build a system's rules; note what they read; return what they hold, in words."""
    faults, graph = FaultList(), Graph()
    engine = engine_variables(with_regions(system, region_labels(system)))
    Builder(graph, faults).add(engine.definitions)
    faults.raise_if_any()
    found = system.definitions
    read = read_parameters(system, graph)
    for name, parameter in found.parameters.items():
        report.declared.add((name, parameter.where))
        if name in read:
            report.read.add((name, parameter.where))
    return (
        f"{system.name}: {len(found.parameters)} parameters, {len(found.variables)} variables, "
        f"{len(system.schemes)} schemes, {len(system.taxes)} taxes: no fault"
    )


def read_parameters(system: System, graph: Graph) -> set[str]:
    """Return the names a system's formulas, schemes, poverty lines and units read.

    `graph`: the system's formulas. Words of a unit's rule count whether or not a formula uses the
    unit.
    """
    monthly, yearly = used_parameters(graph, graph.formulas)
    read = monthly | yearly | {system.retirement_age, *system.poverty_lines.values()}
    for scheme in system.schemes.values():
        read |= {benefit.minimum for benefit in scheme.benefits}
        if scheme.administration is not None:
            read.add(scheme.administration.parameter)
        if scheme.fund is not None:
            read.add(scheme.fund.returns)
    for unit in system.definitions.units.values():
        read |= set(_WORD.findall(unit.dependent))
    return read
