"""Computes one number for all results of a run, whatever computed them and in whatever order."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microsim.results.contents import TIDY, Contents, Row

FIGURES = ("value", "se_sampling", "se_mc")
COUNTS = ("draw", "replicate", "year", "n")


def digest(contents: Contents, rows: Sequence[Row]) -> str:
    """Return the SHA-256 of all cells, extremes and table rows, as 64 hexadecimal digits.

    Labels, sources, provenance and the order of rows do not enter; -0 counts as 0.

    Parameters
    ----------
    contents
        What the run yields; records do not enter (the tables made from them do).
    rows
        All tables.
    """
    state = hashlib.sha256()
    cells = contents.cells
    names = {
        "scenarios": contents.scenarios,
        "year": int(contents.year),
        "measures": [(m.kind, m.scheme, m.item, m.statistic) for m in cells.measures],
        "regions": contents.regions,
        "extremes": sorted(
            (k, [float(v).hex() for v in pair]) for k, pair in cells.extremes.items()
        ),
        "residuals": [float(r).hex() for r in contents.household_residuals],
    }
    state.update(json.dumps(names, ensure_ascii=True).encode())
    arrays: list[npt.NDArray[np.float64] | npt.NDArray[np.int64]] = [cells.persons, cells.places]
    arrays.append(cells.persons_n)
    if cells.places_n is not None:
        arrays.append(cells.places_n)
    for array in arrays:
        state.update(_canonical(array))
    for line in sorted(_lines(rows)):
        state.update(line)
    return state.hexdigest()


def digest_of_file(path: Path | str) -> str:
    """Return the digest of a results file, computed anew from its contents."""
    from microsim.results.reader import read_results

    found = read_results(path)
    return digest(found.contents, found.rows)


def _canonical(array: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> bytes:
    shape = ",".join(map(str, array.shape)).encode()
    if array.dtype.kind == "f":
        plain = np.asarray(array, dtype="<f8") + 0.0
        plain[np.isnan(plain)] = np.nan
        return shape + plain.tobytes()
    return shape + np.asarray(array, dtype="<i8").tobytes()


def _lines(rows: Sequence[Row]) -> Iterable[bytes]:
    for row in rows:
        fields = [_text(name, getattr(row, name)) for name in TIDY]
        yield "\x1f".join(fields).encode() + b"\n"


def _text(name: str, value: str | float) -> str:
    """Return a field as text: every bit of a number, whatever its type in memory."""
    if name in FIGURES:
        number = float(value)
        return "nan" if math.isnan(number) else (number + 0.0).hex()
    return str(int(value) if name in COUNTS else value)
