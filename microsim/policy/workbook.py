"""Writes the parameters of a system to a workbook, and reads them back with the same checks."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from microsim.errors import FaultList, InputError
from microsim.files import Node, did_you_mean, listed, parse_date
from microsim.language.definitions import DatedValue, ParameterDefinition
from microsim.policy.changes import shape_of
from microsim.policy.system import System
from microsim.policy.values import effective_month, read_dated_values

GUIDE = "Read me"
SCALAR_COLUMNS = (
    "name",
    "label",
    "unit",
    "date",
    "value",
    "first payroll",
    "source",
    "index after last",
    "read by year at",
    "labels",
)
STEP_COLUMNS = (
    "name",
    "label",
    "kind",
    "unit",
    "index after last",
    "read by year at",
    "date",
    "first payroll",
    "source",
)
FIXED_STEPS = STEP_COLUMNS.index("date")  # columns that repeat the law file
LONGEST_SHEET_NAME = 31
FIRST_EXCEL_YEAR = 1901  # spreadsheets disagree about 1900

Dated = dict[str, tuple[DatedValue, ...]]


def export_parameters(system: System, out: str | Path) -> int:
    """Write every parameter of a system to an XLSX workbook.

    One sheet holds each top group of parameters, one row each dated value; each schedule and table
    has a sheet of its own, one row each step.

    Parameters
    ----------
    system
        The system.
    out
        The workbook; an existing one is replaced.

    Returns
    -------
    int
        Number of rows written.

    Raises
    ------
    InputError
        The workbook cannot be written, or the package that writes it is not installed.
    """
    openpyxl = workbook_package()
    book = openpyxl.Workbook()
    _write_guide(book.active, system)
    rows = 0
    used = {GUIDE.lower()}
    for group, parameters in _groups(system).items():
        rows += _write_scalars(book, _sheet_name(group, used), parameters)
    for parameter in _stepped(system):
        rows += _write_steps(book, _sheet_name(parameter.name, used), parameter, system)
    try:
        book.save(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}.") from error
    return rows


def workbook_package() -> Any:  # noqa: ANN401 (the package has no types)
    """Return openpyxl, which reads and writes workbooks."""
    try:
        import openpyxl
    except ImportError as error:
        text = "workbooks need openpyxl. Install it with: pip install 'microsim-social[workbook]'"
        raise InputError(text) from error
    return openpyxl


def _groups(system: System) -> dict[str, list[ParameterDefinition]]:
    groups: dict[str, list[ParameterDefinition]] = {}
    for parameter in system.definitions.parameters.values():
        if parameter.kind == "scalar":
            groups.setdefault(parameter.name.split(".")[0], []).append(parameter)
    return groups


def _stepped(system: System) -> list[ParameterDefinition]:
    return [one for one in system.definitions.parameters.values() if one.kind != "scalar"]


def _sheet_name(name: str, used: set[str]) -> str:
    """Return a sheet name that spreadsheets accept: short, and no other's in any case."""
    short, n = name[:LONGEST_SHEET_NAME], 1
    while short.lower() in used:
        n += 1
        short = f"{name[: LONGEST_SHEET_NAME - len(str(n)) - 1]}~{n}"
    used.add(short.lower())
    return short


def _write_guide(sheet: Any, system: System) -> None:  # noqa: ANN401
    sheet.title = GUIDE
    for line in (
        f"Parameters of {system.name} ({system.currency})",
        "",
        "One sheet holds a group of parameters, one row a dated value.",
        "Schedules and tables have sheets of their own, one row a step.",
        "You may change, add and delete rows: the columns date, value, first payroll and source"
        " (and the steps) are read back.",
        "The other columns repeat the law files; change them there.",
        "A value that is suspended reads as 0 until the next one.",
        "Read back with: microsim parameters import FILE.xlsx --system SYSTEM.yaml --out FOLDER",
    ):
        sheet.append([line])
    sheet.column_dimensions["A"].width = 100


def _write_header(sheet: Any, columns: Iterable[str]) -> None:  # noqa: ANN401
    from openpyxl.styles import Font

    for column, word in enumerate(columns, 1):
        sheet.cell(1, column, word).font = Font(bold=True)
        width = {"name": 38, "source": 60, "label": 34}.get(word, 14)
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    sheet.freeze_panes = "B2"


def _write_scalars(book: Any, title: str, parameters: list[ParameterDefinition]) -> int:  # noqa: ANN401
    sheet = book.create_sheet(title)
    _write_header(sheet, SCALAR_COLUMNS)
    row = 1
    for parameter in parameters:
        for value in parameter.values:
            row += 1
            _write_row(sheet, row, [*_described(parameter, value)])
    return row - 1


def _described(parameter: ParameterDefinition, value: DatedValue) -> list[object]:
    """Return the cells of one dated value, in the order of `SCALAR_COLUMNS`."""
    return [
        parameter.name,
        parameter.label,
        parameter.unit,
        _date_cell(value.date),
        _value_cell(parameter, value),
        _payroll(value),
        value.source,
        *_fixed(parameter),
    ]


