"""Derives columns that a mapping gives by cases from other columns of the same table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.population.columns import STANDARD
from microsim.population.converting import Converter
from microsim.population.mapping import ColumnMapping, Mapping

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
OWN_LABELS = {column.name: column.labels for column in STANDARD}


def derive(
    mapping: Mapping,
    persons: dict[str, Values],
    households: dict[str, Values],
    converter: Converter,
) -> None:
    """Add every column with cases to its table: the first case that holds gives the label."""
    for name, column in mapping.columns.items():
        if not column.cases:
            continue
        table = persons if column.column.of == "person" else households
        n = next(iter(table.values())).size
        codes, left = np.full(n, -1, dtype=np.int64), np.ones(n, dtype=bool)
        labels = converter.known_labels(column) or tuple(
            dict.fromkeys(case.result for case in column.cases)
        )
        converter.labels.setdefault(name, labels)
        for number, case in enumerate(column.cases):
            here = left.copy()
            for other, sign, value in case.conditions:
                here &= COMPARE[sign](table[other], _code(mapping.columns.get(other), other, value))
            codes[here] = labels.index(case.result)
            left &= ~here
            text = " and ".join(
                f"{other} {sign} {value:g}"
                if isinstance(value, float)
                else f"{other} {sign} {value}"
                for other, sign, value in case.conditions
            )
            converter.report.note(
                "derived", name, f"'{case.result}' where {text or 'no other case holds'}",
                int(here.sum()), n, column.because if number == 0 else "",
            )  # fmt: skip
        table[name] = codes


def _code(column: ColumnMapping | None, name: str, value: float | str) -> float:
    if not isinstance(value, str):
        return value
    labels = column.column.labels if column is not None else OWN_LABELS[name]
    return float(labels.index(value))
