"""Reads survey files (CSV, Parquet, Stata, SPSS) into columns, as they are in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.population.mapping import BLANKS, EXACT, code_text
from microsim.population.yaml_sections import suggest

Values = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

READ_BY = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".dta": "stata",
    ".sav": "spss",
    ".zsav": "spss",
}
REMEDY = "Install the readers with: pip install 'microsim-social[survey]'."


@dataclass(frozen=True)
class TextStyle:
    """How a CSV file is written: sign between cells, decimal sign, encoding of characters."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8-sig"


@dataclass(frozen=True)
class Table:
    """Columns of one survey file.

    Attributes
    ----------
    file
        Path as the user gave it.
    columns
        Shape (n_rows,) each: float64, or objects (texts, numbers, None).
    labels
        Value labels of the file (Stata, SPSS): column, then code as text, to label.
    n_rows
        Number of data rows.
    decimal
        Decimal sign of numbers written as text.
    """

    file: str
    columns: dict[str, Values]
    labels: dict[str, dict[str, str]]
    n_rows: int
    decimal: str = "."
    _distinct: dict[str, tuple[Values, Ints]] = field(default_factory=dict, repr=False)

    def _unique(self, column: str) -> tuple[Values, Ints]:
        if column not in self._distinct:  # asked for several times; a pass over texts is slow
            self._distinct[column] = _unique(self.columns[column])
        return self._distinct[column]

    def where(self, *columns: str) -> str:
        """Return the place of columns in messages."""
        word = "column" if len(columns) == 1 else "columns"
        return f"{self.file}, {word} " + ", ".join(f"'{column}'" for column in columns)

    def blank(self, column: str) -> Mask:
        """Return which rows hold nothing (or a text that means nothing). Shape (n_rows,)."""
        values = self.columns[column]
        if values.dtype == np.float64:
            return np.isnan(values)
        unique, inverse = self._unique(column)
        empty = [value is None or value != value or value in BLANKS for value in unique]
        return np.array(empty, dtype=bool)[inverse]

    def texts(self, column: str) -> Values:
        """Return codes as text (1, 1.0 and "1" are one code). Shape (n_rows,), objects."""
        unique, inverse = self._unique(column)
        found = np.array([code_text(value) for value in unique], dtype=object)
        return found[inverse] if found.size else np.empty(0, dtype=object)

    def numbers(self, column: str) -> tuple[Floats, Mask]:
        """Return values as numbers (NaN where none) and which rows hold text that is no number."""
        values = self.columns[column]
        if values.dtype == np.float64:
            return values, np.zeros(values.size, dtype=bool)
        unique, inverse = self._unique(column)
        parsed, wrong = np.full(unique.size, np.nan), np.zeros(unique.size, dtype=bool)
        for i, value in enumerate(unique):
            if value is None or value != value or value in BLANKS:
                continue
            try:
                text = value.replace(self.decimal, ".") if isinstance(value, str) else value
                parsed[i] = float(text)
            except (TypeError, ValueError):
                wrong[i] = True
        return parsed[inverse], wrong[inverse]


def _unique(values: Values) -> tuple[Values, Ints]:
    """Return distinct values in order of appearance and each row's number among them."""
    if values.dtype == np.float64:
        unique, inverse = np.unique(values, return_inverse=True)
        return unique.astype(object), inverse.astype(np.int64)
    numbers: dict[Any, int] = {}
    inverse = np.fromiter(
        (numbers.setdefault(value, len(numbers)) for value in values), np.int64, values.size
    )
    unique = np.empty(len(numbers), dtype=object)
    unique[:] = list(numbers)
    return unique, inverse


def read_table(
    path: str | Path, wanted: Iterable[tuple[str, str]], style: TextStyle | None = None
) -> Table:
    """Read the wanted columns of a survey file.

    Parameters
    ----------
    path
        A .csv (also .csv.gz, .tsv), .parquet, .dta or .sav file.
    wanted
        (column, place in the mapping that asks for it).
    style
        How a text file is written.

    Raises
    ------
    InputError
        The file is not there, of an unknown kind or unreadable, has no rows, has a column twice,
        or lacks columns: every one is named with its place in the mapping.
    """
    file = Path(path)
    kind, style = _kind(file), style or TextStyle()
    asked = list(dict.fromkeys(wanted))
    present = _names(file, kind, style)
    faults = FaultList()
    for column, place in asked:
        if column and column not in present:
            shown = ", ".join(present[:40]) + (", ..." if len(present) > 40 else "")
            faults.add(
                place, f"column '{column}' is not in {file}", "", shown, suggest(column, present)
            )
    for column in sorted({name for name in present if present.count(name) > 1}):
        faults.add(f"{file}", f"column '{column}' is there more than once")
    faults.raise_if_any()
    names = [column for column in dict.fromkeys(column for column, _ in asked) if column]
    columns, labels = _read(file, kind, names, style)
    n_rows = len(next(iter(columns.values()))) if columns else 0
    if n_rows == 0:
        raise InputError(f"{file}: has no rows")
    return Table(str(file), columns, labels, n_rows, style.decimal if kind == "csv" else ".")


