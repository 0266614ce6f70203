"""Parameter draws: a table of values for some parameters, one row a draw, read from CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection
from pathlib import Path

from microsim.errors import FaultList
from microsim.files import did_you_mean

Settings = tuple[str, ...]


def read_draws(path: str | Path, parameters: Collection[str]) -> tuple[Settings, ...]:
    """Return the `name=value` settings of each draw of a CSV file.

    Parameters
    ----------
    path
        The file: the first line names parameters, each further line holds their values in one draw.
    parameters
        The parameters that hold a single number.

    Raises
    ------
    InputError
        Every fault of the file, with its line and column.
    """
    faults = FaultList()
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = (getattr(error, "strerror", None) or str(error)).lower()
        faults.add(str(path), "cannot be read", found, "a CSV file in UTF-8")
        faults.raise_if_any()
        return ()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    draws: list[Settings] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        _check_names(str(path), names, parameters, faults)
        draws = [
            _draw(f"{path}:{reader.line_num}", names, row, faults)
            for row in reader
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        faults.add(f"{path}:{reader.line_num}", f"not CSV: {error}")
    if not draws and not faults.faults:
        faults.add(str(path), "no draws", "a header only", "a line of values for each draw")
    faults.raise_if_any()
    return tuple(draws)


def _check_names(
    path: str, names: list[str], parameters: Collection[str], faults: FaultList
) -> None:
    if not any(names):
        faults.add(f"{path}:1", "no parameters", "an empty line", "names of parameters")
    for k, name in enumerate(names):
        where = f"{path}:1, column {k + 1}"
        if name not in parameters:
            expected, remedy = "a parameter that is a number", did_you_mean(name, parameters)
            faults.add(where, "unknown parameter", name or "nothing", expected, remedy)
        elif name in names[:k]:
            faults.add(where, "parameter is named twice", name, "each once")


def _draw(where: str, names: list[str], row: list[str], faults: FaultList) -> Settings:
    if len(row) != len(names):
        faults.add(where, "number of values", str(len(row)), str(len(names)))
        return ()
    settings = []
    for name, cell in zip(names, row, strict=True):
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            faults.add(f"{where}, column {name}", "not a number", cell or "nothing", "a number")
        settings.append(f"{name}={value!r}")
    return tuple(settings)
