"""Reads the dated values of a parameter: numbers, labels, schedules, tables, suspensions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.files import Fields, Node, did_you_mean, listed, month_index, parse_date, parse_month
from microsim.language.definitions import DatedValue
from microsim.policy.law import location
from microsim.policy.vocabulary import KEYS

Value = float | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """What the values of one parameter must look like.

    key_labels: for each key of a table the labels it may be written with (empty for numbers).
    """

    name: str
    kind: str
    unit: str
    labels: tuple[str, ...] = ()
    key_labels: tuple[tuple[str, ...], ...] = ()


def effective_month(date: tuple[int, int, int]) -> int:
    """Return the first month whose first day is not before the date, in months since year 0."""
    year, month, day = date
    return month_index(year, month) + (day > 1)


def read_dated_values(
    entries: Iterable[tuple[Node, Node]],
    shape: Shape,
    source: str,
    faults: FaultList,
    earlier: tuple[DatedValue, ...] = (),
) -> tuple[DatedValue, ...]:
    """Return the values of a parameter in date order.

    Parameters
    ----------
    entries
        The (date, value) pairs as written.
    shape
        What the values must look like.
    source
        Legal source of values that have none of their own.
    faults
        Collects: no such date, no source, a value of another shape, dates out of order.
    earlier
        Values the parameter has already, for a suspension that keeps their keys.
    """
    found: list[DatedValue] = []
    dated = []
    for key, node in entries:
        date = parse_date(key.text)
        if date is None:
            faults.add(key.where, f"date of parameter {shape.name}", key.described(), "YYYY-MM-DD")
        else:
            dated.append((date, key, node))
    for date, key, node in sorted(dated, key=lambda one: one[0]):
        value = _read_one(date, key, node, shape, source, [*earlier, *found], faults)
        if value is not None:
            found.append(value)
    for one, next_one in pairwise(found):
        if next_one.month < one.month:
            faults.add(
                str(next_one.where),
                f"value of {shape.name} from {next_one.date} takes effect before that of "
                f"{one.date}",
                "",
                "months of effect in the order of the dates",
                "Check first_payroll.",
            )
    return tuple(found)


def _read_one(
    date: tuple[int, int, int],
    key: Node,
    node: Node,
    shape: Shape,
    source: str,
    before: list[DatedValue],
    faults: FaultList,
) -> DatedValue | None:
    month, value_node = effective_month(date), node
    if node.kind == "mapping":
        fields = Fields(node, faults, KEYS["dated value"], f"value of {shape.name}")
        source = fields.text("source", source)
        payroll = fields.node_of("first_payroll")
        if payroll is not None:
            start = parse_month(payroll.text)
            if start is None:
                fields.wrong(payroll, "first_payroll", "YYYY-MM")
            else:
                month = month_index(*start)
        inner = fields.node_of("value", required=True)
        if inner is None:
            return None
        value_node = inner
    if not source:
        remedy = "Name the law, or say that it is an assumption."
        faults.add(node.where, f"parameter {shape.name} has no source", "", "source: ...", remedy)
    suspended = value_node.kind == "scalar" and value_node.text == "suspended"
    value = (
        _suspended(value_node, shape, before, faults)
        if suspended
        else read_value(value_node, shape, faults)
    )
    if value is None:
        return None
    return DatedValue(month, value, key.text, source, location(value_node), suspended)


def _suspended(
    node: Node, shape: Shape, before: list[DatedValue], faults: FaultList
) -> Value | None:
    """Return the value that reads as 0: a schedule or table keeps its keys."""
    if not before:
        what = f"parameter {shape.name} is suspended before it has a value"
        faults.add(node.where, what, "", "an earlier value")
        return None
    if shape.kind == "scalar":
        return 0.0
    value = np.array(before[-1].value, dtype=np.float64)
    value[:, -1] = 0.0
    return _frozen(value)


def read_value(node: Node, shape: Shape, faults: FaultList) -> Value | None:
    """Return one value of a parameter, or None with a fault."""
    if shape.kind == "schedule":
        return _read_schedule(node, shape, faults)
    if shape.kind == "table":
        return _read_table(node, shape, faults)
    return read_scalar(node, shape.unit, shape.labels, f"parameter {shape.name}", faults)


def read_scalar(
    node: Node, unit: str, labels: tuple[str, ...], what: str, faults: FaultList
) -> float | None:
    """Return a number; a boolean as 0 or 1; a label as its code. None with a fault."""
    if unit == "category":
        if node.kind == "scalar" and node.text in labels:
            return float(labels.index(node.text))
        faults.add(
            node.where,
            f"label of {what}",
            node.described(),
            "one of " + listed(labels),
            did_you_mean(node.text, labels),
        )
        return None
    value: float | bool | None = node.as_boolean() if unit == "boolean" else node.as_number()
    if value is None:
        expected = "true or false" if unit == "boolean" else f"a number ({unit})"
        faults.add(node.where, f"value of {what}", node.described(), expected)
        return None
    return float(value)


def _rows(node: Node, width: int, columns: str, shape: Shape, faults: FaultList) -> list[Node]:
    """Return the rows of a schedule or table, or an empty list with a fault."""
    expected = f"a list of rows {columns}"
    if node.kind != "list" or not node.elements:
        faults.add(node.where, f"value of {shape.kind} {shape.name}", node.described(), expected)
        return []
    wrong = [row for row in node.elements if row.kind != "list" or len(row.elements) != width]
    for row in wrong:
        faults.add(row.where, f"row of {shape.kind} {shape.name}", row.described(), expected)
    return [] if wrong else list(node.elements)


def _read_schedule(node: Node, shape: Shape, faults: FaultList) -> Value | None:
    rows = _rows(node, 2, "[threshold, rate]", shape, faults)
    numbers = [[_cell(cell, (), shape, faults) for cell in row.elements] for row in rows]
    if not numbers or any(number is None for row in numbers for number in row):
        return None
    value = np.array(numbers, dtype=np.float64)
    for row, earlier, later in zip(rows[1:], value, value[1:], strict=False):
        if later[0] <= earlier[0]:
            faults.add(
                row.where,
                f"thresholds of schedule {shape.name} do not increase",
                f"{later[0]:g} after {earlier[0]:g}",
                "increasing thresholds",
            )
            return None
    return _frozen(value)


def _read_table(node: Node, shape: Shape, faults: FaultList) -> Value | None:
    width = len(shape.key_labels) + 1
    rows = _rows(node, width, f"[{', '.join(['key'] * (width - 1))}, value]", shape, faults)
    labels = (*shape.key_labels, ())
    numbers = [
        [_cell(cell, of, shape, faults) for cell, of in zip(row.elements, labels, strict=True)]
        for row in rows
    ]
    if not numbers or any(number is None for row in numbers for number in row):
        return None
    value = np.array(numbers, dtype=np.float64)
    if not _grid_is_complete(value, rows, shape, faults):
        return None
    return _frozen(value[np.lexsort(value[:, :-1].T[::-1])])


def _grid_is_complete(
    value: npt.NDArray[np.float64], rows: list[Node], shape: Shape, faults: FaultList
) -> bool:
    """Note duplicate rows, rows out of order and missing combinations of keys."""
    seen: set[tuple[float, ...]] = set()
    good = True
    for row, keys in zip(rows, map(tuple, value[:, :-1].tolist()), strict=True):
        if keys in seen:
            faults.add(row.where, f"table {shape.name} has the keys {list(keys)} twice")
            good = False
        elif len(keys) == 1 and seen and keys < max(seen):
            found = f"{keys[0]:g} after {max(seen)[0]:g}"
            faults.add(
                row.where, f"keys of table {shape.name} do not increase", found, "increasing keys"
            )
            good = False
        seen.add(keys)
    wanted = np.prod([len(np.unique(column)) for column in value[:, :-1].T])
    if good and wanted != len(rows):
        faults.add(
            rows[0].where,
            f"table {shape.name} is not complete",
            f"{len(rows)} rows",
            f"{int(wanted)} rows, one for every combination of keys",
        )
        good = False
    return good


def _cell(node: Node, labels: tuple[str, ...], shape: Shape, faults: FaultList) -> float | None:
    if labels and node.kind == "scalar" and node.text in labels:
        return float(labels.index(node.text))
    number = node.as_number()
    if number is None or labels:
        expected = "one of " + listed(labels) if labels else "a number"
        faults.add(node.where, f"cell of {shape.kind} {shape.name}", node.described(), expected)
        return None
    return number


def _frozen(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    value.flags.writeable = False
    return value
