"""Reads a lives file: the processes of a projection, with their own parameters and variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from microsim.dynamics.lives_blocks import (
    ALIGNED,
    BEHAVIOUR,
    ENTRIES,
    OPTIONAL,
    Process,
    read_histories,
    read_processes,
)
from microsim.dynamics.lives_entries import PARAMETER
from microsim.dynamics.tables import NONE, OF_TRANSITIONS, PROCESSES
from microsim.dynamics.transition_formulas import transition_key
from microsim.errors import Fault, FaultList
from microsim.files import Fields, FileTree, SourceFile, did_you_mean, listed
from microsim.language.definitions import Location, ParameterDefinition, VariableDefinition
from microsim.policy.law import Law, location
from microsim.policy.loading import read_law
from microsim.policy.system import System
from microsim.policy.vocabulary import KEYS, is_file_of_kind
from microsim.shipped import folder

GENERIC = "generic"  # in `like`: the file that ships with the package
UNITS_OF = {"probability": ("share",), "logit": ("number",)}  # of variables; else of factors
DEEPEST = 8  # files that are like one another


@dataclass(frozen=True)
class LivesSpec:
    """A lives file, over the one it is like.

    Attributes
    ----------
    parameters, variables
        What it adds to the law of every scenario, by name.
    processes
        Blocks by name, each complete.
    histories
        Blocks on what was before the first year, by name.
    sensitivity
        (low, high) of parameters and processes, by name, for table A5.
    warnings
        What is allowed but looks wrong.
    tree
        The tree that tables of rates are read from.
    """

    name: str
    label: str
    where: Location
    parameters: Mapping[str, ParameterDefinition]
    variables: Mapping[str, VariableDefinition]
    processes: Mapping[str, Process]
    histories: Mapping[str, Process]
    sensitivity: Mapping[str, tuple[float, float]]
    tree: FileTree
    warnings: tuple[Fault, ...] = ()
    like: tuple[str, ...] = field(default=())

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """Return every file read so far, with checksum; tables of rates after `tables_of`."""
        return tuple(self.tree.files.values())

    @property
    def behaviour(self) -> dict[str, str]:
        """Return the variable that fills each key of `Lives.step(behaviour)`."""
        found = {}
        for name, key in BEHAVIOUR.items():
            process = self.processes[name]
            if process.factor:
                found[key] = process.factor
            if process.relative:
                found[f"{key}_relative"] = process.relative
        if "transitions" in self.processes:
            _, formulas = self.processes["transitions"].formulas
            found |= {transition_key(status): name for status, name in formulas.items()}
        return found

    @property
    def table_parameters(self) -> tuple[str, ...]:
        """Return the parameters that tables are made with.

        Scenarios that differ from the baseline in the value of one, in any year, need tables of
        their own.
        """
        names = [
            self.processes[process].text(key)
            for process in ("labour", "transitions")
            for key, kind in ENTRIES[process].items()
            if kind == PARAMETER and process in self.processes
        ]
        return tuple(name for name in names if name)

    @property
    def normalised(self) -> tuple[str, ...]:
        """Return the processes that have a relative factor, as `LifeTables` names them."""
        keys = [BEHAVIOUR[name] for name in BEHAVIOUR if self.processes[name].relative]
        return tuple(key for key in PROCESSES if key in keys)

    @property
    def alignment(self) -> dict[str, str]:
        """Return the method of each process, by the name lives know it by."""
        found = {ALIGNED[name]: self.processes[name].align for name in ALIGNED}
        return {**found, "recovery": found["disability"]}

    def apply(self, system: System) -> System:
        """Return a system with the parameters and variables of this file.

        Raises
        ------
        InputError
            A name that the system declares too; a variable or parameter that a process names and
            nobody declares, or of another kind than needed. Every fault at once.
        """
        faults = FaultList()
        old = system.definitions
        taken: dict[str, Location] = {}
        for group in (old.inputs, old.units, old.parameters, old.variables):
            taken |= {name: one.where for name, one in group.items()}
        for kind, own in (("parameter", self.parameters), ("variable", self.variables)):
            for name, one in own.items():
                if name in taken:
                    what = f"{kind} '{name}' of the lives file is declared by the system too"
                    expected = "one declaration of a name"
                    faults.add(str(one.where), what, f"also at {taken[name]}", expected)
        definitions = replace(
            old,
            parameters={**old.parameters, **self.parameters},
            variables={**old.variables, **self.variables},
        )
        _check_named(self, definitions.parameters, definitions.variables, faults)
        faults.raise_if_any()
        files = tuple(dict.fromkeys((*system.files, *self.files)))
        warnings = (*system.warnings, *self.warnings)
        return replace(system, definitions=definitions, files=files, warnings=warnings)


def read_lives(tree: FileTree, path: str, faults: FaultList, asked: str = "") -> LivesSpec | None:
    """Return the lives of a file of a tree, or None with every fault of it and those it is like.

    Parameters
    ----------
    tree
        The tree of files.
    path
        The file, or the word `generic` for the one that ships.
    faults
        Collects the faults.
    asked
        `file:line` that names the file.
    """
    before = len(faults.faults)
    spec = _read(tree, shipped_or(path), faults, asked, ())
    if spec is None:
        return None
    for name in ENTRIES:
        if name not in spec.processes and name not in OPTIONAL:
            expected = f"{name}: ..., or like: a file that has it"
            faults.add(str(spec.where), f"the process '{name}' is missing", "", expected)
    labour = spec.processes.get("labour")
    if "transitions" in spec.processes and labour is not None:
        known = (NONE, *OF_TRANSITIONS)
        if labour.align not in known:
            what = "'align' of process labour, whose statuses have transitions"
            faults.add(labour.place("align"), what, labour.align, f"one of {', '.join(known)}")
    if "formal_work" not in spec.histories:
        expected = "formal_work: ..., or like: a file that has it"
        faults.add(str(spec.where), "histories.formal_work is missing", "", expected)
    return spec if len(faults.faults) == before else None


def load_lives(path: str | Path) -> LivesSpec:
    """Return the lives of a file.

    Raises
    ------
    InputError
        Every fault of the file, with its line.
    """
    faults = FaultList()
    spec = read_lives(FileTree(path), str(path), faults)
    faults.raise_if_any()
    assert spec is not None  # noqa: S101 (whatever prevents it has left a fault)
    return spec


def shipped_or(path: str) -> str:
    """Return the path, or that of the shipped file for the word `generic`."""
    return str(folder("scenarios") / "lives" / "generic.yaml") if path == GENERIC else path


def _read(
    tree: FileTree, path: str, faults: FaultList, asked: str, above: tuple[str, ...]
) -> LivesSpec | None:
    top = tree.read(path, faults, asked, (GENERIC,))
    if top is None or not is_file_of_kind(top, ("lives",), faults):
        return None
    fields = Fields(top, faults, KEYS["lives"], "the lives file")
    law = Law(faults)
    read_law([top], law)
    processes, histories = fields.node_of("processes"), fields.node_of("histories")
    spec = LivesSpec(
        name=fields.text("lives", required=True),
        label=fields.text("label"),
        where=location(top),
        parameters=law.parameters,
        variables=law.variables,
        processes=read_processes(processes, tree, faults) if processes else {},
        histories=read_histories(histories, tree, faults) if histories else {},
        sensitivity=_sensitivity(fields),
        tree=tree,
        warnings=tuple(law.warnings),
    )
    node = fields.node_of("like")
    if node is None:
        return spec
    other_path = shipped_or(node.text) if node.text == GENERIC else tree.relative(node, faults)
    if other_path is None:
        return None
    if other_path in (*above, path) or len(above) > DEEPEST:
        faults.add(node.where, "a lives file that is like itself", node.text, "another file")
        return None
    other = _read(tree, other_path, faults, node.where, (*above, path))
    return None if other is None else _over(spec, other, other_path)


def _over(spec: LivesSpec, other: LivesSpec, path: str) -> LivesSpec:
    """Return what `spec` says, and what `other` says of the rest."""
    return replace(
        spec,
        parameters={**other.parameters, **spec.parameters},
        variables={**other.variables, **spec.variables},
        processes={**other.processes, **spec.processes},
        histories={**other.histories, **spec.histories},
        sensitivity={**other.sensitivity, **spec.sensitivity},
        warnings=(*other.warnings, *spec.warnings),
        like=(path, *other.like),
    )


def _sensitivity(fields: Fields) -> dict[str, tuple[float, float]]:
    """Return the low and high of parameters and processes."""
    found = {}
    for key, node in fields.mapping("sensitivity"):
        inner = Fields(node, fields.faults, KEYS["sensitivity"], f"sensitivity of {key.text}")
        low, high = inner.number("low", required=True), inner.number("high", required=True)
        if low > high:
            inner.wrong(node, "low", "low at most high")
        found[key.text] = (low, high)
    return found


def _check_named(
    spec: LivesSpec,
    parameters: Mapping[str, ParameterDefinition],
    variables: Mapping[str, VariableDefinition],
    faults: FaultList,
) -> None:
    """Note variables and parameters that a block names and nobody declares, or of another kind."""
    for process in spec.processes.values():
        for key, name in (
            ("probability" if process.name == "retirement" else "factor", process.factor),
            ("relative", process.relative),
        ):
            if name:
                _check_variable(process, key, name, variables, faults)
        key, formulas = process.formulas
        for status, name in formulas.items():
            _check_variable(process, key, name, variables, faults, f"{key}.{status}")
        for key, kind in ENTRIES[process.name].items():
            if kind == PARAMETER and process.text(key):
                _check_parameter(process, key, process.text(key), parameters, faults)
    for name in spec.sensitivity:
        if name not in parameters and name not in ENTRIES:
            known = [*ENTRIES, *parameters]
            what = f"sensitivity names an unknown parameter or process '{name}'"
            faults.add(str(spec.where), what, "", listed(known), did_you_mean(name, known))


def _check_variable(
    process: Process,
    key: str,
    name: str,
    variables: Mapping[str, VariableDefinition],
    faults: FaultList,
    place: str = "",
) -> None:
    what, where = f"'{key}' of process {process.name}", process.place(place or key)
    one = variables.get(name)
    if one is None:
        remedy = did_you_mean(name, variables)
        faults.add(where, what, name, "a variable of the lives file or the law", remedy)
        return
    wanted = UNITS_OF.get(key, ("number", "share"))
    if one.of != "person" or one.period != "year" or one.unit not in wanted:
        found = f"{name} of {one.of}, {one.unit}, by {one.period} ({one.where})"
        faults.add(where, what, found, f"of person, {' or '.join(wanted)}, period: year")


def _check_parameter(
    process: Process,
    key: str,
    name: str,
    parameters: Mapping[str, ParameterDefinition],
    faults: FaultList,
) -> None:
    what, where = f"'{key}' of process {process.name}", process.place(key)
    one = parameters.get(name)
    if one is None:
        remedy = did_you_mean(name, parameters)
        faults.add(where, what, name, "a parameter of the lives file or the law", remedy)
        return
    units = ("years",) if key == "retirement_age" else ("share", "number")
    if one.kind != "scalar" or one.unit not in units:
        found = f"{name}: {one.kind}, {one.unit} ({one.where})"
        faults.add(where, what, found, f"a single number, unit {' or '.join(units)}")
