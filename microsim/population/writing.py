"""Writes population files: the whole at once, or piece by piece so that memory stays bounded."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from microsim.errors import Fault, InputError
from microsim.hdf5_file import new_hdf5
from microsim.population.columns import Column
from microsim.population.content import (
    Array,
    Columns,
    Population,
    SeriesValue,
    TargetRow,
    check,
    household_columns,
    person_columns,
)

FORMAT_NAME = "microsim-population"
FORMAT_VERSION = (1, 0)
CHUNK_ROWS = 65_536
LIBVER = ("earliest", "v110")  # what R, Julia and older HDF5 can read


class PopulationWriter:
    """Writes a population file in pieces of whole markets, in market order.

    The file is written to a temporary name; at the end of the `with` block `complete` is set
    last, the file is synced and renamed. An error inside the block leaves nothing behind.

    Parameters
    ----------
    path
        File to write.
    header
        A population whose tables are not written: name, country, regions, frame, targets ...
    """

    def __init__(self, path: str | Path, header: Population) -> None:
        self.path, self.header = Path(path), header
        self.n_persons = self.n_households = 0
        self._markets: list[tuple[int, int]] = []
        self._last_market = -1
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def __enter__(self) -> Self:
        """Open the temporary file and write its header.

        Raises
        ------
        InputError
            The file cannot be written there.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open = ExitStack()
            self._file = self._open.enter_context(new_hdf5(self._temporary, LIBVER))
        except OSError as error:
            what, remedy = "cannot be written there", "Name a file in a folder you may write in."
            raise InputError(
                Fault(str(self.path), what, error.strerror or str(error), "", remedy)
            ) from error
        self._file.attrs["format_name"] = FORMAT_NAME
        self._file.attrs["format_version"] = np.array(FORMAT_VERSION, dtype=np.int32)
        for key in ("name", "country", "currency"):
            self._file.attrs[key] = getattr(self.header, key)
        self._file.attrs["year"] = np.int64(self.header.year)
        self._file.attrs["has_design"] = self.header.has_design
        return self

    def append(self, persons: Columns, households: Columns) -> None:
        """Append households and their persons; `start` counts from the piece's first person.

        Raises
        ------
        InputError
            The piece is not whole (see `check`), or its markets do not follow those before.
        """
        piece = replace(self.header, persons=persons, households=households)
        check(piece, self._last_market)
        start = households["start"].astype(np.int64) + self.n_persons
        self._note_markets(households["market"].astype(np.int64), start)
        extras = self.header.extras
        for name, columns, declared in (
            ("persons", persons, person_columns(extras)),
            ("households", {**households, "start": start}, household_columns(extras)),
        ):
            for column in declared:
                if column.name in columns:
                    self._append(name, column, columns[column.name])
        self.n_persons += piece.n_persons
        self.n_households += piece.n_households

    def _note_markets(self, market: Array, start: Array) -> None:
        first = np.flatnonzero(np.r_[True, market[1:] != market[:-1]])
        for row in first.tolist():
            self._markets.append((self.n_households + row, int(start[row])))
        self._last_market = int(market[-1])

    def _append(self, table: str, column: Column, values: Array) -> None:
        data = values.astype(np.dtype(column.dtype), copy=False)
        group = self._file.require_group(table)
        if column.name in group:
            dataset = group[column.name]
            before = dataset.shape[0]
            dataset.resize((before + data.size,))
            dataset[before:] = data
            return
        options: dict[str, Any] = {"chunks": (min(CHUNK_ROWS, data.size),), "track_times": False}
        if column.name != "draw_key":  # hashes do not compress
            options |= {"compression": "gzip", "compression_opts": 1, "shuffle": data.itemsize > 1}
        dataset = group.create_dataset(column.name, data=data, maxshape=(None,), **options)
        dataset.attrs["unit"] = column.unit
        dataset.attrs["meaning"] = column.meaning
        if column.unit == "category":
            labels = self.header.regions if column.name == "region" else column.labels
            dataset.attrs["labels"] = json.dumps(labels)
        if column in self.header.extras:
            dataset.attrs["extra"] = True
            dataset.attrs["default"] = float(column.default)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish, sync and rename the file; or remove it after an error."""
        try:
            with self._open:
                if kind is None:
                    self._finish()
            if kind is None:
                with self._temporary.open("rb") as handle:
                    os.fsync(handle.fileno())
                self._temporary.replace(self.path)
        except OSError as failure:
            if failure.filename is None:  # that of a full disk names no file
                failure.filename = str(self.path)
            raise
        finally:
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        file, header = self._file, self.header
        file.attrs["n_persons"] = np.int64(self.n_persons)
        file.attrs["n_households"] = np.int64(self.n_households)
        ends = np.array([*self._markets, (self.n_households, self.n_persons)], dtype=np.int64)
        group = file.create_group("markets")
        for i, name in enumerate(("first_household", "first_person")):
            group.create_dataset(name, data=ends[:, i], track_times=False)
        _write_series(file, "frame", header.frame)
        _write_series(file, "anchors", header.anchors)
        _write_targets(file, header.targets)
        _write_text(file, "provenance", json.dumps(header.provenance, sort_keys=True))
        file.flush()
        file.attrs["complete"] = True


def write(path: str | Path, population: Population) -> None:
    """Write a population file: to a temporary name, `complete` last, synced, then renamed.

    Raises
    ------
    InputError
        The population is not whole (see `check`).
    """
    with PopulationWriter(path, replace(population, persons={}, households={})) as writer:
        writer.append(population.persons, population.households)


def _write_text(group: h5py.Group, name: str, texts: str | Sequence[str]) -> None:
    data: object = texts if isinstance(texts, str) else np.array(texts, dtype=object)
    group.create_dataset(name, data=data, dtype=h5py.string_dtype(), track_times=False)


def _write_series(file: h5py.File, name: str, series: dict[str, SeriesValue]) -> None:
    group = file.create_group(name)
    values = [np.nan if s.value is None else s.value for s in series.values()]
    group.create_dataset("value", data=np.array(values, dtype=np.float64), track_times=False)
    _write_text(group, "name", list(series))
    for part in ("unit", "source", "basis"):
        _write_text(group, part, [getattr(entry, part) for entry in series.values()])


def _write_targets(file: h5py.File, rows: tuple[TargetRow, ...]) -> None:
    group = file.create_group("targets")
    for part in ("group", "item", "unit", "tolerance_kind", "basis", "source"):
        _write_text(group, part, [getattr(row, part) for row in rows])
    for part in ("target", "achieved", "tolerance"):
        numbers = [getattr(row, part) for row in rows]
        data = np.array([np.nan if x is None else x for x in numbers], dtype=np.float64)
        group.create_dataset(part, data=data, track_times=False)
