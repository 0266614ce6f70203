"""Turns the user's columns into columns of a population, by the mapping, noting every fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population.checks import Households, counted, note_rows
from microsim.population.columns import OLDEST, Column
from microsim.population.import_report import ImportReport
from microsim.population.mapping import TIMES_A_YEAR, ColumnMapping, Scalar, Source
from microsim.population.readers import Table
from microsim.population.yaml_sections import suggest

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TRUTH = {"1": True, "0": False, "true": True, "false": False, "True": True, "False": False}


class Converter:
    """Converts columns; what is wrong goes to `faults`, what was treated to `report`.

    Parameters
    ----------
    labels
        Labels of categories that come with the survey (region), by column, in code order.
    """

    def __init__(self, faults: FaultList, report: ImportReport) -> None:
        self.faults = faults
        self.report = report
        self.labels: dict[str, tuple[str, ...]] = {}

    def convert(
        self, table: Table, mapping: ColumnMapping, role: str = "", rows: Ints | None = None
    ) -> Floats:
        """Return the values of some rows as float64 (codes for categories, 0/1 for booleans).

        Shape (n_rows,), or that of `rows`; in the unit of the target column. NaN stands for
        `as head`, and for what a fault was noted for.
        """
        source = mapping.sources[role]
        rows = np.arange(table.n_rows, dtype=np.int64) if rows is None else rows
        if source.constant is not None:
            value = self._number(mapping, source.constant)
            text = f"{_shown(source.constant)} for {role or 'everyone'}"
            reason = mapping.because or "no reason stated"
            self.report.note("constant", mapping.column.name, text, because=reason)
            return np.full(rows.size, value)
        if mapping.column.unit in ("category", "boolean"):
            return self._coded(table, mapping, source, rows)
        total = np.zeros(rows.size)
        for column in source.columns:
            total = total + self._measured(table, mapping, source, column, rows)
        scaled = total * mapping.multiply
        if mapping.unit in TIMES_A_YEAR and mapping.column.unit in TIMES_A_YEAR:
            scaled = scaled * TIMES_A_YEAR[mapping.unit] / TIMES_A_YEAR[mapping.column.unit]
        return self._in_range(table, mapping, source, scaled, rows)

    def _number(self, mapping: ColumnMapping, value: Scalar) -> float:
        if mapping.column.unit != "category":
            return float(value)
        labels = self.known_labels(mapping)
        if str(value) not in labels:
            labels = (*labels, str(value))
            self.labels[mapping.column.name] = labels
        return float(labels.index(str(value)))

    def known_labels(self, mapping: ColumnMapping) -> tuple[str, ...]:
        """Return the labels of a category: its own, or those of the mapping's codes."""
        column = mapping.column
        if column.labels:
            return column.labels
        if column.name not in self.labels:
            stated = dict.fromkeys(str(value) for value in mapping.codes.values())
            self.labels[column.name] = tuple(stated)
        return self.labels[column.name]

    def _missing(
        self, table: Table, mapping: ColumnMapping, source: Source, column: str, rows: Ints
    ) -> Mask:
        """Return which rows have no value; note a fault if that has no treatment."""
        gone = table.blank(column)[rows]
        if source.missing.codes:
            gone = gone | np.isin(table.texts(column)[rows].astype(str), source.missing.codes)
        n, name = int(gone.sum()), mapping.column.name
        if n == 0:
            return gone
        if source.missing.treatment == "error":
            note_rows(
                self.faults,
                table,
                (column,),
                gone,
                f"hold no value, which '{name}' requires",
                remedy=f"State missing: {{treatment: value, value: ...}} at {source.where}.",
                rows=rows,
            )
            return gone
        head = source.missing.treatment == "as head"
        value = "the head's value" if head else _shown(source.missing.value)
        self.report.note(
            "missing", column, f"{name} set to {value}", n, rows.size, source.missing.because
        )
        return gone

    def _fill(self, mapping: ColumnMapping, source: Source) -> float:
        if source.missing.treatment == "value":
            return self._number(mapping, source.missing.value)
        return float("nan")

    def _coded(self, table: Table, mapping: ColumnMapping, source: Source, rows: Ints) -> Floats:
        column = source.columns[0]
        gone = self._missing(table, mapping, source, column, rows)
        texts = table.texts(column)
        of_code = self._codes(table, mapping, column, texts[rows][~gone])
        values = np.full(rows.size, self._fill(mapping, source))
        unknown = np.zeros(rows.size, dtype=bool)
        for text, value in of_code.items():
            here = ~gone & (texts[rows] == text)
            if value is None:
                unknown |= here
            else:
                values[here] = value
        known = list(mapping.codes) or list(mapping.column.labels) or list(TRUTH)
        first = str(texts[rows][unknown][0]) if unknown.any() else ""
        note_rows(
            self.faults,
            table,
            (column,),
            unknown,
            f"hold an unknown code of '{mapping.column.name}'",
            ", ".join(repr(code) for code in known[:20]),
            f"Add it under codes at {mapping.where}. {suggest(first, known)}".strip(),
            rows,
            texts,
        )
        return values

    def _codes(
        self, table: Table, mapping: ColumnMapping, column: str, texts: npt.NDArray[Any]
    ) -> dict[str, float | None]:
        """Return the value of each code that occurs; None where it is unknown."""
        found = sorted(set(texts.tolist()))
        written = table.labels.get(column, {})
        if mapping.codes:
            stated = {text: mapping.codes.get(text, mapping.codes.get(written.get(text, "")))
                      for text in found}  # fmt: skip
        elif mapping.column.unit == "boolean":
            stated = {text: TRUTH.get(text) for text in found}
        else:
            stated = {text: written.get(text, text) for text in found}
            if mapping.column.labels:
                known = mapping.column.labels
                stated = {t: v if v in known else None for t, v in stated.items()}
        return {t: None if v is None else self._number(mapping, v) for t, v in stated.items()}

    def _measured(
        self, table: Table, mapping: ColumnMapping, source: Source, column: str, rows: Ints
    ) -> Floats:
        gone = self._missing(table, mapping, source, column, rows)
        numbers, wrong = table.numbers(column)
        values, wrong = numbers[rows].copy(), wrong[rows] & ~gone
        if mapping.codes:
            texts = table.texts(column)[rows]
            for text, stated in mapping.codes.items():
                here = texts == text
                values[here], wrong[here] = float(stated), False
        note_rows(
            self.faults,
            table,
            (column,),
            wrong,
            "hold text that is no number",
            f"numbers for '{mapping.column.name}'",
            f"Recode it under codes, or name it under missing, at {source.where}.",
            rows,
            table.columns[column],
        )
        endless = np.isinf(values)
        note_rows(
            self.faults, table, (column,), endless, "hold an infinite number", rows=rows
        )  # fmt: skip
        # A stated value is in the unit of the survey, as the values beside it are.
        values[gone] = self._fill(mapping, source)
        return values

    def _in_range(
        self, table: Table, mapping: ColumnMapping, source: Source, values: Floats, rows: Ints
    ) -> Floats:
        column = mapping.column
        shown = np.full(table.n_rows, np.nan)
        shown[rows] = values
        if column.name == "age":
            _check_ages(self.faults, table, source, values, rows, shown)
            return values
        low = values < 0.0
        summed = mapping.across_rows == "sum" and column.of == "household"
        if summed or _may_be_negative(mapping) or not bool(low.any()):
            return values
        if mapping.negative == "zero":
            text = f"{column.name} set to 0"
            self.report.note(
                "negative", ", ".join(source.columns), text, int(low.sum()), rows.size,
                mapping.because,
            )  # fmt: skip
            return np.where(low, 0.0, values)
        note_rows(
            self.faults,
            table,
            source.columns,
            low,
            f"make '{column.name}' negative",
            f"{column.unit}, 0 or more",
            f"State negative: zero or negative: keep at {mapping.where}.",
            rows,
            shown,
        )
        return values

    def not_negative(
        self, table: Table, mapping: ColumnMapping, values: Floats, who: Households
    ) -> Floats:
        """Treat sums over the rows of households that are negative. `values`: (n_households,)."""
        low = values < 0.0
        if _may_be_negative(mapping) or not bool(low.any()):
            return values
        name, columns = mapping.column.name, mapping.sources[""].columns
        if mapping.negative == "zero":
            text = f"{name} of the household set to 0"
            listed = ", ".join(columns)
            self.report.note("negative", listed, text, int(low.sum()), who.n, mapping.because)
            return np.where(low, 0.0, values)
        self.faults.add(
            table.where(*columns),
            f"make '{name}' negative in {counted(int(low.sum()), 'household')}",
            who.some(low),
            f"{mapping.column.unit}, 0 or more",
            f"State negative: zero or negative: keep at {mapping.where}.",
        )
        return values


def _shown(value: Scalar) -> str:
    """Return a value as the user writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _may_be_negative(mapping: ColumnMapping) -> bool:
    return mapping.column.unit == "number" or mapping.negative == "keep"


def _check_ages(
    faults: FaultList, table: Table, source: Source, ages: Floats, rows: Ints, shown: Floats
) -> None:
    note_rows(
        faults,
        table,
        source.columns,
        (ages < 0.0) | (ages > OLDEST),
        "hold an impossible age",
        f"0 to {OLDEST} years",
        "Recode it under codes, or name it under missing.",
        rows,
        shown,
    )
    parts = np.isfinite(ages) & (ages != np.floor(ages))
    note_rows(
        faults, table, source.columns, parts, "hold an age that is not whole years", "", "", rows,
        shown,
    )  # fmt: skip


def stored(column: Column, values: Floats) -> npt.NDArray[np.generic]:
    """Return values in the type the column is stored in."""
    return values.astype(np.dtype(column.dtype))
