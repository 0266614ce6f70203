"""Writes the results file of a run: labelled arrays, tidy tables, metadata, checks, provenance."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.hdf5_file import new_hdf5
from microsim.results.atomic import written_whole
from microsim.results.columns import Columns, identity_columns, metadata_columns, row_columns
from microsim.results.contents import (
    AGES,
    AREAS,
    SEXES,
    STATUSES,
    Contents,
    Identity,
    Row,
)
from microsim.results.digest import digest
from microsim.results.layout import DatasetSpec, format_name, format_version, group_spec
from microsim.results.provenance import check_provenance

SMALLEST_COMPRESSED = 4096  # bytes; below, compression costs more than it saves
LONG_TEXT = 1_000  # lines from which on a column of text is stored so that it can be compressed
TEXT_CHUNK = 8_192  # lines of it that are compressed together
DTYPES = {"float64": "<f8", "int64": "<i8", "int8": "<i1"}


def write_results(
    path: Path | str,
    contents: Contents,
    tables: Sequence[Row],
    identities: Sequence[Identity],
    provenance: Mapping[str, Any],
    later: Sequence[Contents] = (),
) -> str:
    """Write a results file whole or not at all, and return its digest.

    Parameters
    ----------
    path
        Where the file goes, usually `results.h5` of a run directory.
    contents
        What the run yields; its records are not stored.
    tables
        All tables in tidy form.
    identities
        The identities checked.
    provenance
        Valid against `results_schema/v1/provenance.schema.json`.
    later
        Of a projection: what its further years yield, whose cells are stored; `contents` is that of
        the first year.

    Raises
    ------
    InputError
        The provenance does not fit its schema, or an array has another shape than its labels say.
    """
    check_provenance(provenance)
    text = json.dumps(provenance, sort_keys=True, ensure_ascii=False)
    found = digest(contents, tables, {one.year: one.cells for one in later})
    with (
        written_whole(Path(path)) as temporary,
        new_hdf5(temporary, ("earliest", "v110")) as file,
    ):
        _attributes(file, contents)
        for group, columns in metadata_columns(contents).items():
            _write_columns(file, group, columns)
        _write_cells(file, "cells", contents)
        for one in later:
            _write_cells(file, f"years/{one.year}", one)
        for family, rows in _by_family(tables).items():
            _write_columns(file, f"tables/{family}", row_columns(rows))
        _write_columns(file, "identities", identity_columns(identities))
        file.create_dataset("provenance", data=text, dtype=h5py.string_dtype())
        file.attrs["digest"] = found
        file.attrs["provenance_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        file.flush()
        file.attrs["complete"] = np.int8(1)
    return found


def _by_family(tables: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by the letters that their table's code starts with."""
    families = {code: _family(code) for code in {row.table for row in tables}}
    found: dict[str, list[Row]] = {}
    for row in tables:
        found.setdefault(families[row.table], []).append(row)
    return found


def _family(code: str) -> str:
    """Return the letters a table code starts with."""
    return code.rstrip("0123456789") or code


def _attributes(file: h5py.File, contents: Contents) -> None:
    file.attrs["format_name"] = format_name()
    file.attrs["format_version"] = np.asarray(format_version(), dtype="<i8")
    file.attrs["country"] = contents.country
    file.attrs["currency"] = contents.currency
    file.attrs["year"] = np.int64(contents.year)
    if contents.horizon is not None:
        file.attrs["horizon"] = np.asarray(contents.horizon, dtype="<i8")
    file.attrs["equivalence"] = contents.equivalence
    file.attrs["welfare_meaning"] = contents.welfare_meaning
    ages = contents.retirement_age or (math.nan, math.nan)
    file.attrs["retirement_age"] = np.asarray(ages, dtype="<f8")


def _write_columns(file: h5py.File, name: str, columns: Columns) -> None:
    spec = group_spec(name)
    group = file.create_group(name)
    group.attrs["meaning"] = spec.meaning
    length = len(next(iter(columns.values())))
    values: dict[str, Any] = {"line": np.arange(length), **columns}
    _write_datasets(group, spec.datasets, values)


