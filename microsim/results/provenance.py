"""Checks that the provenance of a run says what is needed to run it again."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from microsim.errors import FaultList
from microsim.results.layout import provenance_schema

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
}


def check_provenance(provenance: Mapping[str, Any]) -> None:
    """Check a provenance against its schema.

    Raises
    ------
    InputError
        With every place where it does not fit.
    """
    faults = FaultList()
    for where, what, found, expected in _faults(
        "provenance", dict(provenance), provenance_schema()
    ):
        faults.add(where, what, found, expected, "See results_schema/v1/provenance.schema.json.")
    faults.raise_if_any()


def _faults(
    where: str, value: object, schema: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    """Yield faults; knows the part of JSON Schema that the provenance schema uses."""
    kind = schema.get("type", "object")
    if not isinstance(value, TYPES[kind]) or isinstance(value, bool):
        yield where, "has the wrong type", type(value).__name__, kind
    elif isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                yield where, f"has no {name}", ", ".join(value), name
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _faults(f"{where}.{name}", value[name], inner)
    elif isinstance(value, list):
        for i, element in enumerate(value):
            yield from _faults(f"{where}[{i}]", element, schema.get("items", {}))
    elif isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield where, "has the wrong form", value, schema["pattern"]
    elif isinstance(value, (int, float)) and value < schema.get("minimum", -math.inf):
        yield where, "is too small", str(value), f"at least {schema['minimum']}"
