"""The JSON Schema of population parameter files, made from their declaration."""

from __future__ import annotations

from typing import Any

from microsim.population.opendata import INDICATORS
from microsim.population.synthesis.blocks import (
    BANDS,
    BASES,
    BLOCKS,
    BY_YEAR,
    NUMBER,
    OPTIONAL,
    REGIONS,
    ROWS_1,
    SHARE,
)
from microsim.population.synthesis.inputs import N_GROUPS, SEXES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"type": "number"}
_TEXT = {"type": "string", "minLength": 1}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
_YEAR = "^[0-9]{4}$"


def schema() -> dict[str, Any]:
    """Return the schema of `scenarios/populations/*.yaml` and of files given with `--data`."""
    sections: dict[str, Any] = {}
    for name, kinds in BLOCKS.items():
        section, _, block = name.partition(".")
        if not block:
            sections[section] = _block(kinds)
            continue
        entry = sections.setdefault(section, _closed({}))
        entry["properties"][block] = _block(kinds)
    return {
        "$schema": DIALECT,
        "title": "Parameters of a synthesised population",
        **_closed({"name": _TEXT, "series": _series(), **sections}),
    }


def _closed(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    found["additionalProperties"] = False
    return {**found, "required": list(required)} if required else found


def _block(kinds: dict[str, str]) -> dict[str, Any]:
    properties = {"basis": {"enum": list(BASES)}, "source": _TEXT}
    properties |= {key: _entry(kind) for key, kind in kinds.items()}
    required = ("basis", "source", *(key for key in kinds if key not in OPTIONAL))
    return _closed(properties, required)


def _entry(kind: str) -> dict[str, Any]:
    simple: dict[str, dict[str, Any]] = {
        NUMBER: _NUMBER,
        SHARE: _SHARE,
        BY_YEAR: _by_year(_POSITIVE),
    }
    if kind in simple:
        return simple[kind]
    if kind == REGIONS:
        row = _tuple([_POSITIVE, {"anyOf": [{"type": "null"}, _SHARE]}, _NUMBER])
        return {"type": "object", "additionalProperties": row}
    if kind == BANDS:
        return {"type": "array", "minItems": 1, "items": _tuple([_POSITIVE, _POSITIVE])}
    age = {"type": "number", "minimum": 0, "maximum": 127}
    n_shares = 1 if kind == ROWS_1 else 2
    return {"type": "array", "minItems": 1, "items": _tuple([age, *[_SHARE] * n_shares])}


def _tuple(items: list[dict[str, Any]]) -> dict[str, Any]:
    n = len(items)
    return {"type": "array", "prefixItems": items, "minItems": n, "maxItems": n, "items": False}


def _by_year(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {_YEAR: value},
        "additionalProperties": False,
    }


def _series() -> dict[str, Any]:
    one = _closed({"source": _TEXT, "values": _by_year(_NUMBER)}, ("source", "values"))
    groups = {
        "type": "array",
        "items": {"type": "number", "minimum": 0},
        "minItems": N_GROUPS,
        "maxItems": N_GROUPS,
    }
    people = {"source": _TEXT, "year": {"type": "integer"}, **dict.fromkeys(SEXES, groups)}
    names = (*INDICATORS, "ppp", "household_size")
    population = _closed(people, ("source", "year", *SEXES))
    return _closed({**dict.fromkeys(names, one), "population": population})
