"""Reads the layout of results files: what each dataset is called, holds, and means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from microsim.shipped import folder

VERSION_FOLDER = "v1"


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset of the layout: name, type, named dimensions, unit, period, meaning."""

    name: str
    dtype: str
    dims: tuple[str, ...]
    unit: str
    period: str
    meaning: str
    scale: bool = False
    optional: bool = False


@dataclass(frozen=True)
class GroupSpec:
    """One group of the layout; `kind` is columns (of equal length) or arrays.

    `optional`: files of runs that have no such thing, and older ones, lack it.
    """

    name: str
    kind: str
    meaning: str
    datasets: tuple[DatasetSpec, ...]
    optional: bool = False

    def columns(self) -> tuple[str, ...]:
        """Return the names of the datasets that are not dimension scales."""
        return tuple(spec.name for spec in self.datasets if not spec.scale)


@cache
def layout() -> dict[str, Any]:
    """Return the normative layout, `results_schema/v1/layout.json`."""
    path = folder("results_schema") / VERSION_FOLDER / "layout.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@cache
def provenance_schema() -> dict[str, Any]:
    """Return the JSON Schema of the provenance."""
    path = folder("results_schema") / VERSION_FOLDER / "provenance.schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def format_name() -> str:
    """Return the name of the results format."""
    name: str = layout()["format_name"]
    return name


def format_version() -> tuple[int, int]:
    """Return the major and minor version that this program writes."""
    major, minor = layout()["format_version"]
    return int(major), int(minor)


@cache
def group_spec(name: str) -> GroupSpec:
    """Return the specification of a group; all groups below `tables` share one, as do those below
    `years`.
    """
    first, slash, _ = name.partition("/")
    key = f"{first}/*" if slash else name
    found = layout()["groups"][key]
    datasets = tuple(
        DatasetSpec(**{**entry, "dims": tuple(entry["dims"])}) for entry in found["datasets"]
    )
    optional = bool(found.get("optional", False))
    return GroupSpec(name, found["kind"], found["meaning"], datasets, optional)


def group_names() -> tuple[str, ...]:
    """Return the groups files have; those below `tables` and `years` depend on the run."""
    return tuple(name for name in layout()["groups"] if not name.endswith("*"))


def readme_table() -> str:
    """Return the layout as Markdown tables, for the README of the results schema."""
    lines = []
    for name in layout()["groups"]:
        spec = group_spec(name)
        lines += [f"### /{name}", "", spec.meaning, ""]
        lines += ["| dataset | type | dimensions | unit | period | meaning |"]
        lines += ["|---|---|---|---|---|---|"]
        for entry in spec.datasets:
            dims = ", ".join(entry.dims)
            note = " (optional)" if entry.optional else ""
            meaning = entry.meaning.replace("|", "\\|") + note
            cells = (f"`{entry.name}`", entry.dtype, dims, entry.unit, entry.period, meaning)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)
