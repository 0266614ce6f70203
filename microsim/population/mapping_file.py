"""Reads a mapping file (YAML) and reports every fault in it, with its line."""

from __future__ import annotations

import codecs
from pathlib import Path

from microsim.errors import FaultList
from microsim.population.mapping import LINKED, ROWS, Link, Mapping, Weight
from microsim.population.mapping_columns import read_codes, read_columns, read_texts
from microsim.population.mapping_expansion import read_expansion
from microsim.population.yaml_sections import Section, load


def read_mapping(path: str | Path) -> Mapping:
    """Read and check a mapping file.

    Raises
    ------
    InputError
        Naming every fault with its line: unknown keys, missing keys, unknown target columns,
        labels that a category does not have, standard columns without a source.
    """
    faults = FaultList()
    top = load(path, faults)
    rows = top.choose("rows", ROWS, "persons")
    text = top.section("text")
    household = top.section("household", required=True)
    person = top.section("person")
    head = top.section("head", required=rows == "persons")
    expand = top.section("expand", required=rows == "tax units")
    if rows == "persons" and expand is not None:
        top.fault("expand", "'expand' is only for rows: tax units")
    if rows == "tax units":
        for key in ("person", "head", "links"):
            if key in top:
                top.fault(key, f"'{key}' is only for rows: persons", remedy="See 'expand'.")
    if rows == "persons" and person is None:
        top.taken.add("person")
        faults.add(top.where, "'person' is missing", expected="{id: column}")
    mapping = Mapping(
        path=Path(path),
        name=top.take("mapping", str, Path(path).stem, required=True),
        source=top.take("source", str, "", required=True),
        country=top.take("country", str, ""),
        currency=top.take("currency", str, "", required=True),
        year=top.take("year", int, 0, required=True),
        rows=rows,
        separator=text.take("separator", str, ",") if text else ",",
        decimal=text.choose("decimal", (".", ","), ".") if text else ".",
        encoding=_encoding(text),
        household_file=household.take("file", str, "") if household else "",
        households_without_persons=(
            household.choose("without_persons", ("error", "drop"), "error") if household else ""
        ),
        household_id=household.names("id", required=True) if household else (),
        person_id=person.take("id", str, "", required=True) if person else "",
        ids_unique_in=person.choose("unique_in", ("household", "file"), "household")
        if person
        else "household",
        head_column=head.take("column", str, "", required=True) if head else "",
        head_codes=read_codes(head, "is", required=True) if head else (),
        weight=_read_weight(top),
        links=_read_links(top),
        columns=read_columns(top, rows),
        expansion=read_expansion(expand) if expand and rows == "tax units" else None,
        assumptions=read_texts(top, "assumptions"),
        where={
            "household": household.where if household else top.where,
            "person": person.where if person else top.where,
            "head": head.where if head else top.where,
        },
    )
    for section in (text, household, person, head, top):
        if section is not None:
            section.finish()
    faults.raise_if_any()
    return mapping


def _encoding(text: Section | None) -> str:
    name = text.take("encoding", str, "utf-8") if text else "utf-8"
    try:
        found = codecs.lookup(name).name
    except LookupError:
        if text:
            text.fault("encoding", "unknown encoding", repr(name), "such as utf-8, latin-1, cp1252")
        return "utf-8-sig"
    return "utf-8-sig" if found == "utf-8" else found


def _read_weight(top: Section) -> Weight:
    found = top.section("weight", required=True)
    stratum, psu = top.names("stratum"), top.names("psu")
    if found is None:
        return Weight("", "error", "error", 1.0, stratum, psu, top.where)
    weight = Weight(
        column=found.take("column", str, "", required=True),
        within_household=found.choose("within_household", ("error", "mean"), "error"),
        zero=found.choose("zero", ("error", "keep", "drop"), "error"),
        multiply=found.take("multiply", float, 1.0),
        stratum=stratum,
        psu=psu,
        where=found.where,
        because=found.take("because", str, ""),
    )
    found.finish()
    return weight


def _read_links(top: Section) -> dict[str, Link]:
    links, found = {}, top.section("links")
    if found is None:
        return {}
    for name in LINKED:
        one = found.section(name)
        if one is not None:
            column = one.take("column", str, "", required=True)
            links[name] = Link(column, read_codes(one, "none"), one.where)
            one.finish()
    found.finish(*LINKED)
    return links