def _fixed(parameter: ParameterDefinition) -> list[str]:
    month, day = parameter.at
    return [parameter.index, f"{month:02d}-{day:02d}", ", ".join(parameter.labels)]


def _value_cell(parameter: ParameterDefinition, value: DatedValue) -> object:
    if value.suspended:
        return "suspended"
    assert isinstance(value.value, float)  # noqa: S101 (scalars only)
    if parameter.unit == "category":
        return parameter.labels[int(value.value)]
    return bool(value.value) if parameter.unit == "boolean" else value.value


def _payroll(value: DatedValue) -> str:
    """Return the month of first payroll, if it is not the month the date itself gives."""
    date = parse_date(value.date)
    if date is not None and effective_month(date) == value.month:
        return ""
    return f"{value.month // 12:04d}-{value.month % 12 + 1:02d}"


def _date_cell(text: str) -> object:
    date = parse_date(text)
    if date is None or date[0] < FIRST_EXCEL_YEAR:
        return text
    return datetime.date(*date)


def step_columns(parameter: ParameterDefinition) -> tuple[str, ...]:
    """Return the headings of the numbers of one step of a schedule or table."""
    if parameter.kind == "schedule":
        return (f"threshold ({parameter.unit})", f"rate ({parameter.rate_unit})")
    keys = (f"from {name} ({unit})" for name, unit in parameter.keys)
    return (*keys, f"value ({parameter.unit})")


def _fixed_steps(parameter: ParameterDefinition) -> list[str]:
    index, at, _ = _fixed(parameter)
    return [parameter.name, parameter.label, parameter.kind, parameter.unit, index, at]


def _write_steps(book: Any, title: str, parameter: ParameterDefinition, system: System) -> int:  # noqa: ANN401
    sheet = book.create_sheet(title)
    _write_header(sheet, (*STEP_COLUMNS, *step_columns(parameter)))
    key_labels = shape_of(parameter, system.definitions.inputs).key_labels
    labels = (*key_labels, ()) if parameter.kind == "table" else ((), ())
    row = 1
    for value in parameter.values:
        start: list[object] = [*_fixed_steps(parameter)]
        start += [_date_cell(value.date), _payroll(value), value.source]
        if value.suspended:
            row += 1
            _write_row(sheet, row, [*start, "suspended"])
            continue
        assert not isinstance(value.value, float)  # noqa: S101 (schedules and tables are arrays)
        for step in value.value.tolist():
            row += 1
            named = [of[int(x)] if of else x for x, of in zip(step, labels, strict=True)]
            _write_row(sheet, row, [*start, *named])
    return row - 1


def _write_row(sheet: Any, row: int, cells: list[object]) -> None:  # noqa: ANN401
    for column, value in enumerate(cells, 1):
        if value == "" and isinstance(value, str):
            continue
        if isinstance(value, float) and float(f"{value:.16g}") != value:
            value = repr(value)  # a workbook keeps 16 digits of a number, a text keeps all
        if isinstance(value, str) and _ILLEGAL.search(value):
            text = f"{cells[0]}: a workbook cannot hold the control character in {value!r}."
            raise InputError(text)
        cell = sheet.cell(row, column, value)
        if isinstance(value, str):
            cell.data_type = "s"  # a text that begins with = is no formula
        elif isinstance(value, datetime.date):
            cell.number_format = "yyyy-mm-dd"


def read_workbook(path: str | Path, system: System) -> Dated:
    """Return the dated values of every parameter that a workbook holds.

    Raises
    ------
    InputError
        Every fault at once, by sheet and row: an unknown parameter, a changed unit, a value of the
        wrong shape, a missing source, a formula without a stored result.
    """
    openpyxl = workbook_package()
    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except Exception as error:  # the package raises many kinds for a damaged file
        raise InputError(f"{path}: not an XLSX workbook ({error}).") from error
    faults = FaultList()
    entries: dict[str, list[tuple[Node, Node]]] = {}
    for sheet in book.worksheets:
        if sheet.title != GUIDE:
            _read_sheet(sheet, f"{path}[{sheet.title}]", system, entries, faults)
    found = {}
    for name, written in entries.items():
        shape = shape_of(system.definitions.parameters[name], system.definitions.inputs)
        values = read_dated_values(written, shape, "", faults)
        _note_duplicates(written, name, faults)
        found[name] = values
    faults.raise_if_any()
    return found


def _note_duplicates(written: list[tuple[Node, Node]], name: str, faults: FaultList) -> None:
    seen: dict[str, Node] = {}
    for key, _ in written:
        if key.text in seen:
            what = f"parameter {name} has two values from {key.text}"
            faults.add(key.where, what, f"also in row {seen[key.text].line}", "one")
        seen.setdefault(key.text, key)


