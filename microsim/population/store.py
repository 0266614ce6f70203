"""The population file, in HDF5: written whole, read by market."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, FormatError
from microsim.population.columns import Column
from microsim.population.content import Columns, Population, SeriesValue, TargetRow, check
from microsim.population.writing import FORMAT_NAME, FORMAT_VERSION, PopulationWriter, write

__all__ = (
    "Population",
    "PopulationReader",
    "PopulationSlice",
    "PopulationWriter",
    "SeriesValue",
    "TargetRow",
    "check",
    "open_population",
    "read",
    "write",
)


@dataclass(frozen=True)
class PopulationSlice:
    """Some neighbouring households of a file; `start` counts from the slice's first person.

    Attributes
    ----------
    persons, households
        The columns asked for, and always `start` and `size`.
    first_person, first_household
        Rows in the file of the slice's first person and household.
    """

    persons: Columns
    households: Columns
    first_person: int
    first_household: int

    @property
    def n_persons(self) -> int:
        """Number of person rows in the slice."""
        return int(self.households["size"].sum(dtype=np.int64))

    @property
    def n_households(self) -> int:
        """Number of household rows in the slice."""
        return int(self.households["size"].size)


class PopulationReader:
    """An open population file, read in slices of households so that memory stays bounded.

    Use `open_population`, best as a context manager.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = _open(self.path)
        try:
            self._read_header()
        except KeyError as error:
            self._file.close()
            what = f"is damaged: {error.args[0]}"
            remedy = "Make the population again."
            raise FormatError(Fault(str(self.path), what, remedy=remedy)) from error

    def _read_header(self) -> None:
        attributes = self._file.attrs
        self.name: str = str(attributes["name"])
        self.country: str = str(attributes["country"])
        self.currency: str = str(attributes["currency"])
        self.year = int(attributes["year"])
        self.has_design = bool(attributes["has_design"])
        self.n_persons = int(attributes["n_persons"])
        self.n_households = int(attributes["n_households"])
        self.regions: tuple[str, ...] = tuple(json.loads(self._labels("households/region")))
        self.market_starts: npt.NDArray[np.int64] = self._file["markets/first_household"][()]
        self.market_person_starts: npt.NDArray[np.int64] = self._file["markets/first_person"][()]
        self.frame = self._series("frame")
        self.anchors = self._series("anchors")
        self.targets = self._targets()
        self.provenance: dict[str, Any] = json.loads(self._file["provenance"].asstr()[()])
        self.extras = tuple(self._extras())

    @property
    def n_markets(self) -> int:
        """Number of markets."""
        return int(self.market_starts.size) - 1

    @property
    def person_columns(self) -> tuple[str, ...]:
        """Names of the columns of the person table."""
        return tuple(self._file["persons"])

    @property
    def household_columns(self) -> tuple[str, ...]:
        """Names of the columns of the household table."""
        return tuple(self._file["households"])

    def read(
        self,
        first_household: int = 0,
        last_household: int | None = None,
        columns: Iterable[str] | None = None,
    ) -> PopulationSlice:
        """Read the households `first_household <= row < last_household` and their persons.

        Parameters
        ----------
        columns
            Names wanted, of either table (`draw_key` is read of both); None means all.

        Raises
        ------
        FormatError
            A column is not in the file, or the range is not within it.
        """
        last = self.n_households if last_household is None else last_household
        if not 0 <= first_household <= last <= self.n_households:
            asked = f"{first_household} to {last}"
            expected = f"a range within 0 to {self.n_households}"
            raise FormatError(
                Fault(str(self.path), "has not the households asked", asked, expected)
            )
        wanted = self._wanted(columns)
        households = self._file["households"]
        size = households["size"][first_household:last]
        first_person = self._person_row(first_household)
        rows = slice(first_person, first_person + int(size.sum(dtype=np.int64)))
        counts = size.astype(np.int64)
        household_part: Columns = {"start": np.cumsum(counts) - counts, "size": size}
        for name in self.household_columns:
            if name in wanted and name not in household_part:
                household_part[name] = households[name][first_household:last]
        persons = self._file["persons"]
        person_part = {name: persons[name][rows] for name in self.person_columns if name in wanted}
        return PopulationSlice(person_part, household_part, first_person, first_household)

    def read_markets(
        self, first_market: int, last_market: int, columns: Iterable[str] | None = None
    ) -> PopulationSlice:
        """Read the households of the markets `first_market <= market < last_market`."""
        first, last = self.market_starts[first_market], self.market_starts[last_market]
        return self.read(int(first), int(last), columns)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def _person_row(self, household: int) -> int:
        if household == self.n_households:
            return self.n_persons
        return int(self._file["households/start"][household])

    def _wanted(self, columns: Iterable[str] | None) -> set[str]:
        known = {*self.person_columns, *self.household_columns}
        wanted = known if columns is None else set(columns)
        if missing := sorted(wanted - known):
            what = f"has no column {', '.join(missing)}"
            raise FormatError(Fault(str(self.path), what, "", f"one of {', '.join(sorted(known))}"))
        return wanted

    def _labels(self, dataset: str) -> str:
        return str(self._file[dataset].attrs["labels"])

    def _extras(self) -> Iterable[Column]:
        for table, of in (("persons", "person"), ("households", "household")):
            for name, dataset in self._file[table].items():
                if "extra" in dataset.attrs:
                    attributes = dataset.attrs
                    labels = tuple(json.loads(attributes.get("labels", "[]")))
                    yield Column(
                        name,
                        of,
                        str(attributes["unit"]),
                        str(dataset.dtype),
                        str(attributes["meaning"]),
                        labels,
                        float(attributes["default"]),
                        required=False,
                    )

    def _series(self, name: str) -> dict[str, SeriesValue]:
        group = self._file[name]
        values = [None if np.isnan(x) else float(x) for x in group["value"][()]]
        parts = [group[part].asstr()[()] for part in ("unit", "source", "basis")]
        names = group["name"].asstr()[()]
        return {
            str(key): SeriesValue(value, str(unit), str(source), str(basis))
            for key, value, unit, source, basis in zip(names, values, *parts, strict=True)
        }

    def _targets(self) -> tuple[TargetRow, ...]:
        group = self._file["targets"]
        columns: list[list[Any]] = []
        for part in TargetRow.__dataclass_fields__:
            if part in ("target", "achieved", "tolerance"):
                columns.append([None if np.isnan(x) else float(x) for x in group[part][()]])
            else:
                columns.append([str(text) for text in group[part].asstr()[()]])
        return tuple(TargetRow(*values) for values in zip(*columns, strict=True))


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        remedy = "Make one with `microsim population synthesise`."
        raise FormatError(Fault(str(path), "no such file", "", "a population file", remedy))
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        expected = "a population file written by `microsim population`"
        raise FormatError(Fault(str(path), "is not an HDF5 file", "", expected)) from error
    try:
        _check_header(path, file)
    except FormatError:
        file.close()
        raise
    return file


