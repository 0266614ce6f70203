"""Reads a reform: replace, phase in, abolish, add."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from microsim.errors import FaultList
from microsim.files import Fields, FileTree, Node, did_you_mean, listed, parse_date
from microsim.language.definitions import DatedValue, Location, VariableDefinition
from microsim.policy.accounts import check_accounts
from microsim.policy.changes import Reform, apply, changes_nothing, set_parameter, shape_of
from microsim.policy.declarations import read_formula
from microsim.policy.law import Law, location
from microsim.policy.loading import read_law
from microsim.policy.system import System
from microsim.policy.values import effective_month, read_dated_values
from microsim.policy.vocabulary import KEYS, is_file_of_kind

__all__ = ["Reform", "apply", "load_reform", "set_parameter"]
Item = TypeVar("Item")


def load_reform(path: str | Path, system: System) -> Reform:
    """Return the reform that a file describes.

    Parameters
    ----------
    path
        The reform file.
    system
        The system it changes: names, units and shapes are checked against it.

    Raises
    ------
    InputError
        Every fault at once: an unknown name, a value of the wrong shape, a scheme left with one
        side of its account, a reform that changes nothing.
    """
    faults = FaultList()
    tree = FileTree(path)
    top = tree.read(path, faults)
    reform = None
    if top is not None and is_file_of_kind(top, ("reform",), faults):
        reform = _read_reform(top, system, faults)
    faults.raise_if_any()
    assert reform is not None  # noqa: S101 (an unreadable file has left a fault)
    return replace(reform, files=tuple(tree.files.values()))


def _read_reform(top: Node, system: System, faults: FaultList) -> Reform:
    fields = Fields(top, faults, KEYS["reform"], "the reform file")
    name = fields.text("reform", required=True)
    source = fields.text("source", f"reform: {name}")
    law = _law_of(system, faults)
    added = fields.node_of("add")
    if added is not None:
        Fields(added, faults, KEYS["add"], "add")
        read_law([added], law)
    parameters, variables = _read_replacements(fields, law, source)
    parameters |= _read_phase_ins(fields, law, source, parameters)
    old = system.definitions
    reform = Reform(
        name=name,
        label=fields.text("label", name),
        where=location(top),
        parameters=parameters,
        variables=variables,
        abolished=_read_abolished(fields, system),
        added_parameters=_new(law.parameters, old.parameters),
        added_inputs=_new(law.inputs, old.inputs),
        added_units=_new(law.units, old.units),
        added_variables=_new(law.variables, old.variables),
        added_schemes=_new(law.schemes, system.schemes),
        added_taxes=_new(law.taxes, system.taxes),
        warnings=tuple(law.warnings),
    )
    if not faults.faults:
        after = apply(system, reform)
        check_accounts(after.schemes, after.taxes, faults)
        if not faults.faults and changes_nothing(system, after):
            expected = "replace, phase_in, abolish or add, with values that differ"
            faults.add(top.where, f"reform '{name}' changes nothing", "", expected)
    return reform


def _new(after: dict[str, Item], before: dict[str, Item]) -> dict[str, Item]:
    return {name: item for name, item in after.items() if name not in before}


def _law_of(system: System, faults: FaultList) -> Law:
    """Return the law of a system, to which a reform may add."""
    old = system.definitions
    names: dict[str, Location] = {name: one.where for name, one in old.parameters.items()}
    names |= {name: one.where for name, one in old.variables.items()}
    names |= {name: one.where for name, one in old.units.items()}
    return Law(
        faults,
        parameters=dict(old.parameters),
        inputs=dict(old.inputs),
        units=dict(old.units),
        variables=dict(old.variables),
        schemes=dict(system.schemes),
        taxes=dict(system.taxes),
        names=names,
    )


def _read_replacements(
    fields: Fields, law: Law, source: str
) -> tuple[dict[str, tuple[DatedValue, ...]], dict[str, VariableDefinition]]:
    parameters: dict[str, tuple[DatedValue, ...]] = {}
    variables: dict[str, VariableDefinition] = {}
    for key, node in fields.mapping("replace"):
        parameter, variable = law.parameters.get(key.text), law.variables.get(key.text)
        if parameter is not None:
            if node.kind != "mapping" or not node.entries:
                what = f"new values of parameter {key.text}"
                law.faults.add(node.where, what, node.described(), "{YYYY-MM-DD: value}")
                continue
            shape = shape_of(parameter, law.inputs)
            values = read_dated_values(node.entries, shape, source, law.faults, parameter.values)
            if values:
                parameters[key.text] = values
        elif variable is not None:
            variables[key.text] = _replaced_variable(key, node, variable, law, source)
        else:
            remedy = did_you_mean(key.text, [*law.parameters, *law.variables])
            what = f"replace names an unknown parameter or variable '{key.text}'"
            law.faults.add(key.where, what, "", "a name of the system", remedy)
    return parameters, variables


def _replaced_variable(
    key: Node, node: Node, old: VariableDefinition, law: Law, source: str
) -> VariableDefinition:
    """Return a variable with a new formula (text), or new cases (a mapping with `cases`)."""
    if node.kind == "scalar":
        entries = ((Node(node.file, node.line, "scalar", "formula", True), node),)
        node = Node(node.file, node.line, "mapping", entries=entries)
    fields = Fields(node, law.faults, ("formula", "cases"), f"replacement of {key.text}")
    formula, cases, where = read_formula(fields, law)
    return replace(
        old, formula=formula, cases=cases, where=location(key), formula_where=where, source=source
    )


def _read_phase_ins(
    fields: Fields, law: Law, source: str, replaced: dict[str, tuple[DatedValue, ...]]
) -> dict[str, tuple[DatedValue, ...]]:
    found: dict[str, tuple[DatedValue, ...]] = {}
    for key, node in fields.mapping("phase_in"):
        phase = Fields(node, law.faults, KEYS["phase_in"], f"phase_in of {key.text}")
        parameter = law.parameters.get(key.text)
        if parameter is None:
            what = f"phase_in names an unknown parameter '{key.text}'"
            remedy = did_you_mean(key.text, law.parameters)
            law.faults.add(key.where, what, "", "a parameter of the system", remedy)
            continue
        if parameter.kind != "scalar" or parameter.unit in ("boolean", "category"):
            law.faults.add(key.where, phase.what, parameter.unit, "a parameter that is a number")
            continue
        if key.text in replaced:
            law.faults.add(key.where, phase.what, "also under replace", "one of the two")
            continue
        values = _steps(phase, phase.text("source", source), location(node))
        if values:
            found[key.text] = values
    return found


def _steps(phase: Fields, source: str, where: Location) -> tuple[DatedValue, ...]:
    """Return one value a year, in equal steps from the start value to the end value."""
    dates = []
    for key in ("from", "to"):
        text = phase.text(key, required=True)
        date = parse_date(text)
        if text and date is None:
            phase.wrong(phase.nodes[key], key, "YYYY-MM-DD")
        dates.append(date)
    start, end = phase.number("start", required=True), phase.number("end", required=True)
    first, last = dates
    if first is None or last is None:
        return ()
    years = last[0] - first[0]
    if first[1:] != last[1:] or years < 1:
        expected = "'to' one or more whole years after 'from', on the same day of the year"
        phase.wrong(phase.nodes["to"], "to", expected)
        return ()
    if first[1:] == (2, 29):
        phase.wrong(phase.nodes["from"], "from", "a day that every year has")
        return ()
    return tuple(
        DatedValue(
            month=effective_month((first[0] + step, *first[1:])),
            value=end if step == years else start + (end - start) * step / years,
            date=f"{first[0] + step:04d}-{first[1]:02d}-{first[2]:02d}",
            source=source,
            where=where,
        )
        for step in range(years + 1)
    )


def _read_abolished(fields: Fields, system: System) -> tuple[str, ...]:
    names = fields.texts("abolish")
    known = [*system.schemes, *system.taxes]
    for name, node in zip(names, fields.elements("abolish"), strict=False):
        if name not in known:
            what = f"abolish names an unknown scheme or tax '{name}'"
            fields.faults.add(node.where, what, "", listed(known), did_you_mean(name, known))
    return names