def column_names(path: str | Path, style: TextStyle | None = None) -> list[str]:
    """Return the names of all columns of a survey file.

    Raises
    ------
    InputError
        As `read_table`.
    """
    file = Path(path)
    return _names(file, _kind(file), style or TextStyle())


def _kind(file: Path) -> str:
    kind = next((READ_BY[end] for end in READ_BY if file.name.lower().endswith(end)), None)
    if kind is None:
        known = ", ".join(READ_BY)
        raise InputError(f"{file}: unknown kind of survey file; expected one of {known}")
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    return kind


def _names(file: Path, kind: str, style: TextStyle) -> list[str]:
    try:
        if kind == "csv":
            return _csv_header(file, style)
        if kind == "parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(file).names)
        import pyreadstat

        read = pyreadstat.read_dta if kind == "stata" else pyreadstat.read_sav
        return list(read(str(file), metadataonly=True)[1].column_names)
    except ImportError as error:
        raise InputError(f"{file}: the reader of this kind is not installed. {REMEDY}") from error
    except Exception as error:  # the readers raise their own kinds
        raise _unreadable(file, kind, error) from error


def _csv_header(file: Path, style: TextStyle) -> list[str]:
    import csv
    import gzip
    import io

    compressed = file.name.lower().endswith(".gz")
    with file.open("rb") as raw, gzip.open(raw) if compressed else raw as data:
        lines = io.TextIOWrapper(data, encoding=style.encoding, newline="")
        rows = csv.reader(lines, delimiter=_separator(file, style))
        return [name.strip() for name in next(rows, [])]


def _separator(file: Path, style: TextStyle) -> str:
    return "\t" if file.suffix.lower() == ".tsv" else style.separator


def _read(
    file: Path, kind: str, names: list[str], style: TextStyle
) -> tuple[dict[str, Values], dict[str, dict[str, str]]]:
    try:
        if kind == "csv":
            return _read_csv(file, names, style), {}
        if kind == "parquet":
            return _read_parquet(file, names), {}
        return _read_statistics(file, kind, names)
    except ImportError as error:
        raise InputError(f"{file}: the reader of this kind is not installed. {REMEDY}") from error
    except Exception as error:  # the readers raise their own kinds
        raise _unreadable(file, kind, error) from error


def _unreadable(file: Path, kind: str, error: Exception) -> InputError:
    text = " ".join(str(error).split())[:200]
    return InputError(f"{file}: cannot be read as {kind}: {text}")


def _read_csv(file: Path, names: list[str], style: TextStyle) -> dict[str, Values]:
    import pandas as pd

    # As text: what is a number, a code or a blank is decided by the mapping, not by pandas.
    frame = pd.read_csv(
        file,
        sep=_separator(file, style),
        dtype=str,
        keep_default_na=False,
        encoding=style.encoding,
        skipinitialspace=True,
        usecols=lambda name: name.strip() in names,
    )
    return {str(name).strip(): frame[name].to_numpy(dtype=object) for name in frame.columns}


def _read_parquet(file: Path, names: list[str]) -> dict[str, Values]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(file, columns=names)
    columns = {}
    for name in names:
        kind = table.schema.field(name).type
        if pa.types.is_integer(kind) and _beyond_float(table[name]):
            columns[name] = _objects(table[name].to_pylist())  # long ids keep every digit
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            found = table[name].cast(pa.float64(), safe=False).to_numpy()
            columns[name] = np.array(found, dtype=np.float64)
        else:
            columns[name] = _objects(table[name].to_pylist())
    return columns


def _beyond_float(values: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    import pyarrow.compute as pc

    ends = pc.min_max(values).as_py()
    return any(end is not None and abs(end) > EXACT for end in ends.values())


def _objects(values: Iterable[Any]) -> Values:
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = [int(value) if isinstance(value, bool) else value for value in listed]
    return array


def _read_statistics(
    file: Path, kind: str, names: list[str]
) -> tuple[dict[str, Values], dict[str, dict[str, str]]]:
    import pyreadstat

    read = pyreadstat.read_dta if kind == "stata" else pyreadstat.read_sav
    found, about = read(
        str(file), usecols=names, output_format="dict", apply_value_formats=False,
        disable_datetime_conversion=True,
    )  # fmt: skip
    columns = {}
    for name in names:
        values = np.asarray(found[name])
        if values.dtype.kind in "fiub":
            columns[name] = values.astype(np.float64)
        else:
            listed = _objects(values.tolist())
            numeric = all(v is None or isinstance(v, int | float) for v in listed)
            columns[name] = listed.astype(np.float64) if numeric else listed
    labels = {
        name: {code_text(code): str(label).strip() for code, label in codes.items()}
        for name, codes in about.variable_value_labels.items()
        if name in columns
    }
    return columns, labels