def _check_header(path: Path, file: h5py.File) -> None:
    found = file.attrs.get("format_name")
    if found != FORMAT_NAME:
        what = "is not a population file"
        raise FormatError(Fault(str(path), what, f"format {found!r}", f"{FORMAT_NAME!r}"))
    major, minor = (int(part) for part in file.attrs["format_version"])
    if major != FORMAT_VERSION[0]:
        age = "newer" if major > FORMAT_VERSION[0] else "older"
        remedy = "Use the microsim that wrote it, or make the population again."
        found, expected = f"version {major}.{minor}", f"version {FORMAT_VERSION[0]}.x"
        raise FormatError(Fault(str(path), f"is of a {age} format", found, expected, remedy))
    if not bool(file.attrs.get("complete", False)):
        what = "is incomplete: its writing was interrupted"
        raise FormatError(Fault(str(path), what, remedy="Make the population again."))


def open_population(path: str | Path) -> PopulationReader:
    """Open a population file for reading in slices.

    Raises
    ------
    FormatError
        The file is missing, not HDF5, of another kind, of another version, or incomplete.
    """
    return PopulationReader(path)


def read(path: str | Path) -> Population:
    """Read a whole population file into memory.

    Raises
    ------
    FormatError
        See `open_population`.
    """
    with open_population(path) as reader:
        part = reader.read()
        return Population(
            name=reader.name,
            country=reader.country,
            currency=reader.currency,
            year=reader.year,
            persons=part.persons,
            households=part.households,
            regions=reader.regions,
            frame=reader.frame,
            anchors=reader.anchors,
            targets=reader.targets,
            provenance=reader.provenance,
            extras=reader.extras,
            has_design=reader.has_design,
        )
