"""Reads results files back, and says plainly why a file cannot be read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from microsim.errors import Fault, FormatError
from microsim.results.columns import (
    Columns,
    assumptions_from,
    extremes_from,
    frame_from,
    identities_from,
    rows_from,
    schemes_from,
    taxes_from,
)
from microsim.results.contents import Cells, Contents, Identity, Measure, Row
from microsim.results.layout import format_name, format_version, group_names, group_spec

FILE_NAME = "results.h5"
DAMAGE = (KeyError, IndexError, OSError, ValueError, TypeError, AttributeError, RuntimeError)


class ResultsTooOldError(FormatError):
    """The results file was written in an older major version of the format."""


class ResultsTooNewError(FormatError):
    """The results file was written in a newer major version of the format."""


class ResultsIncompleteError(FormatError):
    """The results file was not finished, or lacks a part."""


class NotResultsError(FormatError):
    """The file is not a results file, or there is none."""


@dataclass(frozen=True)
class Results:
    """What a results file holds; `contents` has no records. `digest` is the one stored in it.

    Of a projection `contents` is that of the first year, without flows; `later` has the cells of
    each further one.
    """

    contents: Contents
    rows: list[Row]
    identities: list[Identity]
    provenance: dict[str, Any]
    provenance_text: str
    provenance_sha256: str
    digest: str
    later: dict[int, Cells] = field(default_factory=dict)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Return a line for each rule that households were set aside for; empty if none were."""
        found = []
        for one in self.provenance.get("settings", {}).get("poisoned", ()):
            place = f" ({one['where']})" if one["where"] else ""
            found.append(
                f"INCOMPLETE: {one['households']} households set aside because "
                f"{one['variable']}{place}: {one['what']}"
            )
        return tuple(found)


def results_path(run: Path | str) -> Path:
    """Return the results file of a run directory, or the file itself.

    Raises
    ------
    NotResultsError
        There is no such file.
    """
    path = Path(run)
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        remedy = "Give a run directory or its results.h5; if the run was interrupted, "
        remedy += "run the same `microsim run` again."
        raise NotResultsError(Fault(str(path), "there is no results file", remedy=remedy))
    return path


def read_results(run: Path | str) -> Results:
    """Read a results file, of any minor version of this major version.

    Parameters
    ----------
    run
        A run directory, or a results file.

    Raises
    ------
    NotResultsError
        There is no file, or it is none of ours.
    ResultsTooOldError, ResultsTooNewError
        It has another major version.
    ResultsIncompleteError
        It was not finished, or a group or dataset of the layout is missing.
    """
    with opened_results(results_path(run)) as file:
        return _read(file)


