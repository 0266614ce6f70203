"""Checks a results file against its layout and its own checksums."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py

from microsim.errors import FaultList, FormatError, RunFailedError
from microsim.results.digest import digest
from microsim.results.layout import DatasetSpec, GroupSpec, group_names, group_spec
from microsim.results.reader import Results, opened_results, read_results, results_path
from microsim.results.shards import ShardDamagedError, read_shard

SHARDS, SHARD_FILES = "shards", "*.bin"
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


def verify_shards(run: Path | str) -> int:
    """Read every shard file beside a results file, every checksum verified, and count them.

    Returns
    -------
    How many shard files there are; 0 if none were kept with the results.

    Raises
    ------
    RunFailedError
        Shard files are damaged, or do not reach from the first market to the last one named.
    """
    folder = results_path(run).parent / SHARDS
    files = sorted(folder.glob(SHARD_FILES))
    damaged: list[str] = []
    parts: list[tuple[int, int]] = []
    for path in files:
        try:
            header, _ = read_shard(path)
            parts.append((int(header["first_market"]), int(header["last_market"])))
        except ShardDamagedError as error:
            damaged.append(str(error))
        except (OSError, KeyError) as error:
            damaged.append(f"{path}: shard file cannot be read; found: {error!r}.")
    if damaged:
        raise RunFailedError("\n".join(damaged))
    gap = _gap(parts)
    if gap is not None:
        raise RunFailedError(
            f"{folder}: no shard file begins at market {gap}, though later markets have one. "
            "Run the same command again: only this part is computed anew."
        )
    return len(files)


def _gap(parts: list[tuple[int, int]]) -> int | None:
    """Return the market where the first gap begins; a run may have been cut in several ways."""
    reached = {0}
    for first, last in sorted(parts):
        if first in reached:
            reached.add(last)
    end = max((last for _, last in parts), default=0)
    return None if end in reached else max(reached)
