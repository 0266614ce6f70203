"""Reads a survey whose rows are persons: ids, head, links and the persons' own columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population import checks
from microsim.population.checks import Households, note_rows
from microsim.population.converting import Converter
from microsim.population.import_report import ImportReport
from microsim.population.mapping import BLANKS, Link, Mapping
from microsim.population.markets import positions
from microsim.population.readers import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Values = npt.NDArray[Any]


def read_persons(
    faults: FaultList,
    report: ImportReport,  # noqa: ARG001 - the two readers share a signature
    converter: Converter,
    table: Table,
    mapping: Mapping,
    who: Households,
    seed: int,  # noqa: ARG001
) -> tuple[dict[str, Values], Ints, Floats]:
    """Return the persons of the survey, household by household.

    Returns
    -------
    persons
        Columns of shape (n_persons,), links as positions in the household.
    size
        Shape (n_households,), persons in each household.
    mean_of
        Shape (n_rows,), persons that each row stands for in means: one.
    """
    order = np.argsort(who.of_row, kind="stable")
    size = np.bincount(who.of_row, minlength=who.n)
    persons: dict[str, Values] = {}
    for name, column in mapping.columns.items():
        if column.column.of == "person" and not column.cases:
            persons[name] = converter.convert(table, column)
    position = np.empty(table.n_rows, dtype=np.int64)
    position[order] = positions(size)
    persons |= _structure(faults, table, mapping, who, persons, position)
    return {name: values[order] for name, values in persons.items()}, size, np.ones(table.n_rows)


def _structure(
    faults: FaultList,
    table: Table,
    mapping: Mapping,
    who: Households,
    persons: dict[str, Values],
    position: Ints,
) -> dict[str, Values]:
    head = np.isin(table.texts(mapping.head_column).astype(str), mapping.head_codes)
    checks.check_heads(faults, table, mapping.head_column, head, who)
    at = np.zeros(who.n, dtype=np.int64)
    at[who.of_row[head]] = position[head]
    links: dict[str, Values] = {"head": at[who.of_row]}
    for name in ("spouse", "mother", "father"):
        links[name] = np.full(table.n_rows, -1, dtype=np.int64)
    ids = mapping.person_id
    if note_rows(faults, table, (ids,), table.blank(ids), "hold no person id"):
        return links
    within = mapping.ids_unique_in == "household"
    keys = _keys(table, ids, who if within else None)
    columns = (*mapping.household_id, ids) if within else (ids,)
    repeated = checks.check_person_ids(faults, table, columns, keys)
    unclear = np.isin(who.of_row, who.of_row[repeated])  # rows of households that repeat an id
    linked = {
        name: _find(faults, table, link, name, keys, who if within else None, unclear)
        for name, link in mapping.links.items()
    }
    names = {name: link.column for name, link in mapping.links.items()}
    sex = persons.get("sex")
    codes = None if sex is None else np.where(np.isnan(sex), -1, sex).astype(np.int64)
    checks.check_links(faults, table, names, linked, who.of_row, persons.get("age"), codes)
    for name, rows in linked.items():
        links[name] = np.where(rows >= 0, position[rows], -1)
    return links


def _keys(table: Table, column: str, who: Households | None) -> Values:
    texts = table.texts(column).astype(str)
    if who is None:
        return texts
    return np.char.add(np.char.add(who.of_row.astype(str), "/"), texts)


def _find(
    faults: FaultList,
    table: Table,
    link: Link,
    name: str,
    keys: Values,
    who: Households | None,
    unclear: Values,
) -> Ints:
    """Return the row of each linked person, -1 if none or `unclear`; note ids that nobody has."""
    texts = table.texts(link.column).astype(str)
    nobody = np.isin(texts, (*link.none, *BLANKS, "None")) | table.blank(link.column) | unclear
    wanted = _keys(table, link.column, who)
    rows = {key: row for row, key in enumerate(keys)}
    found = np.array(
        [-1 if none else rows.get(key, -2) for key, none in zip(wanted, nobody, strict=True)],
        dtype=np.int64,
    )
    place = "in the household" if who is not None else "in the file"
    note_rows(
        faults,
        table,
        (link.column,),
        found == -2,
        f"name a {name} who is not {place}",
        f"an id of '{link.column}' {place}, or a code for nobody",
        f"Name codes for nobody under none at {link.where}.",
        values=table.texts(link.column),
    )
    return np.maximum(found, -1)
