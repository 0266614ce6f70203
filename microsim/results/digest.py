"""Computes one number for all results of a run, whatever computed them and in whatever order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microsim.results.contents import Cells, Contents, Row


def digest(
    contents: Contents, rows: Sequence[Row], later: Mapping[int, Cells] | None = None
) -> str:
    """Return the SHA-256 of all cells, extremes and table rows, as 64 hexadecimal digits.

    Labels, sources, provenance and the order of rows do not enter; -0 counts as 0.

    Parameters
    ----------
    contents
        What the run yields; records do not enter (the tables made from them do).
    rows
        All tables.
    later
        Cells of each further year of a projection. Their extremes enter by the tables only.
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
    for array in _arrays(cells):
        state.update(_canonical(array))
    for year, of_year in sorted((later or {}).items()):
        measures = [(m.kind, m.scheme, m.item, m.statistic) for m in of_year.measures]
        state.update(json.dumps([int(year), measures], ensure_ascii=True).encode())
        for array in _arrays(of_year):
            state.update(_canonical(array))
    for line in sorted(_lines(rows)):
        state.update(line)
    return state.hexdigest()


def _arrays(cells: Cells) -> list[npt.NDArray[np.float64] | npt.NDArray[np.int64]]:
    arrays: list[npt.NDArray[np.float64] | npt.NDArray[np.int64]] = [cells.persons, cells.places]
    arrays.append(cells.persons_n)
    if cells.places_n is not None:
        arrays.append(cells.places_n)
    return arrays


def digest_of_file(path: Path | str) -> str:
    """Return the digest of a results file, computed anew from its contents."""
    from microsim.results.reader import read_results

    found = read_results(path)
    return digest(found.contents, found.rows, found.later)


def _canonical(array: npt.NDArray[np.float64] | npt.NDArray[np.int64]) -> bytes:
    shape = ",".join(map(str, array.shape)).encode()
    if array.dtype.kind == "f":
        plain = np.asarray(array, dtype="<f8") + 0.0
        plain[np.isnan(plain)] = np.nan
        return shape + plain.tobytes()
    return shape + np.asarray(array, dtype="<i8").tobytes()


def _lines(rows: Sequence[Row]) -> Iterable[bytes]:
    """Yield each row as bytes, its fields in the order of the tidy form."""
    for r in rows:
        numbers = "\x1f".join((_bits(r.value), _bits(r.se_sampling), _bits(r.se_mc)))
        yield (
            f"{r.scenario}\x1f{int(r.draw)}\x1f{int(r.replicate)}\x1f{int(r.year)}\x1f{r.table}\x1f"
            f"{r.scheme}\x1f{r.function}\x1f{r.row}\x1f{r.column}\x1f{r.group}\x1f{r.unit}\x1f"
            f"{r.price_basis}\x1f{numbers}\x1f{int(r.n)}\x1f{r.status}\n"
        ).encode()


def _bits(value: float) -> str:
    """Return a number as text with every bit of it, whatever its type in memory."""
    number = float(value)
    return "nan" if number != number else (number + 0.0).hex()
