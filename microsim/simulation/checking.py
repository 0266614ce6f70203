"""Checks files a modeller writes: systems build at every date their law changes, scenarios load,
worked cases hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from microsim.errors import Fault, FaultList, InputError
from microsim.files import FileTree
from microsim.language.graph import Builder, Graph
from microsim.policy.loading import load_system
from microsim.policy.system import System
from microsim.scenario.cases import load_cases
from microsim.scenario.frame import load_frame
from microsim.scenario.scenario import load_scenario, with_frame
from microsim.simulation.engine_variables import engine_variables
from microsim.simulation.household import Check, check_rules, region_labels
from microsim.simulation.model import with_regions

KINDS = {
    "system": "system",
    "scenario": "scenario",
    "cases": "cases",
    "members": "cases",
    "reform": "reform",
    "frame": "frame",
}


@dataclass
class Report:
    """What was checked, the faults found, and the expectations of worked cases."""

    lines: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)


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
    """Return what a file is by its first telling key: system, scenario, cases, reform, frame, or
    ''.
    """
    faults = FaultList()
    top = FileTree(path).read(path, faults)
    faults.raise_if_any()
    if top is None or top.kind != "mapping":
        return ""
    keys = [key.text for key, _ in top.entries]
    for key in ("scenario", "cases", "members", "reform", "frame", "system"):
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
        report.lines.append(f"{path}: {_build(system)}")
    elif kind == "scenario":
        scenario = load_scenario(path)
        for name, system in scenario.systems().items():
            report.lines.append(f"{path} ({name}): {_build(with_frame(system, scenario.frame))}")
    elif kind == "cases":
        cases = load_cases(path)
        checks = check_rules(cases)
        report.checks += checks
        held = sum(one.holds for one in checks)
        report.lines.append(f"{path}: {len(cases)} cases, {held} of {len(checks)} values hold")
    elif kind == "frame":
        report.lines.append(f"{path}: {len(load_frame(path).series)} series")


def _build(system: System) -> str:
    """Build a system's rules; return what it holds, in words."""
    faults, graph = FaultList(), Graph()
    engine = engine_variables(with_regions(system, region_labels(system)))
    Builder(graph, faults).add(engine.definitions)
    faults.raise_if_any()
    found = system.definitions
    return (
        f"{system.name}: {len(found.parameters)} parameters, {len(found.variables)} variables, "
        f"{len(system.schemes)} schemes, {len(system.taxes)} taxes: no fault"
    )
