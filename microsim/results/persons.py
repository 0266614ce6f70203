"""Writes amounts of every person, one file a work unit, and verifies such files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError, RunFailedError
from microsim.hdf5_file import new_hdf5
from microsim.results.atomic import written_whole

FORMAT_NAME, FORMAT_VERSION = "microsim persons", (1, 1)
LIBVER = ("earliest", "v110")  # what R, Julia and older HDF5 can read
PERSON = "person"  # the dimension: row of the person in the population
HOUSEHOLD = "household_id"
IDS = (PERSON, HOUSEHOLD)
NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_]+")
MEANINGS = {PERSON: "row of the person in the population", HOUSEHOLD: "id of the household"}
OF_A_YEAR = {
    PERSON: "id of the person, the same in all years and scenarios",
    HOUSEHOLD: "id of the household in the year",
    "people/weight": "persons that the person stands for",
    "people/sex": "0 male, 1 female",
    "people/age": "completed years on 1 July",
    "people/employment_status": "code from 0, in the order of /cells/status of results.h5",
}
Array = npt.NDArray[Any]


class PersonsError(RunFailedError):
    """A file of persons is missing, altered or of another work unit; `path` is the file."""

    def __init__(self, path: Path, found: str, expected: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: file of persons {found}; expected {expected}. "
            "Delete it and its shard file, and run the same command again."
        )


@dataclass(frozen=True)
class PersonsFile:
    """What is recorded of a file when it is written: by this it is known again.

    Attributes
    ----------
    path
        The file.
    id
        Of the work unit.
    persons
        How many persons are in it.
    sha256
        Checksum of the whole file.
    """

    path: Path
    id: str
    persons: int
    sha256: str


def write_persons(
    path: Path,
    columns: Mapping[str, Array],
    ids: Mapping[str, Array],
    attrs: Mapping[str, str | int | float],
    units: Mapping[str, str] | None = None,
) -> PersonsFile:
    """Write a file of persons whole or not at all, and return what is to be recorded of it.

    Parameters
    ----------
    path
        Where the file goes.
    columns
        `scenario/variable` -> values of each person, shape (n,), numbers.
    ids
        `person`, row in the population, and `household_id`, shape (n,), whole numbers.
    attrs
        Attributes of the file; `id` of the work unit must be among them.
    units
        Unit of each variable.

    Raises
    ------
    InputError
        A column has another length, no number type, or a name that is no `scenario/variable`.
    """
    n = len(ids[PERSON])
    _check(path, columns, ids, n)
    with written_whole(path) as temporary:
        with new_hdf5(temporary, LIBVER) as file:
            mark(file, {**attrs, "persons": n})
            for name in IDS:
                add_ids(file, name, np.asarray(ids[name], "<i8"))
            for name, values in columns.items():
                plain = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
                dataset = file.create_dataset(name, data=plain)
                describe(file, dataset, (units or {}).get(name.partition("/")[2], ""))
            file.flush()
            file.attrs["complete"] = np.int8(1)
        sha256 = checksum(temporary)
    return PersonsFile(path, str(attrs["id"]), n, sha256)


def _check(path: Path, columns: Mapping[str, Array], ids: Mapping[str, Array], n: int) -> None:
    for name, values in {**columns, **ids}.items():
        fault = ""
        if name not in IDS and not NAME.fullmatch(name):
            fault = "not a scenario/variable"
        elif values.shape != (n,):
            fault = f"has shape {values.shape}"
        elif values.dtype.kind not in "fiu":
            fault = f"has type {values.dtype.name}"
        if fault:
            expected = f"{n} numbers named scenario/variable"
            raise InputError(Fault(f"{path}, column {name}", "cannot be written", fault, expected))


def mark(file: h5py.File, attrs: Mapping[str, str | int | float]) -> None:
    """Say in an open file what it is."""
    file.attrs["format_name"] = FORMAT_NAME
    file.attrs["format_version"] = np.asarray(FORMAT_VERSION, dtype="<i8")
    for name, value in attrs.items():
        file.attrs[name] = value


def add_ids(file: h5py.File, name: str, values: Array) -> None:
    """Add one of the datasets that say who is who; the first is the dimension of all others."""
    describe(file, file.create_dataset(name, data=values))


def describe(file: h5py.File, dataset: h5py.Dataset, unit: str = "") -> None:
    """Give a dataset its dimension, meaning and unit."""
    name = dataset.name.strip("/")
    if name == PERSON:
        dataset.make_scale(PERSON)
    else:
        dataset.dims[0].attach_scale(file[PERSON])
    meanings = OF_A_YEAR if "year" in file.attrs else MEANINGS
    if name in meanings:
        dataset.attrs["meaning"] = meanings[name]
    if unit:
        dataset.attrs["unit"] = unit


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def column_names(file: h5py.File) -> tuple[str, ...]:
    """Return the `scenario/variable` names of an open file, in its order."""
    return tuple(
        f"{scenario}/{variable}"
        for scenario, group in file.items()
        if isinstance(group, h5py.Group) and scenario != "files"
        for variable in group
    )


def verify_persons(recorded: PersonsFile) -> dict[str, np.dtype[Any]]:
    """Check that a file is what was written, to the last byte; return its columns' types by name.

    Raises
    ------
    PersonsError
        It is missing, altered, of another work unit, or holds another number of persons.
    """
    path = recorded.path
    try:
        found = checksum(path)
    except OSError as error:
        raise PersonsError(
            path, f"cannot be read; found: {error.strerror}", "the file a work unit wrote"
        ) from error
    if found != recorded.sha256:
        raise PersonsError(
            path, f"was altered; found checksum {found[:16]}...", f"{recorded.sha256[:16]}..."
        )
    with opened_persons(path) as file:
        said = str(file.attrs.get("id", "")), int(file.attrs["persons"]), len(file[PERSON])
        if said != (recorded.id, recorded.persons, recorded.persons):
            raise PersonsError(
                path,
                f"is of another work unit; found id {said[0]!r} and {said[2]} persons",
                f"id {recorded.id!r} and {recorded.persons} persons",
            )
        return {name: file[name].dtype for name in column_names(file)}


def opened_persons(path: Path) -> h5py.File:
    """Open a finished file of persons for reading.

    Raises
    ------
    PersonsError
        It is not HDF5, not a file of persons, or was not finished.
    """
    expected = f"{FORMAT_NAME!r}, version {FORMAT_VERSION[0]}.x, in HDF5"
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise PersonsError(path, "is not HDF5, or damaged", expected) from error
    version = np.asarray(file.attrs.get("format_version", (0,)))
    if file.attrs.get("format_name") != FORMAT_NAME or version[0] != FORMAT_VERSION[0]:
        file.close()
        raise PersonsError(path, "has another format or version", expected)
    if not file.attrs.get("complete", 0):
        file.close()
        raise PersonsError(path, "was not finished", expected)
    return file
