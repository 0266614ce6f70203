"""Reads what belongs to households: ids, weights, sample design, their own columns and file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population import checks
from microsim.population.checks import Households, counted, note_rows
from microsim.population.converting import Converter
from microsim.population.import_report import ImportReport
from microsim.population.mapping import Mapping
from microsim.population.readers import Table, TextStyle, column_names, read_table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Values = npt.NDArray[Any]


@dataclass(frozen=True)
class Files:
    """The survey's tables, and which one has which column of households."""

    persons: Table
    households: Table | None

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return the tables there are."""
        return (self.persons,) if self.households is None else (self.persons, self.households)

    def holding(self, columns: tuple[str, ...]) -> Table:
        """Return the table to read columns of households from."""
        if self.households is not None and all(c in self.households.columns for c in columns):
            return self.households
        return self.persons

    @classmethod
    def read(cls, survey: Path, mapping: Mapping, households: Path | None) -> Files:
        """Read the columns that the mapping names."""
        style = TextStyle(mapping.separator, mapping.decimal, mapping.encoding)
        own, shared = list(_person_columns(mapping)), list(_shared_columns(mapping))
        if households is None:
            return cls(read_table(survey, own + shared, style), None)
        there = column_names(households, style)
        ids = [(name, mapping.where["household"]) for name in mapping.household_id]
        in_households = [wanted for wanted in shared if wanted[0] in there]
        rest = [wanted for wanted in shared if wanted[0] not in there]
        return cls(
            read_table(survey, own + rest, style),
            read_table(households, ids + in_households, style),
        )


def _person_columns(mapping: Mapping) -> Iterator[tuple[str, str]]:
    yield from ((name, mapping.where["household"]) for name in mapping.household_id)
    yield mapping.person_id, mapping.where["person"]
    yield mapping.head_column, mapping.where["head"]
    yield from ((link.column, link.where) for link in mapping.links.values())
    for column in mapping.columns.values():
        if column.column.of == "person":
            for source in column.sources.values():
                yield from ((name, source.where) for name in source.columns)
    if mapping.expansion is not None:
        yield mapping.expansion.persons, mapping.expansion.where
        yield mapping.expansion.spouse_column, mapping.expansion.where
        for band in mapping.expansion.bands:
            yield from ((name, band.where) for name in (band.count, *band.less))


def _shared_columns(mapping: Mapping) -> Iterator[tuple[str, str]]:
    weight = mapping.weight
    yield from ((name, weight.where) for name in (weight.column, *weight.stratum, *weight.psu))
    for column in mapping.columns.values():
        if column.column.of == "household":
            for source in column.sources.values():
                yield from ((name, source.where) for name in source.columns)


def identify(faults: FaultList, table: Table, columns: tuple[str, ...]) -> Households | None:
    """Tell households apart by their id columns; None if a row has no id (a fault is noted)."""
    blank = np.zeros(table.n_rows, dtype=bool)
    for column in columns:
        blank |= table.blank(column)
    if note_rows(faults, table, columns, blank, "hold no household id"):
        return None
    parts = [table.texts(column).astype(str) for column in columns]
    texts = parts[0]
    for part in parts[1:]:
        texts = np.char.add(np.char.add(texts, "/"), part)
    _, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    names = texts[first[order]]
    ids = _whole_ids([part[first[order]] for part in parts], names)
    return Households(rank[inverse], order.size, names, ids, first[order].astype(np.int64))


def _whole_ids(parts: list[Values], names: Values) -> Ints:
    """Return a whole number for each id: its digits, or a 63-bit hash of its text.

    Several whole numbers are set side by side in as many digits as the largest needs.
    """
    if all(bool(np.char.isdecimal(part).all()) for part in parts):
        widths = [max(len(text) for text in part) for part in parts]
        if sum(widths) <= 18:
            ids = np.zeros(names.size, dtype=np.int64)
            for part, width in zip(parts, widths, strict=True):
                ids = ids * 10**width + part.astype(np.int64)
            if np.unique(ids).size == ids.size:
                return ids
    hashed = [hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in names]
    return np.array([int.from_bytes(text, "little") >> 1 for text in hashed], dtype=np.int64)


def read_households(
    faults: FaultList,
    report: ImportReport,
    converter: Converter,
    files: Files,
    mapping: Mapping,
    who: Households,
    mean_of: Floats,
) -> dict[str, Values]:
    """Return the columns of households, their weights and their design.

    Parameters
    ----------
    who
        Which rows of the first file make which household.
    mean_of
        Shape (n_rows,), persons that each row stands for when weights are averaged.

    Returns
    -------
    Shape (n_households,) each, amounts in the unit of the column.
    """
    rows_of = {files.persons.file: who.of_row}
    if files.households is not None:
        row = _match(faults, report, files.households, mapping, who)
        if row is None:
            return {}
        rows_of[files.households.file] = row
    columns: dict[str, Values] = {}
    for name, column in mapping.columns.items():
        if column.column.of != "household" or column.cases:
            continue
        source = column.sources[""]
        table = files.holding(source.columns)
        values = converter.convert(table, column)
        if table is files.households:
            columns[name] = values[rows_of[table.file]]
        elif column.across_rows == "sum" and source.constant is None:
            summed = np.bincount(who.of_row, values, who.n).astype(np.float64)
            columns[name] = converter.not_negative(table, column, summed, who)
        else:
            checks.check_same(faults, table, source.columns, values, who)
            columns[name] = values[who.first]
    columns["weight"] = _weights(faults, report, files, mapping, who, rows_of, mean_of)
    columns |= _design(faults, files, mapping, who, rows_of)
    return columns


def _match(
    faults: FaultList, report: ImportReport, table: Table, mapping: Mapping, who: Households
) -> Ints | None:
    """Return the row of the household file for each household, or None if that is at fault."""
    ids = mapping.household_id
    there = identify(faults, table, ids)
    if there is None:
        return None
    repeated = np.bincount(there.of_row, minlength=there.n) > 1
    if bool(repeated.any()):
        n = counted(int(repeated.sum()), "household")
        faults.add(table.where(*ids), f"{n} more than once", there.some(repeated))
    known = {name: number for number, name in enumerate(there.names)}
    row = np.array([known.get(name, -1) for name in who.names], dtype=np.int64)
    if bool((row < 0).any()):
        n = counted(int((row < 0).sum()), "household")
        faults.add(table.where(*ids), f"{n} of the person file are missing", who.some(row < 0))
    without = np.ones(there.n, dtype=bool)
    without[row[row >= 0]] = False
    n_without = int(without.sum())
    if n_without and mapping.households_without_persons == "error":
        faults.add(
            table.where(*ids),
            f"{counted(n_without, 'household')} without persons",
            there.some(without),
            remedy="State without_persons: drop under household if that is meant.",
        )
    elif n_without:
        report.note("dropped", table.file, "households without persons", n_without, there.n)
    return None if bool((row < 0).any()) else there.first[row]


def _weights(
    faults: FaultList,
    report: ImportReport,
    files: Files,
    mapping: Mapping,
    who: Households,
    rows_of: dict[str, Ints],
    mean_of: Floats,
) -> Floats:
    about = mapping.weight
    table = files.holding((about.column,))
    values, wrong = table.numbers(about.column)
    values = values * about.multiply
    column = (about.column,)
    note_rows(
        faults,
        table,
        column,
        wrong | ~np.isfinite(values),
        "hold no weight",
        "a number of households",
        values=table.columns[about.column],
    )
    checks.check_weights(faults, table, about.column, values, about.zero != "error")
    if table is files.households:
        return values[rows_of[table.file]]
    if about.within_household == "error":
        checks.check_same(faults, table, column, values, who)
        return values[who.first]
    quiet = checks.check_same(FaultList(), table, column, values, who)
    report.note(
        "weights",
        about.column,
        "differs within households; the mean over persons is taken",
        int(quiet.sum()),
        who.n,
        about.because,
    )
    mean = np.bincount(who.of_row, values * mean_of, who.n) / np.bincount(
        who.of_row, mean_of, who.n
    )
    return np.where(quiet, mean, values[who.first])


def _design(
    faults: FaultList, files: Files, mapping: Mapping, who: Households, rows_of: dict[str, Ints]
) -> dict[str, Values]:
    """Return stratum and PSU, numbered from 0; a PSU belongs to its stratum."""
    design: dict[str, Values] = {"stratum": np.zeros(who.n, dtype=np.int64)}
    for name in ("stratum", "psu"):
        columns: tuple[str, ...] = getattr(mapping.weight, name)
        if not columns:
            if name == "psu":
                design[name] = np.arange(who.n)
            continue
        table = files.holding(columns)
        texts = table.texts(columns[0]).astype(str)
        blank = table.blank(columns[0])
        for column in columns[1:]:
            texts = np.char.add(np.char.add(texts, "/"), table.texts(column).astype(str))
            blank = blank | table.blank(column)
        note_rows(faults, table, columns, blank, f"hold no {name}")
        if table is files.households:
            found = texts[rows_of[table.file]]
        else:
            checks.check_same(faults, table, columns, texts, who)
            found = texts[who.first]
        if name == "psu":
            found = np.char.add(np.char.add(design["stratum"].astype(str), "/"), found)
        design[name] = np.unique(found, return_inverse=True)[1]
    return design
