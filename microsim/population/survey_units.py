"""Reads a survey whose rows are tax units within households, and expands them to persons."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population import expanding
from microsim.population.checks import Households
from microsim.population.converting import Converter
from microsim.population.expanding import DEPENDANT, HEAD, SPOUSE, Members
from microsim.population.import_report import ImportReport
from microsim.population.mapping import ROLES, Expansion, Mapping
from microsim.population.markets import household_keys, person_keys, positions
from microsim.population.readers import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Values = npt.NDArray[Any]


def read_units(
    faults: FaultList,
    report: ImportReport,
    converter: Converter,
    table: Table,
    mapping: Mapping,
    who: Households,
    seed: int,
) -> tuple[dict[str, Values], Ints, Floats]:
    """Return the persons of the tax units, household by household.

    Returns
    -------
    persons
        Columns of shape (n_persons,), links as positions in the household.
    size
        Shape (n_households,), persons in each household.
    mean_of
        Shape (n_rows,), persons of each tax unit.
    """
    expansion = mapping.expansion
    if expansion is None:
        raise AssertionError("rows of tax units without an expansion")
    spouse = np.isin(table.texts(expansion.spouse_column).astype(str), expansion.spouse_codes)
    by_role = _role_values(converter, table, mapping, spouse)
    ages = by_role["age"]
    head_age, spouse_age = ages[:, HEAD], np.where(spouse, ages[:, SPOUSE], np.nan)
    counts = expanding.count_members(faults, report, table, expansion, head_age, spouse_age, spouse)
    spouse_age = np.where(spouse & np.isnan(spouse_age), head_age, spouse_age)
    ages[:, SPOUSE] = spouse_age
    members = expanding.list_members(counts, np.argsort(who.of_row, kind="stable"))
    size = np.bincount(who.of_row[members.unit], minlength=who.n)
    keys = person_keys(household_keys(seed, who.ids), size)
    drawn = expanding.draw_ages(members, expansion, keys, seed, mapping.year)
    persons = {
        name: _of_members(members, values) for name, values in by_role.items() if name != "age"
    }
    given = _of_members(members, ages)
    persons["age"] = np.where(members.role == DEPENDANT, drawn, given)
    sex = expanding.draw_sex(members, expansion, keys, seed, mapping.year)
    persons["sex"] = sex.astype(np.float64)
    position = positions(size)
    links, orphaned = expanding.link_members(members, expansion, persons["age"], sex, position)
    links["head"] = _household_head(members, expansion, who, persons["age"], position, size)
    _note(report, expansion, members, orphaned)
    return persons | links, size, counts.sum(axis=1).astype(np.float64)


def _role_values(
    converter: Converter, table: Table, mapping: Mapping, spouse: npt.NDArray[np.bool_]
) -> dict[str, Floats]:
    """Return columns of persons by role, shape (n_units, 3) each; NaN where there is nobody."""
    rows = {"head": np.arange(table.n_rows), "spouse": np.flatnonzero(spouse)}
    found: dict[str, Floats] = {}
    for name, column in mapping.columns.items():
        if column.column.of != "person" or column.cases:
            continue
        values = np.full((table.n_rows, len(ROLES)), np.nan)
        if "" in column.sources:
            values[:] = converter.convert(table, column)[:, None]
        for number, role in enumerate(ROLES):
            if role in column.sources:
                here = rows.get(role, rows["head"])
                values[here, number] = converter.convert(table, column, role, here)
                if column.sources[role].missing.treatment == "as head" and name != "age":
                    gone = np.isnan(values[here, number])
                    values[here[gone], number] = values[here[gone], HEAD]
        found[name] = values
    return found


def _of_members(members: Members, values: Floats) -> Floats:
    taken: Floats = values[members.unit, members.role]
    return taken


def _household_head(
    members: Members,
    expansion: Expansion,
    who: Households,
    age: Floats,
    position: Ints,
    size: Ints,
) -> Ints:
    """Return the position of the household's head for each person, shape (n_persons,)."""
    household = who.of_row[members.unit]
    if expansion.household_head == "first unit":
        return np.zeros(position.size, dtype=np.int64)
    heads = np.flatnonzero(members.role == HEAD)
    order = heads[np.lexsort((position[heads], -age[heads], household[heads]))]
    _, first = np.unique(household[order], return_index=True)
    return np.repeat(position[order[first]], size)


def _note(report: ImportReport, expansion: Expansion, members: Members, orphaned: int) -> None:
    n = members.unit.size
    for number, band in enumerate(expansion.bands):
        if band.count:
            count = int((members.band == number).sum())
            text = f"dependants, each age from {band.ages[0]} to {band.ages[1]} equally likely"
            report.note("expansion", band.count, text, count, n, band.because)
    shares = ", ".join(f"{kind} {share:g}" for kind, share in expansion.female.items())
    text = f"drawn with these shares of women: {shares}; a spouse is of the other sex"
    report.note("expansion", "sex", text, n, n, expansion.female_because)
    text = f"dependants up to {expansion.children_up_to} are children of the unit's head and spouse"
    report.note("expansion", "mother, father", text, because=expansion.children_because)
    if orphaned:
        text = (
            f"children without a link (a parent would have been under {expansion.youngest_parent})"
        )
        report.note("expansion", "mother, father", text, orphaned, n)
    report.note("expansion", "head", f"of the household: {expansion.household_head}")
