"""Checks a results file against its layout and its own checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py

from microsim.errors import FaultList, FormatError
from microsim.results.digest import digest
from microsim.results.layout import DatasetSpec, GroupSpec, group_names, group_spec
from microsim.results.reader import Results, check_version, read_results, results_path

KINDS = {"float64": ("f", 8), "int64": ("i", 8), "int8": ("i", 1)}


def check_layout(run: Path | str) -> None:
    """Check groups, datasets, types, dimensions, units and filters against the layout.

    Raises
    ------
    FormatError
        With every departure from the layout.
    """
    path = results_path(run)
    faults = FaultList()
    with h5py.File(path, "r") as file:
        check_version(path, file)
        families = [f"tables/{name}" for name in file.get("tables", {})]
        for name in (*group_names(), *families):
            spec = group_spec(name)
            if name not in file:
                faults.add(f"{path}, group {name}", "is missing")
                continue
            for dataset in spec.datasets:
                _check_dataset(faults, f"{path}, dataset {name}", file[name], spec, dataset)
    if faults.faults:
        raise FormatError(faults.faults)


def _check_dataset(
    faults: FaultList, where: str, group: h5py.Group, spec: GroupSpec, entry: DatasetSpec
) -> None:
    place = f"{where}/{entry.name}"
    if entry.name not in group:
        if not entry.optional:
            faults.add(place, "is missing")
        return
    dataset = group[entry.name]
    if not _right_type(dataset, entry):
        faults.add(place, "has the wrong type", dataset.dtype, entry.dtype)
    sizes = {s.name: len(group[s.name]) for s in spec.datasets if s.scale and s.name in group}
    expected = tuple(sizes.get(dim, -1) for dim in entry.dims)
    if dataset.shape != expected:
        faults.add(place, "has the wrong shape", dataset.shape, f"{entry.dims} = {expected}")
    if not entry.scale:
        labels = tuple(dim.keys()[0] if len(dim) else "" for dim in dataset.dims)
        if labels != entry.dims:
            faults.add(place, "has the wrong dimensions", labels, entry.dims)
    for attribute in ("unit", "period", "meaning"):
        wanted = getattr(entry, attribute)
        if wanted and dataset.attrs.get(attribute) != wanted:
            faults.add(place, f"has another {attribute}", dataset.attrs.get(attribute), wanted)
    if dataset.compression not in (None, "gzip"):
        faults.add(place, "has another compression", dataset.compression, "gzip or none")


def _right_type(dataset: h5py.Dataset, entry: DatasetSpec) -> bool:
    if entry.dtype == "text":
        return h5py.check_string_dtype(dataset.dtype) is not None
    kind, size = KINDS[entry.dtype]
    return bool(dataset.dtype.kind == kind and dataset.dtype.itemsize == size)


def read_verified(run: Path | str) -> Results:
    """Read a results file and verify its checksums.

    Raises
    ------
    FormatError
        The file departs from the layout, or the results or the provenance do not match the
        checksum stored with them.
    """
    check_layout(run)
    results = read_results(run)
    path = results_path(run)
    faults = FaultList()
    remedy = "The file was altered after the run: run the question again."
    found = digest(results.contents, results.rows)
    if found != results.digest:
        faults.add(str(path), "results do not match their checksum", found, results.digest, remedy)
    found = hashlib.sha256(results.provenance_text.encode()).hexdigest()
    if found != results.provenance_sha256:
        what = "provenance does not match its checksum"
        faults.add(str(path), what, found, results.provenance_sha256, remedy)
    if faults.faults:
        raise FormatError(faults.faults)
    return results
