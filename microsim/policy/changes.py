"""A change of a system as data, and the system after it: reforms, and single values set by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from microsim.errors import Fault, FaultList, InputError
from microsim.files import SourceFile, did_you_mean, month_index, parse
from microsim.language.definitions import (
    DatedValue,
    Definitions,
    InputDefinition,
    Location,
    ParameterDefinition,
    UnitDefinition,
    VariableDefinition,
)
from microsim.policy.system import SchemeRule, System, TaxRule
from microsim.policy.values import Shape, read_value

_BEGINNING = 1  # the first year a date can name
Item = TypeVar("Item")


@dataclass(frozen=True)
class Reform:
    """A change of a system.

    Attributes
    ----------
    parameters
        New dated values by parameter; they hold from the first of their dates on.
    variables
        New definitions by variable.
    abolished
        Ids of schemes and taxes that end; their variables stay computable.
    added_parameters, added_inputs, added_units, added_variables, added_schemes, added_taxes
        What did not exist before.
    """

    name: str
    label: str
    where: Location
    parameters: dict[str, tuple[DatedValue, ...]] = field(default_factory=dict)
    variables: dict[str, VariableDefinition] = field(default_factory=dict)
    abolished: tuple[str, ...] = ()
    added_parameters: dict[str, ParameterDefinition] = field(default_factory=dict)
    added_inputs: dict[str, InputDefinition] = field(default_factory=dict)
    added_units: dict[str, UnitDefinition] = field(default_factory=dict)
    added_variables: dict[str, VariableDefinition] = field(default_factory=dict)
    added_schemes: dict[str, SchemeRule] = field(default_factory=dict)
    added_taxes: dict[str, TaxRule] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    warnings: tuple[Fault, ...] = ()


def apply(system: System, reform: Reform) -> System:
    """Return the system after the reform; the system given is not changed."""
    old = system.definitions
    parameters = old.parameters | reform.added_parameters
    for name, values in reform.parameters.items():
        parameters[name] = override(parameters[name], values)
    definitions = Definitions(
        parameters=parameters,
        inputs=old.inputs | reform.added_inputs,
        variables=old.variables | reform.variables | reform.added_variables,
        units=old.units | reform.added_units,
        frame=old.frame,
    )
    gone = set(reform.abolished)
    return replace(
        system,
        definitions=definitions,
        schemes=_without(system.schemes, gone) | reform.added_schemes,
        taxes=_without(system.taxes, gone) | reform.added_taxes,
        files=tuple(dict.fromkeys((*system.files, *reform.files))),
        warnings=(*system.warnings, *reform.warnings),
    )


def _without(items: dict[str, Item], gone: set[str]) -> dict[str, Item]:
    return {name: item for name, item in items.items() if name not in gone}


def override(parameter: ParameterDefinition, values: Iterable[DatedValue]) -> ParameterDefinition:
    """Return the parameter with new values from the first of their months on."""
    values = tuple(values)
    kept = tuple(one for one in parameter.values if one.month < values[0].month)
    return replace(parameter, values=kept + values)


def shape_of(parameter: ParameterDefinition, inputs: dict[str, InputDefinition]) -> Shape:
    """Return what the values of a parameter must look like."""
    key_labels = tuple(
        inputs[name].labels if unit == "category" else () for name, unit in parameter.keys
    )
    return Shape(parameter.name, parameter.kind, parameter.unit, parameter.labels, key_labels)


def changes_nothing(before: System, after: System) -> bool:
    """Tell whether two systems have the same law: values, formulas, schemes, taxes."""
    old, new = before.definitions, after.definitions
    if (set(before.schemes), set(before.taxes)) != (set(after.schemes), set(after.taxes)):
        return False
    if any(set(a) != set(b) for a, b in ((old.parameters, new.parameters),
                                         (old.variables, new.variables))):  # fmt: skip
        return False
    same_values = all(
        _same_values(one.values, new.parameters[name].values)
        for name, one in old.parameters.items()
    )
    same_formulas = all(
        (one.formula, [case[:2] for case in one.cases])
        == (new.variables[name].formula, [case[:2] for case in new.variables[name].cases])
        for name, one in old.variables.items()
    )
    return same_values and same_formulas


def _same_values(one: tuple[DatedValue, ...], other: tuple[DatedValue, ...]) -> bool:
    return len(one) == len(other) and all(
        a.month == b.month and np.array_equal(a.value, b.value)
        for a, b in zip(one, other, strict=True)
    )


def set_parameter(system: System, setting: str, year: int | None = None) -> System:
    """Return the system with one parameter set, as `--set name=value` asks.

    Parameters
    ----------
    system
        The system.
    setting
        `name=value`; the value as it would stand in a law file (`0.06`, `true`,
        `[[0, 0.1], [24000, 0.25]]`).
    year
        The value holds from 1 January of this year on, over all later law; from the beginning of
        time if left out.

    Raises
    ------
    InputError
        Not `name=value`, an unknown parameter, or a value of the wrong shape.
    """
    name, equals, text = (part.strip() for part in setting.partition("="))
    where = f"--set {setting}"
    if not equals or not name or not text:
        raise InputError(Fault(where, "cannot be read", "", "--set name=value"))
    parameter = system.definitions.parameters.get(name)
    if parameter is None:
        remedy = did_you_mean(name, system.definitions.parameters)
        raise InputError(Fault(where, f"unknown parameter '{name}'", "", "", remedy))
    faults = FaultList()
    top = parse(f"value: {text}\n", where, faults)
    node = top.get("value") if top is not None else None
    shape = shape_of(parameter, system.definitions.inputs)
    value = read_value(node, shape, faults) if node is not None else None
    if faults.faults:
        raise InputError([replace(fault, where=where) for fault in faults.faults])
    if value is None:
        raise InputError(Fault(where, "cannot be read", text, "a value"))
    first = _BEGINNING if year is None else year
    dated = DatedValue(
        month_index(first, 1),
        value,
        f"{first:04d}-01-01",
        "command line (--set)",
        Location(where, 1),
    )
    changed = replace(override(parameter, (dated,)), index="")
    parameters = system.definitions.parameters | {name: changed}
    return replace(system, definitions=replace(system.definitions, parameters=parameters))