@contextmanager
def opened_results(path: Path) -> Iterator[h5py.File]:
    """Open a results file of a version we read; whatever damage reading meets is named for it.

    Raises
    ------
    NotResultsError, ResultsTooOldError, ResultsTooNewError, ResultsIncompleteError
        As `read_results`.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _foreign(path, "not an HDF5 file, or damaged") from error
    with file:
        try:
            check_version(path, file)
            yield file
        except DAMAGE as error:
            remedy = "Run the same `microsim run` again."
            fault = Fault(str(path), "a part is missing or damaged", str(error), remedy=remedy)
            raise ResultsIncompleteError(fault) from error


def check_version(path: Path, file: h5py.File) -> None:
    """Check that an open file is a finished results file of a version we read."""
    if _text(file.attrs.get("format_name", "")) != format_name():
        raise _foreign(path, "an HDF5 file without our format_name")
    version = np.asarray(file.attrs.get("format_version", ()))
    if version.shape != (2,):
        raise _foreign(path, "an HDF5 file without our format_version")
    major, minor = (int(v) for v in version)
    supported = format_version()
    expected = f"version {supported[0]}.x"
    if major < supported[0]:
        remedy = "Run the question again, or use the microsim release that wrote it."
        fault = Fault(str(path), "results are too old", f"{major}.{minor}", expected, remedy)
        raise ResultsTooOldError(fault)
    if major > supported[0]:
        remedy = "Upgrade microsim-social."
        fault = Fault(str(path), "results are too new", f"{major}.{minor}", expected, remedy)
        raise ResultsTooNewError(fault)
    if not file.attrs.get("complete", 0):
        remedy = "Run the same `microsim run` again."
        fault = Fault(str(path), "the results file was not finished", remedy=remedy)
        raise ResultsIncompleteError(fault)


def _foreign(path: Path, found: str) -> NotResultsError:
    remedy = "Give a run directory of `microsim run`, or its results.h5."
    return NotResultsError(
        Fault(str(path), "is not a results file", found, f"{format_name()!r} in HDF5", remedy)
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read(file: h5py.File) -> Results:
    specs = [group_spec(name) for name in group_names()]
    names = [s.name for s in specs if s.kind == "columns" and (s.name in file or not s.optional)]
    groups = {name: _columns(file, name) for name in names}
    rows = [
        row
        for family in file.get("tables", {})
        for row in rows_from(_columns(file, f"tables/{family}"))
    ]
    text = _text(file["provenance"][()])
    return Results(
        _contents(file, groups),
        rows,
        identities_from(groups["identities"]),
        json.loads(text),
        text,
        _text(file.attrs["provenance_sha256"]),
        _text(file.attrs["digest"]),
        {int(year): _cells(group, {}) for year, group in file.get("years", {}).items()},
    )


def _columns(file: h5py.File, name: str) -> Columns:
    group, specs = file[name], group_spec(name).datasets
    return {
        spec.name: _values(group[spec.name])
        for spec in specs
        if not spec.scale and (spec.name in group or not spec.optional)
    }


def _values(dataset: h5py.Dataset) -> list[Any]:
    if h5py.check_string_dtype(dataset.dtype) is not None:
        known: dict[bytes, str] = {}  # a projection repeats few labels very often
        return [known.get(v) or known.setdefault(v, v.decode()) for v in dataset[()].tolist()]
    values: list[Any] = dataset[()].tolist()
    return values


def _contents(file: h5py.File, groups: dict[str, Columns]) -> Contents:
    ages = tuple(float(v) for v in file.attrs["retirement_age"])
    residuals = tuple(groups["scenarios"]["household_residual"])
    horizon = file.attrs.get("horizon")
    return Contents(
        scenarios=tuple(groups["scenarios"]["id"]),
        labels=tuple(groups["scenarios"]["label"]),
        country=_text(file.attrs["country"]),
        currency=_text(file.attrs["currency"]),
        year=int(file.attrs["year"]),
        schemes=schemes_from(groups),
        taxes=taxes_from(groups["taxes"]),
        frame=frame_from(groups["frame"]),
        poverty_lines=dict(
            zip(groups["poverty_lines"]["name"], groups["poverty_lines"]["value"], strict=True)
        ),
        retirement_age=None if math.isnan(ages[0]) else (ages[0], ages[1]),
        regions=tuple(_values(file["cells/region"])),
        equivalence=_text(file.attrs["equivalence"]),
        welfare_meaning=_text(file.attrs["welfare_meaning"]),
        cells=_cells(file["cells"], groups),
        records=None,
        household_residuals=() if any(map(math.isnan, residuals)) else residuals,
        horizon=None if horizon is None else (int(horizon[0]), int(horizon[1])),
        assumptions=assumptions_from(groups["assumptions"]) if "assumptions" in groups else (),
        lives_of=() if horizon is None else tuple(groups["scenarios"]["lives"]),
    )


def _cells(group: h5py.Group, groups: dict[str, Columns]) -> Cells:
    return Cells(
        tuple(_measures(group)),
        group["persons"][()].astype(np.float64),
        group["persons_n"][()].astype(np.int64),
        group["places"][()].astype(np.float64),
        extremes_from(groups["extremes"]) if "extremes" in groups else {},
        group["places_n"][()].astype(np.int64) if "places_n" in group else None,
    )


def _measures(group: h5py.Group) -> Iterator[Measure]:
    parts = [_values(group[f"measure_{p}"]) for p in ("kind", "scheme", "item", "statistic")]
    for kind, scheme, item, statistic in zip(*parts, strict=True):
        yield Measure(kind, scheme, item, statistic)
