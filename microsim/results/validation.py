"""Checks a results file against its layout and its own checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import h5py

from microsim.errors import FaultList, FormatError, RunFailedError
from microsim.results.digest import digest
from microsim.results.layout import DatasetSpec, GroupSpec, group_names, group_spec
from microsim.results.reader import Results, opened_results, read_results, results_path
from microsim.results.shards import ShardError, ShardForeignError, verify_shard

SHARDS, SHARD_FILES = "shards", "*.bin"
NAMED_BY = re.compile(r"-([0-9a-f]{16})\.bin$")
SHOWN = 5
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
    with opened_results(path) as file:
        below = [f"{group}/{name}" for group in ("tables", "years") for name in file.get(group, {})]
        for name in (*group_names(), *below):
            spec = group_spec(name)
            if name not in file:
                if not spec.optional:
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
    found = digest(results.contents, results.rows, results.later)
    if found != results.digest:
        faults.add(str(path), "results do not match their checksum", found, results.digest, remedy)
    found = hashlib.sha256(results.provenance_text.encode()).hexdigest()
    if found != results.provenance_sha256:
        what = "provenance does not match its checksum"
        faults.add(str(path), what, found, results.provenance_sha256, remedy)
    if faults.faults:
        raise FormatError(faults.faults)
    return results


def verify_shards(run: Path | str, expected: Sequence[str] | None = None) -> int:
    """Read every shard file beside a results file, every checksum verified, and count them.

    Parameters
    ----------
    run
        A run directory, or its results file.
    expected
        How the names of the files begin that there must be, where any are kept; None if that is
        not known.

    Returns
    -------
    How many shard files there are; 0 if none were kept with the results.

    Raises
    ------
    RunFailedError
        Shard files are damaged, of another work unit than their name says, or missing.
    """
    folder = results_path(run).parent / SHARDS
    files = sorted(folder.rglob(SHARD_FILES))
    faults: list[str] = []
    for path in files:
        try:
            _check_name(path, verify_shard(path).get("id", ""))
        except ShardError as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{path}: shard file cannot be read; found: {error.strerror}.")
    faults += _missing(folder, files, expected or ())
    if faults:
        raise RunFailedError("\n".join(faults))
    return len(files)


def _check_name(path: Path, unit_id: str) -> None:
    """Check that a shard file is of the unit in whose name the run keeps it."""
    named = NAMED_BY.search(path.name)
    if named is not None and not unit_id.startswith(named[1]):
        found = f"shard file of another work unit; found: id {unit_id!r}"
        raise ShardForeignError(path, found, f"an id that begins with {named[1]}")


def _missing(folder: Path, files: Sequence[Path], expected: Sequence[str]) -> list[str]:
    """Return a line for the files that should be there; none if no file was kept at all."""
    if not files:
        return []
    lengths = {len(beginning) for beginning in expected}
    there = {path.name[:length] for path in files for length in lengths}
    missing = [beginning for beginning in expected if beginning not in there]
    if not missing:
        return []
    more = ", ..." if len(missing) > SHOWN else ""
    return [
        f"{folder}: {len(missing)} of {len(expected)} shard files are missing; found none that "
        f"begins with {', '.join(missing[:SHOWN])}{more}. Run the same command again: only these "
        "parts are computed anew."
    ]
