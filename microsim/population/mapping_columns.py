"""Reads the columns of a mapping file: sources, codes, units, treatments, cases."""

from __future__ import annotations

import re
from typing import Any

from microsim.population.columns import STANDARD, Column
from microsim.population.mapping import (
    MISSING_TREATMENTS,
    NEGATIVE_TREATMENTS,
    ROLES,
    TIMES_A_YEAR,
    UNITS,
    Case,
    ColumnMapping,
    Missing,
    Scalar,
    Source,
    code_text,
)
from microsim.population.yaml_sections import Section, line_of, suggest

DTYPES = {"boolean": "bool", "category": "int16"}
COMPARISON = re.compile(r"^(<=|>=|==|!=|<|>)\s*(\S.*)$")


def read_texts(section: Section, key: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple."""
    return tuple(str(item) for item in section.take(key, list, []))


def read_codes(section: Section, key: str, required: bool = False) -> tuple[str, ...]:
    """Return one code or a list of codes as text."""
    section.taken.add(key)
    if key not in section:
        if required:
            section.faults.add(section.where, f"'{key}' is missing", expected="a code or a list")
        return ()
    value = section.values[key]
    return tuple(code_text(item) for item in (value if isinstance(value, list) else [value]))


def read_columns(top: Section, rows: str) -> dict[str, ColumnMapping]:
    """Read `columns:` and `extra:` of a mapping; faults are noted in the section."""
    columns: dict[str, ColumnMapping] = {}
    standard = {column.name: column for column in STANDARD}
    section = top.section("columns", required=True)
    extra = top.section("extra")
    for name in section or ():
        if section is None or section.section(str(name)) is None:
            continue
        if name not in standard:
            hint = suggest(str(name), standard)
            known = ", ".join(standard)
            section.fault(
                name,
                f"unknown column '{name}'",
                expected=known,
                remedy=f"{hint} Columns of your own go under 'extra'.".strip(),
            )
            continue
        one = section.inside(name, section.values[name])
        columns[name] = _read_column(one, standard[name], rows)
    for name in extra or ():
        one_extra = extra.section(str(name)) if extra is not None else None
        if one_extra is None:
            continue
        if name in standard or not str(name).isidentifier():
            one_extra.faults.add(one_extra.where, f"extra column '{name}' needs another name")
            continue
        columns[name] = _read_column(one_extra, _declare(one_extra, str(name)), rows)
    if section is not None:
        for column in STANDARD:
            if column.name not in section and not (rows == "tax units" and column.name == "sex"):
                section.faults.add(
                    section.where,
                    f"column '{column.name}' has no source",
                    expected=f"a column of the survey, in {column.unit}",
                    remedy=f"If the survey lacks it, state {column.name}: {{constant: ...}}.",
                )
    _check_cases(columns, top)
    return columns


def _declare(section: Section, name: str) -> Column:
    unit = section.take("unit", str, "", required=True)
    stored = section.take("store_as", str, unit if unit in UNITS else "currency/month")
    if stored not in UNITS:
        section.fault("store_as", "unknown unit", repr(stored), ", ".join(UNITS))
    of = section.choose("of", ("person", "household"), "person")
    labels = read_texts(section, "labels")
    if stored == "category" and not labels:
        section.faults.add(section.where, f"category '{name}' without labels", expected="labels")
    label = section.take("label", str, name)
    dtype = DTYPES.get(stored, "float64")
    default = section.take("default", float, 0.0)
    return Column(name, of, stored, dtype, label, labels, default, required=False)


def _read_column(section: Section, column: Column, rows: str) -> ColumnMapping:
    unit = section.take("unit", str, "" if column.unit in TIMES_A_YEAR else column.unit)
    roles = rows == "tax units" and column.of == "person"
    cases = _read_cases(section, column)
    mapping = ColumnMapping(
        column=column,
        sources={} if cases else _read_sources(section, column, roles),
        where=section.where,
        codes=_read_codes(section, column),
        unit=unit,
        multiply=section.take("multiply", float, 1.0),
        negative=section.choose(
            "negative",
            NEGATIVE_TREATMENTS,
            "keep" if column.name == "self_employment_income" else "error",
        ),
        across_rows=section.choose("across_rows", ("same", "sum"), "same"),
        cases=cases,
        because=section.take("because", str, ""),
    )
    _check_unit(section, mapping)
    section.finish()
    return mapping


def _check_unit(section: Section, mapping: ColumnMapping) -> None:
    column, unit = mapping.column, mapping.unit
    uses_data = any(source.columns for source in mapping.sources.values())
    if column.unit in TIMES_A_YEAR:
        if unit not in TIMES_A_YEAR and (uses_data or unit):
            section.fault(
                "unit",
                f"unit of '{column.name}' in the survey",
                repr(unit) if unit else "none",
                ", ".join(TIMES_A_YEAR),
                "Amounts are turned into " + column.unit + ".",
            )
    elif unit != column.unit:
        section.fault("unit", f"unit of '{column.name}'", repr(unit), column.unit)


def _read_sources(section: Section, column: Column, roles: bool) -> dict[str, Source]:
    if not roles or "constant" in section:
        return {"": _read_source(section, column)}
    sources: dict[str, Source] = {}
    for role in ROLES:
        section.taken.add(role)
        if role not in section:
            if column.name == "age" and role == "dependants":
                continue
            section.faults.add(
                section.where, f"'{column.name}' says nothing of {role}", expected=f"{role}: ..."
            )
            continue
        value = section.values[role]
        inner = section.inside(role, value)
        if isinstance(value, dict):
            sources[role] = _read_source(inner, column, role)
            inner.finish()
        elif isinstance(value, str) and value and not column.labels:
            sources[role] = Source(columns=(str(value),), where=section.at(role))
        else:
            constant = _constant(section, role, column)
            sources[role] = Source(constant=constant, where=section.at(role))
    return sources


def _read_source(section: Section, column: Column, role: str = "") -> Source:
    given = [key for key in ("column", "columns", "constant") if key in section]
    if len(given) != 1:
        found = ", ".join(given) or "none of them"
        expected = "one of column, columns, constant"
        section.faults.add(section.where, f"source of '{column.name}'", found, expected)
        section.taken |= set(given)
        return Source(where=section.where)
    missing = _read_missing(section, column)
    if missing.treatment == "as head" and role != "spouse":
        section.fault("missing", "'as head' is only for the spouse of a tax unit")
    if given == ["constant"]:
        section.taken.add("constant")
        constant = _constant(section, "constant", column)
        return Source(constant=constant, where=section.where)
    names = section.names(given[0])
    if len(names) > 1 and not column.unit.startswith("currency") and column.unit != "count":
        section.fault(given[0], f"columns of '{column.name}' cannot be added up")
    return Source(columns=names, missing=missing, where=section.where)


def _constant(section: Section, key: str, column: Column) -> Scalar:
    value: Any = section.values[key]
    if column.unit == "category":
        if column.labels and value not in column.labels:
            _unknown_label(section, key, column, value)
        return str(value)
    if column.unit == "boolean":
        if not isinstance(value, bool):
            section.fault(key, f"value of '{column.name}'", repr(value), "true or false")
        return bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        section.fault(key, f"value of '{column.name}'", repr(value), "a number")
        return 0.0
    return float(value)


def _unknown_label(section: Section, key: object, column: Column, value: object) -> None:
    labels = ", ".join(column.labels)
    hint = suggest(str(value), column.labels)
    section.fault(key, f"unknown label of '{column.name}'", repr(str(value)), labels, hint)


def _read_missing(section: Section, column: Column) -> Missing:
    section.taken.add("missing")
    if "missing" not in section:
        return Missing()
    if section.values["missing"] == "error":
        return Missing()
    inner = section.section("missing")
    if inner is None:
        return Missing()
    treatment = inner.choose("treatment", MISSING_TREATMENTS, "error")
    value: Scalar = 0.0
    if treatment == "value":
        inner.taken.add("value")
        if "value" in inner:
            value = _constant(inner, "value", column)
        else:
            inner.faults.add(inner.where, "'value' is missing", expected="the value to put")
    missing = Missing(treatment, value, read_codes(inner, "codes"), inner.take("because", str, ""))
    inner.finish()
    return missing


def _read_codes(section: Section, column: Column) -> dict[str, Scalar]:
    inner = section.section("codes")
    if inner is None:
        return {}
    codes: dict[str, Scalar] = {}
    for key in inner:
        text = code_text(key)
        if text in codes:
            inner.fault(key, f"code {text!r} is given twice")
        codes[text] = _constant(inner, key, column)
    return codes


def _read_cases(section: Section, column: Column) -> tuple[Case, ...]:
    cases: list[Case] = []
    found = section.take("cases", list, [])
    for number, item in enumerate(found):
        inner = Section(item, section.file, section.faults, line_of(found, number))
        if not isinstance(item, dict):
            section.faults.add(
                inner.where, "a case is of the wrong kind", expected="{when: ..., then: ...}"
            )
            continue
        key = "otherwise" if "otherwise" in inner else "then"
        inner.taken.add(key)
        if key not in inner:
            inner.faults.add(inner.where, "a case without 'then' or 'otherwise'")
            continue
        if column.labels and inner.values[key] not in column.labels:
            _unknown_label(inner, key, column, inner.values[key])
        when = inner.section("when", required=key == "then") if key == "then" else None
        conditions = tuple(_condition(when, name) for name in when or () if when is not None)
        cases.append(Case(conditions, str(inner.values[key])))
        inner.finish()
    if cases and cases[-1].conditions:
        section.fault("cases", "the last case is not 'otherwise'", remedy="Add {otherwise: label}.")
    if cases and column.unit != "category":
        section.fault("cases", "cases are for categories", column.unit, "category")
    return tuple(cases)


def _condition(section: Section, name: str) -> tuple[str, str, float | str]:
    text = section.values[name]
    section.taken.add(name)
    match = COMPARISON.match(str(text).strip())
    if isinstance(text, bool):
        return name, "==", float(text)
    if isinstance(text, int | float):
        return name, "==", float(text)
    if match is None:
        return name, "==", str(text)
    try:
        return name, match.group(1), float(match.group(2))
    except ValueError:
        if match.group(1) not in ("==", "!="):
            section.fault(name, "a comparison of size with a text", repr(str(text)), "a number")
        return name, match.group(1), match.group(2)


def _check_cases(columns: dict[str, ColumnMapping], top: Section) -> None:
    for mapping in columns.values():
        for case in mapping.cases:
            for name, _, value in case.conditions:
                other = columns.get(name)
                if name == "sex" and other is None:
                    continue
                if other is None or other.column.of != mapping.column.of or other.cases:
                    top.faults.add(
                        mapping.where,
                        f"case of '{mapping.column.name}' on '{name}'",
                        expected=f"a mapped {mapping.column.of} column that has no cases itself",
                    )
                elif isinstance(value, str) and value not in other.column.labels:
                    labels = ", ".join(other.column.labels)
                    top.faults.add(mapping.where, f"unknown label of '{name}'", repr(value), labels)
