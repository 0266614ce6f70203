"""Imports a survey as a population: read, convert, check everything, put into markets."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.population.cases import derive
from microsim.population.checks import check_sizes
from microsim.population.columns import STANDARD
from microsim.population.converting import Converter
from microsim.population.import_report import ImportReport
from microsim.population.mapping import Mapping
from microsim.population.mapping_file import read_mapping
from microsim.population.markets import arrange
from microsim.population.store import Population
from microsim.population.survey_households import Files, identify, read_households
from microsim.population.survey_persons import read_persons
from microsim.population.survey_units import read_units

Values = npt.NDArray[Any]


def import_survey(
    survey: str | Path,
    mapping: Mapping | str | Path,
    households: str | Path | None = None,
    seed: int = 1,
) -> tuple[Population, ImportReport]:
    """Make a population of a survey.

    Parameters
    ----------
    survey
        File of persons (or of tax units): .csv, .parquet, .dta, .sav.
    mapping
        Mapping, or the path of its file.
    households
        File of households; overrides the one that the mapping names.
    seed
        Seed of markets, draw keys and of the draws of an expansion.

    Returns
    -------
    population, report
        The population, and what was treated, assumed or left out.

    Raises
    ------
    InputError
        Every fault of the mapping, or else of the survey, in the user's own column names.
    """
    if not isinstance(mapping, Mapping):
        mapping = read_mapping(mapping)
    if households is None and mapping.household_file:
        households = mapping.path.parent / mapping.household_file
    files = Files.read(Path(survey), mapping, None if households is None else Path(households))
    faults = FaultList()
    names = tuple(table.file for table in files.tables)
    report = ImportReport(mapping.name, mapping.source, names, files.persons.n_rows)
    converter = Converter(faults, report)
    for text in mapping.assumptions:
        report.note("assumption", "", text)
    who = identify(faults, files.persons, mapping.household_id)
    if who is None:
        for column in mapping.columns.values():  # so that their faults are reported as well
            for role in ("", "head"):
                if role in column.sources:
                    converter.convert(files.holding(column.sources[role].columns), column, role)
        raise InputError(faults.faults)
    read = read_persons if mapping.rows == "persons" else read_units
    persons, size, mean_of = read(faults, report, converter, files.persons, mapping, who, seed)
    check_sizes(faults, files.persons, mapping.household_id, size, who)
    columns = read_households(faults, report, converter, files, mapping, who, mean_of)
    faults.raise_if_any()
    columns |= {"household_id": who.ids, "size": size}
    derive(mapping, persons, columns, converter)
    tables = _drop_zero_weights(report, mapping, persons, columns)
    return _assemble(mapping, converter, report, tables, files, seed), report


def _drop_zero_weights(
    report: ImportReport, mapping: Mapping, persons: dict[str, Values], columns: dict[str, Values]
) -> tuple[dict[str, Values], dict[str, Values]]:
    zero = columns["weight"] == 0.0
    if mapping.weight.zero != "drop" or not bool(zero.any()):
        return persons, columns
    text = "households of weight zero"
    report.note("dropped", mapping.weight.column, text, int(zero.sum()), zero.size)
    keep = np.repeat(~zero, columns["size"])
    return (
        {name: values[keep] for name, values in persons.items()},
        {name: values[~zero] for name, values in columns.items()},
    )


def _assemble(
    mapping: Mapping,
    converter: Converter,
    report: ImportReport,
    tables: tuple[dict[str, Values], dict[str, Values]],
    files: Files,
    seed: int,
) -> Population:
    kinds = {c.column.name: c.column.dtype for c in mapping.columns.values()}
    kinds |= {c.name: c.dtype for c in STANDARD}
    kinds |= {"head": "int16", "spouse": "int16", "mother": "int16", "father": "int16"}
    kinds |= {"size": "int16", "stratum": "int32", "psu": "int32"}
    persons, columns = (
        {name: values.astype(kinds.get(name, values.dtype)) for name, values in table.items()}
        for table in tables
    )
    persons, columns = arrange(persons, columns, seed)
    weights = columns["weight"].astype(np.float64)
    report.n_persons, report.n_households = int(persons["age"].size), int(weights.size)
    report.households_weighted = float(weights.sum())
    report.persons_weighted = float((weights * columns["size"].astype(np.int64)).sum())
    hashes = {Path(table.file).name: _hash(Path(table.file)) for table in files.tables}
    hashes[mapping.path.name] = _hash(mapping.path)
    return Population(
        name=mapping.name,
        country=mapping.country,
        currency=mapping.currency,
        year=mapping.year,
        persons=persons,
        households=columns,
        regions=converter.labels.get("region", ("national",)),
        provenance={"made_by": "population import", "seed": seed, "files": hashes}
        | report.as_data(),
        extras=tuple(c.column for name, c in mapping.columns.items() if c.column not in STANDARD),
        has_design=bool(mapping.weight.stratum or mapping.weight.psu),
    )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
