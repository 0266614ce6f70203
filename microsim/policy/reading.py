"""Reads names of variables and parameters, and numbers by year, where schemes refer to them."""

from __future__ import annotations

from microsim.errors import FaultList
from microsim.files import Fields, did_you_mean
from microsim.policy.law import Law


def variable_name(
    fields: Fields, key: str, law: Law, units: tuple[str, ...], required: bool = False
) -> str:
    """Return the name of a variable or input with one of the wanted units."""
    name = fields.text(key, required=required)
    node = fields.nodes.get(key)
    if not name or node is None:
        return ""
    found = law.variables.get(name) or law.inputs.get(name)
    if found is None:
        remedy = did_you_mean(name, [*law.variables, *law.inputs])
        fields.wrong(node, key, "the name of a variable or input", remedy)
    elif found.unit not in units:
        law.faults.add(node.where, f"unit of '{name}'", found.unit, " or ".join(units))
    return name


def parameter_name(
    fields: Fields, key: str, law: Law, units: tuple[str, ...], required: bool = False
) -> str:
    """Return the name of a parameter with one of the wanted units."""
    name = fields.text(key, required=required)
    node = fields.nodes.get(key)
    if not name or node is None:
        return ""
    found = law.parameters.get(name)
    if found is None and name in law.names:
        return name  # declared, with faults of its own
    if found is None:
        fields.wrong(node, key, "the name of a parameter", did_you_mean(name, law.parameters))
    elif found.unit not in units:
        law.faults.add(node.where, f"unit of '{name}'", found.unit, " or ".join(units))
    return name


def read_years(fields: Fields, faults: FaultList) -> dict[int, float]:
    """Return the numbers under `values` by year."""
    values: dict[int, float] = {}
    for key, node in fields.mapping("values", required=True):
        year, value = key.as_integer(), node.as_number()
        if year is None or not 1900 <= year <= 2200:
            faults.add(key.where, f"year of {fields.what}", key.described(), "a year")
        elif value is None:
            faults.add(node.where, f"value of {fields.what}", node.described(), "a number")
        else:
            values[year] = value
    return dict(sorted(values.items()))