def _write_cells(file: h5py.File, name: str, contents: Contents) -> None:
    cells, spec = contents.cells, group_spec(name)
    group = file.create_group(name)
    group.attrs["meaning"] = spec.meaning
    parts = [(m.kind, m.scheme, m.item, m.statistic) for m in cells.measures]
    values: dict[str, Any] = {
        "scenario": contents.scenarios,
        "measure": ["|".join(part) for part in parts],
        "sex": SEXES,
        "age_group": AGES,
        "status": STATUSES,
        "region": contents.regions,
        "area": AREAS,
        "persons": cells.persons,
        "persons_n": cells.persons_n,
        "places": cells.places,
    }
    for i, part_name in enumerate(("kind", "scheme", "item", "statistic")):
        values[f"measure_{part_name}"] = [part[i] for part in parts]
    if cells.places_n is not None:
        values["places_n"] = cells.places_n
    _write_datasets(group, spec.datasets, values)


def _write_datasets(
    group: h5py.Group, specs: Sequence[DatasetSpec], values: Mapping[str, Any]
) -> None:
    sizes = {spec.name: len(values[spec.name]) for spec in specs if spec.scale}
    for spec in specs:
        if spec.name not in values and spec.optional:
            continue
        dataset = _create(group, spec, values[spec.name], sizes)
        for attribute in ("unit", "period", "meaning"):
            if getattr(spec, attribute):
                dataset.attrs[attribute] = getattr(spec, attribute)
        if spec.scale:
            dataset.make_scale(spec.name)
        else:
            for axis, dim in enumerate(spec.dims):
                dataset.dims[axis].attach_scale(group[dim])


def _create(
    group: h5py.Group, spec: DatasetSpec, values: npt.ArrayLike, sizes: Mapping[str, int]
) -> h5py.Dataset:
    expected = tuple(sizes[dim] for dim in spec.dims)
    array: npt.NDArray[Any]
    if spec.dtype == "text" and len(expected) == 1 and expected[0] >= LONG_TEXT:
        return _long_text(group, spec.name, values)
    if spec.dtype == "text":
        array, dtype = (
            np.array([str(v) for v in np.asarray(values, dtype=object)], dtype=object),
            h5py.string_dtype(),
        )
    else:
        array, dtype = np.asarray(values, dtype=DTYPES[spec.dtype]), DTYPES[spec.dtype]
    if array.shape != expected:
        raise InputError(
            Fault(
                f"results, {group.name}/{spec.name}",
                "has another shape than its labels",
                str(array.shape),
                f"{dict(zip(spec.dims, expected, strict=True))}",
            )
        )
    packed = spec.dtype != "text" and array.nbytes >= SMALLEST_COMPRESSED
    options = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if packed else {}
    return group.create_dataset(spec.name, data=array, dtype=dtype, **options)


def _long_text(group: h5py.Group, name: str, values: npt.ArrayLike) -> h5py.Dataset:
    """Write a column of text of fixed length, ended by a zero: HDF5 compresses no other.

    A projection repeats a few thousand labels hundreds of thousands of times.
    """
    texts = [str(value) for value in np.asarray(values, dtype=object)]
    known = {text: text.encode() for text in set(texts)}
    encoded = np.array([known[text] for text in texts])
    encoded = encoded.astype(f"S{encoded.dtype.itemsize + 1}")
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(encoded.dtype.itemsize)
    kind.set_cset(h5py.h5t.CSET_UTF8)
    kind.set_strpad(h5py.h5t.STR_NULLTERM)
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((min(len(encoded), TEXT_CHUNK),))
    layout.set_shuffle()
    layout.set_deflate(4)
    space = h5py.h5s.create_simple(encoded.shape)
    made = h5py.h5d.create(group.id, name.encode(), kind, space, layout)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, encoded, kind)
    dataset = h5py.Dataset(made)
    dataset.attrs["_Encoding"] = "utf-8"  # so that xarray decodes it
    return dataset