def _read_sheet(
    sheet: Any,  # noqa: ANN401
    place: str,
    system: System,
    entries: dict[str, list[tuple[Node, Node]]],
    faults: FaultList,
) -> None:
    rows = [[_cell_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    header = [text.strip() for text in rows[0]] if rows else []
    while header and not header[-1]:
        header.pop()
    stepped = tuple(header[: len(STEP_COLUMNS)]) == STEP_COLUMNS
    if not stepped and tuple(header) != SCALAR_COLUMNS:
        expected = f"{listed(SCALAR_COLUMNS)}; or {listed(STEP_COLUMNS)} and the steps"
        faults.add(f"{place}:1", "the columns are others", listed(header), expected)
        return
    kept = [(n, row) for n, row in enumerate(rows[1:], 2) if any(row)]
    known = [(n, row) for n, row in kept if _parameter_of(n, row, place, system, faults, stepped)]
    read = _read_steps if stepped else _read_scalars
    for name, key, value in read(known, header, place, system, faults):
        entries.setdefault(name, []).append((key, value))


def _parameter_of(
    n: int, row: list[str], place: str, system: System, faults: FaultList, stepped: bool
) -> bool:
    """Tell whether a row names a parameter of the system of the right kind."""
    parameters = system.definitions.parameters
    parameter = parameters.get(row[0])
    if parameter is None:
        remedy = did_you_mean(row[0], parameters) or "Declare new parameters in a law file."
        faults.add(f"{place}:{n}", f"unknown parameter '{row[0]}'", "", "", remedy)
    elif (parameter.kind != "scalar") != stepped:
        faults.add(f"{place}:{n}", f"parameter {row[0]} is a {parameter.kind}", "another sheet")
    return parameter is not None and (parameter.kind != "scalar") == stepped


def _read_scalars(
    rows: list[tuple[int, list[str]]],
    header: list[str],
    place: str,
    system: System,
    faults: FaultList,
) -> Iterator[tuple[str, Node, Node]]:
    for n, row in rows:
        parameter = system.definitions.parameters[row[0]]
        stated = [row[0], parameter.label, parameter.unit, *row[3:7], *_fixed(parameter)]
        _check_fixed(n, row, stated, header, place, faults)
        date, value, payroll, source = row[3:7]
        plain = parameter.unit != "category"
        node = Node(place, n, "scalar", value, plain)
        yield row[0], Node(place, n, "scalar", date, True), _dated(node, payroll, source)


def _check_fixed(
    n: int, row: list[str], stated: list[str], header: list[str], place: str, faults: FaultList
) -> None:
    for word, found, expected in zip(header, row, stated, strict=False):
        if found != expected:
            remedy = "Change it in the law file."
            faults.add(
                f"{place}:{n}", f"'{word}' of {row[0]}", found or "nothing", expected, remedy
            )


def _dated(value: Node, payroll: str, source: str) -> Node:
    """Return a dated value as a law file would write it."""
    words = {"source": source, "first_payroll": payroll}
    entries = [(_word("value", value), value)]
    entries += [(_word(key, value), _word(text, value)) for key, text in words.items() if text]
    return Node(value.file, value.line, "mapping", entries=tuple(entries))


def _word(text: str, near: Node) -> Node:
    return Node(near.file, near.line, "scalar", text)


def _read_steps(
    rows: list[tuple[int, list[str]]],
    header: list[str],
    place: str,
    system: System,
    faults: FaultList,
) -> Iterator[tuple[str, Node, Node]]:
    """Yield the steps of each date, gathered: consecutive rows with one date are one value."""
    first = len(STEP_COLUMNS)
    gathered: list[tuple[tuple[str, ...], list[Node]]] = []
    for n, row in rows:
        parameter = system.definitions.parameters[row[0]]
        columns = (*STEP_COLUMNS, *step_columns(parameter))
        if tuple(header) != columns:
            faults.add(f"{place}:1", "the columns are others", listed(header), listed(columns))
            return
        _check_fixed(n, row[:FIXED_STEPS], _fixed_steps(parameter), header, place, faults)
        identity = (row[0], *row[FIXED_STEPS:first])
        cells = tuple(Node(place, n, "scalar", text, True) for text in row[first : len(columns)])
        suspended = cells[0].text == "suspended" and not any(cell.text for cell in cells[1:])
        step = cells[0] if suspended else Node(place, n, "list", elements=cells)
        if gathered and gathered[-1][0] == identity:
            gathered[-1][1].append(step)
        else:
            gathered.append((identity, [step]))
    for (name, date, payroll, source), steps in gathered:
        where = steps[0]
        single = where.kind == "scalar" and len(steps) == 1
        value = where if single else Node(place, where.line, "list", elements=tuple(steps))
        yield name, Node(place, where.line, "scalar", date, True), _dated(value, payroll, source)


_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00:00\Z")


def _cell_text(value: object) -> str:
    """Return the content of a cell as a law file would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, datetime.datetime | datetime.date):
        text = value.isoformat()
        match = _MIDNIGHT.match(text)
        return match[1] if match else text
    return str(value)


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
