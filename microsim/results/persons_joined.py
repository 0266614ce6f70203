"""Joins files of persons: seen as one without copying, or copied into one.

HDF5 reads a part that is missing as fill values, without a word. So parts are linked only when
every one is verified, and only as many as any program can have open: above that they are copied.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.hdf5_file import new_hdf5
from microsim.results.atomic import written_whole
from microsim.results.persons import (
    IDS,
    LIBVER,
    PersonsError,
    PersonsFile,
    describe,
    mark,
    opened_persons,
    verify_persons,
)

# A linked file is read with all its parts open at once, and most systems allow a program 1,024 open
# files: beyond, HDF5 gives fill values without a word (tried).
MOST_LINKED = 500
CHUNK = 32_768  # rows; whole columns and scattered rows are both read quickly
FILES = "files"
Parts = Sequence[Sequence[PersonsFile]]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Column:
    """A dataset of the joined file: where its values are, and of what type."""

    name: str
    files: Sequence[PersonsFile]
    dtype: np.dtype[Any]
    unit: str

    @property
    def fill(self) -> float | int:
        """What stands for a value that is not there."""
        return np.nan if self.dtype.kind == "f" else -1


def join_persons(parts: Parts, out: Path, year: int | None = None) -> str:
    """Make one file of all persons, linked if there are few files, else copied.

    Parameters
    ----------
    parts
        Of each batch of scenarios, the file of each shard, in the order of the population; the
        baseline is taken from the first batch.
    out
        The joined file, above the others in the folder tree.
    year
        Of a projection, the year whose persons they are.

    Returns
    -------
    `linked` or `copied`.

    Raises
    ------
    PersonsError
        A file is missing, altered or of another work unit, or files do not fit together.
    """
    if sum(map(len, parts)) <= MOST_LINKED:
        link_persons(parts, out, year)
        return "linked"
    copy_persons(parts, out, year)
    return "copied"


def link_persons(parts: Parts, out: Path, year: int | None = None) -> None:
    """Write a file in which the columns of all files are seen as one, without copying them.

    Raises
    ------
    InputError
        There are more files than a program can have open.
    PersonsError
        See `join_persons`.
    """
    n_files = sum(map(len, parts))
    if n_files > MOST_LINKED:
        what, remedy = "too many files of persons to link", "Copy them into one (`copy_persons`)."
        raise InputError(Fault(str(out), what, str(n_files), f"{MOST_LINKED} at most", remedy))
    columns = _columns(parts)
    names = {one.path: _relative(one.path, out) for of in parts for one in of}
    n = _n_persons(parts)
    with written_whole(out) as temporary, new_hdf5(temporary, LIBVER) as file:
        mark(file, {"persons": n, "joined": "linked", **_of_year(year)})
        for column in columns:
            layout = h5py.VirtualLayout((n,), column.dtype)
            row = 0
            for one in column.files:
                source = h5py.VirtualSource(names[one.path], column.name, (one.persons,))
                layout[row : row + one.persons] = source
                row += one.persons
            dataset = file.create_virtual_dataset(column.name, layout, fillvalue=column.fill)
            describe(file, dataset, column.unit)
        _note_files(file, parts, names)
        file.attrs["complete"] = np.int8(1)


def copy_persons(parts: Parts, out: Path, year: int | None = None) -> None:
    """Write a file that holds all persons itself, compressed; it needs no other file.

    Raises
    ------
    PersonsError
        See `join_persons`.
    """
    columns, n = _columns(parts), _n_persons(parts)
    with written_whole(out) as temporary, new_hdf5(temporary, LIBVER) as file:
        mark(file, {"persons": n, "joined": "copied", **_of_year(year)})
        for column in columns:
            packed = {
                "chunks": (min(n, CHUNK),), "compression": "gzip", "compression_opts": 1,
                "shuffle": column.dtype.kind != "f", "fletcher32": True,
            } if n else {}  # fmt: skip
            dataset = file.create_dataset(
                column.name, (n,), column.dtype, fillvalue=column.fill, **packed
            )
            describe(file, dataset, column.unit)
        for of in parts:
            _copy(file, [column for column in columns if column.files is of])
        file.attrs["complete"] = np.int8(1)


def consolidate(joined: Path, out: Path) -> None:
    """Copy what a linked file shows into one file that needs no other, all verified.

    Raises
    ------
    PersonsError
        A file that was linked is missing or altered, or `joined` is not a linked file.
    """
    parts = linked_files(joined)
    with opened_persons(joined) as file:
        year = file.attrs.get("year")
    copy_persons(parts, out, None if year is None else int(year))


def check_linked(joined: Path) -> None:
    """Check that every file that a linked one shows is there and unaltered.

    Raises
    ------
    PersonsError
        One is not; HDF5 itself would show fill values in its place.
    """
    for of in linked_files(joined):
        for one in of:
            verify_persons(one)


def linked_files(joined: Path) -> list[list[PersonsFile]]:
    """Return the files that a linked one shows, by batch of scenarios."""
    with opened_persons(joined) as file:
        if FILES not in file:
            raise PersonsError(joined, "links no other files", "one that does")
        columns = {name: file[FILES][name][()] for name in ("part", "persons")}
        names, ids, sums = (file[FILES][name].asstr()[()] for name in ("name", "id", "sha256"))
    parts: list[list[PersonsFile]] = [[] for _ in range(int(columns["part"].max(initial=-1)) + 1)]
    for k, part in enumerate(columns["part"]):
        path = joined.parent / str(names[k])
        found = PersonsFile(path, str(ids[k]), int(columns["persons"][k]), str(sums[k]))
        parts[int(part)].append(found)
    return parts


def _of_year(year: int | None) -> dict[str, int]:
    return {} if year is None else {"year": year}


def _columns(parts: Parts) -> list[_Column]:
    """Verify all files, and return the columns of the joined one."""
    if not parts or not all(parts):
        raise InputError(Fault("files of persons", "there are none to join"))
    found = [_Column(name, parts[0], np.dtype("<i8"), "") for name in IDS]
    taken: set[str] = set()
    for of in parts:
        types = [verify_persons(one) for one in of]
        for one, mine in zip(of, types, strict=True):
            if mine != types[0]:
                names = ", ".join(sorted(mine.keys() ^ types[0].keys())) or "types"
                raise PersonsError(one.path, f"has other columns ({names})", str(of[0].path))
        units = _units(of[0].path)
        mine = {n: t for n, t in types[0].items() if n.partition("/")[0] not in taken}
        found += [_Column(name, of, dtype, units.get(name, "")) for name, dtype in mine.items()]
        taken |= {name.partition("/")[0] for name in mine}
    _check_same_persons(parts)
    return found


def _units(path: Path) -> Mapping[str, str]:
    with opened_persons(path) as file:
        found: dict[str, str] = {}

        def note(name: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = str(item.attrs.get("unit", ""))

        file.visititems(note)
        return found


def _check_same_persons(parts: Parts) -> None:
    """Check that every batch of scenarios has the same persons in the same order."""
    for name in IDS:
        dtype = np.dtype("<i8")
        first = _joined(_Column(name, parts[0], dtype, ""))
        for of in parts[1:]:
            if not np.array_equal(first, _joined(_Column(name, of, dtype, ""))):
                raise PersonsError(of[0].path, "has other persons", f"those of {parts[0][0].path}")


def _joined(column: _Column) -> Array:
    parts = [np.zeros(0, column.dtype)]
    for one in column.files:
        with opened_persons(one.path) as file:
            parts.append(file[column.name][()])
    return np.concatenate(parts)


def _copy(into: h5py.File, columns: Sequence[_Column]) -> None:
    """Copy columns that come from the same files, each of which is opened once."""
    waiting: list[list[Array]] = [[] for _ in columns]
    n = row = 0
    for k, one in enumerate(columns[0].files if columns else ()):
        with opened_persons(one.path) as file:
            for column, pieces in zip(columns, waiting, strict=True):
                pieces.append(file[column.name][()])
        n += one.persons
        if n < CHUNK and k + 1 < len(columns[0].files):
            continue
        whole = n if k + 1 == len(columns[0].files) else n - n % CHUNK
        for column, pieces in zip(columns, waiting, strict=True):
            together = np.concatenate(pieces)
            into[column.name][row : row + whole] = together[:whole]
            pieces[:] = [together[whole:]]
        row, n = row + whole, n - whole


def _n_persons(parts: Parts) -> int:
    return sum(one.persons for one in parts[0])


def _relative(path: Path, out: Path) -> str:
    """Return the name of a file as HDF5 finds it from the joined one, wherever the run lies."""
    relative = os.path.relpath(path.absolute(), out.absolute().parent)
    if relative.startswith(".."):
        expected = f"a file below {out.parent}"
        raise InputError(Fault(str(path), "lies outside the run directory", relative, expected))
    return Path(relative).as_posix()


def _note_files(file: h5py.File, parts: Parts, names: Mapping[Path, str]) -> None:
    flat = [(k, one) for k, of in enumerate(parts) for one in of]
    group = file.create_group(FILES)
    text = h5py.string_dtype()
    for name, values in (
        ("name", [names[one.path] for _, one in flat]),
        ("id", [one.id for _, one in flat]),
        ("sha256", [one.sha256 for _, one in flat]),
    ):
        group.create_dataset(name, data=values, dtype=text)
    group.create_dataset("part", data=np.array([k for k, _ in flat], "<i8"))
    group.create_dataset("persons", data=np.array([one.persons for _, one in flat], "<i8"))
